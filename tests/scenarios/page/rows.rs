//! The rows of the timeline: links to events, finding, folding, and that everything fits.

use std::path::PathBuf;
use std::sync::LazyLock;

use lastbatch::diagnose::record;
use lastbatch::report::Page;
use serde_json::json;

use super::{PAGE, Test, at, position, type_in};
use crate::support::chromium::Chromium;
use crate::support::shipped_schedules;

pub(super) const TESTS: [(&str, Test); 6] = [
    (
        "a_link_to_an_event_shows_its_row_and_what_it_did_in_windows_of_any_size",
        link_shows_its_event,
    ),
    (
        "events_are_found_by_their_words_and_the_others_hidden",
        events_are_found,
    ),
    (
        "runs_of_a_thread_fold_to_one_row_that_opens_again_and_races_stay",
        runs_fold,
    ),
    ("a_folded_process_keeps_only_its_races", processes_fold),
    ("the_address_of_an_event_is_copied", address_is_copied),
    (
        "nothing_of_six_hundred_events_is_off_screen_sideways",
        nothing_is_off_screen,
    ),
];

/// Returns the numbers of the rows that are shown.
fn shown(chromium: &mut Chromium) -> Vec<usize> {
    let rows = chromium.evaluate("[...document.querySelectorAll('.row:not([hidden])')].map((row) => +row.dataset.n)");
    serde_json::from_value(rows).expect("numbers")
}

fn link_shows_its_event(chromium: &mut Chromium) {
    for size in [(800, 600), (1280, 800), (1920, 1080)] {
        let last = PAGE.recording.events.len();
        for number in [last, 3 * last / 4, 1] {
            chromium.open_at(&PAGE.file, &format!("e{number}"), size);
            assert_eq!(position(chromium), at(number));
            // The place after the browser has laid the page out.
            let row = chromium.evaluate(&format!(
                "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {{ \
                   const box = document.querySelector('[data-n=\"{number}\"]').getBoundingClientRect(); \
                   const seen = document.elementFromPoint(box.left + 300, box.top + 10); \
                   done([box.top > 0 && box.bottom <= innerHeight, seen?.closest('.row')?.dataset.n]); }})))"
            ));
            assert_eq!(row, json!([true, number.to_string()]), "{size:?}");
        }
    }
}

fn events_are_found(chromium: &mut Chromium) {
    let recording = &PAGE.recording;
    let about = |number: usize| recording.events[number - 1].label.name.starts_with("StartAbort");
    let aborts: Vec<usize> = (1..=recording.events.len()).filter(|number| about(*number)).collect();
    chromium.press("/");
    type_in(chromium, "startabort");
    assert_eq!(chromium.text("#found"), format!("{} found", aborts.len()));
    assert_eq!(shown(chromium).len(), recording.events.len());
    chromium.press("Enter");
    assert_eq!(position(chromium), at(aborts[0]));
    chromium.press("Enter");
    assert_eq!(position(chromium), at(aborts[1]));
    chromium.click("#only");
    assert_eq!(shown(chromium), aborts);
    // The lanes have the marks of these rows and no others, each at the height of its row.
    let heights = chromium.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => { \
         const middles = (places) => [...document.querySelectorAll(places)].map((element) => { \
           const box = element.getBoundingClientRect(); return (box.top + box.bottom) / 2; }); \
         const [rows, marks] = [middles('.row:not([hidden])'), middles('.chunk svg .event')]; \
         done(rows.length === marks.length && rows.every((row, index) => Math.abs(row - marks[index]) < 2)); })))",
    );
    assert_eq!(heights, true);
    chromium.click("#only");
    assert_eq!(shown(chromium).len(), recording.events.len());
    chromium.click("#find");
    type_in(chromium, " ofnothing");
    assert_eq!(chromium.text("#found"), "0 found");
}

fn runs_fold(chromium: &mut Chromium) {
    let all = shown(chromium);
    chromium.press("f");
    let folded = shown(chromium);
    assert!(2 * folded.len() < all.len(), "{} of {}", folded.len(), all.len());
    assert!(PAGE.races.iter().flatten().all(|number| folded.contains(number)));
    // Every event that is hidden is of the thread of the row that stands for it.
    let threads: Vec<usize> = PAGE.recording.events.iter().map(|event| event.thread).collect();
    for number in all {
        let stands = folded
            .iter()
            .rev()
            .find(|row| **row <= number)
            .expect("a row before it");
        assert_eq!(threads[stands - 1], threads[number - 1], "event {number}");
    }
    let chip = chromium.evaluate("document.querySelector('.chip').dataset.fold");
    let chip: usize = chip.as_str().expect("a number").parse().expect("a number");
    chromium.click(&format!(".chip[data-fold='{chip}']"));
    assert!(shown(chromium).contains(&(chip + 1)));
    // Going to an event that is hidden shows it.
    let hidden = (1..=threads.len())
        .rfind(|number| !folded.contains(number))
        .expect("one");
    chromium.evaluate(&format!("location.hash = 'e{hidden}'"));
    chromium.evaluate("new Promise((done) => setTimeout(done))");
    assert_eq!(position(chromium), at(hidden));
    assert!(shown(chromium).contains(&hidden));
}

fn processes_fold(chromium: &mut Chromium) {
    let recording = &PAGE.recording;
    chromium.click("#groups [data-process='1']");
    let is_kept = |number: &usize| {
        recording.process_of(&recording.events[number - 1]) != 1
            || PAGE.races.iter().flatten().any(|race| race == number)
    };
    let kept: Vec<usize> = (1..=recording.events.len()).filter(is_kept).collect();
    let shown_now = shown(chromium);
    assert!(shown_now.len() < recording.events.len());
    assert!(kept.iter().all(|number| shown_now.contains(number)));
    chromium.click("#groups [data-process='1']");
    assert_eq!(shown(chromium).len(), recording.events.len());
}

fn address_is_copied(chromium: &mut Chromium) {
    chromium.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text; } } })",
    );
    chromium.click(".row[data-n='2'] .what");
    chromium.press("c");
    let copied = chromium.evaluate("window.copied");
    assert!(copied.as_str().expect("an address").ends_with("#e2"), "{copied}");
    assert_eq!(chromium.text(".copy"), "Copied");
}

/// The page of a trace of the real runtime, about six hundred events long.
static TRACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let (schedule, prepared) = shipped_schedules::load(&shipped_schedules::schedules("traces").remove(0));
    assert!(schedule.events.len() > 500);
    let recording = record(prepared.model(), &schedule.events).expect("a shipped schedule is possible");
    let page = Page {
        schedule: &schedule,
        recording: &recording,
        explanation: None,
        beside: None,
    };
    let file = PAGE.file.with_file_name("trace.html");
    std::fs::write(&file, page.html()).expect("written");
    file
});

fn nothing_is_off_screen(chromium: &mut Chromium) {
    for (file, size) in [
        (&*TRACE, (1280, 800)),
        (&PAGE.file, (1280, 800)),
        (&PAGE.file, (800, 600)),
    ] {
        chromium.open_at(file, "", size);
        let off = chromium.evaluate(
            "['html', '#scroller', '.inspector'].filter((place) => { \
               const element = document.querySelector(place); return element.scrollWidth > element.clientWidth; })",
        );
        assert_eq!(off, json!([]), "{} {size:?}", file.display());
        // A label is never cut.
        let cut = chromium.evaluate(
            "[...document.querySelectorAll('.row .what')].filter((label) => \
               label.getBoundingClientRect().right > label.closest('.told').getBoundingClientRect().right).length",
        );
        assert_eq!(cut, 0, "{} {size:?}", file.display());
    }
}
