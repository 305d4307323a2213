//! The walkthrough to a model of one's own, as far as it needs no other build: its code, its text and its crate.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use lastbatch::machine::panics;

use crate::support::scenario::repository;

include!("../../src/front_page.rs");

fn page() -> String {
    fs::read_to_string(repository("docs/own_model.md")).unwrap()
}

/// Returns the blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let (text, fence) = (page(), format!("\n```{language}\n"));
    let parts = text.split(&fence).skip(1);
    parts
        .map(|part| part.split("\n```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_model_of_the_walkthrough_is_the_one_that_is_tested() {
    assert_eq!(blocks("rust"), [include_str!("../../src/front_page.rs").trim_end()]);
}

#[test]
fn the_failing_test_of_the_walkthrough_says_what_is_printed_there() {
    let failed = panics::catch(|| drop(check(Transfers { in_order: false }).assert_no_hang()));
    let failed = failed.expect_err("it hangs").downcast_ref::<String>().unwrap().clone();
    assert!(
        blocks("text").contains(&failed.trim_end().to_owned()),
        "docs/own_model.md does not show:\n{failed}"
    );
}

#[test]
fn the_dependency_of_the_walkthrough_asks_for_features_that_there_are() {
    let manifest: toml::Table = fs::read_to_string(repository("Cargo.toml")).unwrap().parse().unwrap();
    let there: BTreeSet<&String> = manifest["features"].as_table().unwrap().keys().collect();
    let asked: toml::Table = blocks("toml")[0].parse().unwrap();
    let asked = asked["dev-dependencies"]["lastbatch"]["features"]
        .as_array()
        .unwrap()
        .clone();
    assert!(!asked.is_empty());
    for feature in asked {
        let name = feature.as_str().unwrap().to_owned();
        assert!(there.contains(&name), "{name}");
    }
}

/// Counts the crates that are built, for the library with or without its default features.
fn crates(features: &[&str]) -> usize {
    let tree = [
        "tree",
        "--offline",
        "--locked",
        "-p",
        "lastbatch",
        "-e",
        "normal",
        "--prefix",
        "none",
    ];
    let output = Command::new(env!("CARGO"))
        .current_dir(repository(""))
        .args(tree)
        .args(features)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<&str> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    names.len()
}

#[test]
fn the_library_alone_builds_at_most_two_fifths_of_the_crates_and_none_of_the_program() {
    let (alone, all) = (crates(&["--no-default-features"]), crates(&[]));
    assert!(alone * 5 <= all * 2, "{alone} of {all} crates");
    let tree = Command::new(env!("CARGO"))
        .current_dir(repository(""))
        .args([
            "tree",
            "--offline",
            "--locked",
            "-p",
            "lastbatch",
            "-e",
            "normal",
            "--no-default-features",
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(tree.stdout).unwrap();
    for unwanted in [
        "clap v",
        "indicatif v",
        "prost v",
        "maud v",
        "quick-junit v",
        "toml v",
        "loom v",
        "shuttle v",
    ] {
        assert!(!text.contains(&format!("─ {unwanted}")), "{unwanted}: {text}");
    }
}

#[test]
fn an_example_has_less_than_120_lines_and_is_named_in_the_walkthrough() {
    for entry in fs::read_dir(repository("examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 120, "{name}: {lines}");
        assert!(page().contains(&format!("(../examples/{name})")), "{name}");
    }
}
