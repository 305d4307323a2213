//! A run for people: the state of each object, the locks, the frames, the threads. No label looks at any of this.

use super::TensorFlow;
use super::mechanisms::context::{Inventory, View, Wanted};
use super::mechanisms::rpc::Frame;
use super::mechanisms::{cancellation, executor, list_objects, rendezvous, rpc, worker};
use super::process::{Process, ThreadId};
use super::sources;
use crate::machine::{Describe, Emphasis, FrameKind, FrameText, Label, ObjectId, Pending, ProcessId, Resolver};
use crate::models::tensorflow::release::Status;

/// The labels that give something up.
static ABORTS: [&Label; 5] = [
    &rendezvous::ABORT_LOCAL,
    &rendezvous::ABORT_REMOTE,
    &rendezvous::ABORT_WAITERS,
    &rendezvous::ABORT_CALLS,
    &rendezvous::ABORT_NEXT,
];
/// The labels that ask somebody to give up.
static CANCELS: [&Label; 6] = [
    &rpc::CANCEL,
    &executor::CANCEL,
    &worker::CANCEL_MANAGER,
    &worker::CANCEL_LOCAL,
    &rpc::REQUEST_CANCELLED,
    &cancellation::CANCEL_ALL,
];

impl Describe for TensorFlow {
    fn source(&self, label: &Label) -> Option<String> {
        sources::address(label.site)
    }

    fn describe_objects(&self, id: ProcessId, process: &Process) -> Vec<(ObjectId, String)> {
        let mut wanted = Wanted::Texts(Vec::new());
        list_objects(self, id, process, &mut Inventory::new(self, &mut wanted));
        match wanted {
            Wanted::Texts(texts) => texts,
            Wanted::Values(_) | Wanted::Owners(_) => Vec::new(),
        }
    }

    fn locks(&self, id: ProcessId, process: &Process) -> Vec<(ObjectId, ThreadId)> {
        let mut wanted = Wanted::Owners(Vec::new());
        list_objects(self, id, process, &mut Inventory::new(self, &mut wanted));
        match wanted {
            Wanted::Owners(owners) => owners,
            Wanted::Values(_) | Wanted::Texts(_) => Vec::new(),
        }
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
            Frame::Response(call, Status::Ok) => (call, "answer", FrameKind::Response),
            Frame::Response(call, Status::Error) => (call, "answer with an error", FrameKind::Response),
            Frame::Response(call, Status::Derived) => (call, "answer with a derived error", FrameKind::Response),
        };
        FrameText {
            name: format!("{} {what}", self.call_name(call)),
            kind,
        }
    }

    fn emphasis(&self, label: &Label) -> Option<Emphasis> {
        let aborts = ABORTS.contains(&label).then_some(Emphasis::Abort);
        aborts.or(CANCELS.contains(&label).then_some(Emphasis::Cancel))
    }

    fn words(&self, id: ProcessId, process: &Process, pending: &Pending<ThreadId>, choice: u32) -> String {
        let thread = process.thread(pending.thread).expect("a live thread");
        let view = View {
            model: self,
            id,
            process,
            thread,
        };
        thread.at().words(&view, choice)
    }

    fn thread_words(&self, id: ProcessId, _process: &Process, thread: ThreadId) -> String {
        let role = thread.role();
        let about = match (role.about.call, role.about.step, role.about.node) {
            (Some(call), ..) => self.call_words(call),
            (None, Some(step), Some(node)) => self.node(step, id, node).name.clone(),
            _ => String::new(),
        };
        match thread {
            ThreadId::Dataset(name) => name.words(),
            _ => role
                .words
                .replace("{}", &about)
                .replace("{name}", &self.thread_text(id, thread)),
        }
    }

    fn resolvers(&self, system: &[&Process], process: ProcessId, client: usize) -> Vec<Resolver> {
        self.possible_resolvers(system, process, client)
    }
}

impl TensorFlow {
    /// Returns the name of a thread in schedules.
    pub(in crate::models) fn thread_text(&self, id: ProcessId, thread: ThreadId) -> String {
        let role = thread.role();
        let about = match (role.about.call, role.about.step, role.about.node) {
            (Some(call), ..) => self.call_name(call),
            (None, Some(step), Some(node)) if self.tells_steps => {
                format!("{}/{}", self.step_name(step), self.node(step, id, node).name)
            }
            (None, Some(step), Some(node)) => self.node(step, id, node).name.clone(),
            (None, Some(step), None) => self.step_name(step).to_owned(),
            (None, None, _) => String::new(),
        };
        match thread {
            ThreadId::Dataset(name) => name.text(),
            ThreadId::Timer(_, number) => role.name.replace("{number}", &number.to_string()).replace("{}", &about),
            _ => role.name.replace("{}", &about),
        }
    }
}
