//! The state of one process (one TensorFlow task): its objects and the positions of its threads.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::models::tensorflow::mechanisms::cancellation::{self, Session};
use crate::models::tensorflow::mechanisms::crash::{self, Connections};
use crate::models::tensorflow::mechanisms::dataset::{self, Datasets};
use crate::models::tensorflow::mechanisms::executor::{self, Execution};
use crate::models::tensorflow::mechanisms::iterator;
use crate::models::tensorflow::mechanisms::master::{self, Master};
use crate::models::tensorflow::mechanisms::pool::ComputePool;
use crate::models::tensorflow::mechanisms::queue::{self, Queue};
use crate::models::tensorflow::mechanisms::rendezvous::{self, Rendezvous};
use crate::models::tensorflow::mechanisms::rpc::{self, ClientCall, ServerCall};
use crate::models::tensorflow::mechanisms::worker;

/// A running `sess.run`: index into the model's table of steps.
pub type StepId = u8;
/// A node of a partition graph.
pub type NodeId = u16;
/// An RPC, known to its client and its server by the same number: index into the model's table of calls.
pub type CallId = u16;
/// A rendezvous object of this process: index into [`Process::rendezvous`]. Several may stand for one step, since the table
/// creates a fresh one after a cleanup.
pub type RendezvousId = u8;
/// A short list of nodes or calls that a thread works through.
pub type List = SmallVec<[u16; 4]>;

/// A set of calls.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct CallSet(SmallVec<[u64; 1]>);

impl CallSet {
    /// Adds a call.
    pub fn insert(&mut self, call: CallId) {
        let word = usize::from(call) / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (call % 64);
    }

    /// Whether it holds the call.
    pub fn contains(&self, call: CallId) -> bool {
        self.0
            .get(usize::from(call) / 64)
            .is_some_and(|word| word & (1 << (call % 64)) != 0)
    }
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
    /// Whoever closes the session.
    Closer,
    /// What ends the process.
    Death,
    /// A thread or closure of a pipeline.
    Dataset(dataset::Name),
}

/// What a thread does next, innermost activity last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// Takes a pool thread.
    PoolTake,
    /// Gives the pool thread back.
    PoolIdle,
    /// See [`executor::At`].
    Executor(executor::At),
    /// See [`rendezvous::At`].
    Rendezvous(rendezvous::At),
    /// See [`rpc::At`].
    Rpc(rpc::At),
    /// See [`worker::At`].
    Worker(worker::At),
    /// See [`master::At`].
    Master(master::At),
    /// See [`iterator::At`].
    Iterator(iterator::At),
    /// See [`cancellation::At`].
    Session(cancellation::At),
    /// See [`crash::At`].
    Death(crash::At),
    /// See [`dataset::At`].
    Dataset(dataset::At),
    /// See [`queue::At`].
    Queue(queue::At),
}

/// A live thread.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Thread {
    /// Its name.
    pub id: ThreadId,
    /// Its position: activities within activities, the running one last. Never empty while the thread lives.
    pub stack: SmallVec<[At; 4]>,
    /// Ready nodes that it runs itself, first first (`inline_ready`).
    pub inline: List,
    /// Ready nodes that it still has to hand to the pool.
    pub dispatch: List,
    /// Calls that the running activity still has to work through (waiters to fail, calls to cancel).
    pub calls: List,
}

impl Thread {
    /// A thread that starts with `at`.
    pub fn new(id: ThreadId, at: At) -> Self {
        let mut stack = SmallVec::new();
        stack.push(at);
        Self {
            id,
            stack,
            inline: List::new(),
            dispatch: List::new(),
            calls: List::new(),
        }
    }

    /// Whether it runs on the compute pool.
    pub fn is_pooled(&self) -> bool {
        match self.id {
            ThreadId::Node(..) | ThreadId::Done(_) | ThreadId::Handler(_) => true,
            ThreadId::Dataset(name) => name.is_pooled(),
            _ => false,
        }
    }

    /// What it does next.
    pub fn at(&self) -> At {
        *self.stack.last().expect("a live thread has a position")
    }

    /// Pushes activities so that the first one given runs first.
    pub fn then<const N: usize>(&mut self, activities: [At; N]) {
        self.stack.extend(activities.into_iter().rev());
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
    pub started: u32,
    /// Steps whose RunGraph request was dropped together with its reset. Diagnosis only.
    pub dropped: u32,
    /// Calls whose request has reached this process. Reduction only: what was here will not arrive again.
    pub arrived: CallSet,
    /// Steps that the master reported cancelled (variant `remember-cancelled-steps`).
    pub cancelled_steps: u32,
    /// The master and client; workers only.
    pub master: Option<Master>,
    /// The queue runner of this worker, and the step that it runs; only where the batches come from a queue.
    pub runner: Option<Master>,
    /// That queue.
    pub queue: Option<Queue>,
    /// What can cancel steps from outside; only where something does.
    pub session: Option<Session>,
    /// Which processes are dead or were.
    pub connections: Connections,
    /// Client completion-queue threads that run a callback, one bit a remote process.
    pub busy_queues: u32,
    /// The pipelines that run here, if any.
    pub datasets: Option<Box<Datasets>>,
    /// Updates applied to each variable that lives here.
    pub variables: SmallVec<[u8; 8]>,
}

impl Process {
    /// The thread with this id, if it lives.
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.threads
            .binary_search_by_key(&id, |thread| thread.id)
            .ok()
            .map(|index| &self.threads[index])
    }

    /// Adds a thread.
    ///
    /// # Panics
    /// If one of that name lives: names are unique.
    pub fn spawn(&mut self, thread: Thread) {
        match self.threads.binary_search_by_key(&thread.id, |other| other.id) {
            Ok(_) => panic!("{:?} was started twice", thread.id),
            Err(index) => self.threads.insert(index, thread),
        }
    }

    /// Takes a thread out to run it.
    pub fn take_thread(&mut self, id: ThreadId) -> Thread {
        let index = self
            .threads
            .binary_search_by_key(&id, |thread| thread.id)
            .expect("only live threads run");
        self.threads.remove(index)
    }

    /// The execution of a step, if it runs here.
    pub fn execution(&self, step: StepId) -> Option<&Execution> {
        self.executions.iter().find(|execution| execution.step == step)
    }

    /// The same, to change it.
    ///
    /// # Panics
    /// If the step does not run here.
    pub fn execution_mut(&mut self, step: StepId) -> &mut Execution {
        self.executions
            .iter_mut()
            .find(|execution| execution.step == step)
            .expect("the step runs here")
    }

    /// A call that this process sent.
    pub fn client_call(&self, id: CallId) -> Option<&ClientCall> {
        self.client_calls
            .binary_search_by_key(&id, |call| call.id)
            .ok()
            .map(|index| &self.client_calls[index])
    }

    /// The same, to change it.
    pub fn client_call_mut(&mut self, id: CallId) -> Option<&mut ClientCall> {
        self.client_calls
            .binary_search_by_key(&id, |call| call.id)
            .ok()
            .map(|index| &mut self.client_calls[index])
    }

    /// A call that reached this process.
    pub fn server_call(&self, id: CallId) -> Option<&ServerCall> {
        self.server_calls
            .binary_search_by_key(&id, |call| call.id)
            .ok()
            .map(|index| &self.server_calls[index])
    }

    /// The same, to change it.
    pub fn server_call_mut(&mut self, id: CallId) -> Option<&mut ServerCall> {
        self.server_calls
            .binary_search_by_key(&id, |call| call.id)
            .ok()
            .map(|index| &mut self.server_calls[index])
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
