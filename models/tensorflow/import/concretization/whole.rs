//! Doing on the whole graph what a schedule of the slice does.

use std::collections::BTreeSet;

use super::actions::{Action, Outcome};
use super::run::{Run, Who, is_book_keeping};
use super::{ConcretizeError, Concretized};
use crate::machine::{Pending, ProcessId};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::job::graph::NodeKind;
use crate::models::tensorflow::mechanisms::{pool, rendezvous, worker};
use crate::models::tensorflow::process::{CallId, NodeId, SOURCE, StepId, ThreadId};

/// No run of ours is as long: one that gets there has lost its way.
const LABELS_MAX: usize = 1_000_000;

/// A thread that can run its next label now, and with which outcome.
type Turn = (ProcessId, Pending<ThreadId>, u32);

struct Whole<'m> {
    run: Run<'m>,
    /// Processes that the slice does not have.
    foreign: Vec<ProcessId>,
    /// Names of the slice's nodes, with their steps and processes.
    nodes: BTreeSet<(StepId, ProcessId, String)>,
    /// Names of the slice's calls.
    calls: BTreeSet<String>,
    /// Says whether anybody still wants to know.
    wanted: &'m dyn Fn() -> bool,
}

/// Does the actions on the whole graph, then lets every thread run until none can.
pub(super) fn run<'m>(
    full: &'m TensorFlow,
    slice: &TensorFlow,
    actions: &[Action],
    wanted: &'m dyn Fn() -> bool,
) -> Result<Concretized, ConcretizeError> {
    let same = same_processes(full, slice);
    let mut whole = Whole {
        run: Run::new(full),
        foreign: full.process_ids().filter(|process| !same.contains(process)).collect(),
        nodes: nodes_of(slice, &same),
        calls: (0..)
            .zip(slice.calls())
            .map(|(call, _)| slice.call_name(call))
            .collect(),
        wanted,
    };
    let stuck = |number, event: String, reason| {
        if wanted() {
            ConcretizeError::Stuck { number, event, reason }
        } else {
            ConcretizeError::Ended
        }
    };
    for action in actions {
        let process = same[action.process.index()];
        let event = || format!("{} {}", full.processes()[process.index()].name, action.label);
        let done = whole.perform(action, process);
        done.map_err(|reason| stuck(action.number, event(), reason))?;
    }
    let number = actions.last().map_or(0, |action| action.number);
    let done = whole.come_to_rest();
    done.map_err(|reason| stuck(number, "the end of the schedule".to_owned(), reason))?;
    Ok(Concretized {
        inserted: whole.run.events.len() - actions.len(),
        events: whole.run.events,
    })
}

/// Returns the process of the whole job per process of the slice: the one of the same name.
fn same_processes(full: &TensorFlow, slice: &TensorFlow) -> Vec<ProcessId> {
    let named = |name: &str| full.processes().iter().position(|process| process.name == name);
    let own = slice.processes().iter();
    let places = own.map(|process| named(&process.name).expect("the whole job has the processes of the slice"));
    places.map(ProcessId::new).collect()
}

fn nodes_of(slice: &TensorFlow, same: &[ProcessId]) -> BTreeSet<(StepId, ProcessId, String)> {
    let mut names = BTreeSet::new();
    for (step, info) in (0..).zip(slice.steps()) {
        for (partition, process) in info.process_of.iter().enumerate() {
            let nodes = &slice.graph(step).partitions[partition].nodes;
            let process = same[process.index()];
            names.extend(nodes.iter().map(|node| (step, process, node.name.clone())));
        }
    }
    names
}

impl Whole<'_> {
    /// Lets every thread run until none can, process by process.
    fn come_to_rest(&mut self) -> Result<(), String> {
        loop {
            let before = self.run.events.len();
            for id in self.run.model.process_ids() {
                while let Some(pending) = self.run.threads(id).into_iter().find(|pending| pending.enabled) {
                    self.run.step(id, &pending, 0);
                    if self.run.events.len() > LABELS_MAX || !(self.wanted)() {
                        return Err("it does not come to rest".to_owned());
                    }
                }
            }
            if self.run.events.len() == before {
                return Ok(());
            }
        }
    }

    /// Does an action in a process, and before it what stands in its way.
    fn perform(&mut self, action: &Action, process: ProcessId) -> Result<(), String> {
        while self.run.events.len() < LABELS_MAX && (self.wanted)() {
            let threads = self.run.threads(process);
            let actor = threads.iter().find(|pending| self.is_actor(action, process, pending));
            let turn = match actor {
                Some(pending) if self.is_action(action, process, pending) && pending.enabled => {
                    let choice = self.choice(action, process, pending)?;
                    self.run.step(process, pending, choice);
                    return Ok(());
                }
                Some(pending) if !pending.enabled => self.way_free(process),
                Some(pending) => self
                    .beside_the_point(process, pending)
                    .map(|choice| (process, pending.clone(), choice)),
                None => match &action.who {
                    Who::Node(step, name) => self.towards(process, *step, name),
                    Who::Anyone => self.towards_the_end(process),
                    Who::Thread(_) => None,
                },
            };
            let Some((id, pending, choice)) = turn else {
                return Err(self.what_stands_there(process, actor));
            };
            self.run.step(id, &pending, choice);
        }
        Err("it does not come to an end".to_owned())
    }

    /// Returns true if this is the thread that has to do the action, now or after what it does before.
    fn is_actor(&self, action: &Action, process: ProcessId, pending: &Pending<ThreadId>) -> bool {
        match &action.who {
            Who::Anyone => self.is_action(action, process, pending),
            Who::Thread(_) => self.run.who(process, pending.thread) == action.who,
            Who::Node(step, name) => {
                let thread = self.run.thread(process, pending.thread);
                let named = |node: &NodeId| self.run.node_name(process, *step, *node) == name;
                let on = self.run.node_of(process, pending.thread);
                on.is_some_and(|(of, node)| of == *step && (named(&node) || thread.inline.iter().any(named)))
            }
        }
    }

    fn is_action(&self, action: &Action, process: ProcessId, pending: &Pending<ThreadId>) -> bool {
        pending.operation.label == action.label && self.run.object(process, pending) == action.object
    }

    fn choice(&self, action: &Action, process: ProcessId, pending: &Pending<ThreadId>) -> Result<u32, String> {
        match &action.outcome {
            Outcome::Choice(choice) if *choice < pending.operation.choices.max(1) => Ok(*choice),
            Outcome::Choice(choice) => Err(format!("the label has no outcome {choice}")),
            Outcome::Call(name) => {
                let calls = &self.run.thread(process, pending.thread).calls;
                let place = calls.iter().position(|call| self.run.model.call_name(*call) == *name);
                let place = place.ok_or_else(|| format!("{name} is not among the active calls"))?;
                Ok(place as u32)
            }
        }
    }

    /// Returns the outcome with which an enabled thread runs its next label though the slice does not have it: because it only keeps
    /// books, or is about what the slice left out. A closure that has not begun is not asked to.
    fn beside_the_point(&self, id: ProcessId, pending: &Pending<ThreadId>) -> Option<u32> {
        let thread = self.run.thread(id, pending.thread);
        if thread.is_at(&rendezvous::ABORT_NEXT) {
            let dropped = thread.calls.iter().position(|&call| self.is_dropped_call(call));
            return dropped.map(|place| place as u32);
        }
        let subject = thread.at().subject();
        let node = subject.step.zip(subject.node);
        let dropped_node = node.is_some_and(|(step, node)| self.is_dropped_node(id, step, node));
        let dropped_call = subject.call.is_some_and(|call| self.is_dropped_call(call));
        (dropped_node || dropped_call || is_book_keeping(&self.run, id, thread)).then_some(0)
    }

    fn is_dropped_node(&self, id: ProcessId, step: StepId, node: NodeId) -> bool {
        let name = self.run.node_name(id, step, node).to_owned();
        !self.nodes.contains(&(step, id, name))
    }

    fn is_dropped_call(&self, call: CallId) -> bool {
        !self.calls.contains(&self.run.model.call_name(call))
    }

    /// Returns a thread of the process that can go on without any closure beginning.
    fn going_on(&self, id: ProcessId) -> Option<Turn> {
        let threads = self.run.threads(id);
        let begun =
            |pending: &&Pending<ThreadId>| pending.enabled && !self.run.thread(id, pending.thread).is_at(&pool::TAKE);
        let mut begun = threads.iter().filter(begun);
        begun.find_map(|pending| Some((id, pending.clone(), self.beside_the_point(id, pending)?)))
    }

    /// Makes way where somebody holds the pool thread or the mutex that the actor waits for; in a pool of one thread, somebody may stand
    /// before it.
    fn way_free(&self, id: ProcessId) -> Option<Turn> {
        self.going_on(id).or_else(|| self.beginning(id, |_| true))
    }

    /// Returns a closure of a node that the slice left out and that can begin now.
    fn beginning(&self, id: ProcessId, wanted: impl Fn(NodeKind) -> bool) -> Option<Turn> {
        let threads = self.run.threads(id);
        let found = threads.iter().find(|pending| {
            let ThreadId::Node(step, node) = pending.thread else {
                return false;
            };
            let begins = self.run.thread(id, pending.thread).is_at(&pool::TAKE);
            let kind = self.run.model.node(step, id, node).kind;
            pending.enabled && begins && self.is_dropped_node(id, step, node) && wanted(kind)
        });
        found.map(|pending| (id, pending.clone(), 0))
    }

    /// Returns a label on the way to a node that is not ready: of whoever schedules the roots, or of a node that it waits for.
    fn towards(&self, id: ProcessId, step: StepId, name: &str) -> Option<Turn> {
        let model = self.run.model;
        let nodes = &model.graph(step).partitions[model.partition(step, id)].nodes;
        let wanted = nodes.iter().position(|node| node.name == name)?;
        let mut before = vec![false; nodes.len()];
        let mut open = vec![wanted as NodeId];
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut before[usize::from(node)], true) {
                open.extend(&nodes[usize::from(node)].inputs);
            }
        }
        let threads = self.run.threads(id);
        let roots = |pending: &&Pending<ThreadId>| {
            let thread = self.run.thread(id, pending.thread);
            thread.is_at(&worker::ROOT) && thread.at().subject().step == Some(step)
        };
        let leads = |node: NodeId| node == SOURCE || before[usize::from(node)];
        let is_before = |pending: &&Pending<ThreadId>| {
            let on = self.run.node_of(id, pending.thread);
            let inline = &self.run.thread(id, pending.thread).inline;
            on.is_some_and(|(of, node)| of == step && leads(node)) || inline.iter().any(|&node| leads(node))
        };
        if let Some(pending) = threads.iter().find(is_before) {
            if !pending.enabled {
                return self.way_free(id);
            }
            return Some((id, pending.clone(), self.beside_the_point(id, pending)?));
        }
        threads.iter().find(roots).map(|pending| (id, pending.clone(), 0))
    }

    /// Returns a label on the way to the end of a partition: every node has to be over.
    fn towards_the_end(&self, id: ProcessId) -> Option<Turn> {
        let receives = |kind: NodeKind| matches!(kind, NodeKind::Recv { .. });
        let others = self.run.model.process_ids();
        self.going_on(id)
            .or_else(|| self.beginning(id, |kind| !receives(kind)))
            .or_else(|| self.beginning(id, receives))
            .or_else(|| {
                others
                    .filter(|other| *other != id)
                    .find_map(|other| self.going_on(other))
            })
            .or_else(|| self.foreign.iter().find_map(|&other| self.anything(other)))
    }

    /// Returns a thread of the process that can run.
    fn anything(&self, id: ProcessId) -> Option<Turn> {
        let mut threads = self.run.threads(id).into_iter();
        let enabled = threads.find(|pending| pending.enabled);
        enabled.map(|pending| (id, pending, 0))
    }

    fn what_stands_there(&self, process: ProcessId, actor: Option<&Pending<ThreadId>>) -> String {
        match actor {
            Some(pending) => {
                let object = self.run.object(process, pending);
                let waits = if pending.enabled {
                    "is about to do"
                } else {
                    "waits to do"
                };
                format!("its thread {waits} {} on {object}", pending.operation.label.name)
            }
            None => "no thread is there for it".to_owned(),
        }
    }
}
