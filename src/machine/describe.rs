//! The model's words about a run, for people: not behaviour. No engine looks at them.

use super::{Label, Model, ObjectId, Pending, ProcessId};

/// The kind of event that a label is, where the eye should stop.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Emphasis {
    /// Something is given up: those who use it get an error.
    Abort,
    /// Somebody is asked to give up.
    Cancel,
}

/// The purpose of a frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FrameKind {
    /// Asks for something.
    Request,
    /// Takes a request back.
    Reset,
    /// Answers a request.
    Response,
}

/// A frame for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameText {
    /// Name of the frame, as in `RunGraph(ps1) request`.
    pub name: String,
    /// Purpose of the frame.
    pub kind: FrameKind,
}

/// Somebody who could have ended a wait, and why that can't happen any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolver {
    /// The waiting place: index into the nodes of the wait-for closure.
    pub node: usize,
    /// The event that would have ended the wait, and whose part that was.
    pub who: String,
    /// The reason why it can't happen any more.
    pub why_not: String,
    /// The labels that settled it, as (process, label, object): the last event of the schedule that is one of them did.
    pub settled_by: Vec<(ProcessId, &'static str, ObjectId)>,
}

/// A model that can be told: names are in [`Model`], since schedules need them; here is what only explanations need.
pub trait Describe: Model {
    /// Returns the state of every object of the process, one short line each, for people. An object that is not there is left out.
    fn describe_objects(&self, _process: ProcessId, _state: &Self::Process) -> Vec<(ObjectId, String)> {
        Vec::new()
    }

    /// Returns the locks that are held now across labels, each with the thread that holds it.
    fn locks(&self, _process: ProcessId, _state: &Self::Process) -> Vec<(ObjectId, Self::Thread)> {
        Vec::new()
    }

    /// Returns a frame for people.
    fn describe_frame(&self, frame: &Self::Frame) -> FrameText {
        FrameText {
            name: format!("{frame:?}"),
            kind: FrameKind::Request,
        }
    }

    /// Returns true if a label is one at which the eye should stop.
    fn emphasis(&self, _label: &Label) -> Option<Emphasis> {
        None
    }

    /// Returns the address at which everybody can read the source of a label; `None` if there is none.
    fn source(&self, _label: &Label) -> Option<String> {
        None
    }

    /// Says what the next label of a thread will do in this state, in plain words that follow the thread's name, as in
    /// `cancels the receive of x, which has no cancel function yet`.
    fn words(
        &self,
        process: ProcessId,
        state: &Self::Process,
        pending: &Pending<Self::Thread>,
        _choice: u32,
    ) -> String {
        let object = self.object_name(process, state, pending.operation.object);
        format!("runs {} on {object}", pending.operation.label.function)
    }

    /// Returns a thread in plain words, as in `the iterator's thread`.
    fn thread_words(&self, process: ProcessId, state: &Self::Process, thread: Self::Thread) -> String {
        format!("thread {}", self.thread_name(process, state, thread))
    }

    /// Lists, for each waiting place of [`Model::wait_for`], who could have ended the wait.
    fn resolvers(&self, _system: &[&Self::Process], _process: ProcessId, _client: usize) -> Vec<Resolver> {
        Vec::new()
    }
}
