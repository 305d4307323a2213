//! States, lengths and verdicts that the documentation prints are those of the baseline.

use std::fs;

use lastbatch::explore::Answer;
use lastbatch::gate::{Baseline, BaselineEngine};

use crate::support::scenario::repository;

/// Pages with tables of scenarios, each with the folder of the scenarios that it names without one.
const PAGES: [(&str, &str); 3] = [
    ("docs/limits.md", "final_batch"),
    ("docs/other_ends.md", "other_ends"),
    ("docs/pipeline.md", "dataset"),
];

/// A row of a table that has a column of states.
struct Row {
    place: String,
    cells: Vec<String>,
    states: usize,
}

fn rows(page: &str) -> Vec<Row> {
    let text = fs::read_to_string(repository(page)).expect("a page");
    let mut rows = Vec::new();
    let mut states = None;
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
        if !line.starts_with('|') {
            inside = false;
        } else if !inside {
            inside = true;
            states = cells.iter().position(|cell| cell == "states");
        } else if let Some(states) = states {
            let place = format!("{page}:{}", index + 1);
            rows.push(Row { place, cells, states });
        }
    }
    rows
}

/// Returns the exhaustive search of the scenario that is the first code in a cell.
fn search<'a>(baseline: &'a Baseline, folder: &str, cell: &str) -> Option<&'a BaselineEngine> {
    let name = cell.split('`').nth(1)?;
    let entry = baseline.scenarios.get(&format!("{name}.toml"));
    let entry = entry.or_else(|| baseline.scenarios.get(&format!("{folder}/{name}.toml")));
    entry?.engines.get("exhaustive")
}

/// Returns the numbers in a text, without separators.
fn numbers(text: &str) -> Vec<u64> {
    let plain = text.replace(',', "");
    let words = plain.split(|character: char| !character.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

/// Tells what a row says otherwise than the search.
fn stale(row: &Row, search: &BaselineEngine) -> Option<String> {
    let text = row.cells.join(" | ");
    let verdict = if text.contains("| no hang |") {
        Some(Answer::NoHang)
    } else {
        text.contains("| hang").then_some(Answer::Hang)
    };
    let mut lengths: Vec<u64> = search.lengths.iter().map(|&length| length as u64).collect();
    lengths.sort_unstable();
    let told = text
        .split("hang, length")
        .nth(1)
        .and_then(|rest| rest.split('|').next());
    let mut wrong = Vec::new();
    if numbers(&row.cells[row.states]).first() != Some(&search.states) {
        wrong.push(format!("{} states", search.states));
    }
    if verdict.is_some_and(|verdict| verdict != search.verdict) {
        wrong.push(search.verdict.name().to_owned());
    }
    if told.is_some_and(|told| numbers(told) != lengths) {
        wrong.push(format!("lengths {lengths:?}"));
    }
    for id in &search.signatures {
        let length = text.split(&format!("`{id}` (")).nth(1).map(numbers);
        let expected = search.length(id).map(|length| length as u64);
        if length.is_some_and(|length| length.first().copied() != expected) {
            wrong.push(format!("{id} ({expected:?})"));
        }
    }
    (!wrong.is_empty()).then(|| format!("{}: the baseline has {}", row.place, wrong.join(", ")))
}

fn baseline() -> Baseline {
    Baseline::load(&repository("scenarios/baseline.toml")).expect("the baseline")
}

#[test]
fn tables_of_scenarios_say_what_the_baseline_says() {
    let baseline = baseline();
    let (mut count, mut problems) = (0, Vec::new());
    for (page, folder) in PAGES {
        for row in rows(page) {
            if let Some(search) = search(&baseline, folder, &row.cells[1]) {
                count += 1;
                problems.extend(stale(&row, search));
            }
        }
    }
    assert_eq!(problems, Vec::<String>::new());
    assert!(count >= 100, "only {count} rows were found");
}

#[test]
fn the_size_that_readme_shows_is_that_of_the_baseline() {
    let text = fs::read_to_string(repository("README.md")).expect("a page");
    let size = text
        .lines()
        .find(|line| line.starts_with("  size"))
        .expect("the size of a search");
    let baseline = baseline();
    let search = search(&baseline, "final_batch", "`ps2_coupled`").expect("the built-in job");
    assert_eq!(numbers(size).first(), Some(&search.states));
}

#[test]
fn the_shortest_hangs_of_the_table_of_minimise_are_those_of_the_baseline() {
    let text = fs::read_to_string(repository("docs/explain.md")).expect("a page");
    let baseline = baseline();
    let mut count = 0;
    for line in text.lines().filter(|line| line.starts_with("| `ps")) {
        let search = search(&baseline, "final_batch", line).expect("a scenario");
        let id = line.split('`').nth(3).expect("a signature");
        let told = numbers(line).last().copied();
        assert_eq!(told, search.length(id).map(|length| length as u64), "{line}");
        count += 1;
    }
    assert!(count >= 6, "only {count} rows were found");
}

#[test]
fn a_stale_row_is_found() {
    let baseline = baseline();
    let search = search(&baseline, "tiny", "`two_servers`").expect("a small job");
    let row = |verdict: &str, states: u64, signatures: &str| Row {
        place: "page:1".to_owned(),
        cells: ["", "`two_servers`", verdict, &states.to_string(), signatures, ""]
            .map(str::to_owned)
            .to_vec(),
        states: 3,
    };
    let stale = |row: Row| stale(&row, search);
    assert_eq!(
        stale(row("hang, lengths 100 and 101", search.states, "`7a624761` (100)")),
        None
    );
    assert!(stale(row("hang", search.states + 1, "")).is_some());
    assert!(stale(row("no hang", search.states, "")).is_some());
    assert!(stale(row("hang, length 100", search.states, "")).is_some());
    assert!(stale(row("hang", search.states, "`7a624761` (101)")).is_some());
}
