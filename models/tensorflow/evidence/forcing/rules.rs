//! From the decisive races of a schedule to hold rules.
//!
//! A decisive race "the first before the second" becomes: whoever enters the function of the second waits until that of the first was
//! left. Turning round one pair at a time finds no pair of which either order hangs, though in another way. So all that the schedule does
//! with the receives and calls of decisive races is kept in its order, wherever two threads meet at one object.
//!
//! A receive that looks for an abort after it (`Recv.validate` as the second of a race) is not held: that would take a pool thread, of which
//! the abort may need one. Such receives are kept whole instead: no abort comes between their look and their cancel function, so they fail
//! as in the schedule or are cancelled, and lose nothing.

use std::collections::BTreeSet;

use lastbatch_probe_format::holds::{Batch, Holds, MOST_RULES, Point, Rule, Site, without_edge};
use thiserror::Error;

use super::hooks;
use crate::diagnose::{Explanation, Recording};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::rendezvous::VALIDATE;

/// Hold rules of a schedule, and what of it can't be held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forcing {
    /// The rules, as the probe reads them.
    pub holds: Holds,
    /// Decisive events whose labels have no hook: their order is left to chance.
    pub without_hook: Vec<String>,
}

/// The reason why nothing can be forced.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ForcingError {
    /// No label of a decisive race has a hook.
    #[error("no label of its decisive races has a hook: {0}")]
    NoHook(String),
    /// There is nothing to decide.
    #[error("the schedule has no decisive race, expected one at least")]
    NoRace,
    /// No step would be left alone.
    #[error("its job has no tensor that depends on the next batch, expected one by which steps with data are told")]
    NoBatch,
    /// The probe has a bit per rule.
    #[error("{0} holds, expected at most {MOST_RULES}")]
    TooMany(usize),
}

/// The events of a recording with their hooks.
struct Hooked<'a> {
    recording: &'a Recording,
    points: Vec<Option<Point>>,
}

impl Forcing {
    /// Derives the rules from an explained schedule. `model` is what it was recorded on, `whole` the same job with every node of its graph.
    ///
    /// # Errors
    /// When nothing of it can be held.
    pub fn of(model: &TensorFlow, explanation: &Explanation, whole: &TensorFlow) -> Result<Self, ForcingError> {
        let recording = &explanation.recording;
        let points = (0..recording.events.len()).map(|index| hooks::point(model, recording, index));
        let hooked = Hooked {
            recording,
            points: points.collect(),
        };
        let decisive = explanation.decisive();
        if decisive.is_empty() {
            return Err(ForcingError::NoRace);
        }
        let without_hook = hooked.without(&decisive);
        let rules = hooked.rules(explanation);
        if rules.is_empty() {
            return Err(ForcingError::NoHook(without_hook.join(", ")));
        }
        if rules.len() > MOST_RULES {
            return Err(ForcingError::TooMany(rules.len()));
        }
        let batches = batches(whole);
        if batches.is_empty() {
            return Err(ForcingError::NoBatch);
        }
        let holds = Holds {
            longest_ms: 0,
            batches,
            rules,
            whole_receives: true,
        };
        Ok(Self { holds, without_hook })
    }
}

impl Hooked<'_> {
    /// Returns the decisive events that have no hook, in words.
    fn without(&self, decisive: &BTreeSet<usize>) -> Vec<String> {
        let missing = decisive.iter().filter(|number| {
            let event = &self.recording.events[**number - 1];
            // A receive that fails as it looks has no name, and needs none: it is kept whole.
            self.points[**number - 1].is_none() && event.label != &VALIDATE
        });
        let told: BTreeSet<String> = missing.map(|number| self.words(*number - 1)).collect();
        told.into_iter().collect()
    }

    fn words(&self, index: usize) -> String {
        let event = &self.recording.events[index];
        let process = &self.recording.processes[self.recording.process_of(event)];
        format!(
            "{process} {} {}",
            event.label.name, self.recording.objects[event.object].name
        )
    }

    /// Returns the rules: for every two threads that meet at an object of a decisive race, in the order of the schedule.
    fn rules(&self, explanation: &Explanation) -> Vec<Rule> {
        let (subjects, objects) = self.decisive(explanation);
        let about = |point: &Point| point.site == Site::Abort || subjects.contains(&(&*point.process, &*point.subject));
        let mut rules = BTreeSet::new();
        for (second, point) in self.events(&objects).filter(|(_, point)| about(point)) {
            if point.site == Site::Validate {
                continue;
            }
            for (first, before) in self.events(&objects).filter(|(_, point)| about(point)) {
                if first < second && self.race(first, second, &about) {
                    rules.insert((
                        second,
                        Rule {
                            hold: point.clone(),
                            until: before.clone(),
                        },
                    ));
                }
            }
        }
        let mut rules: Vec<Rule> = rules.into_iter().map(|(_, rule)| rule).collect();
        rules.extend(self.reads(explanation));
        let mut seen = BTreeSet::new();
        rules.retain(|rule| seen.insert(rule.clone()));
        rules
    }

    /// Returns what decisive races are about, by process, and their objects. A race that makes a receive look later is about no receive.
    fn decisive(&self, explanation: &Explanation) -> (BTreeSet<(&str, &str)>, BTreeSet<usize>) {
        let races = explanation.races.iter();
        let held = races.filter(|race| self.recording.events[race.second - 1].label != &VALIDATE);
        let events = held.flat_map(|race| [race.first - 1, race.second - 1]);
        let events: Vec<usize> = events
            .chain(explanation.outcomes.iter().map(|outcome| outcome.event - 1))
            .collect();
        let points = events.iter().filter_map(|index| self.points[*index].as_ref());
        let subjects = points.map(|point| (&*point.process, &*point.subject)).collect();
        let hooked = events.iter().filter(|index| self.points[**index].is_some());
        let objects = hooked.map(|index| self.recording.events[*index].object).collect();
        (subjects, objects)
    }

    /// Returns the hooked events on some objects, the first of each point: a later abort of the same rendezvous finds all done.
    fn events(&self, objects: &BTreeSet<usize>) -> impl Iterator<Item = (usize, &Point)> {
        let events = self.points.iter().enumerate();
        events.filter_map(move |(index, point)| {
            let point = point.as_ref()?;
            let first = !self.points[..index].iter().flatten().any(|before| before == point);
            (first && objects.contains(&self.recording.events[index].object)).then_some((index, point))
        })
    }

    /// Returns true if two events of different threads meet at one object, and none that has to be between them is.
    fn race(&self, first: usize, second: usize, about: &impl Fn(&Point) -> bool) -> bool {
        let event = |index: usize| &self.recording.events[index];
        let conflict = |one: usize, other: usize| {
            event(one).object == event(other).object && event(one).operation.conflicts(&event(other).operation)
        };
        let between = |index: &usize| self.points[*index].as_ref().is_some_and(about);
        event(first).thread != event(second).thread
            && conflict(first, second)
            && !(first + 1..second)
                .filter(between)
                .any(|middle| conflict(first, middle) && conflict(middle, second))
    }

    /// Returns the rules of requests that are read together with their resets: the server reads nothing until both were sent.
    fn reads(&self, explanation: &Explanation) -> Vec<Rule> {
        let decisive = explanation.decisive();
        let reads = decisive.iter().filter_map(|number| self.points[number - 1].as_ref());
        let reads = reads.filter(|point| point.site == Site::ReadRunGraph);
        let rule = |read: &Point| {
            let mut points = self.points.iter().flatten();
            let cancel = points.find(|point| point.site == Site::CancelRunGraph && point.subject == read.subject)?;
            Some(Rule {
                hold: read.clone(),
                until: cancel.clone(),
            })
        };
        reads.filter_map(rule).collect()
    }
}

/// Returns the tensors that are sent only in steps with a batch.
fn batches(whole: &TensorFlow) -> Vec<Batch> {
    let mut batches = BTreeSet::new();
    for (id, step) in (0..).zip(whole.steps()) {
        let graph = whole.graph(id);
        for edge in graph.edges.iter().filter(|edge| edge.batch_dependent) {
            let process = step.process_of[usize::from(edge.from)];
            batches.insert(Batch {
                process: whole.processes()[process.index()].name.clone(),
                tensor: without_edge(&edge.tensor).to_owned(),
            });
        }
    }
    batches.into_iter().collect()
}
