//! Footprints: what threads and frames may still do to the objects of their process, for partial-order reduction.
//!
//! Nobody writes a footprint. It is the closure of [`Pc::next`] from the places of a thread: the union of what is declared at every place
//! that can be reached. Both functions look at [`Facts`] only, which stay true once they are true, so that a closure that was computed
//! once holds for every state with the same facts and for all that follows.

use std::sync::Arc;

use parking_lot::RwLock;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::machine::{Footprint, FrameSet, ProcessId, ThreadName};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::context::{Context, Item, Next};
use crate::models::tensorflow::mechanisms::rpc::{Frame, Rpc, next_of_arrival};
use crate::models::tensorflow::mechanisms::{Facts, executor};
use crate::models::tensorflow::process::{Process, Thread, ThreadId};
use crate::models::tensorflow::release::Status;

/// A table that search threads share.
type Shared<K, V> = Arc<RwLock<FxHashMap<K, V>>>;

/// Footprints that are known, by process and facts.
#[derive(Clone, Debug, Default)]
pub(in crate::models) struct Footprints {
    known: Shared<(ProcessId, Facts), Arc<Known>>,
    /// Numbers of the threads' names, as they are met.
    names: Shared<ThreadId, u32>,
}

impl Footprints {
    /// Returns the number of a thread's name.
    ///
    /// Two kinds have none, since their labels choose a name that is free: a timer takes the first number that no live timer has, and
    /// a call of `map` that of a counter which only grows.
    pub(in crate::models) fn name(&self, thread: ThreadId) -> Option<ThreadName> {
        if matches!(thread, ThreadId::Timer(..)) || matches!(thread, ThreadId::Dataset(name) if name.is_numbered()) {
            return None;
        }
        if let Some(known) = self.names.read().get(&thread) {
            return Some(ThreadName(*known));
        }
        let mut names = self.names.write();
        let next = names.len() as u32;
        Some(ThreadName(*names.entry(thread).or_insert(next)))
    }
}

/// Footprints that are known in one process under the same facts: of single items, and of all that a thread has before it.
#[derive(Debug, Default)]
struct Known {
    items: RwLock<FxHashMap<Item, Arc<Footprint>>>,
    threads: RwLock<FxHashMap<SmallVec<[Item; 6]>, Arc<Footprint>>>,
}

/// The outlook of a process on what may still happen: the facts of a state, with the footprints that are known under them.
#[derive(Debug)]
pub struct Outlook {
    id: ProcessId,
    facts: Facts,
    /// None while the process may still die: then nothing commutes with that.
    known: Option<Arc<Known>>,
}

impl TensorFlow {
    /// Of `frames`, those that may still arrive at a process and do something there.
    fn arrivals(&self, id: ProcessId, process: &Process, frames: &FrameSet) -> Vec<Frame> {
        let comes = |frame: &Frame| frames.contains(frame.number());
        let lost = comes(&Frame::Lost) && !self.is_mortal(id);
        let mut arrivals = Vec::new();
        for (call, info) in (0..).zip(self.calls()) {
            if info.server == id && comes(&Frame::Request(call)) {
                let new = !process.arrived.contains(usize::from(call)) && self.is_ever_made(info);
                arrivals.extend(new.then_some(Frame::Request(call)));
            }
            // A broken connection answers calls with an error, and cancels requests.
            if lost && info.client == id && self.is_mortal(info.server) {
                arrivals.push(Frame::Response(call, Status::Error));
            } else if lost && info.server == id && self.is_mortal(info.client) {
                arrivals.push(Frame::Reset(call));
            }
        }
        for call in process.server_calls.iter().filter(|call| !call.abandoned) {
            let step = self.call(call.id).step;
            // A reset that comes before the request is read may drop it. Later it can do nothing to a step that is aborted for good: what
            // would come of it is dead, and is eliminated.
            let matters = !call.accepted || !self.is_settled(id, process, step) && !self.cannot_fail(step);
            arrivals.extend(Some(Frame::Reset(call.id)).filter(comes).filter(|_| matters));
        }
        let sent = process.client_calls.iter().filter(|call| call.rpc == Rpc::Sent);
        arrivals.extend(sent.map(|call| Frame::Response(call.id, Status::Ok)).filter(comes));
        arrivals
    }
}

impl Outlook {
    pub(in crate::models) fn new(model: &TensorFlow, id: ProcessId, process: &Process) -> Self {
        let key = (id, Facts::of(model, id, process));
        let look_up = || {
            let known = model.footprints.known.read().get(&key).cloned();
            known.unwrap_or_else(|| model.footprints.known.write().entry(key.clone()).or_default().clone())
        };
        let known = (!model.may_still_die(id, process)).then(look_up);
        Self {
            id,
            facts: key.1,
            known,
        }
    }

    /// Computes all that a thread, and everything that exists because of it, may still do.
    pub(in crate::models) fn of_thread(&self, model: &TensorFlow, thread: &Thread) -> Arc<Footprint> {
        match &self.known {
            Some(known) => self.of_items(model, known, executor::items(thread).collect()),
            None => Arc::new(Footprint::everything()),
        }
    }

    /// Computes all that the arrival of frames may cause, if no others than `frames` come.
    pub(in crate::models) fn of_delivery(
        &self,
        model: &TensorFlow,
        process: &Process,
        frames: &FrameSet,
    ) -> Arc<Footprint> {
        let Some(known) = &self.known else {
            return Arc::new(Footprint::everything());
        };
        let mut next = Next::new(model, self.id, &self.facts);
        for frame in model.arrivals(self.id, process, frames) {
            next_of_arrival(&mut next, frame);
        }
        let footprint = self.of_items(model, known, next.items.into());
        let names: Vec<ThreadName> = next
            .names
            .iter()
            .filter_map(|name| model.footprints.name(*name))
            .collect();
        if names.iter().all(|name| footprint.spawns(*name)) {
            return footprint;
        }
        let mut footprint = Arc::unwrap_or_clone(footprint);
        names.into_iter().for_each(|name| footprint.spawn(name));
        Arc::new(footprint)
    }

    /// The footprint of all that a thread has before it.
    fn of_items(&self, model: &TensorFlow, known: &Known, items: SmallVec<[Item; 6]>) -> Arc<Footprint> {
        if let Some(footprint) = known.threads.read().get(&items) {
            return footprint.clone();
        }
        let mut footprint = Footprint::new();
        for &item in &items {
            footprint.extend(&self.of_item(model, known, item));
        }
        let footprint = Arc::new(footprint);
        known.threads.write().insert(items, footprint.clone());
        footprint
    }

    /// The closure of an item.
    fn of_item(&self, model: &TensorFlow, known: &Known, start: Item) -> Arc<Footprint> {
        if let Some(footprint) = known.items.read().get(&start) {
            return footprint.clone();
        }
        let mut footprint = Footprint::new();
        let (mut seen, mut open) = (FxHashSet::default(), vec![start]);
        while let Some(item) = open.pop() {
            if !seen.insert(item) {
                continue;
            }
            if let Some(closure) = known.items.read().get(&item) {
                footprint.extend(closure);
                continue;
            }
            if let Item::Pc(pc) = item {
                let context = Context {
                    model,
                    id: self.id,
                    facts: &self.facts,
                    view: None,
                };
                footprint.insert_operation(&pc.declare(&context).operation(model, pc.label()));
            }
            let mut next = Next::new(model, self.id, &self.facts);
            next.follow(item);
            for name in next.names.iter().filter_map(|name| model.footprints.name(*name)) {
                footprint.spawn(name);
            }
            open.extend(next.items);
        }
        let footprint = Arc::new(footprint);
        known.items.write().insert(start, footprint.clone());
        footprint
    }
}

#[cfg(test)]
mod tests;
