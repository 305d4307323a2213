//! The lines of a trace: addresses become ids that are numbered per process, threads are numbered per process.

use std::collections::HashMap;

use lastbatch_probe_format::ring::{Function, SITES};
use serde::Serialize;

use super::Placed;
use super::attribution::{ENTER, LEAVE};
use crate::models::tensorflow::evidence::conform::Ids;

/// A line, as [`crate::models::tensorflow::evidence::conform::Trace`] reads it.
#[derive(Serialize)]
struct Line<'a> {
    us: f64,
    process: &'a str,
    thread: String,
    event: String,
    #[serde(flatten)]
    ids: Ids,
}

/// Numbers of addresses and threads by kind and process, in the order in which they come up.
#[derive(Default)]
struct Names<'a> {
    known: HashMap<(&'static str, &'a str, u64), usize>,
    counts: HashMap<(&'static str, &'a str), usize>,
}

impl<'a> Names<'a> {
    fn name(&mut self, kind: &'static str, process: &'a str, address: u64) -> String {
        let count = self.counts.entry((kind, process)).or_default();
        let number = self.known.entry((kind, process, address)).or_insert_with(|| {
            *count += 1;
            *count
        });
        format!("{kind}{number}")
    }
}

/// Writes the events of a step, in the order of their times.
pub(super) fn lines(events: &[Placed<'_>]) -> String {
    let mut names = Names::default();
    let mut text = String::new();
    let shown = |placed: &&Placed<'_>| !matches!(placed.event.function, Function::Run | Function::Mended);
    for placed in events.iter().filter(shown) {
        let us = (placed.time - events[0].time) as f64 / 1e3;
        let process = placed.ring.task.as_str();
        let record = &placed.event.record;
        let mark = match record.mark {
            ENTER => "<",
            LEAVE => ">",
            _ => "",
        };
        let line = Line {
            us: (us * 10.0).round() / 10.0,
            process,
            thread: names.name("t", process, u64::from(record.thread)),
            event: format!("{}{mark}", placed.event.function.name()),
            ids: ids(placed, &mut names),
        };
        let mut fields = serde_json::to_value(&line).expect("a line is plain data");
        if let Some(fields) = fields.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        text += &format!("{fields}\n");
    }
    text
}

/// Returns what an event names.
fn ids<'a>(placed: &Placed<'a>, names: &mut Names<'a>) -> Ids {
    use Function::{
        ClearCancel, Deregister, FindOrCreate, Initialize, ReceiveCall, ReceiveHandler, Register, RunGraphCall,
        RunGraphHandler, SetCancel, StartAbort, StartCancel, WhenDone,
    };
    let (ring, record) = (placed.ring, &placed.event.record);
    let process = ring.task.as_str();
    let enters = record.mark == ENTER;
    let mut ids = Ids::default();
    match placed.event.function {
        RunGraphCall | RunGraphHandler | ReceiveCall | ReceiveHandler | SetCancel | ClearCancel | StartCancel => {
            ids.opts = Some(names.name("opts", process, record.one));
        }
        Register | Deregister | FindOrCreate | Initialize | StartAbort => {
            ids.rz = Some(names.name("rz", process, record.one));
        }
        WhenDone => ids.mg = Some(names.name("mg", process, record.one)),
        _ => {}
    }
    match placed.event.function {
        RunGraphCall | ReceiveCall if enters => ids.wk = Some(names.name("wk", process, record.other)),
        Register | Deregister => ids.call = Some(names.name("call", process, record.other)),
        SetCancel if enters => {
            let site = usize::try_from(record.number).ok().and_then(|site| SITES.get(site));
            ids.site = site.map(|site| (*site).to_owned());
        }
        WhenDone => ids.partition = u8::try_from(record.number).ok(),
        _ => {}
    }
    if matches!(placed.event.function, ReceiveCall | ReceiveHandler) && enters {
        let key = ring.text(record);
        let mut parts = key.split(';');
        ids.from = parts.next().and_then(task);
        ids.to = parts.nth(1).and_then(task);
        ids.tensor = parts.next().map(ToOwned::to_owned);
    }
    if placed.event.function == WhenDone || (placed.event.function == StartAbort && enters) {
        ids.code = Some(record.code);
        let message = ring.text(record);
        let message = message.split('\t').next().unwrap_or_default();
        let message = message.split(" [[").next().unwrap_or_default().trim();
        ids.message = Some(message.to_owned());
    }
    ids
}

/// Returns the task of a device: `/job:ps/replica:0/task:1/device:CPU:0` is `ps1`.
fn task(device: &str) -> Option<String> {
    let part = |name: &str| device.split('/').find_map(|part| part.strip_prefix(name));
    Some(format!("{}{}", part("job:")?, part("task:")?))
}
