//! The scheduler that stands between shuttle and a strategy.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use shuttle_engine::scheduler::{Schedule, Scheduler, Task, TaskId};
use smallvec::SmallVec;

use super::table::TaskTable;
use crate::explore::driver::{Standing, Statistics, StatisticsStatus};
use crate::machine::Model;

/// The bounds at which to stop.
pub(super) struct Budget {
    pub(super) max_executions: Option<u64>,
    pub(super) deadline: Option<Instant>,
    pub(super) stop_at_first_hang: bool,
    pub(super) interrupt: Arc<AtomicBool>,
}

/// The reason why no further execution began.
pub(super) enum Stop {
    /// Every schedule was run.
    Ended,
    /// Something else.
    By(String),
}

/// Says who goes on: the strategy, where it has a choice.
pub(super) struct Guide<M: Model> {
    table: Arc<TaskTable>,
    budget: Budget,
    statistics: Arc<Mutex<Statistics<M>>>,
    stop: Arc<Mutex<Option<Stop>>>,
    progress: Box<dyn FnMut(&StatisticsStatus) + Send>,
    /// Executions that have begun.
    begun: u64,
    /// The task whose label was the last one.
    last: Option<TaskId>,
}

impl<M: Model> Guide<M> {
    pub(super) fn new(
        table: &Arc<TaskTable>,
        budget: Budget,
        statistics: &Arc<Mutex<Statistics<M>>>,
        stop: &Arc<Mutex<Option<Stop>>>,
        progress: impl FnMut(&StatisticsStatus) + Send + 'static,
    ) -> Self {
        Self {
            table: Arc::clone(table),
            budget,
            statistics: Arc::clone(statistics),
            stop: Arc::clone(stop),
            progress: Box::new(progress),
            begun: 0,
            last: None,
        }
    }

    fn why_stop(&self, status: &StatisticsStatus) -> Option<Stop> {
        let by = |reason: String| Some(Stop::By(reason));
        let Budget {
            max_executions,
            deadline,
            stop_at_first_hang,
            ..
        } = self.budget;
        if self.budget.interrupt.load(Ordering::SeqCst) {
            return by("an interrupt".to_owned());
        }
        if status.broken {
            return by("a failure of the model".to_owned());
        }
        if stop_at_first_hang && status.hangs > 0 {
            return by("the first hang".to_owned());
        }
        if let Some(most) = max_executions.filter(|most| self.begun >= *most) {
            return by(format!("the limit of {most} executions"));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return by("the limit of time".to_owned());
        }
        None
    }
}

impl<M: Model> Scheduler for Guide<M> {
    fn new_execution(&mut self) -> Option<Schedule> {
        let status = self.statistics.lock().unwrap_or_else(PoisonError::into_inner).status();
        (self.progress)(&status);
        let mut posted = self.table.posted();
        posted.clear();
        self.last = None;
        // A search that has ended has ended, even where the budget is used up at the same time.
        let more = posted.chooser.begin(self.begun);
        let stop = if more {
            self.why_stop(&status)
        } else {
            Some(Stop::Ended)
        };
        let Some(stop) = stop else {
            self.begun += 1;
            return Some(Schedule::new(0));
        };
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
        None
    }

    fn next_task(&mut self, runnable: &[&Task], _current: Option<TaskId>, _yields: bool) -> Option<TaskId> {
        let mut posted = self.table.posted();
        if let Some(inside) = posted.inside
            && runnable.iter().any(|task| task.id() == inside)
        {
            return Some(inside);
        }
        let mut candidates: SmallVec<[(&Task, u64); 32]> = SmallVec::new();
        for task in runnable {
            let Some(known) = posted.known(task.id()) else { continue };
            match known.standing() {
                // What only ends is no decision.
                Standing::Ends => return Some(task.id()),
                Standing::Runs => candidates.push((task, known.identity)),
                Standing::Waits => {}
            }
        }
        // Nobody can run: each takes a turn to find out, and the last one reports the state at rest.
        if candidates.is_empty() {
            return Some(runnable[0].id());
        }
        let chosen = posted.chooser.next(&candidates, self.last);
        self.last = Some(chosen);
        Some(chosen)
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("the outcomes of labels do not come from shuttle")
    }
}
