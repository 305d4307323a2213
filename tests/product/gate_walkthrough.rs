//! `docs/gate_walkthrough.md` is true: its files are written and its commands run, in order, and print what stands there.
//!
//! A `toml` block whose first line is `# PATH` is a file. In a `console` block a line `$ lastbatch …` is run, `$ echo $?` stands for the
//! exit code of the command before it, and what follows must be printed. `…` stands for anything, alone in a line for any number of lines.

use std::fs;

use tempfile::TempDir;

use crate::support::program::lastbatch;
use crate::support::scenario::repository;

/// A fenced block: its language, the line on which it begins, and its text.
struct Block {
    language: String,
    line: usize,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in document.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(language), false) => blocks.push(Block {
                language: language.to_owned(),
                line: number + 1,
                text: String::new(),
            }),
            (Some(_), true) => {}
            (None, true) => {
                let text = &mut blocks.last_mut().expect("a block is open").text;
                text.push_str(line);
                text.push('\n');
            }
            (None, false) => {}
        }
        open ^= line.starts_with("```");
    }
    blocks
}

/// Returns true if a text is what a pattern with `…` says.
fn matches(pattern: &[&str], text: &[&str]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), _) => (0..=text.len()).any(|skipped| matches(rest, &text[skipped..])),
        (Some((first, rest)), Some((line, lines))) => line_matches(first, line) && matches(rest, lines),
        _ => false,
    }
}

fn line_matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    rest.is_empty() || last == Some("")
}

#[test]
fn three_dots_stand_for_anything() {
    assert!(line_matches("a … c", "a b c") && line_matches("a…", "abc") && line_matches("abc", "abc"));
    assert!(!line_matches("a … c", "a b d") && !line_matches("ab", "abc") && !line_matches("a…d", "abc"));
    assert!(matches(&["…", "b"], &["a", "a", "b"]) && matches(&["a", "…"], &["a"]));
    assert!(!matches(&["a"], &["a", "b"]) && !matches(&["…", "c"], &["a", "b"]));
}

#[test]
fn the_walkthrough_prints_what_it_says() {
    let file = repository("docs/gate_walkthrough.md");
    let document = fs::read_to_string(file).expect("the document is there");
    let directory = tempfile::tempdir().expect("a directory");
    let mut commands = 0;
    for block in blocks(&document) {
        match block.language.as_str() {
            "toml" => {
                let name = block.text.lines().next().and_then(|line| line.strip_prefix("# "));
                let path = directory
                    .path()
                    .join(name.unwrap_or_else(|| panic!("line {}: no file name", block.line)));
                fs::create_dir_all(path.parent().expect("in a directory")).expect("made");
                fs::write(path, &block.text).expect("written");
            }
            "console" => commands += console(&directory, &block),
            _ => {}
        }
    }
    assert!(commands > 8, "only {commands} commands were run");
}

/// Runs the commands of a block; returns how many there were.
fn console(directory: &TempDir, block: &Block) -> usize {
    let mut code = None;
    let mut commands = 0;
    for part in block.text.split("$ ").skip(1) {
        let mut expected = part.lines();
        let line = expected.next().expect("a command");
        let expected: Vec<&str> = expected.collect();
        let printed = if line == "echo $?" {
            format!("{}\n", code.expect("a command before it"))
        } else {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[0], "lastbatch", "line {}: {line}", block.line);
            let mut command = lastbatch(directory);
            command.args(&words[1..]).env_remove("GITHUB_ACTIONS");
            let output = command.output().expect("it runs");
            code = output.status.code();
            assert_ne!(code, Some(2), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            commands += 1;
            String::from_utf8(output.stdout).expect("text")
        };
        let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
        assert!(
            matches(&expected, &lines),
            "line {}: {line} printed\n{printed}",
            block.line
        );
    }
    commands
}
