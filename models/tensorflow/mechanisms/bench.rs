//! A bench on which a small job runs by hand, for the tests of the rooms: threads are held at labels, places are run as if a thread stood
//! there, and every frame that is sent is noted.

use std::sync::Arc;

use proptest::prelude::*;
use smallvec::smallvec;

use super::rendezvous::Rendezvous;
use super::rpc::Frame;
use super::{Pc, executor, pool};
use crate::machine::{Label, Model, Pending, ProcessId, System, run_label};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::builtin::{BatchSource, Edges, builtin};
use crate::models::tensorflow::job::faults::{Death, Faults};
use crate::models::tensorflow::job::graph::{Graph, Node, NodeKind, Partition};
use crate::models::tensorflow::job::{Data, Job, JobStep, Order, Variant};
use crate::models::tensorflow::process::{CallId, Process, RendezvousId, SOURCE, Thread, ThreadId};

/// Labels that a small job may run: more means that it does not end.
const MOST_LABELS: usize = 10_000;

/// The edges of random jobs.
const SHAPES: [&[&str]; 4] = [
    &["worker->ps0 batch", "ps0->worker"],
    &["worker->ps0 batch", "ps0->worker batch"],
    &["ps0->worker x2"],
    &["worker->ps0 batch", "ps1->ps0", "ps0->worker"],
];

/// A place where a thread is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::models) enum Stop {
    At(&'static Label),
    Thread(ThreadId),
}

impl From<&'static Label> for Stop {
    fn from(label: &'static Label) -> Self {
        Self::At(label)
    }
}

impl From<ThreadId> for Stop {
    fn from(thread: ThreadId) -> Self {
        Self::Thread(thread)
    }
}

/// A job of one worker and one step, at the end of the data.
pub(in crate::models) fn job(graph: Graph) -> Job {
    Job {
        workers: 1,
        steps: vec![JobStep {
            graph: Arc::new(graph),
            data: Data::End,
        }],
        inter_op: 2,
        intra_op: 1,
        variant: Variant::Tf112,
        partition_order: Order::Recorded,
        root_order: Order::All,
        pipeline: None,
    }
}

/// A graph as scenarios describe it.
pub(in crate::models) fn graph(servers: u8, edges: &[&str]) -> Graph {
    let edges: Vec<String> = edges.iter().map(|edge| (*edge).to_owned()).collect();
    let edges = Edges::try_from(edges).expect("edges");
    builtin(servers, &edges, &[], BatchSource::Iterator).expect("a graph")
}

/// A node of [`worker_graph`].
pub(in crate::models) fn node(kind: NodeKind, expensive: bool, inputs: &[u16]) -> Node {
    Node {
        name: String::new(),
        op: "NoOp".to_owned(),
        kind,
        expensive,
        inputs: inputs.to_vec(),
    }
}

/// A graph of these nodes on the worker.
pub(in crate::models) fn worker_graph(nodes: Vec<Node>) -> Graph {
    let named = (0..).zip(nodes).map(|(number, node)| Node {
        name: format!("node{number}"),
        ..node
    });
    let worker = Partition {
        device: "/job:worker/replica:0/task:0/device:CPU:0".to_owned(),
        job: "worker".to_owned(),
        task: 0,
        nodes: named.collect(),
        variables: vec!["v".to_owned()],
    };
    Graph::new(vec![worker], Vec::new()).expect("a graph")
}

/// A job with its state.
pub(in crate::models) struct Bench {
    pub(in crate::models) model: TensorFlow,
    pub(in crate::models) system: System<Process>,
    /// Every frame that was sent since the start, or since they were last taken.
    pub(in crate::models) sent: Vec<Frame>,
    held: Vec<(ProcessId, Stop)>,
}

impl Bench {
    /// The last step of a job: its input has ended.
    pub(in crate::models) fn new(servers: u8, edges: &[&str]) -> Self {
        Self::changed(servers, edges, |_| {})
    }

    /// Changes the job before that.
    pub(in crate::models) fn changed(servers: u8, edges: &[&str], change: impl FnOnce(&mut Job)) -> Self {
        let mut job = job(graph(servers, edges));
        change(&mut job);
        Self::of(TensorFlow::new(job).expect("a small job"))
    }

    /// Runs the last step on a variant of the runtime.
    pub(in crate::models) fn variant(servers: u8, edges: &[&str], variant: Variant) -> Self {
        Self::changed(servers, edges, |job| job.variant = variant)
    }

    /// Starts again, with something happening beside the step.
    pub(in crate::models) fn with(self, faults: Faults) -> Self {
        Self::of(self.model.with(faults))
    }

    /// Any model, at its start.
    pub(in crate::models) fn of(model: TensorFlow) -> Self {
        Self {
            system: System::initial(&model),
            model,
            sent: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Leaves out the cleanup after the step, as the search for hangs does.
    pub(in crate::models) fn without_cleanup(mut self) -> Self {
        self.model.set_cleans_up(false);
        self
    }

    pub(in crate::models) fn id(&self, name: &str) -> ProcessId {
        let mut ids = self.model.process_ids();
        ids.find(|id| self.model.process_name(*id) == name).expect("a process")
    }

    pub(in crate::models) fn process(&self, name: &str) -> &Process {
        &self.system.processes[self.id(name).index()]
    }

    pub(in crate::models) fn process_mut(&mut self, name: &str) -> &mut Process {
        let id = self.id(name);
        &mut self.system.processes[id.index()]
    }

    /// The states of all processes.
    pub(in crate::models) fn states(&self) -> Vec<&Process> {
        self.system.processes.iter().collect()
    }

    /// The call with this name, as in `RunGraph(ps0)` or `edge_0_worker_ps0`.
    pub(in crate::models) fn call(&self, name: &str) -> CallId {
        let mut calls = 0..self.model.calls().len() as CallId;
        calls
            .find(|call| self.model.call_name(*call) == name)
            .unwrap_or_else(|| panic!("no call {name}"))
    }

    /// The rendezvous that stands for the first step in a process.
    pub(in crate::models) fn rendezvous_id(&self, process: &str) -> RendezvousId {
        let table = &self.process(process).table;
        table.iter().find(|(step, _)| *step == 0).expect("one in the table").1
    }

    pub(in crate::models) fn rendezvous(&self, process: &str) -> &Rendezvous {
        let id = self.rendezvous_id(process);
        &self.process(process).rendezvous[usize::from(id)]
    }

    /// Holds the threads of a process that come to a label, or one thread wherever it is.
    pub(in crate::models) fn hold(&mut self, process: &str, stop: impl Into<Stop>) {
        let id = self.id(process);
        self.held.push((id, stop.into()));
    }

    /// Ends what [`Bench::hold`] began.
    pub(in crate::models) fn release(&mut self, process: &str, stop: impl Into<Stop>) {
        let held = (self.id(process), stop.into());
        let index = self.held.iter().position(|other| *other == held).expect("held");
        self.held.remove(index);
    }

    fn is_held(&self, id: ProcessId, pending: &Pending<ThreadId>) -> bool {
        let stops = [Stop::At(pending.operation.label), Stop::Thread(pending.thread)];
        stops.iter().any(|stop| self.held.contains(&(id, *stop)))
    }

    /// Runs everything that is not held until nothing is left.
    pub(in crate::models) fn go(&mut self) {
        for _ in 0..MOST_LABELS {
            let mut enabled = self.system.enabled(&self.model).into_iter();
            match enabled.find(|(id, pending)| !self.is_held(*id, pending)) {
                Some((id, pending)) => self.apply(id, &pending, 0),
                None => return,
            }
        }
        panic!("the job does not end");
    }

    /// Runs `_SOURCE` of the first step in a process until it has handed the roots on. It stands at the one that it keeps.
    pub(in crate::models) fn hand_roots_on(&mut self, process: &str) {
        self.hold(process, &pool::TAKE);
        self.go();
        self.release(process, &pool::TAKE);
        let source = ThreadId::Node(0, SOURCE);
        for label in [&pool::TAKE, &executor::PROPAGATE, &executor::OUTSTANDING] {
            assert_eq!(self.at(process, source), Some(label));
            self.step(process, source);
        }
        while self.at(process, source) == Some(&executor::DISPATCH) {
            self.step(process, source);
        }
    }

    fn apply(&mut self, id: ProcessId, pending: &Pending<ThreadId>, choice: u32) {
        let state = &mut self.system.processes[id.index()];
        let sent = run_label(&self.model, id, state, pending, choice).expect("labels keep to what they declare");
        for (to, frame) in sent {
            self.sent.push(frame);
            self.model
                .deliver(to, &mut self.system.processes[to.index()], id, frame);
        }
    }

    /// Delivers a frame as if it had been sent.
    pub(in crate::models) fn deliver(&mut self, from: &str, to: &str, frame: Frame) {
        let (from, to) = (self.id(from), self.id(to));
        self.model
            .deliver(to, &mut self.system.processes[to.index()], from, frame);
    }

    /// The next operation of a thread.
    pub(in crate::models) fn pending(&self, process: &str, thread: ThreadId) -> Pending<ThreadId> {
        let id = self.id(process);
        let mut threads = self.model.threads(id, self.process(process)).into_iter();
        threads
            .find(|pending| pending.thread == thread)
            .unwrap_or_else(|| panic!("no thread {thread:?} in {process}"))
    }

    /// The label at which a thread stands; none if it is over.
    pub(in crate::models) fn at(&self, process: &str, thread: ThreadId) -> Option<&'static Label> {
        self.process(process).thread(thread).map(|thread| thread.at().label())
    }

    /// The threads that stand at a label.
    pub(in crate::models) fn standing(&self, process: &str, label: &'static Label) -> Vec<ThreadId> {
        let threads = self.process(process).threads.iter();
        let standing = threads.filter(|thread| thread.is_at(label));
        standing.map(|thread| thread.id).collect()
    }

    /// Runs one label of a thread, held or not, with this outcome.
    pub(in crate::models) fn choose(&mut self, process: &str, thread: ThreadId, choice: u32) {
        let pending = self.pending(process, thread);
        assert!(pending.enabled, "{thread:?} can't run {}", pending.operation.label);
        assert!(
            choice < pending.operation.choices,
            "{} has this outcome",
            pending.operation.label
        );
        self.apply(self.id(process), &pending, choice);
    }

    /// Runs one label of a thread, held or not.
    pub(in crate::models) fn step(&mut self, process: &str, thread: ThreadId) {
        self.choose(process, thread, 0);
    }

    /// Runs a label once, on the first thread that stands there.
    pub(in crate::models) fn run(&mut self, process: &str, label: &'static Label) {
        let threads = self.standing(process, label);
        let thread = threads
            .first()
            .unwrap_or_else(|| panic!("nobody stands at {label} in {process}"));
        self.step(process, *thread);
    }

    /// Starts a thread that stands at a place.
    pub(in crate::models) fn start(&mut self, process: &str, place: impl Into<Pc>) -> ThreadId {
        let taken = |number: &u8| self.process(process).thread(ThreadId::Timer(0, *number)).is_some();
        let free = (100..).find(|number| !taken(number)).expect("a name");
        let mut thread = Thread::new(ThreadId::Timer(0, free));
        thread.stack = smallvec![place.into()];
        let name = thread.id;
        self.process_mut(process).spawn(thread);
        name
    }

    /// Starts a thread that stands at a place, and runs that label.
    pub(in crate::models) fn does(&mut self, process: &str, place: impl Into<Pc>) -> ThreadId {
        let thread = self.start(process, place);
        self.step(process, thread);
        thread
    }
}

/// Small jobs of every runtime and with every fault: one or two servers, at the end of the data or with a batch.
pub(in crate::models) fn models() -> impl Strategy<Value = TensorFlow> {
    let faults = (0..5_u8).prop_map(|number| Faults {
        timeout: number == 1,
        close: number == 2,
        death: (number > 2).then(|| Death {
            task: "ps0".to_owned(),
            restarts: number == 3,
        }),
        queue: None,
    });
    let variants = prop::sample::select(Variant::all().collect::<Vec<_>>());
    let data = prop_oneof![Just(Data::End), Just(Data::Batch)];
    (
        prop::sample::select(&SHAPES[..]).prop_map(|edges| (2, edges)),
        1..3_u8,
        variants,
        data,
        faults,
        any::<bool>(),
    )
        .prop_map(|((servers, edges), pool, variant, data, faults, cleans_up)| {
            let mut job = job(graph(servers, edges));
            (job.inter_op, job.variant, job.steps[0].data) = (pool, variant, data);
            let mut model = TensorFlow::new(job).expect("a small job").with(faults);
            model.set_cleans_up(cleans_up);
            model
        })
}

/// How a random run goes on: each number picks one of the threads that can run.
pub(in crate::models) fn picks() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..250)
}

/// A label that ran.
pub(in crate::models) struct Transition<'a> {
    pub(in crate::models) process: ProcessId,
    pub(in crate::models) thread: ThreadId,
    pub(in crate::models) before: &'a System<Process>,
    pub(in crate::models) after: &'a System<Process>,
}

/// Runs a model as far as the picks go, or to its end, and shows every label that ran.
pub(in crate::models) fn run_at_random(model: &TensorFlow, picks: &[u8], mut look: impl FnMut(&Transition<'_>)) {
    let mut bench = Bench::of(model.clone());
    for pick in picks {
        let enabled = bench.system.enabled(model);
        if enabled.is_empty() {
            return;
        }
        let (process, pending) = &enabled[usize::from(*pick) % enabled.len()];
        let before = bench.system.clone();
        bench.apply(*process, pending, u32::from(*pick) % pending.operation.choices);
        look(&Transition {
            process: *process,
            thread: pending.thread,
            before: &before,
            after: &bench.system,
        });
    }
}
