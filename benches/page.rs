//! Measurements of how large the page of a long schedule is and how long a browser takes to show it: `cargo bench --bench page`.
//!
//! Arguments, each `name=value`: `events` (5,000), `workers` (2) and `steps` of each (3) of a job on twelve servers with every node of
//! the graph; `out`, where to leave the page. The schedule is one long run of that job by a fixed policy.

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../tests/support/chromium.rs"]
mod chromium;

use std::path::{Path, PathBuf};
use std::time::Instant;

use chromium::Chromium;
use lastbatch::diagnose::record;
use lastbatch::report::Page;
use lastbatch::scenario::{Experiment, Scenario};
use lastbatch::schedule::{Ending, Schedule, replay_prefix};

/// The page is opened as often; the median counts.
const OPENED: usize = 5;

fn argument(name: &str) -> Option<String> {
    std::env::args().find_map(|argument| Some(argument.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

fn number(name: &str, otherwise: usize) -> usize {
    argument(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Returns a job with a long run.
fn prepared(directory: &Path) -> Experiment {
    let graph = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/graphs/ps12-coupled.pb");
    let mut data = vec!["\"batch\""; number("steps", 3) - 1];
    data.push("\"end\"");
    let text = format!(
        "description = \"a long run\"\n[job]\ngraph = {graph:?}\ninput = \"coupled\"\nworkers = {}\ninter_op_parallelism_threads = 4\n\
         data = [{}]\nslice = \"full\"\n",
        number("workers", 2),
        data.join(", "),
    );
    let file = directory.join("long.toml");
    std::fs::write(&file, text).expect("written");
    let scenario = Scenario::load(&file).unwrap_or_else(|error| panic!("{error}"));
    Experiment::new(scenario).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns a run of the job by the fixed policy, cut where it is long enough.
fn run(prepared: &Experiment) -> Schedule {
    let mut events = Vec::new();
    let nothing = prepared.schedule(Ending::Open, Vec::new());
    replay_prefix(prepared.model(), &nothing, |step| events.push(step.event.clone()));
    let all = events.len();
    events.truncate(number("events", 5_000));
    println!("events        {} of a run of {all}", events.len());
    prepared.schedule(Ending::Open, events)
}

fn measure(file: &Path, last: usize) {
    let Some(binary) = chromium::find() else {
        println!("not opened: no chromium on the PATH");
        return;
    };
    let mut browser = Chromium::start(&binary);
    let mut times: Vec<f64> = (0..OPENED)
        .map(|_| {
            browser.open(file);
            // Two frames: what is in sight is on the screen.
            let shown = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))";
            browser.evaluate(shown).as_f64().expect("milliseconds")
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "open          {:.0} ms until shown (median of {OPENED})",
        times[OPENED / 2]
    );
    println!("first paint   {:.0} ms (of the last)", paint(&mut browser));
    println!("a filter      {:.1} ms (median of {OPENED})", filter(&mut browser));
    browser.click("[data-n='1'] .n");
    let before = Instant::now();
    browser.press("End");
    let position = browser.text("#position");
    assert_eq!(position, format!("{last} of {last}"));
    println!("to the end    {:.0} ms", before.elapsed().as_secs_f64() * 1e3);
    let before = Instant::now();
    for _ in 0..20 {
        browser.press("ArrowLeft");
    }
    println!("a step back   {:.0} ms", before.elapsed().as_secs_f64() * 1e3 / 20.0);
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:?}");
}

/// Returns the time from the beginning until something was on the screen, in milliseconds.
fn paint(browser: &mut Chromium) -> f64 {
    let paint = browser.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime");
    paint.as_f64().expect("milliseconds")
}

/// Returns the time that finding events takes with the others hidden, until all has its place, in milliseconds.
fn filter(browser: &mut Chromium) -> f64 {
    browser.evaluate("document.getElementById('only').click()");
    let mut times: Vec<f64> = (0..OPENED)
        .map(|index| {
            let word = if index % 2 == 0 { "pool" } else { "cancel" };
            let found = format!(
                "(() => {{ const field = document.getElementById('find'); const before = performance.now(); field.value = '{word}'; \
                 field.dispatchEvent(new Event('input')); document.getElementById('scroller').getBoundingClientRect(); \
                 return performance.now() - before; }})()"
            );
            browser.evaluate(&found).as_f64().expect("milliseconds")
        })
        .collect();
    times.sort_by(f64::total_cmp);
    browser.evaluate("document.getElementById('only').click(), document.getElementById('find').value = ''");
    browser.evaluate("document.getElementById('find').dispatchEvent(new Event('input'))");
    times[OPENED / 2]
}

fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let prepared = prepared(directory.path());
    let schedule = run(&prepared);
    let before = Instant::now();
    let recording = record(prepared.model(), &schedule.events).expect("it ran");
    println!("record        {:.2} s", before.elapsed().as_secs_f64());
    let before = Instant::now();
    let page = Page {
        schedule: &schedule,
        recording: &recording,
        explanation: None,
        beside: None,
    };
    let html = page.html();
    println!("render        {:.2} s", before.elapsed().as_secs_f64());
    println!("page          {:.2} MB", html.len() as f64 / 1e6);
    let file = argument("out").map_or_else(|| directory.path().join("page.html"), PathBuf::from);
    std::fs::write(&file, html).expect("written");
    measure(&file.canonicalize().expect("it is there"), schedule.events.len());
}
