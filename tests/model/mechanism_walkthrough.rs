//! `docs/how_to_add_a_mechanism.md` is true: what it says is done to a copy of the project, and the tests of its example pass there.
//!
//! The default run only applies the page. To build the copy takes minutes: `cargo test --locked --test model mechanism -- --ignored`.

use super::walkthrough::{applied, apply_to_copy, cargo, page};
use crate::support::project::root;

const PAGE: &str = "docs/how_to_add_a_mechanism.md";

#[test]
fn what_the_page_on_mechanisms_says_can_be_done_to_the_project_of_today() {
    let files = applied(&page(PAGE));
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
    apply_to_copy(&page(PAGE), copy.path());
    let text = cargo(copy.path(), &["test", "--locked", "--lib", "counter"]);
    let ran = text
        .lines()
        .filter(|line| line.starts_with("test ") && line.contains("counter::tests"));
    assert!(ran.count() > 1, "{text}");
}
