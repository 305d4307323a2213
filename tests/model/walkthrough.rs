//! Pages that say how the project is extended, block by block: what they say is done to the project, here only in thought.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::project::{copy_to, root};

/// The purpose of a block of the page.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Block {
    /// The whole source of a new file.
    File(String),
    /// A text that stands once in a file.
    Find(String),
    /// The text that takes its place.
    Replace(String),
}

/// The blocks of a page that say what is done, in order, with their text.
fn blocks(page: &str) -> Vec<(Block, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let text: String = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .flat_map(|line| [line, "\n"])
            .collect();
        let kind = info.split_whitespace().find_map(|word| {
            let (key, path) = word.split_once('=')?;
            let path = path.to_owned();
            match key {
                "file" => Some(Block::File(path)),
                "find" => Some(Block::Find(path)),
                "replace" => Some(Block::Replace(path)),
                _ => panic!("a block is no {key}"),
            }
        });
        found.extend(kind.map(|kind| (kind, text)));
    }
    found
}

/// Returns the files that a page adds or changes, as they are after it.
pub(super) fn applied(page: &str) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut blocks = blocks(page).into_iter();
    while let Some((block, text)) = blocks.next() {
        match block {
            Block::File(path) => {
                assert!(!root().join(&path).exists(), "{path} is there already");
                files.insert(path, text);
            }
            Block::Find(path) => {
                let Some((Block::Replace(other), instead)) = blocks.next() else {
                    panic!("nothing takes the place of what is found in {path}")
                };
                assert_eq!(path, other, "what is found and what takes its place are in one file");
                let source = files.remove(&path).unwrap_or_else(|| {
                    fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"))
                });
                let (text, instead) = (text.trim_end(), instead.trim_end());
                assert_eq!(
                    source.matches(text).count(),
                    1,
                    "how often this stands in {path}:\n{text}"
                );
                files.insert(path, source.replace(text, instead));
            }
            Block::Replace(path) => panic!("nothing was found in {path}"),
        }
    }
    files
}

/// Returns the text of a page of the documentation.
pub(super) fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a page")
}

/// Makes a copy of the project in a directory and applies a page to it.
pub(super) fn apply_to_copy(page: &str, copy: &Path) {
    copy_to(copy);
    for (path, text) in applied(page) {
        fs::write(copy.join(path), text).expect("written");
    }
}

/// Returns cargo in a copy of the project, where dependencies have been built beside this test; and what it printed, if it succeeded.
pub(super) fn cargo(copy: &Path, arguments: &[&str]) -> String {
    let own = std::env::current_exe().expect("a program");
    let target = own.ancestors().nth(3).expect("it is in target/debug/deps");
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo
        .args(arguments)
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", target)
        .output();
    let output = output.expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}\n{errors}");
    text
}

#[test]
fn blocks_of_a_page_are_told_apart_by_what_stands_behind_their_language() {
    let page = "```rust file=a.rs\nfn a() {}\n```\ntext\n```console\n$ b\n```\n```rust find=c.rs\nc\n```\n```rust replace=c.rs\nd\n\ne\n```\n";
    let expected = [
        (Block::File("a.rs".to_owned()), "fn a() {}\n".to_owned()),
        (Block::Find("c.rs".to_owned()), "c\n".to_owned()),
        (Block::Replace("c.rs".to_owned()), "d\n\ne\n".to_owned()),
    ];
    assert_eq!(blocks(page), expected);
}
