//! `docs/how_to_add_a_variant.md` is true: what it says is done to a copy of the project, and the suite is green there.
//!
//! The default run only applies the page. To build the copy takes minutes: `cargo test --locked --test model variant -- --ignored`.

use std::fs;

use super::walkthrough::{applied, apply_to_copy, cargo, page};

const PAGE: &str = "docs/how_to_add_a_variant.md";

#[test]
fn what_the_page_on_variants_says_can_be_done_to_the_project_of_today() {
    let files = applied(&page(PAGE));
    let scenario = files.iter().find(|(path, _)| path.starts_with("scenarios/"));
    let (_, scenario) = scenario.expect("a variant has a scenario");
    let variant = scenario.lines().find_map(|line| line.strip_prefix("variant = "));
    let variant = variant.expect("it names the variant").trim_matches('"');
    let row = format!("| `{variant}`");
    assert!(
        files["docs/fidelity.md"].contains(&row),
        "{row} is no row of docs/fidelity.md"
    );
    assert!(files["models/tensorflow/job/mod.rs"].contains(&format!("\"{variant}\"),")));
}

#[test]
#[ignore = "builds a copy of the project: minutes"]
fn the_suite_is_green_with_the_variant_of_the_page() {
    let copy = tempfile::tempdir().expect("a directory");
    let copy = copy.path();
    apply_to_copy(&page(PAGE), copy);
    let lastbatch = |arguments: &[&str]| cargo(copy, &[&["run", "--locked", "--quiet", "--"], arguments].concat());
    lastbatch(&[
        "gate",
        "--only",
        "tiny/check_before_start.toml",
        "--verify",
        "--update-baseline",
    ]);
    let limits = copy.join("docs/limits.md");
    let text = fs::read_to_string(&limits).expect("the page with the proofs");
    let (before, rest) = text.split_once("<!-- proofs -->\n").expect("where they begin");
    let (_, after) = rest.split_once("<!-- end of proofs -->").expect("where they end");
    let proofs = lastbatch(&["gate", "--proofs"]);
    let text = format!("{before}<!-- proofs -->\n{proofs}<!-- end of proofs -->{after}");
    fs::write(limits, text).expect("written");
    let told = cargo(copy, &["test", "--locked", "--lib", "check_before_start"]);
    assert_eq!(told.matches(" ... ok").count(), 2, "{told}");
    cargo(
        copy,
        &["test", "--locked", "--lib", "--test", "model", "--test", "tidy"],
    );
    cargo(copy, &["test", "--locked", "--test", "product", "docs::"]);
}
