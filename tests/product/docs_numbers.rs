//! Figures of the documentation: states, lengths, verdicts and signatures are those of the baseline, counts and bounds those of the files
//! and the code that they are about.

use std::fs;

use lastbatch::explore::Answer;
use lastbatch::gate::{Baseline, BaselineEngine, Budgets};
use lastbatch::scenario::Scenario;

use crate::support::scenario::repository;

/// Pages with tables of scenarios, each with the folder of the scenarios that it names without one.
const PAGES: [(&str, &str); 3] = [
    ("docs/limits.md", "final_batch"),
    ("docs/other_ends.md", "other_ends"),
    ("docs/pipeline.md", "dataset"),
];

/// Sentences with figures of the search of a scenario: a page, the scenario, and the sentence. `{states}` stands for the number of states,
/// `{millions}` for that in millions, a signature for the length of its shortest schedule, `{ids}` for the signatures, `{hangs}` for how
/// many there are and `{ways}` for that as a word.
#[rustfmt::skip]
const PROSE: [(&str, &str, &str); 44] = [
    ("README.md", "final_batch/ps2_coupled", "The exported job of two servers hangs in {ways} ways."),
    ("README.md", "final_batch/ps2_coupled", "| 1.12 | hangs in {ways} ways |"),
    ("README.md", "small/three_servers", "ways | hangs in {ways} ways | | 1.13 |"),
    ("README.md", "final_batch/ps2_tf_1_13", "| 1.13 | {ways} |"),
    ("README.md", "small/three_servers_tf_1_13", "| {ways} | | 1.15 |"),
    ("README.md", "final_batch/ps2_tf_1_15", "| 1.15 | {ways} |"),
    ("README.md", "small/three_servers_tf_1_15", "| {ways} | | 2.x |"),
    ("README.md", "small/three_servers_tf_2", "states | {ways} in the model, none forced |"),
    ("README.md", "final_batch/ps2_coupled", "HANG: {hangs} distinct hangs; the search is complete"),
    ("README.md", "final_batch/ps2_coupled", "size {states} states,"),
    ("docs/architecture.md", "dataset/close_session", "the scenario has {states} today"),
    ("docs/kernels.md", "kernel/recv_cancel_race", "`recv_cancel_race.toml` ({ids})"),
    ("docs/kernels.md", "kernel/server_never_starts", "`server_never_starts.toml` ({ids})"),
    ("docs/kernels.md", "kernel/outstanding_count", "`outstanding_count.toml` ({ids})"),
    ("docs/kernels.md", "kernel/recv_cancel_race", "the exhaustive engine needs {states} states. As it is now"),
    ("docs/root_cause.md", "final_batch/ps2_coupled", "cancelled before it was sent | found, {7a624761} events |"),
    ("docs/root_cause.md", "final_batch/ps2_coupled", "dropped together with its reset | found, {72eaa422} events |"),
    ("docs/root_cause.md", "final_batch/ps2_coupled", "`7de6dade` ({7de6dade} events) and `c33d79b5` ({c33d79b5})."),
    ("docs/root_cause.md", "final_batch/ps2_coupled", "(that of the recorded hang), {7a624761} events;"),
    ("docs/root_cause.md", "final_batch/ps2_coupled", "Shortest schedule: {7a624761} events, then"),
    ("docs/root_cause.md", "tiny/two_servers", "Its shortest schedule has {7a624761} events. In short:"),
    ("docs/root_cause.md", "final_batch/ps1_coupled", "(slice of pairs: {states} states;"),
    ("docs/root_cause.md", "tiny/one_server", "its two tensors on one server: no hang, complete, {states} states."),
    ("docs/root_cause.md", "small/three_servers", "hang, complete, {78fe6d66} and {d9f8c03f} events | `78fe6d66`, `d9f8c03f`:"),
    ("docs/root_cause.md", "small/three_servers_check_after_send", "hang, complete, {78fe6d66} and {d9f8c03f} events | the same two:"),
    ("docs/root_cause.md", "final_batch/ps2_coupled_one_thread", "complete with {states} states and finds `7de6dade` and `c33d79b5` alone ({7de6dade} and {c33d79b5} events)"),
    ("docs/root_cause.md", "tiny/two_servers_one_thread", "after as many events ({7a624761} and {72eaa422});"),
    ("docs/root_cause.md", "tiny/two_servers", "after as many events ({7a624761} and {72eaa422});"),
    ("docs/root_cause.md", "final_batch/ps2_queue_one_thread", "`7de6dade` and `c33d79b5` stay ({7de6dade} and {c33d79b5} events)"),
    ("docs/root_cause.md", "final_batch/queue_not_at_rest", "it hangs in all {ways} ways (`final_batch/queue_not_at_rest`)"),
    ("docs/root_cause.md", "final_batch/ps2_tf_1_13", "hang, complete, all {ways} signatures, {states} states | - |"),
    ("docs/root_cause.md", "final_batch/ps2_tf_1_15", "hang, complete, `7de6dade` and `c33d79b5`, {states} states | 1.15.0:"),
    ("docs/root_cause.md", "tiny/tf_2", "no hang, complete, {states} states | no hang found"),
    ("docs/root_cause.md", "final_batch/ps2_coupled", "| hang, both signatures | hang, all {ways} signatures |"),
    ("docs/root_cause.md", "tiny/no_send_after_abort", "hang, both signatures, {7a624761} and {72eaa422} events | hang, all four (109"),
    ("docs/root_cause.md", "final_batch/ps2_no_send_after_abort", "hang, all {ways} ({7de6dade} to {72eaa422} events)"),
    ("docs/root_cause.md", "final_batch/ps2_check_after_send", "no hang, complete, {millions} million states | | `sticky-cancel`"),
    ("docs/root_cause.md", "final_batch/ps2_sticky_cancel", "no hang, complete, {millions} million states | | `abort-deferred`"),
    ("docs/root_cause.md", "tiny/abort_deferred", "hang, both signatures, {7a624761} and {72eaa422} events | hang, all four |"),
    ("docs/root_cause.md", "final_batch/ps2_abort_deferred", "events | hang, all {ways} | | `remember"),
    ("docs/root_cause.md", "final_batch/ps2_remember_cancelled_steps", "no hang, complete, {millions} million states | \"Small job\""),
    ("docs/gate_walkthrough.md", "tiny/no_send_after_abort", "on schedules of {7a624761} and {72eaa422} labels"),
    ("docs/gate_walkthrough.md", "tiny/two_servers", "in place of {7a624761} and {72eaa422}."),
    ("docs/limits.md", "small/two_servers", "| nothing (`small/two_servers`) | {states} |"),
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

/// Returns a page with single spaces, so that it does not matter where lines end.
fn page(name: &str) -> String {
    let text = fs::read_to_string(repository(name)).expect("a page");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns a number with separators.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let end = |index: &usize| (digits.len() - index).is_multiple_of(3) && *index > 0;
    let each = digits.char_indices().map(|(index, digit)| match end(&index) {
        true => format!(",{digit}"),
        false => digit.to_string(),
    });
    each.collect()
}

/// Returns a sentence with the figures of a search.
fn told(sentence: &str, search: &BaselineEngine) -> String {
    let mut parts = sentence.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (figure, rest) = part.split_once('}').expect("a figure in braces");
        let ways = search.signatures.len();
        text += &match figure {
            "states" => grouped(search.states),
            "millions" => format!("{:.1}", search.states as f64 / 1e6),
            "ids" => search.signatures.join(", "),
            "hangs" => ways.to_string(),
            "ways" => ["no", "one", "two", "three", "four"][ways].to_owned(),
            id => search
                .length(id)
                .map_or_else(|| format!("no {id}"), |length| length.to_string()),
        };
        text += rest;
    }
    text
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
fn sentences_about_scenarios_say_what_the_baseline_says() {
    let baseline = baseline();
    let mut problems = Vec::new();
    for (name, scenario, sentence) in PROSE {
        let search = search(&baseline, "", &format!("`{scenario}`")).unwrap_or_else(|| panic!("{scenario}"));
        let told = told(sentence, search);
        if !page(name).contains(&told) {
            problems.push(format!("{name}: the baseline says: {told}"));
        }
    }
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn the_pages_count_kernels_mutants_and_what_has_happened_before_a_fragment_as_the_files_do() {
    let read = |name: &str| fs::read_to_string(repository(name)).expect("a file");
    let table = read("models/tensorflow/kernels/table.tsv");
    let kernels = || {
        table
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter(|line| !line.is_empty())
    };
    let fidelity = page("docs/fidelity.md");
    for class in ["plain", "waits", "functions", "modelled", "exits", "unknown"] {
        let count = kernels().filter(|row| row.split('\t').nth(1) == Some(class)).count();
        assert!(
            fidelity.contains(&format!("| `{class}` | {count} |")),
            "{count} of {class}"
        );
    }
    let all = grouped(kernels().count() as u64);
    assert!(fidelity.contains(&format!("TensorFlow 1.12 has {all} ops")), "{all}");
    let mutants = read("tests/model/mutants.toml").matches("\n[[").count();
    let told = format!("lists {mutants} ways to break the model");
    assert!(page("docs/gate_walkthrough.md").contains(&told), "{told}");
    let scenario = Scenario::load(&repository("scenarios/kernel/recv_cancel_race.toml")).expect("a scenario");
    let begin = scenario.document.kernel.expect("a fragment").begin.len();
    let told = format!("`kernel: begins after {begin} events, groups");
    assert!(page("docs/kernels.md").contains(&told), "{told}");
}

#[test]
fn the_page_of_the_gate_has_its_budgets() {
    let text = page("docs/ci.md");
    let bound = |bound: Option<u64>| grouped(bound.expect("a bound"));
    let Budgets {
        whole, canary, partial, ..
    } = Budgets::QUICK;
    for told in [
        format!("what took at most {} states", bound(whole)),
        format!("*a* hang within {} states", bound(canary)),
        format!("is searched for {} states", bound(partial)),
    ] {
        assert!(text.contains(&told), "{told}");
    }
    let second = bound(Budgets::FULL.verifying().second);
    assert!(page("docs/limits.md").contains(&format!("second search of every proof, up to {second} states")));
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
    let sentence = "{states} and {millions} million states, {ways} ways: {ids}; {7a624761} and {00000000}";
    let expected = format!(
        "{} and 0.0 million states, two ways: 72eaa422, 7a624761; 100 and no 00000000",
        grouped(search.states)
    );
    assert_eq!(told(sentence, search), expected);
    assert_eq!([999, 1_000, 1_234_567].map(grouped), ["999", "1,000", "1,234,567"]);
}
