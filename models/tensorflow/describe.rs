//! A run for people: the state of each object, the locks, the frames. No label looks at any of this.

mod words;

use crate::machine::{Describe, Emphasis, FrameKind, FrameText, Label, Model, ObjectId, Pending, ProcessId, Waker};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::cancellation::Cancelling;
use crate::models::tensorflow::mechanisms::dataset;
use crate::models::tensorflow::mechanisms::master::Master;
use crate::models::tensorflow::mechanisms::rendezvous::Rendezvous;
use crate::models::tensorflow::mechanisms::rpc::{ClientCall, Frame, Rpc, ServerCall};
use crate::models::tensorflow::objects::Object;
use crate::models::tensorflow::process::{CallId, Process, ThreadId};

impl Describe for TensorFlow {
    fn describe_objects(&self, id: ProcessId, process: &Process) -> Vec<(ObjectId, String)> {
        let mut lines: Vec<(Object, String)> = Vec::new();
        self.describe_shared(process, &mut lines);
        for rendezvous in &process.rendezvous {
            self.describe_rendezvous(process, rendezvous, &mut lines);
        }
        self.describe_executions(id, process, &mut lines);
        self.describe_master(process, &mut lines);
        for call in &process.client_calls {
            lines.push((Object::Call(call.id), describe_client_call(call)));
        }
        for call in &process.server_calls {
            lines.push((Object::Call(call.id), describe_server_call(call)));
        }
        let pipelines = process.datasets.iter().flat_map(|datasets| dataset::lines(datasets));
        lines.extend(pipelines.map(|(object, text)| (Object::Dataset(object), text)));
        let numbered = lines.into_iter().map(|(object, text)| (self.object(object), text));
        numbered.collect()
    }

    fn locks(&self, _id: ProcessId, process: &Process) -> Vec<(ObjectId, ThreadId)> {
        let mut held = Vec::new();
        let mut add = |object, owner: Option<ThreadId>| held.extend(owner.map(|owner| (self.object(object), owner)));
        for rendezvous in &process.rendezvous {
            add(Object::Remote(rendezvous.step), rendezvous.lock.owner());
        }
        if let Some(queue) = &process.queue {
            add(Object::FifoQueue, queue.lock.owner());
        }
        for master in process.master.iter().chain(&process.runner) {
            add(Object::RunMany(master.step), master.lock.owner());
            add(Object::LocalOptions(master.step), master.local.lock.owner());
            if let Some(session) = &process.session {
                add(Object::ClientOptions(master.step), session.lock.owner());
            }
        }
        for call in &process.server_calls {
            add(Object::Call(call.id), call.lock.owner());
        }
        if let Some(datasets) = &process.datasets {
            add(Object::Dataset(dataset::Object::Sessions), datasets.sessions.owner());
        }
        held
    }

    fn describe_frame(&self, frame: &Frame) -> FrameText {
        let (call, what, kind) = match *frame {
            Frame::Lost => {
                return FrameText {
                    name: "the connection breaks".to_owned(),
                    kind: FrameKind::Reset,
                };
            }
            Frame::Request(call) => (call, "request", FrameKind::Request),
            Frame::Reset(call) => (call, "reset", FrameKind::Reset),
            Frame::Response(call, true) => (call, "answer", FrameKind::Response),
            Frame::Response(call, false) => (call, "answer with an error", FrameKind::Response),
        };
        FrameText {
            name: format!("{} {what}", self.call_name(call)),
            kind,
        }
    }

    fn emphasis(&self, label: &Label) -> Option<Emphasis> {
        match label.name {
            "StartAbort.local" | "StartAbort.remote" | "StartAbort.next_call" => Some(Emphasis::Abort),
            "Call.start_cancel"
            | "Executor.start_cancel"
            | "Worker.start_cancel"
            | "Master.cancel_local"
            | "Server.request_cancelled"
            | "RunManyGraphs.start_cancel" => Some(Emphasis::Cancel),
            _ => None,
        }
    }

    fn words(&self, id: ProcessId, process: &Process, pending: &Pending<ThreadId>, choice: u32) -> String {
        self.words_of(id, process, pending, choice)
    }

    fn thread_words(&self, id: ProcessId, process: &Process, thread: ThreadId) -> String {
        match thread {
            ThreadId::Client => "the client".to_owned(),
            ThreadId::Runner => "the queue runner".to_owned(),
            ThreadId::Step(_) => "the step thread".to_owned(),
            ThreadId::Node(step, node) => format!("the pool thread that runs {}", self.node(step, id, node).name),
            ThreadId::Done(_) => "the pool thread that ends the partition".to_owned(),
            ThreadId::Handler(call) => format!("the pool thread that handles {}", self.call_words(call)),
            ThreadId::Arrival(call) | ThreadId::Cancelled(call) => {
                format!("the server's completion-queue thread with {}", self.call_words(call))
            }
            ThreadId::Completion(call) => {
                format!("the client's completion-queue thread with {}", self.call_words(call))
            }
            ThreadId::GetNext(..) => "the iterator's thread".to_owned(),
            ThreadId::Dataset(name) => name.words(),
            ThreadId::Timer(..) => format!("the timer {}", self.thread_name(id, process, thread)),
            ThreadId::Deadline(_) => "the timeout of the client's wait".to_owned(),
            ThreadId::Closer => "whoever closes the session".to_owned(),
            ThreadId::Death => "the process".to_owned(),
        }
    }

    fn wakers(&self, system: &[&Process], process: ProcessId, client: usize) -> Vec<Waker> {
        self.possible_wakers(system, process, client)
    }
}

/// Names, or a word for none.
fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

impl TensorFlow {
    fn call_names(&self, calls: &[CallId]) -> String {
        listed(&calls.iter().map(|&call| self.call_name(call)).collect::<Vec<_>>())
    }

    /// What every process has.
    fn describe_shared(&self, process: &Process, lines: &mut Vec<(Object, String)>) {
        let size = self.pool_size();
        lines.push((Object::Pool, format!("{} of {size} threads busy", process.pool.busy)));
        let known: Vec<String> = process
            .table
            .iter()
            .map(|(step, _)| self.step_name(*step).to_owned())
            .collect();
        let mut table = format!("rendezvous of {}", listed(&known));
        if process.cancelled_steps != 0 {
            let cancelled = (0..self.steps().len() as u8).filter(|step| process.cancelled_steps & (1 << step) != 0);
            let cancelled: Vec<String> = cancelled.map(|step| self.step_name(step).to_owned()).collect();
            table.push_str(&format!("; cancelled: {}", listed(&cancelled)));
        }
        lines.push((Object::Table, table));
        if !process.variables.is_empty() {
            let updates: u32 = process.variables.iter().map(|&count| u32::from(count)).sum();
            lines.push((Object::Variables, format!("{updates} updates applied")));
        }
        for index in 0..self.processes().len() {
            if process.busy_queues >> index & 1 != 0 {
                lines.push((Object::Queue(ProcessId::new(index)), "runs a callback".to_owned()));
            }
        }
    }

    fn describe_rendezvous(&self, process: &Process, rendezvous: &Rendezvous, lines: &mut Vec<(Object, String)>) {
        let step = rendezvous.step;
        let in_table = process
            .table
            .iter()
            .any(|(of, id)| *of == step && std::ptr::eq(&process.rendezvous[usize::from(*id)], rendezvous));
        // A step may have a second rendezvous after a cleanup; objects are named after the one in the table.
        if !in_table && process.table.iter().any(|(of, _)| *of == step) {
            return;
        }
        let local = format!(
            "{}; values: {}; waiting receives: {}",
            if rendezvous.local_aborted { "aborted" } else { "open" },
            self.call_names(&rendezvous.values),
            self.call_names(&rendezvous.waiters)
        );
        lines.push((Object::Local(step), local));
        let remote = format!(
            "{}{}; active calls: {}",
            if rendezvous.aborted { "aborted" } else { "open" },
            if in_table { "" } else { "; no longer in the table" },
            self.call_names(&rendezvous.active)
        );
        let session = format!(
            "{}; parked receives: {}",
            if rendezvous.initialized {
                "initialized"
            } else {
                "not initialized"
            },
            self.call_names(&rendezvous.deferred)
        );
        match self.session_object(step) {
            Object::Remote(_) => lines.push((Object::Remote(step), format!("{remote}; {session}"))),
            object => lines.extend([(Object::Remote(step), remote), (object, session)]),
        }
    }

    fn describe_executions(&self, id: ProcessId, process: &Process, lines: &mut Vec<(Object, String)>) {
        for execution in &process.executions {
            let step = execution.step;
            let total = execution.pending.len();
            let ready = execution.pending.iter().filter(|&&count| count == 0).count();
            let nodes = self.graph(step).partitions[self.partition(step, id)].nodes.len();
            debug_assert_eq!(total, nodes);
            lines.push((
                Object::Frames(step),
                format!("{ready} of {total} nodes have all inputs"),
            ));
            let status = if execution.failed { "failed" } else { "ok" };
            lines.push((Object::Status(step), status.to_owned()));
            let outstanding = format!("{} nodes outstanding", execution.outstanding);
            lines.push((Object::Outstanding(step), outstanding));
            let cancelled = match execution.cancelling {
                Cancelling::No => "not cancelled",
                Cancelling::Now => "runs its callbacks",
                Cancelling::Done => "cancelled",
            };
            lines.push((Object::Cancellation(step), cancelled.to_owned()));
        }
    }

    fn describe_master(&self, process: &Process, lines: &mut Vec<(Object, String)>) {
        if let Some(queue) = &process.queue {
            let open = if queue.closed { "closed" } else { "open" };
            let (size, waiting) = (queue.size, queue.enqueues.len() + queue.dequeues.len());
            lines.push((
                Object::FifoQueue,
                format!("{open}, {size} elements, {waiting} attempts wait"),
            ));
        }
        for master in process.master.iter().chain(&process.runner) {
            self.describe_client(process, master, lines);
        }
    }

    fn describe_client(&self, process: &Process, master: &Master, lines: &mut Vec<(Object, String)>) {
        let client = match (master.returned, master.outcome) {
            (true, _) => "has left its loop",
            (false, Some(true)) => "the step ended well",
            (false, Some(false)) => "the step ended with an error",
            (false, None) => "waits for its step",
        };
        lines.push((self.client_object(master.step), client.to_owned()));
        if let Some(session) = &process.session {
            let closed = if session.closed { "closed" } else { "open" };
            lines.push((Object::Session, format!("{closed}, {} steps run", session.running)));
            let function = match session.installed {
                Some(_) => "cancel function installed",
                None => "no cancel function",
            };
            lines.push((Object::ClientOptions(master.step), function.to_owned()));
        }
        if process.thread(ThreadId::Step(master.step)).is_none() {
            return;
        }
        let status = if master.failed { "failed" } else { "ok" };
        lines.push((Object::RunMany(master.step), status.to_owned()));
        let pending = format!("{} partitions have not answered", master.pending);
        lines.push((Object::Counter(master.step), pending));
        let local = &master.local;
        let options = match (local.done, local.installed) {
            (true, _) => "the partition has answered",
            (false, true) => "cancel function installed",
            (false, false) => "no cancel function",
        };
        lines.push((Object::LocalOptions(master.step), options.to_owned()));
    }
}

fn describe_client_call(call: &ClientCall) -> String {
    let state = match call.rpc {
        Rpc::Fresh => "not sent",
        Rpc::Marked => "cancelled before it was sent",
        Rpc::Sent => "sent, not answered",
        Rpc::Complete => "complete",
    };
    let mut text = state.to_owned();
    text.push_str(if call.installed {
        "; cancel function installed"
    } else {
        "; no cancel function"
    });
    if call.wanted {
        text.push_str("; a cancel waits for the function");
    }
    if call.failed {
        text.push_str("; has an error");
    }
    text
}

fn describe_server_call(call: &ServerCall) -> String {
    let state = match (call.accepted, call.reset) {
        (true, _) => "given to the service",
        (false, true) => "arrived with its reset, not read",
        (false, false) => "arrived, not read",
    };
    let mut text = state.to_owned();
    text.push_str(match (call.callback, call.options) {
        (true, true) => "; cancel callbacks installed",
        (true, false) => "; the service's cancel callback installed",
        (false, _) => "; no cancel callback",
    });
    if call.wanted {
        text.push_str("; a cancel waits for the function");
    }
    if call.abandoned {
        text.push_str("; the client has cancelled it");
    }
    text
}
