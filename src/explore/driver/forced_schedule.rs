//! A recorded schedule that forces the order of an execution.

use std::sync::Mutex;

use crate::machine::{Model, ProcessId, System};
use crate::schedule::{Found, Mismatch, Schedule};

/// The events that threads must do, in order, and whose turn it is.
///
/// While it is nobody's turn (a label is being run, or its frames are being delivered) nobody can run. After the last event, or before
/// the first that is impossible, everybody can.
#[derive(Debug)]
pub struct ForcedSchedule<M: Model> {
    schedule: Schedule,
    turn: Mutex<Turn<M>>,
}

#[derive(Debug)]
struct Turn<M: Model> {
    /// Index of the next event.
    next: usize,
    whose: Whose<M::Thread>,
    followed: Option<Followed<M::Process>>,
}

#[derive(Clone, Copy, Debug)]
enum Whose<T> {
    Nobodys,
    Of(ProcessId, T, u32),
    Everybodys,
}

/// The part of a forced schedule that was followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Followed<P> {
    /// Number of events that ran.
    pub events: usize,
    /// The first that did not, if one did not.
    pub mismatch: Option<Mismatch>,
    /// The state after the last event that ran.
    pub reached: System<P>,
}

impl<M: Model> ForcedSchedule<M> {
    /// Forces all events of a schedule.
    pub fn new(schedule: Schedule) -> Self {
        let turn = Turn {
            next: 0,
            whose: Whose::Nobodys,
            followed: None,
        };
        Self {
            schedule,
            turn: Mutex::new(turn),
        }
    }

    /// Returns true if a thread may run its label now.
    pub(super) fn allows(&self, process: ProcessId, thread: M::Thread) -> bool {
        match self.turn.lock().expect("no panic under it").whose {
            Whose::Nobodys => false,
            Whose::Of(its, next, _) => its == process && next == thread,
            Whose::Everybodys => true,
        }
    }

    /// Gives the next event's thread its turn: from now on nobody can run. The event's outcome, while the forced schedule lasts.
    pub(super) fn take(&self) -> Option<u32> {
        let mut turn = self.turn.lock().expect("no panic under it");
        match turn.whose {
            Whose::Of(_, _, choice) => {
                turn.whose = Whose::Nobodys;
                turn.next += 1;
                Some(choice)
            }
            Whose::Nobodys | Whose::Everybodys => None,
        }
    }

    /// Returns true if it is over: everybody can run.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.turn.lock().expect("no panic under it").whose, Whose::Everybodys)
    }

    /// Finds out whose turn it is next in this state; the process of that thread, if there is one.
    pub(super) fn advance(&self, model: &M, system: &System<M::Process>) -> Option<ProcessId> {
        let mut turn = self.turn.lock().expect("no panic under it");
        let next = turn.next;
        let mut end = |mismatch: Option<Mismatch>| {
            turn.whose = Whose::Everybodys;
            turn.followed = Some(Followed {
                events: next,
                mismatch,
                reached: system.clone(),
            });
            None
        };
        if next == self.schedule.events.len() {
            return end(None);
        }
        match self.schedule.next(model, system, next) {
            Err(mismatch) => end(Some(*mismatch)),
            Ok((process, thread, choice)) => {
                turn.whose = Whose::Of(process, thread, choice);
                Some(process)
            }
        }
    }

    /// Returns the outcome of the forced schedule; `None` if the execution was over before.
    pub(super) fn followed(&self) -> Option<Followed<M::Process>> {
        self.turn.lock().expect("no panic under it").followed.clone()
    }

    /// Notes a label that failed while the forced schedule lasted: event `events` is the one that failed.
    pub(super) fn failed(&self, found: Found, system: System<M::Process>) {
        let mut turn = self.turn.lock().expect("no panic under it");
        if turn.followed.is_none() {
            let index = turn.next - 1;
            turn.followed = Some(Followed {
                events: index,
                mismatch: Some(self.schedule.mismatch(index, found)),
                reached: system,
            });
            turn.whose = Whose::Everybodys;
        }
    }
}
