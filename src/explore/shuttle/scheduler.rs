//! The scheduler that stands between shuttle and a strategy.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use shuttle_engine::scheduler::{Schedule, Scheduler, Task, TaskId};
use smallvec::SmallVec;

use super::table::TaskTable;
use crate::explore::driver::{Bounds, Standing, Statistics, StatisticsStatus};
use crate::machine::Model;

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
    bounds: Bounds,
    interrupt: Arc<AtomicBool>,
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
        bounds: Bounds,
        interrupt: &Arc<AtomicBool>,
        statistics: &Arc<Mutex<Statistics<M>>>,
        stop: &Arc<Mutex<Option<Stop>>>,
        progress: impl FnMut(&StatisticsStatus) + Send + 'static,
    ) -> Self {
        Self {
            table: Arc::clone(table),
            bounds,
            interrupt: Arc::clone(interrupt),
            statistics: Arc::clone(statistics),
            stop: Arc::clone(stop),
            progress: Box::new(progress),
            begun: 0,
            last: None,
        }
    }
}

impl<M: Model> Scheduler for Guide<M> {
    fn new_execution(&mut self) -> Option<Schedule> {
        let mut status = self.statistics.lock().unwrap_or_else(PoisonError::into_inner).status();
        (self.progress)(&status);
        status.executions = self.begun;
        let mut posted = self.table.posted();
        posted.clear();
        self.last = None;
        // A search that has ended has ended, even where the budget is used up at the same time.
        let more = posted.chooser.begin(self.begun);
        let stop = if more {
            self.bounds.reached(&status, &self.interrupt).map(Stop::By)
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
