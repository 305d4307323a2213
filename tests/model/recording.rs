//! Rings of events as traces: steps, ids, one axis for all clocks.

use lastbatch::models::tensorflow::evidence::conform::Trace;
use lastbatch::models::tensorflow::evidence::recording::{Kind, Recording, RecordingError};
use lastbatch_probe_format::ring::{
    AT_EVENTS, AT_MAGIC, AT_PLACES, AT_TASK, AT_VERSION, AT_WALL, Function, HEAD, MAGIC, RECORD, Record, Ring, TEXTS,
    VERSION,
};

/// The key of a tensor that ps0 sends to worker0.
const KEY: &str = "/job:ps/replica:0/task:0/device:CPU:0;1;/job:worker/replica:0/task:0/device:CPU:0;edge_1_w;0:0";
/// An hour in nanoseconds.
const HOUR: u64 = 3_600_000_000_000;

/// The file that a task would have written, by whose clock the wall clock is `wall` ahead.
fn ring(task: &str, places: usize, wall: u64, events: &[Record]) -> Ring {
    let mut bytes = vec![0; HEAD + TEXTS + places * RECORD];
    let head = [
        (AT_MAGIC, MAGIC),
        (AT_VERSION, VERSION),
        (AT_PLACES, places as u64),
        (AT_EVENTS, events.len() as u64),
        (AT_WALL, wall),
    ];
    for (at, number) in head {
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    bytes[AT_TASK..AT_TASK + task.len()].copy_from_slice(task.as_bytes());
    bytes[HEAD + 2..HEAD + 4].copy_from_slice(&(KEY.len() as u16).to_le_bytes());
    bytes[HEAD + 4..HEAD + 4 + KEY.len()].copy_from_slice(KEY.as_bytes());
    for (number, record) in events.iter().enumerate() {
        let at = HEAD + TEXTS + number % places * RECORD;
        bytes[at..at + 8].copy_from_slice(&(number as u64 + 1).to_le_bytes());
        bytes[at + 8..at + RECORD].copy_from_slice(&record.encode());
    }
    Ring::read(&bytes).expect("a ring")
}

fn event(time: u64, function: Function, mark: u8, step: u64, one: u64) -> Record {
    let (thread, function) = (7, function as u8);
    Record {
        time,
        thread,
        function,
        mark,
        step,
        one,
        ..Record::default()
    }
}

/// A receive of the worker and its answer, which come `step` * 1000 ns after the beginning.
fn receive(step: u64) -> Vec<Record> {
    let at = |after: u64| step * 1000 + after;
    vec![
        event(at(0), Function::RunGraphCall, 0, step, 0x10),
        event(at(10), Function::RunGraphCall, 1, step, 0x10),
        Record {
            text: 2,
            ..event(at(100), Function::ReceiveCall, 0, step, 0x20)
        },
        Record {
            number: 1,
            ..event(at(110), Function::SetCancel, 0, step, 0x20)
        },
        event(at(120), Function::SetCancel, 1, step, 0x20),
        event(at(130), Function::ReceiveCall, 1, step, 0x20),
        event(at(500), Function::ClearCancel, 2, 0, 0x20),
    ]
}

/// The same, but it is aborted, and ends before its server begins.
fn aborted(step: u64) -> Vec<Record> {
    let at = |after: u64| step * 1000 + after;
    let mut events = receive(step);
    events.pop();
    events.extend([
        Record {
            code: 11,
            text: 2,
            ..event(at(200), Function::StartAbort, 0, step, 0x30)
        },
        event(at(210), Function::StartCancel, 0, 0, 0x20),
        event(at(220), Function::StartCancel, 1, 0, 0x20),
        event(at(230), Function::StartAbort, 1, step, 0x30),
        event(at(240), Function::ClearCancel, 2, 0, 0x20),
    ]);
    events
}

/// The server's side of it, by a clock that is ahead.
fn serve(step: u64, ahead: u64) -> Vec<Record> {
    let at = |after: u64| step * 1000 + after + ahead;
    vec![
        Record {
            text: 2,
            ..event(at(300), Function::ReceiveHandler, 0, step, 0x20)
        },
        event(at(310), Function::ReceiveHandler, 1, step, 0x20),
    ]
}

fn traces(rings: Vec<Ring>) -> Result<Vec<String>, RecordingError> {
    let traces = Recording::new(rings)?.traces(10)?;
    Ok(traces.into_iter().map(|trace| trace.text).collect())
}

#[test]
fn a_step_becomes_the_lines_that_conform_reads() {
    let rings = vec![ring("worker0", 64, 0, &aborted(5)), ring("ps0", 64, 0, &serve(5, 0))];
    let traces = traces(rings).expect("traces");
    Trace::parse("the trace", &traces[0]).expect("a trace of that format");
    insta::assert_snapshot!(traces[0], @r#"
    {"event":"rungraph-issue<","opts":"opts1","process":"worker0","thread":"t1","us":0.0,"wk":"wk1"}
    {"event":"rungraph-issue>","opts":"opts1","process":"worker0","thread":"t1","us":0.0}
    {"event":"recvtensor-issue<","from":"ps0","opts":"opts2","process":"worker0","tensor":"edge_1_w","thread":"t1","to":"worker0","us":0.1,"wk":"wk1"}
    {"event":"setcancel<","opts":"opts2","process":"worker0","site":"RPCState<TensorResponse>","thread":"t1","us":0.1}
    {"event":"setcancel>","opts":"opts2","process":"worker0","thread":"t1","us":0.1}
    {"event":"recvtensor-issue>","opts":"opts2","process":"worker0","thread":"t1","us":0.1}
    {"code":11,"event":"startabort<","message":"/job:ps/replica:0/task:0/device:CPU:0;1;/job:worker/replica:0/task:0/device:CPU:0;edge_1_w;0:0","process":"worker0","rz":"rz1","thread":"t1","us":0.2}
    {"event":"startcancel<","opts":"opts2","process":"worker0","thread":"t1","us":0.2}
    {"event":"startcancel>","opts":"opts2","process":"worker0","thread":"t1","us":0.2}
    {"event":"startabort>","process":"worker0","rz":"rz1","thread":"t1","us":0.2}
    {"event":"clearcancel","opts":"opts2","process":"worker0","thread":"t1","us":0.2}
    {"event":"recvtensor-handler<","from":"ps0","opts":"opts1","process":"ps0","tensor":"edge_1_w","thread":"t1","to":"worker0","us":0.3}
    {"event":"recvtensor-handler>","opts":"opts1","process":"ps0","thread":"t1","us":0.3}
    "#);
}

#[test]
fn clocks_that_are_an_hour_apart_are_put_on_one_axis_by_their_messages() {
    let order = |ahead| {
        let rings = vec![
            ring("worker0", 64, 0, &receive(5)),
            ring("ps0", 64, 0, &serve(5, ahead)),
        ];
        let trace = &traces(rings).expect("traces")[0];
        let trace = Trace::parse("the trace", trace).expect("a trace");
        trace
            .events
            .iter()
            .map(|event| format!("{} {}", event.process, event.name()))
            .collect::<Vec<_>>()
    };
    assert_eq!(order(HOUR), order(0));
}

#[test]
fn clocks_that_contradict_each_other_are_refused() {
    let worker = [receive(5), receive(6)].concat();
    // An hour ahead for one step, and not for the next.
    let server = [serve(6, 0), serve(5, HOUR)].concat();
    let refused = traces(vec![ring("worker0", 64, 0, &worker), ring("ps0", 64, 0, &server)]);
    let refused = refused.expect_err("no offset fits").to_string();
    assert!(
        refused.starts_with("the clocks of worker0 and ps0 can't be put on one axis"),
        "{refused}"
    );
}

#[test]
fn a_step_without_an_answer_is_a_hang() {
    let kind = |events: &[Record]| {
        Recording::new(vec![ring("worker0", 64, 0, events)])
            .expect("one")
            .traces(1)
            .expect("traces")[0]
            .kind
    };
    assert_eq!(kind(&aborted(5)), Kind::Hang);
    let mut answered = aborted(5);
    answered.push(Record {
        code: 11,
        ..event(5900, Function::Run, 1, 5, 0x40)
    });
    assert_eq!(kind(&answered), Kind::End);
}

#[test]
fn a_step_of_which_events_were_overwritten_is_left_out() {
    let worker = [receive(5), receive(6)].concat();
    let whole = traces(vec![ring("worker0", worker.len(), 0, &worker)]).expect("traces");
    assert_eq!(whole.len(), 2);
    let cut = traces(vec![ring("worker0", worker.len() - 1, 0, &worker)]).expect("traces");
    assert_eq!(cut.len(), 1);
}

#[test]
fn tasks_must_be_there_once() {
    let worker = || ring("worker0", 64, 0, &receive(5));
    assert_eq!(traces(vec![]), Err(RecordingError::Empty));
    assert_eq!(
        traces(vec![worker(), worker()]),
        Err(RecordingError::Twice("worker0".to_owned()))
    );
}
