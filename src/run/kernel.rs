//! The part of a scenario's job that is run, where it is not all of it.

use super::{Prepared, RunError};
use crate::explore::Verdict;
use crate::machine::{Event, Fragment, Group, Model, System};
use crate::models::TensorFlow;
use crate::models::tensorflow::process::Process;
use crate::scenario::{KernelSection, Scenario};
use crate::schedule::{Ending, Hash, Header, Schedule, event};

/// Where a kernel begins, and which of its threads are grouped.
pub struct Cut {
    /// What happened before.
    begin: Vec<Event>,
    start: System<Process>,
    /// The same where the last step is not cleaned up, unless the kernel begins with that. A step settles what it does in the end
    /// when it begins, so this is another state.
    without_cleanup: Option<System<Process>>,
    groups: Vec<Group>,
}

impl Cut {
    /// Runs what happens before the kernel begins.
    pub(super) fn of(scenario: &Scenario, model: &TensorFlow, section: &KernelSection) -> Result<Self, RunError> {
        let wrong = |problem: String| RunError::Kernel {
            scenario: scenario.to_string(),
            problem,
        };
        let mut begin = Vec::new();
        for (index, line) in section.begin.iter().enumerate() {
            let event =
                event(line).map_err(|problem| wrong(format!("kernel.begin: entry {}: {problem}", index + 1)))?;
            begin.extend(event);
        }
        let schedule = recorded(scenario, &begin);
        let start = start(model, &schedule).map_err(|(index, found)| RunError::Begin {
            scenario: scenario.to_string(),
            problem: format!("kernel.begin: entry {}: {found}", index + 1),
        })?;
        let mut uncleaned = model.clone();
        uncleaned.set_cleans_up(false);
        let without_cleanup = self::start(&uncleaned, &schedule).ok();
        let groups = section.groups.iter();
        let groups = groups.map(|group| Group::new(model, &group.name, &group.threads));
        let groups = groups.collect::<Result<_, _>>();
        Ok(Self {
            begin,
            start,
            without_cleanup,
            groups: groups.map_err(|error| wrong(format!("kernel.groups: {error}")))?,
        })
    }

    /// What happened before the kernel begins.
    pub fn begin(&self) -> &[Event] {
        &self.begin
    }

    /// The kernel of a model.
    pub(super) fn kernel(&self, model: TensorFlow) -> Fragment<TensorFlow> {
        let start = match &self.without_cleanup {
            Some(start) if !model.cleans_up() => start,
            _ => &self.start,
        };
        Fragment::new(model, start.clone(), self.groups.clone())
    }

    /// A verdict on the kernel as one on the job: its schedules begin where the job does, and it says what was left out.
    pub(super) fn complete(&self, mut verdict: Verdict) -> Verdict {
        for hang in &mut verdict.hangs {
            hang.events.splice(0..0, self.begin.iter().cloned());
            hang.length += self.begin.len();
        }
        for finding in &mut verdict.findings {
            finding.events.splice(0..0, self.begin.iter().cloned());
        }
        let groups: Vec<&str> = self.groups.iter().map(|group| group.name.as_str()).collect();
        let groups = match groups.as_slice() {
            [] => "no groups".to_owned(),
            names => format!("groups {}", names.join(", ")),
        };
        let begun = self.begin.len();
        verdict
            .reductions
            .push(format!("kernel: begins after {begun} events, {groups}"));
        verdict
    }
}

/// What happens before a kernel begins, as a schedule.
fn recorded(scenario: &Scenario, begin: &[Event]) -> Schedule {
    let header = Header {
        scenario: scenario.file_name(),
        scenario_hash: Hash(0),
        graph_hash: Hash(0),
        slice: String::new(),
        variant: String::new(),
        partition_order: String::new(),
        ending: Ending::Open,
    };
    Schedule::record(header, begin.to_vec())
}

/// The state in which a kernel begins; an error names the event that is impossible, and says what is wrong with it.
fn start(model: &TensorFlow, schedule: &Schedule) -> Result<System<Process>, (usize, String)> {
    let mut start = System::initial(model);
    for index in 0..schedule.events.len() {
        let (process, thread, choice) = schedule
            .next(model, &start, index)
            .map_err(|mismatch| (index, mismatch.found.to_string()))?;
        let threads = model.threads(process, &start.processes[process.index()]);
        let pending = threads.iter().find(|pending| pending.thread == thread);
        let pending = pending.expect("the thread of the next event is live");
        start
            .step(model, process, pending, choice)
            .map_err(|violation| (index, violation.to_string()))?;
    }
    Ok(start)
}

impl Prepared {
    /// What is run: the kernel of the scenario, or all of its job.
    ///
    /// A kernel ends without the clean-up of its last step, which begins when the client has its answer. An engine that runs every
    /// interleaving would spend nearly all of its time on it: of 67 labels of a kernel, 40 can come after that answer.
    pub fn kernel(&self) -> Fragment<TensorFlow> {
        match &self.cut {
            Some(cut) => {
                let mut model = self.model.clone();
                model.set_cleans_up(cut.without_cleanup.is_none());
                cut.kernel(model)
            }
            None => Fragment::whole(self.model.clone()),
        }
    }

    /// A verdict on [`Prepared::kernel`] as one on the job.
    pub(super) fn told_of_kernel(&self, verdict: Verdict) -> Verdict {
        let Some(cut) = &self.cut else { return verdict };
        let mut verdict = cut.complete(verdict);
        if cut.without_cleanup.is_some() {
            // Nothing can be said of what stays behind on a server that is never told to clean up.
            verdict.leaks.clear();
            verdict.reductions.push("no clean-up".to_owned());
        }
        verdict
    }
}
