//! The part of a scenario's job that is run, where it is not all of it.

use super::{Experiment, ExperimentProblem};
use crate::explore::Verdict;
use crate::machine::{Event, Fragment, Group, System};
use crate::models::TensorFlow;
use crate::models::tensorflow::process::Process;
use crate::scenario::KernelSection;
use crate::schedule::{Found, event, run_event};

/// The place where a kernel begins, and which of its threads are grouped.
pub struct Cut {
    /// Events that happened before.
    begin: Vec<Event>,
    start: System<Process>,
    /// The kernel where the last step is not cleaned up, unless the kernel begins with that. A step settles what it does in the end
    /// when it begins, so this is another state.
    without_cleanup: Option<System<Process>>,
    groups: Vec<Group>,
}

impl Cut {
    /// Runs what happens before the kernel begins.
    pub(super) fn of(model: &TensorFlow, section: &KernelSection) -> Result<Self, ExperimentProblem> {
        let mut begin = Vec::new();
        for (index, line) in section.begin.iter().enumerate() {
            let wrong = |problem| ExperimentProblem::Kernel(format!("begin: entry {}: {problem}", index + 1));
            begin.extend(event(line).map_err(wrong)?);
        }
        let impossible = |(index, found)| ExperimentProblem::Begin(format!("entry {}: {found}", index + 1));
        let start = start(model, &begin).map_err(impossible)?;
        let mut uncleaned = model.clone();
        uncleaned.set_cleans_up(false);
        let without_cleanup = self::start(&uncleaned, &begin).ok();
        let groups = section.groups.iter();
        let groups = groups.map(|group| Group::new(model, &group.name, &group.threads));
        let groups = groups.collect::<Result<_, _>>();
        Ok(Self {
            begin,
            start,
            without_cleanup,
            groups: groups.map_err(|error| ExperimentProblem::Kernel(format!("groups: {error}")))?,
        })
    }

    /// Returns the events that happened before the kernel begins.
    pub fn begin(&self) -> &[Event] {
        &self.begin
    }

    /// Returns the kernel of a model.
    pub(super) fn kernel(&self, model: TensorFlow) -> Fragment<TensorFlow> {
        let start = match &self.without_cleanup {
            Some(start) if !model.cleans_up() => start,
            _ => &self.start,
        };
        Fragment::new(model, start.clone(), self.groups.clone())
    }

    /// Returns a verdict on the kernel as one on the job: its schedules begin where the job does, and it says what was left out.
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

/// Finds the state in which a kernel begins; an error names the event that is impossible, and says what is wrong with it.
fn start(model: &TensorFlow, begin: &[Event]) -> Result<System<Process>, (usize, Found)> {
    let mut start = System::initial(model);
    for (index, event) in begin.iter().enumerate() {
        run_event(model, &mut start, event).map_err(|found| (index, found))?;
    }
    Ok(start)
}

impl Experiment {
    /// Returns the part that is run: the kernel of the scenario, or all of its job.
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

    /// Returns a verdict on [`Experiment::kernel`] as one on the job.
    pub(super) fn told_of_kernel(&self, verdict: Verdict) -> Verdict {
        let Some(cut) = &self.cut else { return verdict };
        let mut verdict = cut.complete(verdict);
        if cut.without_cleanup.is_some() {
            super::note_left_out(&mut verdict, false, false);
        }
        verdict
    }
}
