//! Orders that hold in every run of the model, and traces that can't have them.
//!
//! A call is registered before it has a cancel function, and has one before it is started; a server handles it after that; its client
//! is told once it is over. Labels that always come in one order, together with what the trace itself orders (the lines of one thread, and
//! times in one process), must not go round in a circle. If they do, no schedule does what the trace shows, whatever is searched. So a
//! refusal that rests on such a circle, or on an event that means nothing to the model, is sure.

use rustc_hash::FxHashMap;

use super::plan::{Action, Plan, Slot, Subject, calls};
use crate::machine::{Label, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::{CallInfo, CallKind};
use crate::models::tensorflow::mechanisms::{master, rendezvous, rpc, worker};

/// An event that no run of the model has where the trace shows it.
#[derive(Debug)]
pub(super) struct Contradiction<'a> {
    pub(super) slot: &'a Slot,
    pub(super) reason: String,
}

/// A run of a label: where, which, whose.
type Run = (ProcessId, &'static Label, Subject);

/// A slot of the plan: trace thread, and number there.
type Place = (usize, usize);

/// Orders of the trace and of the model: slots, and what comes after each of them.
struct Orders<'a> {
    plan: &'a Plan,
    /// Pairs of slots that the model orders.
    pairs: Vec<(Place, Place)>,
    after: FxHashMap<Place, Vec<Place>>,
    /// Slots for which something is missing.
    absent: Vec<(&'static Label, Place)>,
}

/// Returns the first event of a trace that contradicts an order that always holds, or means nothing to the model.
pub(super) fn contradiction<'a>(model: &TensorFlow, plan: &'a Plan) -> Option<Contradiction<'a>> {
    let orders = Orders::new(model, plan);
    let slot = |(thread, place): Place| &plan.threads[thread].slots[place];
    let broken = orders
        .pairs
        .iter()
        .filter(|(first, then)| orders.reaches(*then, *first));
    let broken = broken.map(|&(first, then)| Contradiction {
        slot: slot(then),
        reason: format!(
            "{} of the same comes before it in every run, and the trace has that later, in line {}",
            name(slot(first)),
            slot(first).line
        ),
    });
    let absent = orders.absent.iter().map(|&(label, then)| Contradiction {
        slot: slot(then),
        reason: format!("{label} of the same comes before it in every run, and the trace does not have that"),
    });
    let all = broken.chain(absent).chain(impossible(plan));
    all.min_by_key(|contradiction| contradiction.slot.line)
}

fn name(slot: &Slot) -> &'static str {
    match slot.action {
        Action::Run { label, .. } => label.name,
        _ => "",
    }
}

/// Lists the events that mean nothing to the model.
fn impossible(plan: &Plan) -> impl Iterator<Item = Contradiction<'_>> {
    let slots = plan.threads.iter().flat_map(|thread| &thread.slots);
    slots.filter_map(|slot| match &slot.action {
        Action::Impossible(reason) => Some(Contradiction {
            slot,
            reason: reason.clone(),
        }),
        _ => None,
    })
}

impl<'a> Orders<'a> {
    fn new(model: &TensorFlow, plan: &'a Plan) -> Self {
        let places = places(plan);
        let place = |(process, label, subject): Run| places.get(&(process, std::ptr::from_ref(label), subject));
        let (mut pairs, mut absent) = (Vec::new(), Vec::new());
        for (first, then) in always(model, plan) {
            match (place(first).map(Vec::as_slice), place(then).map(Vec::as_slice)) {
                (Some(&[first]), Some(&[then])) => pairs.push((first, then)),
                (None, Some(&[then, ..])) if is_whole(plan, first.0) => absent.push((first.1, then)),
                _ => {}
            }
        }
        let mut after: FxHashMap<Place, Vec<Place>> = FxHashMap::default();
        for &(first, then) in &pairs {
            after.entry(first).or_default().push(then);
        }
        Self {
            plan,
            pairs,
            after,
            absent,
        }
    }

    /// Returns true if one slot has to be before another, by any number of steps.
    fn reaches(&self, from: Place, to: Place) -> bool {
        // Of each thread all slots from this one on.
        let mut reached: Vec<usize> = self.plan.threads.iter().map(|thread| thread.slots.len()).collect();
        let mut open = vec![from];
        while let Some((thread, place)) = open.pop() {
            let known = reached[thread];
            if place >= known {
                continue;
            }
            reached[thread] = place;
            for place in place..known {
                open.extend(self.after.get(&(thread, place)).into_iter().flatten());
            }
            // The first of them is over first.
            open.extend(self.after_in_time((thread, place)));
        }
        reached[to.0] <= to.1
    }

    /// Returns the first slot of each other thread of the process that begins when a slot is over.
    fn after_in_time(&self, (thread, place): Place) -> impl Iterator<Item = Place> + '_ {
        let info = &self.plan.threads[thread];
        let over = info.slots[place].to;
        let others = self.plan.threads.iter().enumerate();
        let others =
            others.filter(move |(other, info)| *other != thread && info.process == self.plan.threads[thread].process);
        others.filter_map(move |(other, info)| Some((other, info.slots.iter().position(|slot| slot.from > over)?)))
    }
}

/// Returns true if no thread of a process was in a function when the trace ended: what it did there would not be shown.
fn is_whole(plan: &Plan, process: ProcessId) -> bool {
    let mut threads = plan.threads.iter();
    threads.all(|thread| thread.process != process || !thread.ends_inside)
}

/// Returns where the trace shows each label.
fn places(plan: &Plan) -> FxHashMap<(ProcessId, *const Label, Subject), Vec<Place>> {
    let mut places: FxHashMap<_, Vec<Place>> = FxHashMap::default();
    for (number, thread) in plan.threads.iter().enumerate() {
        for (place, slot) in thread.slots.iter().enumerate() {
            if let Action::Run { label, subject, .. } = slot.action {
                let run = (thread.process, std::ptr::from_ref(label), subject);
                places.entry(run).or_default().push((number, place));
            }
        }
    }
    places
}

/// Lists pairs of labels of a step of which the first comes before the second wherever both run.
fn always(model: &TensorFlow, plan: &Plan) -> Vec<(Run, Run)> {
    let worker = model.steps()[usize::from(plan.step)].worker;
    let mut pairs = Vec::new();
    let mut chain = |labels: &[Run]| {
        for (index, &first) in labels.iter().enumerate() {
            pairs.extend(labels[index + 1..].iter().map(|&then| (first, then)));
        }
    };
    for (call, info) in calls(model, plan.step) {
        let CallInfo { client, server, .. } = *info;
        let of = Subject::Call(call);
        let begun: [Run; 2] = [(client, &rpc::INSTALL, of), (client, &rpc::START, of)];
        let served: [Run; 2] = [(server, &worker::INSTALL, of), (server, &rpc::SERVE_CLEAR, of)];
        let over: Run = (client, &rpc::CLEAR, of);
        match info.kind {
            CallKind::RecvTensor { .. } => {
                let initialized = (client, &rendezvous::INITIALIZE, Subject::Any);
                let registered = (client, &rendezvous::REGISTER, of);
                chain(&[&[initialized, registered][..], &begun, &served].concat());
                chain(
                    &[
                        &[registered][..],
                        &begun,
                        &[over, (client, &rendezvous::DEREGISTER, of)],
                    ]
                    .concat(),
                );
            }
            CallKind::RunGraph { .. } => {
                let initialized = (server, &rendezvous::INITIALIZE, Subject::Any);
                chain(&[&begun[..], &[served[0], initialized, served[1]]].concat());
                chain(&[&begun[..], &[over, (client, &master::WHEN_DONE, of)]].concat());
                chain(&[begun[1], (client, &master::OPTIONS, Subject::Any)]);
            }
            _ => {}
        }
        chain(&[(client, &rpc::CANCEL, of), (server, &rpc::REQUEST_CANCELLED, of)]);
    }
    let own = |label| (worker, label, Subject::Own);
    chain(&[
        own(&worker::INSTALL_LOCAL),
        (worker, &rendezvous::INITIALIZE, Subject::Any),
        own(&worker::CLEAR_LOCAL),
        own(&master::WHEN_DONE),
    ]);
    pairs
}
