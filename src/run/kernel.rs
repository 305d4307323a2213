//! The part of a scenario's job that is run, where it is not all of it.

use super::{Prepared, RunError};
use crate::explore::Verdict;
use crate::machine::{Event, Group, Kernel, Model, System};
use crate::models::TensorFlow;
use crate::models::process::Process;
use crate::scenario::{KernelSection, Scenario};
use crate::schedule::{Ending, Hash, Header, Schedule, event};

/// Where a kernel begins, and which of its threads are grouped.
pub struct Cut {
    /// What happened before.
    begin: Vec<Event>,
    start: System<Process>,
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
        let header = Header {
            scenario: scenario.file_name(),
            scenario_hash: Hash(0),
            graph_hash: Hash(0),
            slice: String::new(),
            variant: String::new(),
            partition_order: String::new(),
            ending: Ending::Open,
        };
        let schedule = Schedule::record(header, begin.clone());
        let mut start = System::initial(model);
        for index in 0..begin.len() {
            let stopped = |found: &dyn std::fmt::Display| wrong(format!("kernel.begin: entry {}: {found}", index + 1));
            let (process, thread, choice) = schedule
                .next(model, &start, index)
                .map_err(|mismatch| stopped(&format_args!("{}", mismatch.found)))?;
            let threads = model.threads(process, &start.processes[process.index()]);
            let pending = threads.iter().find(|pending| pending.thread == thread);
            let pending = pending.expect("the thread of the next event is live");
            start
                .step(model, process, pending, choice)
                .map_err(|violation| stopped(&violation))?;
        }
        let groups = section.groups.iter();
        let groups = groups.map(|group| Group::new(model, &group.name, &group.threads));
        let groups = groups.collect::<Result<_, _>>();
        Ok(Self {
            begin,
            start,
            groups: groups.map_err(|error| wrong(format!("kernel.groups: {error}")))?,
        })
    }

    /// What happened before the kernel begins.
    pub fn begin(&self) -> &[Event] {
        &self.begin
    }

    /// The kernel of a model.
    pub(super) fn kernel(&self, model: TensorFlow) -> Kernel<TensorFlow> {
        Kernel::new(model, self.start.clone(), self.groups.clone())
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

impl Prepared {
    /// What is run: the kernel of the scenario, or all of its job.
    pub fn kernel(&self) -> Kernel<TensorFlow> {
        match &self.cut {
            Some(cut) => cut.kernel(self.model.clone()),
            None => Kernel::whole(self.model.clone()),
        }
    }
}
