//! Runs the model at random and writes what a recorder inside the real runtime would have written.

use std::collections::BTreeMap;
use std::fmt::Write;

use lastbatch::machine::{Model, Pending, ProcessId, System};
use lastbatch::models::TensorFlow;
use lastbatch::models::tensorflow::cluster::CallKind;
use lastbatch::models::tensorflow::job::graph::NodeKind;
use lastbatch::models::tensorflow::mechanisms::{Pc, rpc};
use lastbatch::models::tensorflow::objects::Object;
use lastbatch::models::tensorflow::process::{CallId, Process, ThreadId};

use super::rng::numbers;

/// Thread names of one process: pool threads are used again, others have their own.
#[derive(Default)]
struct Threads {
    pool: Vec<Option<ThreadId>>,
    own: u32,
    names: BTreeMap<ThreadId, String>,
}

struct Recorder<'a> {
    model: &'a TensorFlow,
    system: System<Process>,
    threads: Vec<Threads>,
    /// Functions that a thread is in, as the end of their `>` lines.
    open: BTreeMap<(ProcessId, ThreadId), Vec<String>>,
    rendezvous: Vec<u32>,
    now: u32,
    parts: u32,
    text: String,
}

/// Returns a whole run: its trace, and whether the client has its answer at the end.
pub(crate) fn record(model: &TensorFlow, seed: u64) -> (String, bool) {
    let count = model.process_count();
    let mut recorder = Recorder {
        model,
        system: System::initial(model),
        threads: (0..count).map(|_| Threads::default()).collect(),
        open: BTreeMap::new(),
        rendezvous: vec![0; count],
        now: 0,
        parts: 0,
        text: String::new(),
    };
    let mut next = numbers(seed);
    // Threads have their own pace, as if some were preempted for long.
    let slow = next(7) + 1;
    loop {
        let enabled = recorder.system.enabled(model);
        if enabled.is_empty() {
            break;
        }
        let mut chosen = next(enabled.len());
        if (enabled[chosen].1.operation.object.index() + slow).is_multiple_of(7) {
            chosen = next(enabled.len());
        }
        let (id, pending) = enabled[chosen].clone();
        let choice = next(pending.operation.choices as usize) as u32;
        recorder.step(id, &pending, choice);
    }
    let returned = recorder
        .system
        .clients(model)
        .iter()
        .all(|(_, _, client)| client.returned);
    (recorder.text, returned)
}

impl Recorder<'_> {
    fn step(&mut self, id: ProcessId, pending: &Pending<ThreadId>, choice: u32) {
        self.now += 1;
        self.parts = 0;
        let thread = pending.thread;
        let label = pending.operation.label.name;
        if label == "Pool.take" {
            self.take(id, thread);
        }
        let at = self.process(id).thread(thread).map(|thread| thread.at());
        let silent = match self.model.object_of(pending.operation.object) {
            Object::Rpc(rpc::Object::Call(call)) => {
                !self.process(id).server_call(call).is_some_and(|call| call.callback)
            }
            _ => false,
        };
        let known = self.process(id).table.len();
        if label == "Pool.idle" {
            self.close_all(id, thread);
            let slot = self.threads[id.index()]
                .pool
                .iter()
                .position(|other| *other == Some(thread));
            self.threads[id.index()].pool[slot.expect("it runs on the pool")] = None;
        }
        self.system.step(self.model, id, pending, choice).unwrap();
        let created = self.process(id).table.len() > known;
        if created {
            self.rendezvous[id.index()] += 1;
        }
        if !(label == "Server.request_cancelled" && silent) {
            self.write(id, thread, label, at, pending);
        }
        if self.process(id).thread(thread).is_none() {
            self.close_all(id, thread);
            self.threads[id.index()].names.remove(&thread);
        }
    }

    fn process(&self, id: ProcessId) -> &Process {
        &self.system.processes[id.index()]
    }

    fn take(&mut self, id: ProcessId, thread: ThreadId) {
        let threads = &mut self.threads[id.index()];
        let free = threads
            .pool
            .iter()
            .position(Option::is_none)
            .unwrap_or(threads.pool.len());
        if free == threads.pool.len() {
            threads.pool.push(None);
        }
        threads.pool[free] = Some(thread);
        threads.names.insert(thread, format!("p{free}"));
    }

    fn line(&mut self, id: ProcessId, thread: ThreadId, event: &str, rest: &str) {
        let threads = &mut self.threads[id.index()];
        let name = threads.names.entry(thread).or_insert_with(|| {
            threads.own += 1;
            format!("t{}", threads.own)
        });
        self.parts += 1;
        let (now, parts) = (self.now, self.parts);
        let process = self.model.process_name(id);
        writeln!(
            self.text,
            r#"{{"us": {now}.{parts:02}, "process": "{process}", "thread": "{name}", "event": "{event}"{rest}}}"#
        )
        .unwrap();
    }

    fn enter(&mut self, id: ProcessId, thread: ThreadId, function: &str, key: &str, rest: &str) {
        self.line(id, thread, &format!("{function}<"), &format!("{key}{rest}"));
        let open = self.open.entry((id, thread)).or_default();
        open.push(format!("{function}>|{key}"));
    }

    fn leave(&mut self, id: ProcessId, thread: ThreadId) {
        let closing = self.open.get_mut(&(id, thread)).and_then(Vec::pop);
        if let Some(closing) = closing {
            let (event, key) = closing.split_once('|').expect("it was put together with one");
            self.line(id, thread, event, key);
        }
    }

    fn close_all(&mut self, id: ProcessId, thread: ThreadId) {
        while self.open.get(&(id, thread)).is_some_and(|open| !open.is_empty()) {
            self.leave(id, thread);
        }
    }

    fn next_label(&self, id: ProcessId, thread: ThreadId) -> &'static str {
        let threads = self.model.threads(id, self.process(id));
        let found = threads.into_iter().find(|pending| pending.thread == thread);
        found.map_or("", |pending| pending.operation.label.name)
    }

    /// Returns the name of the tensor that `recvtensor-...<` shows.
    fn tensor(&self, call: CallId) -> String {
        let info = self.model.call(call);
        let name = |id: ProcessId| self.model.process_name(id);
        let (from, to) = (name(info.server), name(info.client));
        let tensor = self.model.call_name(call);
        format!(r#", "from": "{from}", "to": "{to}", "tensor": "{tensor}""#)
    }

    fn set_cancel(&mut self, id: ProcessId, thread: ThreadId, opts: &str, site: &str) {
        self.enter(id, thread, "setcancel", opts, &format!(r#", "site": "{site}""#));
        self.leave(id, thread);
    }

    fn write(&mut self, id: ProcessId, thread: ThreadId, label: &str, at: Option<Pc>, pending: &Pending<ThreadId>) {
        let rz = format!(r#", "rz": "rz{}""#, self.rendezvous[id.index()]);
        match self.model.object_of(pending.operation.object) {
            Object::Rpc(rpc::Object::Call(call)) => self.write_call(id, thread, label, call),
            _ => self.write_step(id, thread, label, at, &rz),
        }
    }

    fn write_call(&mut self, id: ProcessId, thread: ThreadId, label: &str, call: CallId) {
        let info = *self.model.call(call);
        let receives = matches!(info.kind, CallKind::RecvTensor { .. });
        let (mine, theirs) = (format!(r#", "opts": "c{call}""#), format!(r#", "opts": "s{call}""#));
        match label {
            "Call.install_cancel" => {
                if !receives {
                    let wk = format!(r#", "wk": "g{}""#, info.server.0);
                    self.enter(id, thread, "rungraph-issue", &mine, &wk);
                }
                self.set_cancel(id, thread, &mine, "RPCState<Message>");
            }
            "Call.start" => self.leave(id, thread),
            "Call.start_cancel" => {
                self.enter(id, thread, "startcancel", &mine, "");
                self.leave(id, thread);
            }
            "Call.clear_cancel" => self.line(id, thread, "clearcancel", &mine),
            "Worker.install_cancel" if receives => {
                self.enter(id, thread, "recvtensor-handler", &theirs, &self.tensor(call));
                self.set_cancel(id, thread, &theirs, "GrpcWorker::GrpcRecvTensorAsync");
            }
            "Worker.install_cancel" => {
                self.enter(id, thread, "rungraph-handler", &theirs, "");
                self.set_cancel(id, thread, &theirs, "Worker::DoRunGraph");
            }
            "Handler.clear_cancel" => self.line(id, thread, "clearcancel", &theirs),
            "Server.request_cancelled" => {
                self.enter(id, thread, "startcancel", &theirs, "");
                if self.next_label(id, thread).is_empty() {
                    self.leave(id, thread);
                }
            }
            "Server.cancel_done" => self.leave(id, thread),
            _ => {}
        }
    }

    fn write_step(&mut self, id: ProcessId, thread: ThreadId, label: &str, at: Option<Pc>, rz: &str) {
        let own = r#", "opts": "own""#;
        match label {
            "Worker.install_cancel_local" => {
                self.enter(id, thread, "rungraph-handler", own, "");
                self.set_cancel(id, thread, own, "Worker::DoRunGraph");
            }
            "Worker.schedule_root" if self.next_label(id, thread) != label => self.leave(id, thread),
            "Master.install_cancel" => {
                self.set_cancel(
                    id,
                    thread,
                    r#", "opts": "client""#,
                    "MasterSession::RunPartitionsHelper",
                );
            }
            "Worker.clear_cancel_local" => self.line(id, thread, "clearcancel", own),
            "Master.cancel_local" => {
                self.enter(id, thread, "startcancel", own, "");
                if self.next_label(id, thread) != "Worker.start_cancel" {
                    self.leave(id, thread);
                }
            }
            "Master.cancel_local_done" => self.leave(id, thread),
            "Rendezvous.find_or_create" => {
                if self.next_label(id, thread) == "AbortStep.delay" {
                    self.line(id, thread, "abortstep", "");
                }
                self.line(id, thread, "findorcreate", rz);
            }
            "Rendezvous.initialize" => self.line(id, thread, "initialize", rz),
            "Rendezvous.cleanup" => self.line(id, thread, "cleanup", ""),
            "StartAbort.local" => {
                let cleans = matches!(thread, ThreadId::Handler(_) | ThreadId::Step(_));
                let code = match thread {
                    ThreadId::Timer(..) => r#", "code": 10, "message": "Step 1""#,
                    _ if cleans => r#", "code": 10, "message": "Cleanup 1""#,
                    _ => r#", "code": 11"#,
                };
                self.enter(id, thread, "startabort", rz, code);
            }
            "StartAbort.remote" if self.next_label(id, thread) != "StartAbort.next_call" => self.leave(id, thread),
            "StartAbort.unlock" => self.leave(id, thread),
            "Recv.register" => {
                let call = self.registered(id, at);
                self.line(id, thread, "register", &format!(r#"{rz}, "call": "call{call}""#));
                let wk = format!(r#", "wk": "w{}"{}"#, self.model.call(call).server.0, self.tensor(call));
                self.enter(id, thread, "recvtensor-issue", &format!(r#", "opts": "c{call}""#), &wk);
            }
            "Recv.deregister" => {
                let ThreadId::Completion(call) = thread else {
                    panic!("{thread:?} completes no receive");
                };
                self.line(id, thread, "deregister", &format!(r#"{rz}, "call": "call{call}""#));
            }
            "RunManyGraphs.when_done" => self.write_done(id, thread),
            _ => {}
        }
    }

    fn write_done(&mut self, id: ProcessId, thread: ThreadId) {
        let partition = match thread {
            ThreadId::Completion(call) => match self.model.call(call).kind {
                CallKind::RunGraph { partition } => usize::from(partition),
                other => panic!("{other:?} is no partition"),
            },
            _ => self.model.partition(0, id),
        };
        let rest = format!(r#", "mg": "mg1", "partition": {partition}, "code": 0"#);
        self.line(id, thread, "whendone", &rest);
    }

    fn registered(&self, id: ProcessId, at: Option<Pc>) -> CallId {
        let subject = at.map(Pc::subject).unwrap_or_default();
        let (Some(step), Some(node)) = (subject.step, subject.node) else {
            panic!("{at:?} registers nothing");
        };
        let partition = self.model.partition(step, id);
        let node = &self.model.graph(step).partitions[partition].nodes[usize::from(node)];
        let NodeKind::Recv { edge } = node.kind else {
            panic!("{} receives nothing", node.name);
        };
        let mut calls = (0u16..).zip(self.model.calls());
        let found = calls.find(|(_, info)| info.kind == CallKind::RecvTensor { edge });
        found.expect("every edge has its call").0
    }
}
