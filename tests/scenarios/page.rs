//! The page of an explanation, in a real browser: it renders, stepping changes what is shown, nothing is loaded, nothing complains.
//!
//! Needs chromium. Where there is none the tests are reported as ignored, with the reason; where `CI` is set they fail.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use lastbatch::diagnose::{Recording, record};
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::support::chromium;
use crate::support::chromium::Chromium;
use crate::support::program::PROGRAM;
use crate::support::shipped_schedules;

mod overview;
mod rows;

type Test = fn(&mut Chromium);

const TESTS: [(&str, Test); 8] = [
    ("the_page_shows_every_event_and_loads_nothing", shows_every_event),
    ("the_arrow_keys_home_and_end_step_through_the_states", keys_step),
    ("a_click_on_a_row_shows_that_event_and_what_it_changed", click_shows),
    (
        "the_states_shown_are_those_of_the_recording",
        states_are_those_of_the_recording,
    ),
    (
        "each_decisive_race_has_a_card_with_both_orders_that_leads_to_its_events",
        races_lead_to_their_events,
    ),
    ("the_filter_leaves_objects_that_match", filter_leaves_matches),
    ("text_is_readable_in_light_and_in_dark", readable_in_light_and_dark),
    ("the_keys_are_told_and_go_away_again", keys_are_told),
];

/// Returns the tests of the page: ignored, with the reason, where there is no browser and none is required.
pub(crate) fn trials() -> Vec<Trial> {
    let browser = chromium::find();
    let required = std::env::var_os("CI").is_some();
    let reason = if browser.is_some() || required {
        ""
    } else {
        "not run: no chromium on the PATH"
    };
    let shared: Arc<Mutex<Option<Chromium>>> = Arc::default();
    let tests = TESTS.into_iter().chain(overview::TESTS).chain(rows::TESTS);
    let trials = tests.map(|(name, test)| {
        let (browser, shared) = (browser.clone(), Arc::clone(&shared));
        let run = move || {
            let binary = browser.ok_or("no chromium on the PATH")?;
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let chromium = shared.get_or_insert_with(|| Chromium::start(&binary));
            chromium.open_at(&PAGE.file, "", (1440, 900));
            test(chromium);
            let complaints = chromium.complaints();
            assert!(complaints.is_empty(), "in the console: {complaints:?}");
            Ok(())
        };
        Trial::test(format!("page::{name}"), run)
            .with_kind(reason)
            .with_ignored_flag(!reason.is_empty())
    });
    trials.collect()
}

/// The page of a shipped schedule, as the command writes it.
struct Page {
    file: PathBuf,
    recording: Recording,
    /// The two events of each decisive race, as `--json` tells them.
    races: Vec<[usize; 2]>,
    _directory: TempDir,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let schedule = shipped_schedules::schedules("small").remove(0);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("page.html");
    let output = Command::new(PROGRAM)
        .arg("explain")
        .arg(&schedule)
        .args(["--as-is", "--json", "--html"])
        .arg(&file)
        .output()
        .expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let event = |race: &serde_json::Value, which| race[which].as_u64().expect("a number") as usize;
    let races = told["races"].as_array().expect("a list").iter();
    let (schedule, prepared) = shipped_schedules::load(&schedule);
    Page {
        file,
        races: races
            .map(|race| ["first", "second"].map(|which| event(race, which)))
            .collect(),
        recording: record(prepared.model(), &schedule.events).expect("a shipped schedule is possible"),
        _directory: directory,
    }
});

fn type_in(chromium: &mut Chromium, text: &str) {
    for letter in text.chars() {
        chromium.press(&letter.to_string());
    }
}

fn position(chromium: &mut Chromium) -> String {
    chromium.text("#position")
}

fn at(number: usize) -> String {
    format!("{number} of {}", PAGE.recording.events.len())
}

/// Returns the objects that are shown with their states, by task and name.
fn shown(chromium: &mut Chromium) -> BTreeMap<String, String> {
    let list = chromium.evaluate(
        "(() => { let task = ''; const shown = {}; \
         for (const item of document.querySelectorAll('#objects li')) { \
           const value = item.querySelector('.value:not(.was)'); \
           if (!item.dataset.object) task = item.textContent; \
           else if (value) shown[`${task} ${item.querySelector('.name').firstChild.textContent}`] = value.textContent; \
         } return shown; })()",
    );
    serde_json::from_value(list).expect("names and states")
}

/// Returns the same, from the recording.
fn recorded(number: usize) -> BTreeMap<String, String> {
    let recording = &PAGE.recording;
    let mut states: BTreeMap<usize, String> = recording.initial.iter().cloned().collect();
    for (object, state) in recording.events[..number].iter().flat_map(|event| &event.changes) {
        match state {
            Some(state) => states.insert(*object, state.clone()),
            None => states.remove(object),
        };
    }
    let named = states.into_iter().map(|(object, state)| {
        let object = &recording.objects[object];
        (
            format!("{} {}", recording.processes[object.process], object.name),
            state,
        )
    });
    named.collect()
}

fn shows_every_event(chromium: &mut Chromium) {
    let rows =
        chromium.evaluate("[...document.querySelectorAll('.row .what')].map((cell) => cell.firstChild.textContent)");
    let events = PAGE.recording.events.iter();
    let labels: Vec<String> = events
        .map(|event| {
            let choice = event.choice.map(|choice| format!(" [{choice}]"));
            format!("{}{}", event.label.name, choice.unwrap_or_default())
        })
        .collect();
    assert_eq!(rows, serde_json::json!(labels));
    // Lanes out of sight are drawn when they come near, or for paper.
    chromium.evaluate("window.dispatchEvent(new Event('beforeprint'))");
    let marks = chromium.evaluate("document.querySelectorAll('.chunk .event').length");
    assert_eq!(marks, labels.len());
    let requests = chromium.requests();
    let others = requests
        .iter()
        .filter(|url| !url.starts_with("data:") && !url.contains("/page.html"));
    assert_eq!(others.count(), 0, "{requests:?}");
}

fn keys_step(chromium: &mut Chromium) {
    let last = PAGE.recording.events.len();
    assert_eq!(position(chromium), at(1));
    chromium.click(".row[data-n='1']");
    let mut before = shown(chromium);
    for (key, number) in [
        ("ArrowRight", 2),
        ("ArrowDown", 3),
        ("ArrowUp", 2),
        ("PageDown", 12),
        ("End", last),
        ("ArrowLeft", last - 1),
        ("Home", 0),
        ("ArrowLeft", 0),
        ("]", 1),
    ] {
        chromium.press(key);
        assert_eq!(position(chromium), at(number), "after {key}");
        let now = shown(chromium);
        assert_eq!(now == before, recorded(number) == before, "after {key}");
        before = now;
    }
}

fn click_shows(chromium: &mut Chromium) {
    let changes = |event: &lastbatch::diagnose::RecordedEvent| event.changes.iter().any(|(_, state)| state.is_some());
    let index = PAGE
        .recording
        .events
        .iter()
        .rposition(changes)
        .expect("some event changes a state");
    let event = &PAGE.recording.events[index];
    chromium.click(&format!(".row[data-n='{}']", index + 1));
    assert_eq!(position(chromium), at(index + 1));
    assert_eq!(chromium.text("#event h3"), event.label.name);
    assert!(chromium.text("#event .function").contains(event.label.site));
    let selected =
        chromium.evaluate("[...document.querySelectorAll('[aria-selected=true]')].map((row) => +row.dataset.n)");
    assert_eq!(selected, serde_json::json!([index + 1]));
    let marked = chromium.evaluate("document.querySelectorAll('#objects .changed').length");
    assert_eq!(marked, event.changes.len());
}

fn states_are_those_of_the_recording(chromium: &mut Chromium) {
    let last = PAGE.recording.events.len();
    // Backwards too: what is shown must not depend on the way there.
    for number in [last, 1, last / 2, last / 3, 0, last - 1] {
        chromium.evaluate(&format!(
            "(() => {{ const slider = document.getElementById('slider'); slider.value = {number}; \
             slider.dispatchEvent(new Event('input')); }})()"
        ));
        assert_eq!(position(chromium), at(number));
        assert_eq!(shown(chromium), recorded(number), "after event {number}");
    }
}

fn races_lead_to_their_events(chromium: &mut Chromium) {
    assert!(!PAGE.races.is_empty(), "a schedule without a race tests nothing");
    // After the cards of races come those of outcomes, which have one event.
    let cards = chromium.evaluate(&format!(
        "[...document.querySelectorAll('#races .pair')].slice(0, {}).map((card) => [...card.querySelectorAll('[data-go]')].map((step) => +step.dataset.go))",
        PAGE.races.len()
    ));
    assert_eq!(cards, serde_json::json!(PAGE.races));
    for (index, race) in PAGE.races.iter().enumerate() {
        for number in race {
            let card = format!("#races .pair:nth-of-type({})", index + 1);
            chromium.click(&format!("{card} [data-go='{number}']"));
            assert_eq!(position(chromium), at(*number));
            let ends = chromium.evaluate(&format!(
                "['.bad', '.good'].map((end) => document.querySelector({card:?}).querySelector(end).textContent)"
            ));
            let [bad, good] = [0, 1].map(|end| ends[end].as_str().expect("a line").to_owned());
            assert!(
                bad.ends_with("never returns") && good.contains("returns, after"),
                "{bad}; {good}"
            );
        }
    }
    // Every event of a race is marked in the timeline; the button comes by all of them in their order, then begins again.
    let mut events: Vec<usize> = PAGE.races.iter().flatten().copied().collect();
    events.sort_unstable();
    events.dedup();
    chromium.press("Home");
    let mut passed = Vec::new();
    for _ in 0..PAGE.recording.events.len() {
        chromium.click("#next-mark");
        let place = position(chromium);
        if passed.contains(&place) {
            break;
        }
        passed.push(place);
    }
    passed.retain(|place| events.iter().any(|number| at(*number) == *place));
    assert_eq!(passed, events.iter().map(|number| at(*number)).collect::<Vec<_>>());
}

fn filter_leaves_matches(chromium: &mut Chromium) {
    chromium.press("o");
    type_in(chromium, "pool");
    let shown = shown(chromium);
    assert!(!shown.is_empty());
    assert!(
        shown
            .iter()
            .all(|(name, state)| format!("{name} {state}").contains("pool")),
        "{shown:?}"
    );
    chromium.press("Escape");
    chromium.press("ArrowRight");
    assert_eq!(position(chromium), at(2), "keys step again after the filter is left");
}

fn readable_in_light_and_dark(chromium: &mut Chromium) {
    let mut papers = Vec::new();
    for scheme in ["light", "dark"] {
        chromium.prefer("prefers-color-scheme", scheme);
        // The contrast of text and paper, as WCAG defines it.
        let ratio = chromium.evaluate(
            "(() => { const light = (color) => { \
               const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255) \
                 .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4); \
               return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]; }; \
             const paper = light(getComputedStyle(document.querySelector('.stage')).backgroundColor); \
             return Math.min(...['.row .what', '.row .n', '.inspector .function', '#objects .value', '.row .who'].map((place) => { \
               const ink = light(getComputedStyle(document.querySelector(place)).color); \
               return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05); })); })()",
        );
        assert!(ratio.as_f64().expect("a number") >= 4.5, "{scheme}: {ratio}");
        papers.push(chromium.evaluate("getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(papers[0], papers[1]);
}

fn keys_are_told(chromium: &mut Chromium) {
    let open = |chromium: &mut Chromium| chromium.evaluate("document.getElementById('help').open");
    chromium.press("?");
    assert_eq!(open(chromium), true);
    chromium.press("ArrowRight");
    assert_eq!(position(chromium), at(1), "the dialog keeps the keys");
    chromium.click("#close-help");
    assert_eq!(open(chromium), false);
}
