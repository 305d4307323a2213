mod toy;

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

use self::toy::Toy;
use super::*;

const HANGS: Toy = Toy { parks: true };
const ANSWERS: Toy = Toy { parks: false };

fn event(process: &str, thread: &str, label: &str, object: &str, choice: Option<u32>) -> Event {
    Event {
        process: process.to_owned(),
        thread: thread.to_owned(),
        label: label.to_owned(),
        object: object.to_owned(),
        choice,
    }
}

fn header(ending: Ending) -> Header {
    let subject = Subject::Scenario(ScenarioHeader {
        scenario: "toy.toml".to_owned(),
        scenario_hash: Hash::of(b"job"),
        graph_hash: Hash::of(b"graph"),
        slice: "merged keep=2".to_owned(),
        variant: "tf-1.12".to_owned(),
        partition_order: "recorded".to_owned(),
        root_order: ANY_ROOT_ORDER.to_owned(),
    });
    Header { subject, ending }
}

/// Returns the toy's hang: the server closes its table before the request arrives.
fn hang() -> Schedule {
    let waits = "worker: Request.await waits for answer -> ps: Request.serve waits for table (parked: the table was \
                 closed before the request came)";
    let ending = Ending::Hang {
        client: "worker0 sess.run".to_owned(),
        signature: "fae34625".to_owned(),
        waits: waits.to_owned(),
    };
    let events = vec![
        event("worker0", "step", "Input.next", "input", Some(0)),
        event("ps0", "closer", "Table.close", "table", None),
        event("worker0", "step", "Request.send", "connection", None),
        event("ps0", "request handler", "Request.serve", "table", None),
    ];
    Schedule::record(header(ending), events)
}

fn parse(text: &str) -> Result<Schedule, String> {
    Schedule::parse(Path::new("a.schedule"), text).map_err(|error| error.to_string())
}

/// Replays on the model that hangs; returns what of the schedule's promise is broken.
fn broken(schedule: &Schedule) -> String {
    let outcome = replay(&HANGS, schedule, |_| {});
    outcome.broken_promise(schedule).expect("the promise is broken")
}

fn changed(change: impl FnOnce(&mut Vec<Event>)) -> String {
    let mut schedule = hang();
    change(&mut schedule.events);
    broken(&schedule)
}

fn line() -> impl Strategy<Value = String> {
    "[a-z0-9:#\"\\\\]{1,8}( [a-z0-9:#\"\\\\]{1,8}){0,3}"
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let name = || prop_oneof!["[a-zA-Z0-9_./:#-]{0,60}", any::<String>()];
    let fields = (name(), name(), name(), name(), any::<Option<u32>>());
    vec(
        fields.prop_map(|(process, thread, label, object, choice)| event(&process, &thread, &label, &object, choice)),
        0..20,
    )
}

fn endings() -> impl Strategy<Value = Ending> {
    prop_oneof![
        Just(Ending::Open),
        line().prop_map(|message| Ending::Panic { message }),
        (line(), line(), line()).prop_map(|(client, signature, waits)| Ending::Hang {
            client,
            signature,
            waits
        }),
    ]
}

fn subjects() -> impl Strategy<Value = Subject> {
    let scenario = |(scenario, hashes, root_order): (String, (u64, u64), String)| {
        let Subject::Scenario(toy) = header(Ending::Open).subject else {
            unreachable!("the toy has a scenario")
        };
        Subject::Scenario(ScenarioHeader {
            scenario,
            scenario_hash: Hash(hashes.0),
            graph_hash: Hash(hashes.1),
            root_order,
            ..toy
        })
    };
    prop_oneof![
        line().prop_map(Subject::Model),
        (line(), any::<(u64, u64)>(), line()).prop_map(scenario),
    ]
}

proptest! {
    #[test]
    fn what_is_recorded_is_read_back_whatever_the_names_are(
        events in events(), ending in endings(), subject in subjects(), noted in any::<bool>(),
    ) {
        let header = Header { subject, ending };
        let recorded = Schedule::record(header, events);
        let mut written = recorded.clone();
        if noted {
            let others = vec!["ps0/a \"b\" # c\n".to_owned(); 7];
            written.note_others(vec![others; recorded.events.len()]);
        }
        prop_assert_eq!(parse(&written.to_string()), Ok(recorded));
    }
}

#[test]
fn comments_and_blank_lines_may_stand_anywhere_below_the_first_line() {
    let text = hang().to_string();
    let text = text
        .replace("variant:", "# which runtime\nvariant:")
        .replace("\nps0", "\n\n# then\nps0");
    let read = parse(&text).expect("a schedule");
    assert_eq!(read.events, hang().events);
    assert_eq!(read.line(0), hang().line(0) + 1);
    assert_eq!(read.line(1), hang().line(1) + 3);
}

#[test]
fn a_file_that_is_no_schedule_is_refused_with_its_line_and_what_was_expected() {
    let text = hang().to_string();
    let cases = [
        (
            String::new(),
            "a.schedule:1: no schedule here: expected \"lastbatch-schedule: 1\" on the first line",
        ),
        (
            "[job]\n".to_owned(),
            "a.schedule:1: not a schedule: expected \"lastbatch-schedule: 1\" on the first line",
        ),
        (
            text.replace("schedule: 1", "schedule: 2"),
            "a.schedule:1: schedule format 2 is newer than this program; it knows format 1",
        ),
        (
            text.replace("schedule: 1", "schedule: zero"),
            "a.schedule:1: unknown schedule format \"zero\"; this program knows format 1",
        ),
        (
            text.replace("slice: merged keep=2\n", ""),
            "a.schedule:11: the header has no \"slice\"",
        ),
        (
            text.replace("slice:", "slices:"),
            "a.schedule:5: unknown header key \"slices\", expected one of model, scenario, scenario-hash, graph-hash, slice, \
             variant, partition-order, root-order, ends, client, signature, waits, message, length",
        ),
        (
            text.replace("variant: tf-1.12", "slice: full"),
            "a.schedule:6: header key \"slice\" stands twice",
        ),
        (
            text.replace("slice: merged keep=2", "slice"),
            "a.schedule:5: \"slice\" in the header, expected \"key: value\"",
        ),
        (
            text.replace("graph-hash: xxh3:", "graph-hash: "),
            "a.schedule:4: graph-hash",
        ),
        (
            text.replace("ends: hang", "ends: well"),
            "a.schedule:8: ends \"well\", expected one of hang, panic, open",
        ),
        (
            text.replace("length: 4", "length: 5"),
            "a.schedule:12: length 5, but 4 events follow",
        ),
        (
            text.replace("length: 4", "length: four"),
            "a.schedule:12: length \"four\", expected a number of events",
        ),
        (
            text.replace("closer             Table.close    table", "closer"),
            "a.schedule:16: an event with 2 fields, expected 4 or 5: process thread label object [choice]",
        ),
        (
            text.replace("input       0", "input       4294967296"),
            "a.schedule:15: choice \"4294967296\", expected a number from 0 to 4294967295",
        ),
        (
            text.replace("handler\"", "handler"),
            "a.schedule:18: a quote that is not closed on its line",
        ),
        (
            text.replace("handler\"", "handler\"s"),
            "a.schedule:18: \"s  Request.serve  table\" after a closing quote, expected a space",
        ),
        (
            text.replace("request handler", "request\\xhandler"),
            "a.schedule:18: an unknown escape, expected one of \\\\ \\\" \\n \\t \\u{..}",
        ),
    ];
    for (text, expected) in cases {
        let error = parse(&text).expect_err(expected);
        assert!(error.starts_with(expected), "{error}\nis not\n{expected}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_missing_file_and_one_that_is_not_text_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("none.schedule");
    let error = Schedule::load(&path).expect_err("missing").to_string();
    assert!(error.contains("none.schedule: cannot read the schedule: "), "{error}");
    std::fs::write(&path, b"lastbatch-schedule: 1\n\xff").expect("written");
    let error = Schedule::load(&path).expect_err("not text").to_string();
    assert!(
        error.ends_with("none.schedule:2: not UTF-8 text; expected a schedule"),
        "{error}"
    );
}

#[test]
fn a_schedule_is_written_whole_or_not_at_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.schedule");
    hang().write(&path).expect("written");
    hang().write(&path).expect("replaced");
    assert_eq!(Schedule::load(&path).expect("read"), hang());
    let nowhere = path.join("a.schedule");
    hang().write(&nowhere).expect_err("no directory");
    let left: Vec<_> = std::fs::read_dir(directory.path()).expect("listed").collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn a_replay_ends_in_the_same_hang_with_the_same_signature() {
    let schedule = hang();
    let mut seen = Vec::new();
    let outcome = replay(&HANGS, &schedule, |step| {
        seen.push((step.number, step.label.name, step.others.to_vec()));
    });
    assert_eq!(outcome.broken_promise(&schedule), None);
    assert!(outcome.end.at_rest());
    assert_eq!(outcome.followed, 4);
    assert_eq!(seen[0], (1, "Input.next", vec!["ps0/closer".to_owned()]));
    assert_eq!(seen[3], (4, "Request.serve", vec![]));
    assert_eq!(replay(&HANGS, &schedule, |_| {}), outcome, "twice is the same");
}

#[test]
fn a_replay_stops_at_the_first_event_that_differs_and_says_what_differs() {
    assert_eq!(
        changed(|events| events[1].process = "ps7".to_owned()),
        "event 2 (line 16) differs: expected ps7 closer does Table.close on table; found no such process; there are: \
         worker0, ps0"
    );
    assert_eq!(
        changed(|events| events.swap(2, 3)),
        "event 3 (line 17) differs: expected ps0 request handler does Request.serve on table, but that thread is not running; \
         running there: none"
    );
    assert_eq!(
        changed(|events| events[2].label = "Request.resend".to_owned()),
        "event 3 (line 17) differs: expected worker0 step does Request.resend on connection; found the thread about to do \
         Request.send on connection"
    );
    assert_eq!(
        changed(|events| events[2].object = "wire".to_owned()),
        "event 3 (line 17) differs: expected worker0 step does Request.send on wire; found the thread about to do \
         Request.send on connection"
    );
    assert_eq!(
        changed(|events| events[3] = event("worker0", "step", "Request.await", "answer", None)),
        "event 4 (line 18) differs: expected worker0 step does Request.await on answer; found the thread still waiting for \
         that object; its process can run: none"
    );
    assert_eq!(
        changed(|events| events[0].choice = Some(2)),
        "event 1 (line 15) differs: expected worker0 step does Input.next on input, choice 2; found a label with 2 \
         outcomes, choice 0 to 1"
    );
    assert_eq!(
        changed(|events| events[2].choice = Some(0)),
        "event 3 (line 17) differs: expected worker0 step does Request.send on connection, choice 0; found a label with \
         one outcome only, which takes no choice"
    );
}

#[test]
fn a_replay_on_another_model_that_does_not_hang_breaks_the_promise() {
    let outcome = replay(&ANSWERS, &hang(), |_| {});
    assert_eq!(outcome.mismatch, None);
    let end = outcome.broken_promise(&hang());
    assert_eq!(
        end,
        Some(
            "the schedule promises that worker0 sess.run waits for ever, but it returns when the other threads run on"
                .to_owned()
        )
    );
}

#[test]
fn a_replay_with_another_signature_breaks_the_promise() {
    let mut schedule = hang();
    if let Ending::Hang { signature, .. } = &mut schedule.header.ending {
        *signature = "00000000".to_owned();
    }
    let problem = broken(&schedule);
    assert!(
        problem.contains("signature 00000000") && problem.contains("signature fae34625"),
        "{problem}"
    );
}

#[test]
fn a_prefix_is_followed_as_far_as_it_is_possible_and_then_completed_by_a_fixed_policy() {
    let whole = replay_prefix(&ANSWERS, &hang(), |_| {});
    assert_eq!((whole.followed, whole.completed, &whole.impossible), (4, 1, &None));
    assert!(whole.end.clients[0].returned);

    let mut schedule = hang();
    schedule.events.swap(2, 3);
    let mut labels = Vec::new();
    let part = replay_prefix(&HANGS, &schedule, |step| labels.push(step.event.label.clone()));
    assert_eq!((part.followed, part.completed), (2, 2));
    assert_eq!(part.impossible.map(|mismatch| mismatch.number), Some(3));
    assert_eq!(labels, ["Input.next", "Table.close", "Request.send", "Request.serve"]);
    assert!(!part.end.clients[0].returned);
}
