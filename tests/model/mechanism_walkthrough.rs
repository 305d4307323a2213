//! `docs/how_to_add_a_mechanism.md` is true: what it says is done to a copy of the project, and the tests of its example pass there.
//!
//! The default run only applies the page. To build the copy takes minutes: `cargo test --locked --test model mechanism -- --ignored`.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::support::project::{copy_to, root};

const PAGE: &str = "docs/how_to_add_a_mechanism.md";

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
                _ => panic!("{PAGE}: a block is no {key}"),
            }
        });
        found.extend(kind.map(|kind| (kind, text)));
    }
    found
}

/// The files that the page adds or changes, as they are after it.
fn applied(page: &str) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut blocks = blocks(page).into_iter();
    while let Some((block, text)) = blocks.next() {
        match block {
            Block::File(path) => {
                assert!(!root().join(&path).exists(), "{PAGE}: {path} is there already");
                files.insert(path, text);
            }
            Block::Find(path) => {
                let Some((Block::Replace(other), instead)) = blocks.next() else {
                    panic!("{PAGE}: nothing takes the place of what is found in {path}")
                };
                assert_eq!(
                    path, other,
                    "{PAGE}: what is found and what takes its place are in one file"
                );
                let source = files.remove(&path).unwrap_or_else(|| {
                    fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"))
                });
                let (text, instead) = (text.trim_end(), instead.trim_end());
                assert_eq!(
                    source.matches(text).count(),
                    1,
                    "{PAGE}: how often this stands in {path}:\n{text}"
                );
                files.insert(path, source.replace(text, instead));
            }
            Block::Replace(path) => panic!("{PAGE}: nothing was found in {path}"),
        }
    }
    files
}

fn page() -> String {
    fs::read_to_string(root().join(PAGE)).expect("a page")
}

#[test]
fn what_the_page_on_mechanisms_says_can_be_done_to_the_project_of_today() {
    let files = applied(&page());
    let rooms = files
        .keys()
        .filter(|path| path.starts_with("models/tensorflow/mechanisms/"));
    let new: Vec<&String> = rooms.filter(|path| !root().join(path).exists()).collect();
    assert_eq!(new.len(), 1, "a mechanism is one file: {new:?}");
    let room = &files[new[0]];
    let labels = room.lines().filter_map(|line| {
        let (name, rest) = line.trim().split_once(" = \"")?;
        let is_static = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
        (is_static && rest.ends_with(';')).then(|| rest.split('"').next().expect("a name"))
    });
    let (labels, fidelity): (Vec<&str>, &String) = (labels.collect(), &files["docs/fidelity.md"]);
    assert!(!labels.is_empty());
    for label in labels {
        assert!(
            fidelity.contains(&format!("`{label}`")),
            "{label} has no row in docs/fidelity.md"
        );
    }
}

#[test]
#[ignore = "builds a copy of the project: minutes"]
fn the_mechanism_of_the_page_compiles_and_its_tests_pass() {
    let copy = tempfile::tempdir().expect("a directory");
    copy_to(copy.path());
    for (path, text) in applied(&page()) {
        fs::write(copy.path().join(path), text).expect("written");
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["test", "--locked", "--lib", "counter"])
        .current_dir(copy.path());
    // Dependencies have been built beside this test.
    let own = std::env::current_exe().expect("a program");
    let target = own.ancestors().nth(3).expect("it is in target/debug/deps");
    let output = cargo.env("CARGO_TARGET_DIR", target).output().expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let ran = text
        .lines()
        .filter(|line| line.starts_with("test ") && line.contains("counter::tests"));
    assert!(ran.count() > 1, "{text}");
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
