//! The state of one process (one TensorFlow task): its objects and its threads.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::mechanisms::Pc;
use super::mechanisms::cancellation::Session;
use super::mechanisms::crash::Connections;
use super::mechanisms::dataset::{self, Datasets};
use super::mechanisms::executor::Execution;
use super::mechanisms::master::Master;
use super::mechanisms::pool::ComputePool;
use super::mechanisms::queue::Queue;
use super::mechanisms::rendezvous::Rendezvous;
use super::mechanisms::rpc::{ClientCall, ServerCall};
use crate::machine::{BitSet, Label};

/// A running `sess.run`: index into the model's table of steps.
pub type StepId = u16;
/// A node of a partition graph.
pub type NodeId = u16;
/// An RPC, known to its client and its server by the same number: index into the model's table of calls.
pub type CallId = u16;
/// A rendezvous object of this process: index into [`Process::rendezvous`]. Several may stand for one step, since the table
/// creates a fresh one after a cleanup.
pub type RendezvousId = u16;
/// A short list of nodes or calls that a thread works through.
pub type List = SmallVec<[u16; 4]>;

/// The rendezvous that stands for a step when it comes to that, of which footprints know nothing else.
pub(in crate::models) const ANY_RENDEZVOUS: RendezvousId = RendezvousId::MAX;

/// The node `_SOURCE` of a partition, for which its roots wait: the one node without any in-edge, so the executor's one root
/// (`graph_constructor.cc:170`, `executor.cc:609`).
pub(in crate::models) const SOURCE: NodeId = NodeId::MAX;

/// The subject of a label, a place or a thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Subject {
    /// The step.
    pub step: Option<StepId>,
    /// The node of its graph.
    pub node: Option<NodeId>,
    /// The call.
    pub call: Option<CallId>,
    /// The rendezvous.
    pub rendezvous: Option<RendezvousId>,
}

/// Names a thread within its process. A closure in the pool's queue is a thread from the moment it is scheduled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum ThreadId {
    /// The Python thread in its loop of `sess.run`s.
    Client,
    /// The thread of the queue runner, in its loop of enqueues.
    Runner,
    /// The detached thread that runs `MasterSession::Run` of one step.
    Step(StepId),
    /// `ExecutorState::Process` of one ready node, on the compute pool.
    Node(StepId, NodeId),
    /// The step-done callback that `ExecutorState::Finish` hands to the compute pool.
    Done(StepId),
    /// The handler of a request, on the compute pool.
    Handler(CallId),
    /// A server's completion-queue thread with the arrival of a request.
    Arrival(CallId),
    /// A server's completion-queue thread with the cancellation of a request.
    Cancelled(CallId),
    /// A client's completion-queue thread with the completion of a call.
    Completion(CallId),
    /// The thread of `IteratorGetNext` (`BackgroundWorker`).
    GetNext(StepId, NodeId),
    /// A delayed closure of `AbortStep`; the number tells those of one step apart.
    Timer(StepId, u8),
    /// The wait for a step, until it runs out.
    Deadline(StepId),
    /// The thread that closes the session.
    Closer,
    /// The thread that ends the process.
    Death,
    /// A thread or closure of a pipeline.
    Dataset(dataset::Name),
}

/// On what a thread runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RunsOn {
    /// A thread of the compute pool.
    Pool,
    /// A completion-queue thread of a client.
    ClientQueue,
    /// A completion-queue thread of a server.
    ServerQueue,
    /// A thread of its own.
    Itself,
}

/// The role of a thread: the one table over their names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Role {
    /// On what it runs.
    pub runs_on: RunsOn,
    /// Its name in schedules; `{}` stands for what it is about.
    pub name: &'static str,
    /// Name in plain words.
    pub words: &'static str,
    /// Subject of the thread.
    pub about: Subject,
}

impl ThreadId {
    /// Returns the role of the thread.
    pub fn role(self) -> Role {
        use RunsOn::{ClientQueue, Itself, Pool, ServerQueue};
        let none = Subject::default();
        let of_step = |step| Subject {
            step: Some(step),
            ..none
        };
        let of_node = |step, node| Subject {
            step: Some(step),
            node: Some(node),
            ..none
        };
        let of_call = |call| Subject {
            call: Some(call),
            ..none
        };
        let (runs_on, name, words, about) = match self {
            Self::Client => (Itself, "client", "the client", none),
            Self::Runner => (Itself, "queue_runner", "the queue runner", none),
            Self::Step(step) => (Itself, "step:{}", "the step thread", of_step(step)),
            Self::Node(step, node) => (Pool, "pool:{}", "the pool thread that runs {}", of_node(step, node)),
            Self::Done(step) => (
                Pool,
                "pool:done({})",
                "the pool thread that ends the partition",
                of_step(step),
            ),
            Self::Handler(call) => (
                Pool,
                "pool:handle({})",
                "the pool thread that handles {}",
                of_call(call),
            ),
            Self::Arrival(call) => (
                ServerQueue,
                "server_cq:{}",
                "the server's completion-queue thread with {}",
                of_call(call),
            ),
            Self::Cancelled(call) => (
                ServerQueue,
                "server_cq:cancelled({})",
                "the server's completion-queue thread with {}",
                of_call(call),
            ),
            Self::Completion(call) => (
                ClientQueue,
                "client_cq:{}",
                "the client's completion-queue thread with {}",
                of_call(call),
            ),
            Self::GetNext(step, node) => (Itself, "iterator:{}", "the iterator's thread", of_node(step, node)),
            Self::Timer(step, _) => (Itself, "timer{number}:{}", "the timer {name}", of_step(step)),
            Self::Deadline(step) => (Itself, "deadline:{}", "the timeout of the client's wait", of_step(step)),
            Self::Closer => (Itself, "closer", "whoever closes the session", none),
            Self::Death => (Itself, "death", "the process", none),
            Self::Dataset(name) if name.is_pooled() => (Pool, "", "", none),
            Self::Dataset(_) => (Itself, "", "", none),
        };
        Role {
            runs_on,
            name,
            words,
            about,
        }
    }
}

impl ThreadId {
    /// Returns the name without what only a run knows.
    pub(in crate::models) fn erased(self) -> Self {
        match self {
            Self::Timer(step, _) => Self::Timer(step, 0),
            Self::Dataset(name) => Self::Dataset(name.erased()),
            other => other,
        }
    }
}

/// A live thread.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Thread {
    /// Its name.
    pub id: ThreadId,
    /// Its place: activities within activities, the running one last. Never empty while the thread lives.
    pub stack: SmallVec<[Pc; 4]>,
    /// Ready nodes that it runs itself, first first (`inline_ready`).
    pub inline: List,
    /// Ready nodes that it still has to hand to the pool.
    pub dispatch: List,
    /// Calls that the running activity still has to work through (waiters to fail, calls to cancel).
    pub calls: List,
}

impl Thread {
    /// Returns a thread with nothing to do yet.
    pub fn new(id: ThreadId) -> Self {
        Self {
            id,
            stack: SmallVec::new(),
            inline: List::new(),
            dispatch: List::new(),
            calls: List::new(),
        }
    }

    /// Returns true if the thread runs on the compute pool.
    pub fn is_pooled(&self) -> bool {
        self.id.role().runs_on == RunsOn::Pool
    }

    /// Returns the thread's next place.
    #[inline]
    pub fn at(&self) -> Pc {
        *self.stack.last().expect("a live thread has a place")
    }

    /// Returns true if this label is the next one of the thread.
    #[inline]
    pub fn is_at(&self, label: &'static Label) -> bool {
        self.at().label() == label
    }

    /// Returns the places at which the thread has this label before it, now or later.
    pub fn places(&self, label: &'static Label) -> impl Iterator<Item = Pc> {
        self.stack.iter().copied().filter(move |pc| pc.label() == label)
    }

    /// Goes on with these, the first one given first.
    pub fn then<P: Into<Pc>>(&mut self, places: impl IntoIterator<Item = P>) {
        let before = self.stack.len();
        self.stack.extend(places.into_iter().map(Into::into));
        self.stack[before..].reverse();
    }
}

/// The state of one process. Collections are kept sorted, so that equal situations are equal values.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Process {
    /// Live threads, sorted by id.
    pub threads: Vec<Thread>,
    /// The compute pool ("inter-op").
    pub pool: ComputePool,
    /// `BaseRendezvousMgr::table_`: step to rendezvous, sorted.
    pub table: SmallVec<[(StepId, RendezvousId); 2]>,
    /// Rendezvous objects that something refers to.
    pub rendezvous: SmallVec<[Rendezvous; 1]>,
    /// Steps whose partition runs here, sorted by step.
    pub executions: SmallVec<[Execution; 1]>,
    /// Calls that this process sent and that are not over, sorted by id.
    pub client_calls: Vec<ClientCall>,
    /// Calls that reached this process and that are not over, sorted by id.
    pub server_calls: Vec<ServerCall>,
    /// Steps whose RunGraph was handled here. Diagnosis only: no label looks at it.
    pub started: BitSet,
    /// Steps whose RunGraph request was dropped together with its reset. Diagnosis only.
    pub dropped: BitSet,
    /// Calls whose request has reached this process. Reduction only: what was here will not arrive again.
    pub arrived: BitSet,
    /// Steps that the master reported cancelled (variant `remember-cancelled-steps`).
    pub cancelled_steps: BitSet,
    /// The master and client; workers only.
    pub master: Option<Master>,
    /// The queue runner of this worker, and the step that it runs; only where the batches come from a queue.
    pub runner: Option<Master>,
    /// The shared queue, where the process has one.
    pub queue: Option<Queue>,
    /// The session, which can cancel steps from outside; only where something does.
    pub session: Option<Session>,
    /// Processes that are dead or were.
    pub connections: Connections,
    /// Remote processes whose client completion-queue thread runs a callback.
    pub busy_queues: BitSet,
    /// The pipelines that run here, if any.
    pub datasets: Option<Box<Datasets>>,
    /// Updates applied to each variable that lives here.
    pub variables: SmallVec<[u8; 8]>,
}

impl Process {
    fn place(&self, id: ThreadId) -> Result<usize, usize> {
        self.threads.binary_search_by_key(&id, |thread| thread.id)
    }

    /// Returns the thread with this id, if it lives.
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.place(id).ok().map(|index| &self.threads[index])
    }

    /// Adds a thread.
    ///
    /// # Panics
    /// If one of that name lives: names are unique.
    pub fn spawn(&mut self, thread: Thread) {
        match self.place(thread.id) {
            Ok(_) => panic!("{:?} was started twice", thread.id),
            Err(index) => self.threads.insert(index, thread),
        }
    }

    /// Takes a thread out to run it, and returns its place as well.
    pub fn take_thread(&mut self, id: ThreadId) -> (usize, Thread) {
        let index = self.place(id).expect("only live threads run");
        (index, self.threads.remove(index))
    }

    /// Puts a thread back that was taken out of a place. Others may have come or gone since.
    pub fn put_back(&mut self, place: usize, thread: Thread) {
        let before = place == 0 || self.threads.get(place - 1).is_some_and(|other| other.id < thread.id);
        let after = self.threads.get(place).is_none_or(|other| thread.id < other.id);
        if before && after {
            self.threads.insert(place, thread);
        } else {
            self.spawn(thread);
        }
    }

    /// Returns every live thread's places, now or later, with this label.
    pub fn places(&self, label: &'static Label) -> impl Iterator<Item = Pc> {
        self.threads.iter().flat_map(move |thread| thread.places(label))
    }

    /// Returns the execution of a step, if it runs here.
    pub fn execution(&self, step: StepId) -> Option<&Execution> {
        self.executions.iter().find(|execution| execution.step == step)
    }

    /// Returns the execution of a step, to change it.
    ///
    /// # Panics
    /// If the step does not run here.
    pub fn execution_mut(&mut self, step: StepId) -> &mut Execution {
        self.executions
            .iter_mut()
            .find(|execution| execution.step == step)
            .expect("the step runs here")
    }

    /// Returns a call that this process sent.
    pub fn client_call(&self, id: CallId) -> Option<&ClientCall> {
        let index = self.client_calls.binary_search_by_key(&id, |call| call.id).ok()?;
        Some(&self.client_calls[index])
    }

    /// Returns the client's side of a call, to change it.
    pub fn client_call_mut(&mut self, id: CallId) -> Option<&mut ClientCall> {
        let index = self.client_calls.binary_search_by_key(&id, |call| call.id).ok()?;
        Some(&mut self.client_calls[index])
    }

    /// Returns a call that reached this process.
    pub fn server_call(&self, id: CallId) -> Option<&ServerCall> {
        let index = self.server_calls.binary_search_by_key(&id, |call| call.id).ok()?;
        Some(&self.server_calls[index])
    }

    /// Returns the server's side of a call, to change it.
    pub fn server_call_mut(&mut self, id: CallId) -> Option<&mut ServerCall> {
        let index = self.server_calls.binary_search_by_key(&id, |call| call.id).ok()?;
        Some(&mut self.server_calls[index])
    }

    /// Notes a call that this process will send.
    pub fn insert_client_call(&mut self, call: ClientCall) {
        let place = self.client_calls.partition_point(|other| other.id < call.id);
        self.client_calls.insert(place, call);
    }

    /// Returns the clients of this process: the one that trains, and the queue runner.
    pub fn masters(&self) -> impl Iterator<Item = &Master> {
        self.master.iter().chain(&self.runner)
    }

    /// Forgets a call that this process sent.
    pub fn remove_client_call(&mut self, id: CallId) {
        self.client_calls.retain(|call| call.id != id);
    }

    /// Forgets a call that reached this process.
    pub fn remove_server_call(&mut self, id: CallId) {
        self.server_calls.retain(|call| call.id != id);
    }
}
