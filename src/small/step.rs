//! The next step of a thread.

use std::fmt;

use super::SmallModel;
use crate::machine::{Access, Label, ObjectId, Operation, ProcessId};

/// Effect of a step: it changes the state, with the outcome that was chosen, and may send a frame.
type Effect<'a, M> =
    Box<dyn FnOnce(&mut <M as SmallModel>::State, u32) -> Option<(ProcessId, <M as SmallModel>::Frame)> + 'a>;

/// A step without its effect.
pub struct Declared<'a, M: SmallModel + ?Sized> {
    step: Step<'a, M>,
}

/// The next step of a thread: what it touches, whether it can be done now, and its effect.
pub struct Step<'a, M: SmallModel + ?Sized> {
    pub(super) operation: Operation,
    pub(super) enabled: bool,
    pub(super) effect: Effect<'a, M>,
    /// Reason why nobody ends the wait, in a state in which nobody does.
    pub(super) because: Option<String>,
    /// The threads that could end the wait; no process is that of the step.
    pub(super) awaited: Vec<(Option<ProcessId>, M::Thread)>,
}

impl<'a, M: SmallModel + ?Sized> Declared<'a, M> {
    pub(super) fn new(label: &'static Label) -> Self {
        let operation = Operation {
            label,
            object: ObjectId(0),
            access: Access::Write,
            part: None,
            choices: 1,
            takes_permit: false,
        };
        let step = Step {
            operation,
            enabled: true,
            effect: Box::new(|_, _| None),
            because: None,
            awaited: Vec::new(),
        };
        Self { step }
    }

    /// Names the object that the step touches, by its number in [`SmallModel::OBJECTS`].
    #[must_use]
    pub fn on(mut self, object: u32) -> Self {
        self.step.operation.object = ObjectId(object);
        self
    }

    /// Promises that the step only looks at its object.
    #[must_use]
    pub fn reads(mut self) -> Self {
        self.step.operation.access = Access::Read;
        self
    }

    /// Makes the thread wait until `guard` holds.
    #[must_use]
    pub fn when(mut self, guard: bool) -> Self {
        self.step.enabled = guard;
        self
    }

    /// Says why nobody will end the wait, if it turns out that nobody does: a part of the hang's signature, so it has no ids.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.step.because = Some(why.into());
        self
    }

    /// Says which threads of the same process could end the wait: who holds the lock, say.
    #[must_use]
    pub fn awaits(mut self, threads: impl IntoIterator<Item = M::Thread>) -> Self {
        self.step
            .awaited
            .extend(threads.into_iter().map(|thread| (None, thread)));
        self
    }

    /// Says that a thread of another process could end the wait.
    #[must_use]
    pub fn awaits_of(mut self, process: ProcessId, thread: M::Thread) -> Self {
        self.step.awaited.push((Some(process), thread));
        self
    }

    /// Says what the step does.
    pub fn then(self, effect: impl FnOnce(&mut M::State) + 'a) -> Step<'a, M> {
        self.effect(1, move |state, _| {
            effect(state);
            None
        })
    }

    /// Says what the step does, with one of several outcomes: their number, and the effect of each, from 0.
    pub fn choose(self, outcomes: u32, effect: impl FnOnce(&mut M::State, u32) + 'a) -> Step<'a, M> {
        self.effect(outcomes, move |state, choice| {
            effect(state, choice);
            None
        })
    }

    /// Says what the step does, and which frame it sends to whom.
    pub fn send(self, effect: impl FnOnce(&mut M::State) -> (ProcessId, M::Frame) + 'a) -> Step<'a, M> {
        self.effect(1, move |state, _| Some(effect(state)))
    }

    /// Says what the step does: `outcomes` of them, and it may send a frame.
    pub fn effect(
        mut self,
        outcomes: u32,
        effect: impl FnOnce(&mut M::State, u32) -> Option<(ProcessId, M::Frame)> + 'a,
    ) -> Step<'a, M> {
        self.step.operation.choices = outcomes;
        self.step.effect = Box::new(effect);
        self.step
    }
}

impl<M: SmallModel + ?Sized> fmt::Debug for Step<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("operation", &self.operation)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

impl<M: SmallModel + ?Sized> fmt::Debug for Declared<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.step.fmt(f)
    }
}
