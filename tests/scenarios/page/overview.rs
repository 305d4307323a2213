//! The top of the page: the picture, the other order of a race, links to the source, models of other things.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use lastbatch::diagnose::{ExplainOptions, explain};
use lastbatch::explore::exhaustive::{self, Options};
use lastbatch::machine::{Describe, Model};
use lastbatch::models::litmus::crossed_locks::CrossedLocks;
use lastbatch::report::Page;
use lastbatch::schedule::Ending;
use serde_json::{Value, json};

use super::{PAGE, Test, at, position};
use crate::support::chromium::Chromium;
use crate::support::fault_injection::{Copies, Fault};
use crate::support::shipped_schedules;

pub(super) const TESTS: [(&str, Test); 5] = [
    (
        "the_picture_has_every_decisive_race_as_two_neighbours_with_the_other_order_beside",
        picture_has_every_race,
    ),
    ("a_box_of_the_picture_leads_to_its_event", box_leads_to_its_event),
    (
        "the_other_order_of_a_race_is_shown_as_a_schedule_that_ends_with_the_return",
        other_order_is_a_schedule,
    ),
    ("a_site_is_a_link_to_the_source_of_its_release", sites_are_links),
    (
        "a_model_of_other_things_has_a_picture_and_no_links_to_sources",
        other_models_have_a_picture,
    ),
];

/// Returns the numbers of the events in the boxes of each chain; an outcome has one box and is none.
fn chains(chromium: &mut Chromium) -> Vec<Vec<usize>> {
    let chains = chromium.evaluate(
        "[...document.querySelectorAll('.chain:has(.box ~ .box)')].map((chain) => [...chain.querySelectorAll('.box')].map((box) => +box.dataset.go))",
    );
    serde_json::from_value(chains).expect("numbers")
}

fn picture_has_every_race(chromium: &mut Chromium) {
    let chains = chains(chromium);
    let neighbours = chains.iter().flat_map(|chain| chain.windows(2));
    let neighbours: BTreeSet<[usize; 2]> = neighbours.map(|pair| [pair[0], pair[1]]).collect();
    assert_eq!(neighbours, PAGE.races.iter().copied().collect());
    assert!(chains.iter().all(|chain| chain.len() <= 8), "{chains:?}");
    // Each pair of boxes has its other order at the height of the arrow between them.
    let apart = chromium.evaluate(
        "[...document.querySelectorAll('.chain:has(.box ~ .box)')].map((chain) => { \
           const middle = (element) => { const box = element.getBoundingClientRect(); return (box.top + box.bottom) / 2; }; \
           const boxes = [...chain.querySelectorAll('.box')]; \
           return [...chain.querySelectorAll('.other')].map((other, index) => \
             middle(boxes[index]) < middle(other) && middle(other) < middle(boxes[index + 1] ?? other)); })",
    );
    let expected: Vec<Vec<bool>> = chains.iter().map(|chain| vec![true; chain.len() - 1]).collect();
    assert_eq!(apart, json!(expected));
}

fn box_leads_to_its_event(chromium: &mut Chromium) {
    let last = *chains(chromium).last().and_then(|chain| chain.last()).expect("a box");
    chromium.click(&format!("#picture [data-go='{last}']"));
    assert_eq!(position(chromium), at(last));
    let words = chromium.text("#event .words");
    assert!(words.ends_with(&PAGE.recording.events[last - 1].words), "{words}");
}

fn other_order_is_a_schedule(chromium: &mut Chromium) {
    let run = chromium.evaluate("JSON.parse(document.getElementById('data').textContent).runs[0]");
    let events = run["events"].as_array().expect("a list").len();
    chromium.click("#race1 [data-run]");
    chromium.evaluate("document.querySelector('#race1 .same button')?.click()");
    let numbers = chromium.evaluate(
        "[...document.querySelectorAll('#race1 .schedule li:not(.end) .n')].map((number) => +number.textContent)",
    );
    assert_eq!(numbers, json!((1..=events).collect::<Vec<_>>()));
    let turned =
        chromium.evaluate("[...document.querySelectorAll('#race1 .turned .n')].map((number) => +number.textContent)");
    assert_eq!(turned, run["marks"]);
    assert!(chromium.text("#race1 .end").ends_with("returns"));
    let shared = run["same"].as_u64().expect("a number");
    assert!(
        shared < PAGE.races[0][0] as u64,
        "the runs part where the order is another"
    );
    chromium.click("#race1 [data-run]");
    assert_eq!(
        chromium.evaluate("document.querySelector('#race1 .schedule').hidden"),
        true
    );
}

fn sites_are_links(chromium: &mut Chromium) {
    let labels = chromium.evaluate(
        "(() => { const data = JSON.parse(document.getElementById('data').textContent); \
         return data.labels.map(([, , site, address]) => [data.strings[site], data.strings[address] ?? null]); })()",
    );
    let labels: Vec<(String, Option<String>)> = serde_json::from_value(labels).expect("texts");
    for (site, address) in &labels {
        if let Some((file, line)) = site.split_once(':') {
            let address = address.as_ref().expect("a line can be read");
            let end = format!("/{file}#L{line}");
            assert!(
                address.starts_with("https://github.com/tensorflow/tensorflow/blob/v1.12.0/")
                    && address.ends_with(&end)
            );
        }
    }
    chromium.click(".row[data-n='1'] .what");
    let shown = chromium.evaluate("document.querySelector('#event .function a').href");
    let site = PAGE.recording.events[0].label.site;
    let known = labels.iter().find(|(other, _)| other == site).expect("its label");
    assert_eq!(shown, json!(known.1));
    let places = chromium.evaluate(
        "[...document.querySelectorAll('#races .pair > p code')].filter((site) => site.textContent.includes(':')) \
         .map((site) => site.closest('a') !== null)",
    );
    let places: Vec<bool> = serde_json::from_value(places).expect("a list");
    assert!(!places.is_empty() && places.iter().all(|linked| *linked), "{places:?}");
}

impl<M: Model> Describe for Copies<M> {}

/// The page of two threads that take two locks crosswise.
static LOCKS: LazyLock<PathBuf> = LazyLock::new(|| {
    let model = Copies {
        model: CrossedLocks { crosswise: true },
        count: 1,
        fault: Fault::None,
    };
    let hang = exhaustive::search(&model, &Options::default(), &AtomicBool::new(false), &mut |_| {})
        .hangs
        .remove(0);
    let options = ExplainOptions::default();
    let explained = explain(&model, &hang.events, &hang.client, &hang.signature, &options).expect("a hang");
    let (_, prepared) = shipped_schedules::load(&shipped_schedules::schedules("tiny").remove(0));
    let page = Page {
        schedule: &prepared.schedule(
            Ending::hang(&hang.client, &hang.signature),
            explained.recording.schedule(),
        ),
        recording: &explained.recording,
        explanation: Some(&explained),
        beside: None,
    };
    let file = PAGE.file.with_file_name("locks.html");
    std::fs::write(&file, page.html()).expect("written");
    file
});

fn other_models_have_a_picture(chromium: &mut Chromium) {
    chromium.open(&LOCKS);
    let actors =
        chromium.evaluate("[...document.querySelectorAll('#picture .box .actor')].map((actor) => actor.textContent)");
    // No pair of these decides, so there is what each thread did last.
    let actors: BTreeSet<&str> = actors
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(actors, BTreeSet::from(["host0 thread thread0", "host0 thread thread1"]));
    let links = chromium.evaluate("document.querySelectorAll('a[href^=http]').length");
    assert_eq!(links, 0);
}
