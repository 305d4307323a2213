//! The arguments of a room's functions: contexts to look at, to declare with, to say what may follow, to run in.

use std::hash::Hash;

use smallvec::SmallVec;

use super::{Facts, Pc, executor, pool};
use crate::machine::{Access, Label, ObjectId, Operation, Pending, ProcessId, Ready};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::graph::Node;
use crate::models::tensorflow::mechanisms::dataset::Name;
use crate::models::tensorflow::mechanisms::rpc::Frame;
use crate::models::tensorflow::objects::{Object, hash};
use crate::models::tensorflow::process::{NodeId, Process, StepId, Thread, ThreadId};

/// A thread of a process, to look at.
#[derive(Clone, Copy)]
pub(in crate::models) struct View<'a> {
    pub(in crate::models) model: &'a TensorFlow,
    pub(in crate::models) id: ProcessId,
    pub(in crate::models) process: &'a Process,
    pub(in crate::models) thread: &'a Thread,
}

/// The view of a declaration: facts, and for its guard a thread of a state, where there is one.
pub(in crate::models) struct Context<'a> {
    pub(in crate::models) model: &'a TensorFlow,
    pub(in crate::models) id: ProcessId,
    pub(in crate::models) facts: &'a Facts,
    pub(in crate::models) view: Option<View<'a>>,
}

impl<'a> Context<'a> {
    /// Declares an operation with one outcome and no guard.
    #[inline]
    pub(in crate::models) fn uses(&self, object: impl Into<Object>, access: Access) -> Declared<'a> {
        Declared {
            view: self.view,
            object: object.into(),
            access,
            part: None,
            choices: 1,
            enabled: true,
            takes_permit: false,
        }
    }
}

/// The operation of a label. Guards and outcomes are looked up only where a thread stands at the label.
pub(in crate::models) struct Declared<'a> {
    view: Option<View<'a>>,
    object: Object,
    access: Access,
    part: Option<Object>,
    choices: u32,
    enabled: bool,
    takes_permit: bool,
}

impl Declared<'_> {
    /// Adds a guard.
    #[inline]
    pub(in crate::models) fn when(mut self, guard: impl FnOnce(&View<'_>) -> bool) -> Self {
        self.enabled &= self.view.is_none_or(|view| guard(&view));
        self
    }

    /// Confines the operation to a part of the object.
    #[inline]
    pub(in crate::models) fn part(mut self, part: impl Into<Object>) -> Self {
        self.part = Some(part.into());
        self
    }

    /// Gives the operation several outcomes.
    #[inline]
    pub(in crate::models) fn choices(mut self, count: impl FnOnce(&View<'_>) -> usize) -> Self {
        self.choices = self.view.map_or(1, |view| count(&view) as u32);
        self
    }

    /// Takes one of a bounded number of servers.
    #[inline]
    pub(in crate::models) fn taking_permit(mut self) -> Self {
        self.takes_permit = true;
        self
    }

    /// Returns the operation of a label, with its objects as numbers.
    #[inline]
    pub(in crate::models) fn operation(&self, model: &TensorFlow, label: &'static Label) -> Operation {
        Operation {
            label,
            object: model.object(self.object),
            access: self.access,
            part: self.part.map(|part| model.object(part)),
            choices: self.choices,
            takes_permit: self.takes_permit,
        }
    }
}

impl View<'_> {
    fn declared<'b>(&'b self, facts: &'b Facts) -> Declared<'b> {
        self.thread.at().declare(&Context {
            model: self.model,
            id: self.id,
            facts,
            view: Some(*self),
        })
    }

    /// Returns the thread with the number of outcomes of its next label, if it can run.
    #[inline]
    pub(in crate::models) fn ready(&self, facts: &Facts) -> Option<Ready<ThreadId>> {
        let declared = self.declared(facts);
        declared.enabled.then_some(Ready {
            thread: self.thread.id,
            outcomes: declared.choices,
        })
    }

    /// Returns the thread with its next operation.
    pub(in crate::models) fn pending(&self, facts: &Facts) -> Pending<ThreadId> {
        let pc = self.thread.at();
        let declared = self.declared(facts);
        let mut operation = declared.operation(self.model, pc.label());
        // Even what commutes with all else does not with the end of the process.
        if operation.access == Access::BothMover && self.model.may_still_die(self.id, self.process) {
            operation.access = Access::Write;
        }
        Pending {
            thread: self.thread.id,
            operation,
            enabled: declared.enabled,
        }
    }

    /// Returns the name of a node of this process's partition.
    pub(in crate::models) fn node_name(&self, step: StepId, node: NodeId) -> &str {
        &self.model.node(step, self.id, node).name
    }
}

/// An item that a thread has before it: a place, or a node that is ready and that it will run or hand to the pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(in crate::models) enum Item {
    Pc(Pc),
    Node(StepId, NodeId),
}

impl Item {
    /// Returns the item without what only a run knows.
    pub(in crate::models) fn erased(self) -> Self {
        match self {
            Item::Pc(pc) => Item::Pc(pc.erased()),
            node @ Item::Node(..) => node,
        }
    }
}

/// Collects what may follow a place.
pub(in crate::models) struct Next<'a> {
    pub(in crate::models) model: &'a TensorFlow,
    pub(in crate::models) id: ProcessId,
    pub(in crate::models) facts: &'a Facts,
    pub(in crate::models) items: Vec<Item>,
    pub(in crate::models) names: Vec<ThreadId>,
    pub(in crate::models) sent: Vec<(ProcessId, Frame)>,
}

impl<'a> Next<'a> {
    pub(in crate::models) fn new(model: &'a TensorFlow, id: ProcessId, facts: &'a Facts) -> Self {
        Self {
            model,
            id,
            facts,
            items: Vec::new(),
            names: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Says that the thread may go on with these.
    pub(in crate::models) fn then<P: Into<Pc>>(&mut self, places: impl IntoIterator<Item = P>) {
        self.items
            .extend(places.into_iter().map(|place| Item::Pc(place.into())));
    }

    /// Says that the thread may come to have a ready node before it.
    pub(in crate::models) fn carry(&mut self, step: StepId, node: NodeId) {
        self.items.push(Item::Node(step, node));
    }

    /// Says that a thread of this name may start with these.
    pub(in crate::models) fn spawn<P: Into<Pc>>(&mut self, name: ThreadId, places: impl IntoIterator<Item = P>) {
        self.names.push(name);
        self.then(places);
    }

    /// Says that a closure of this name may come to the pool.
    pub(in crate::models) fn schedule(&mut self, name: ThreadId, body: &[Pc]) {
        self.names.push(name);
        self.then(pool::closure(body));
    }

    /// This frame may be sent.
    pub(in crate::models) fn send(&mut self, to: ProcessId, frame: Frame) {
        self.sent.push((to, frame));
    }

    /// Adds what may follow an item.
    pub(in crate::models) fn follow(&mut self, item: Item) {
        match item {
            Item::Pc(pc) => pc.next(self),
            Item::Node(step, node) => {
                self.schedule(ThreadId::Node(step, node), &[]);
                self.then(executor::begin(self.model, self.id, step, node));
                self.then(executor::next_root(self.model, self.id, step, node));
            }
        }
    }
}

/// Names of threads that one label starts: mostly one.
pub(in crate::models) type Spawned = SmallVec<[ThreadId; 2]>;

/// A thread of a process, running one label.
pub(in crate::models) struct Run<'a> {
    pub(in crate::models) model: &'a TensorFlow,
    pub(in crate::models) id: ProcessId,
    pub(in crate::models) process: &'a mut Process,
    /// The place of the thread among those of the process.
    pub(in crate::models) place: usize,
    pub(in crate::models) thread: Thread,
    pub(in crate::models) choice: u32,
    pub(in crate::models) sent: &'a mut Vec<(ProcessId, Frame)>,
    /// Threads that were started.
    pub(in crate::models) spawned: Spawned,
}

impl Run<'_> {
    /// Runs the label and puts the thread back, if it goes on. Returns the names of the threads that were started.
    pub(in crate::models) fn run(mut self) -> Spawned {
        let pc = self.thread.stack.pop().expect("a live thread has a place");
        pc.apply(&mut self);
        executor::go_on_inline(&mut self);
        if !self.thread.stack.is_empty() {
            self.process.put_back(self.place, self.thread);
        }
        self.spawned
    }

    /// Goes on with these, the first one given first.
    pub(in crate::models) fn then<P: Into<Pc>, I>(&mut self, places: I)
    where
        I: IntoIterator<Item = P>,
    {
        self.thread.then(places);
    }

    /// Starts a thread of this name with these.
    ///
    /// # Panics
    /// If one of that name lives: names are unique.
    pub(in crate::models) fn spawn<P: Into<Pc>>(&mut self, name: ThreadId, places: impl IntoIterator<Item = P>) {
        let mut thread = Thread::new(name);
        thread.then(places);
        self.start(thread);
    }

    /// Runs `ThreadPool::Schedule`: adds a closure that will run `body`.
    pub(in crate::models) fn schedule(&mut self, name: ThreadId, body: &[Pc]) {
        let (size, from_pool) = (self.model.pool_size(), self.thread.is_pooled());
        if self.model.joins_front(self.id, &self.process.pool, name) {
            self.process.pool.push_beside(name);
        } else {
            self.process.pool.push(size, from_pool, name);
        }
        if self.model.sleeps_in_two() {
            self.process.pool.wake(size);
        }
        self.spawn(name, pool::closure(body));
    }

    /// Starts a thread that stands somewhere already.
    pub(in crate::models) fn start(&mut self, thread: Thread) {
        self.spawned.push(thread.id);
        self.process.spawn(thread);
    }

    /// Sends a frame.
    pub(in crate::models) fn send(&mut self, to: ProcessId, frame: Frame) {
        self.sent.push((to, frame));
    }

    /// Returns a node of this process's partition.
    pub(in crate::models) fn node(&self, step: StepId, node: NodeId) -> &Node {
        self.model.node(step, self.id, node)
    }
}

/// The threads that could help one that waits, or why nobody can.
pub(in crate::models) enum Waits {
    /// One of these.
    For(Vec<ThreadId>),
    /// Nobody, for this reason.
    InVain(&'static str),
}

impl Waits {
    /// The wait for a lock whose owner can't go on.
    pub(in crate::models) const HELD: Self = Self::InVain("held by a thread that can't go on");

    /// Returns the wait for one thread of a pipeline.
    pub(in crate::models) fn one(name: Name) -> Self {
        Self::For(vec![ThreadId::Dataset(name)])
    }
}

/// A list of the objects of a process, as one of those who ask for it want it.
pub(in crate::models) struct Inventory<'a> {
    model: &'a TensorFlow,
    wanted: &'a mut Wanted,
}

/// The part of each object that is asked for.
pub(in crate::models) enum Wanted {
    /// Hashes of the values.
    Values(Vec<(ObjectId, u64)>),
    /// Lines for people.
    Texts(Vec<(ObjectId, String)>),
    /// The holders of the locks.
    Owners(Vec<(ObjectId, ThreadId)>),
}

impl<'a> Inventory<'a> {
    pub(in crate::models) fn new(model: &'a TensorFlow, wanted: &'a mut Wanted) -> Self {
        Self { model, wanted }
    }

    /// Adds an object with its value and a line for people.
    pub(in crate::models) fn add(
        &mut self,
        object: impl Into<Object>,
        value: &impl Hash,
        text: impl FnOnce() -> String,
    ) {
        let object = object.into();
        self.value(object, value);
        self.text(object, text);
    }

    /// Takes the value of an object.
    pub(in crate::models) fn value(&mut self, object: impl Into<Object>, value: &impl Hash) {
        if let Wanted::Values(values) = self.wanted {
            values.push((self.model.object(object), hash(value)));
        }
    }

    /// Takes a line about an object.
    pub(in crate::models) fn text(&mut self, object: impl Into<Object>, text: impl FnOnce() -> String) {
        if let Wanted::Texts(texts) = self.wanted {
            texts.push((self.model.object(object), text()));
        }
    }

    /// Takes the owner of an object's lock, if it is held.
    pub(in crate::models) fn lock(&mut self, object: impl Into<Object>, owner: Option<ThreadId>) {
        if let (Wanted::Owners(owners), Some(owner)) = (&mut *self.wanted, owner) {
            owners.push((self.model.object(object), owner));
        }
    }
}
