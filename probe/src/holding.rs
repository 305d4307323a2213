//! Holds: a thread waits at the entry of a point until another point was left, in whatever process.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use lastbatch_probe_format::holds::{Holds, Rule, Site, without_edge};
use lastbatch_probe_format::steps::{ABORTED, BATCH, HELD, KEPT, LATE, REACHED};

use crate::conditions::{Conditions, LOOK, Slot};
use crate::context::context;
use crate::receives;

/// Time for which a reset is given to reach a server before that may read: both frames are to come with one read.
const SETTLE: Duration = Duration::from_millis(3);

/// The holds of a task.
pub(crate) struct Holding {
    task: String,
    holds: &'static Holds,
    conditions: Conditions,
    longest: Duration,
}

impl Holding {
    /// Reads the holds of a job. `None`: there are none.
    ///
    /// # Errors
    /// When the file is no file of holds.
    pub(crate) fn load(path: &Path, task: &str, conditions: Conditions) -> Result<Option<Self>, String> {
        let Ok(text) = std::fs::read_to_string(path) else {
            return Ok(None);
        };
        let holds: Holds = text.parse().map_err(|error| format!("{}: {error}", path.display()))?;
        conditions.join();
        Ok(Some(Self {
            task: task.to_owned(),
            longest: Duration::from_millis(holds.longest_ms),
            holds: Box::leak(Box::new(holds)),
            conditions,
        }))
    }

    fn rules(&self) -> impl Iterator<Item = (u64, &'static Rule)> {
        self.holds
            .rules
            .iter()
            .enumerate()
            .map(|(number, rule)| (1 << number, rule))
    }

    /// Returns the name of a tensor as the rules about receives of this task have it, if one is about it.
    pub(crate) fn tensor(&self, name: &str) -> Option<&'static str> {
        let name = without_edge(name);
        let points = self.holds.rules.iter().flat_map(|rule| [&rule.hold, &rule.until]);
        let mut mine = points.filter(|point| point.process == self.task && point.site.is_of_receive());
        mine.find(|point| point.subject == name)
            .map(|point| point.subject.as_str())
    }

    /// Returns true if a receive must not be split by an abort unless a rule says so.
    pub(crate) fn keeps_receives_whole(&self) -> bool {
        self.holds.whole_receives && self.conditions.armed()
    }

    /// Notes a tensor that was sent: a step whose batch goes out is no step of the schedule.
    pub(crate) fn sent(&self, step: u64, tensor: &str) {
        let name = without_edge(tensor);
        let mut batches = self.holds.batches.iter();
        if batches.any(|batch| batch.process == self.task && batch.tensor == name)
            && let Some(slot) = self.conditions.slot(step)
            && !slot.marked(BATCH | ABORTED)
        {
            self.conditions.batch(step);
        }
    }

    /// Notes that a rendezvous of this task is being aborted.
    pub(crate) fn aborting(&self, step: u64) {
        if self.holds.batches.iter().any(|batch| batch.process == self.task) {
            self.conditions.aborted(step);
        }
    }

    /// Waits where a rule says so.
    pub(crate) fn enter(&self, site: Site, subject: &str, step: u64) {
        if !self.conditions.armed() {
            return;
        }
        for (bit, rule) in self.rules() {
            if rule.hold.is(&self.task, site, subject) {
                self.wait(bit, step);
            }
            let reads = rule.hold.site == Site::ReadRunGraph && site == Site::StartRunGraph;
            if reads && rule.hold.subject == subject && rule.until.process == self.task {
                self.close_gate(step);
            }
        }
    }

    /// Lets those go on who wait for a point that was left.
    pub(crate) fn leave(&self, site: Site, subject: &str, step: u64) {
        if !self.conditions.armed() {
            return;
        }
        for (bit, rule) in self
            .rules()
            .filter(|(_, rule)| rule.until.is(&self.task, site, subject))
        {
            let Some(slot) = self.conditions.slot(step) else {
                continue;
            };
            slot.number(REACHED).fetch_or(bit, Ordering::AcqRel);
            if rule.hold.site == Site::ReadRunGraph && self.conditions.gate() == step {
                thread::sleep(SETTLE);
                if self.conditions.open_gate(step) {
                    slot.number(KEPT).fetch_or(bit, Ordering::AcqRel);
                }
            }
        }
    }

    fn close_gate(&self, step: u64) {
        if self.conditions.slot(step).is_some_and(|slot| !slot.marked(BATCH)) {
            self.conditions.close_gate(step);
        }
    }

    /// Waits for a rule in a step: until its condition holds, the step got a batch, or it took too long. Once per step.
    fn wait(&self, bit: u64, step: u64) {
        let Some(slot) = self.conditions.slot(step) else {
            return;
        };
        let over = |field: usize| slot.number(field).load(Ordering::Acquire) & bit != 0;
        if slot.marked(BATCH) || over(KEPT) || over(LATE) {
            return;
        }
        slot.number(HELD).fetch_or(bit, Ordering::AcqRel);
        context(receives::leave_window);
        let end = Instant::now() + self.longest;
        while !over(REACHED) {
            if slot.marked(BATCH) {
                return;
            }
            if Instant::now() > end {
                slot.number(LATE).fetch_or(bit, Ordering::AcqRel);
                return;
            }
            thread::sleep(LOOK);
        }
        slot.number(KEPT).fetch_or(bit, Ordering::AcqRel);
    }

    /// Waits before this task reads from a connection, while the gate is closed and a rule is about its reading.
    pub(crate) fn read(&self) {
        let step = self.conditions.gate();
        if step == 0 {
            return;
        }
        let mine = |rule: &Rule| rule.hold.process == self.task && rule.hold.site == Site::ReadRunGraph;
        let Some((bit, _)) = self.rules().find(|(_, rule)| mine(rule)) else {
            return;
        };
        let slot: Option<Slot> = self.conditions.slot(step);
        if let Some(slot) = slot {
            slot.number(HELD).fetch_or(bit, Ordering::AcqRel);
        }
        let end = Instant::now() + self.longest;
        while self.conditions.gate() == step {
            if Instant::now() > end {
                if self.conditions.open_gate(step)
                    && let Some(slot) = slot
                {
                    slot.number(LATE).fetch_or(bit, Ordering::AcqRel);
                }
                return;
            }
            thread::sleep(LOOK);
        }
    }
}
