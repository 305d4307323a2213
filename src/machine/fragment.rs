//! A kernel: a small system cut out of a large one, so that an engine that takes few threads or few labels can run all of it.
//!
//! It differs from its model in two ways. It *begins later*: its initial state is one that the model reaches. And its threads may
//! be *grouped*: of a group one member at a time runs. A group takes up any member that is enabled and keeps to it until that
//! ends or has to wait, as one operating-system thread would that serves a queue of tasks; then it takes up any other.
//!
//! Whatever a kernel can do, its model can do: every event is one of the model, and where no thread of the kernel can run, none of
//! the model could (a group whose member has to wait is free to take up every other). So each hang of a kernel is a hang of the
//! model. The reverse does not hold: a kernel that can't hang says nothing about what it leaves out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use thiserror::Error;
use wildmatch::WildMatch;

use super::{
    Access, Footprint, FrameSet, Guarantees, Independence, Model, ObjectId, Pending, ProcessId, System, Wrapper,
};
use crate::delegate;

/// Threads of one process of which one at a time runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// Its name, for people.
    pub name: String,
    process: ProcessId,
    members: Vec<WildMatch>,
}

/// A group that can't be made.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("group \"{group}\": {problem}")]
pub struct GroupError {
    group: String,
    problem: String,
}

impl Group {
    /// Returns the group of the threads that one of `patterns` names, as in `ps0/pool:*`: `*` stands for any text, `?` for any character. A
    /// thread that several groups name belongs to the first.
    ///
    /// # Errors
    /// When a pattern names no process of the model, or they name several.
    pub fn new<M: Model>(model: &M, name: &str, patterns: &[String]) -> Result<Self, GroupError> {
        let processes: Vec<String> = (0..model.process_count())
            .map(|process| model.process_name(ProcessId::new(process)))
            .collect();
        let wrong = |problem: String| GroupError {
            group: name.to_owned(),
            problem,
        };
        let mut found: Option<ProcessId> = None;
        let mut members = Vec::new();
        for pattern in patterns {
            let Some((process, thread)) = pattern.split_once('/') else {
                return Err(wrong(format!("\"{pattern}\", expected PROCESS/THREAD, as in ps0/*")));
            };
            let Some(index) = processes.iter().position(|known| known == process) else {
                let known = processes.join(", ");
                return Err(wrong(format!("no process {process}; there are: {known}")));
            };
            let id = ProcessId::new(index);
            // They share nothing, so nobody could see to it that one at a time runs.
            if let Some(first) = found.filter(|first| *first != id) {
                let first = &processes[first.index()];
                return Err(wrong(format!(
                    "threads of {first} and of {process}, expected those of one process"
                )));
            }
            found = Some(id);
            members.push(WildMatch::new(thread));
        }
        let none = || wrong("no threads, expected at least one pattern, as in ps0/*".to_owned());
        Ok(Self {
            name: name.to_owned(),
            process: found.ok_or_else(none)?,
            members,
        })
    }
}

/// A part of a model as a model of its own. See the top of this file.
#[derive(Clone, Debug)]
pub struct Fragment<M: Model> {
    model: M,
    start: System<M::Process>,
    groups: Vec<Group>,
}

/// The state of a process, and whom each group has taken up.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct State<P, T> {
    process: P,
    /// One entry a group of the kernel; the entries of other processes' groups stay empty. A member that is taken up is enabled.
    taken_up: SmallVec<[Option<T>; 2]>,
}

impl<M: Model> Fragment<M> {
    /// Returns the part of `model` that begins in `start`, a state that it can reach, with grouped threads.
    pub fn new(model: M, start: System<M::Process>, groups: Vec<Group>) -> Self {
        Self { model, start, groups }
    }

    /// Returns all of a model: from its beginning, without groups.
    pub fn whole(model: M) -> Self {
        let start = System::initial(&model);
        Self::new(model, start, Vec::new())
    }

    /// Returns the model that it is a part of.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Returns the groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Returns the group of a live thread, as an index into [`Fragment::groups`].
    pub fn group_of(
        &self,
        process: ProcessId,
        state: &State<M::Process, M::Thread>,
        thread: M::Thread,
    ) -> Option<usize> {
        self.group(process, &state.process, thread)
    }

    fn group(&self, process: ProcessId, state: &M::Process, thread: M::Thread) -> Option<usize> {
        if !self.has_groups(process) {
            return None;
        }
        let name = self.model.thread_name(process, state, thread);
        self.groups
            .iter()
            .position(|group| group.process == process && group.members.iter().any(|member| member.matches(&name)))
    }

    /// Returns true if threads of this process are grouped.
    pub fn has_groups(&self, process: ProcessId) -> bool {
        self.groups.iter().any(|group| group.process == process)
    }

    /// Lets groups go whose member has ended or has to wait.
    fn let_go(&self, process: ProcessId, state: &mut State<M::Process, M::Thread>) {
        if state.taken_up.iter().all(Option::is_none) {
            return;
        }
        let threads = self.model.threads(process, &state.process);
        for taken_up in &mut state.taken_up {
            let goes_on = |thread: M::Thread| {
                threads
                    .iter()
                    .any(|pending| pending.thread == thread && pending.enabled)
            };
            *taken_up = taken_up.filter(|&thread| goes_on(thread));
        }
    }
}

impl<M: Model> Wrapper for Fragment<M> {
    type Inner = M;

    fn inner(&self) -> &M {
        &self.model
    }

    fn part(state: &Self::Process) -> &M::Process {
        &state.process
    }

    fn part_mut(state: &mut Self::Process) -> &mut M::Process {
        &mut state.process
    }
}

/// A part of a model. Where threads are grouped, each may hinder another one at any label. What a thread of such a process declares is
/// therefore changed into what commutes with nothing in its process.
impl<M: Model> Model for Fragment<M> {
    type Process = State<M::Process, M::Thread>;
    type Thread = M::Thread;
    type Frame = M::Frame;

    // A delivery disables nobody, so nobody is let go.
    delegate!(process_count process_name deliver thread_name object_name object_values clients wait_for outcome leaks);

    fn initial(&self, process: ProcessId) -> Self::Process {
        State {
            process: self.start.processes[process.index()].clone(),
            taken_up: self.groups.iter().map(|_| None).collect(),
        }
    }

    fn threads(&self, process: ProcessId, state: &Self::Process) -> Vec<Pending<M::Thread>> {
        let mut threads = self.model.threads(process, &state.process);
        if !self.has_groups(process) {
            return threads;
        }
        for pending in &mut threads {
            let operation = &mut pending.operation;
            (operation.access, operation.part, operation.takes_permit) = (Access::Write, None, false);
            if let Some(group) = self.group(process, &state.process, pending.thread) {
                pending.enabled &= state.taken_up[group].is_none_or(|thread| thread == pending.thread);
            }
        }
        threads
    }

    fn apply(
        &self,
        process: ProcessId,
        state: &mut Self::Process,
        thread: M::Thread,
        choice: u32,
        sent: &mut Vec<(ProcessId, M::Frame)>,
    ) {
        if let Some(group) = self.group(process, &state.process, thread) {
            state.taken_up[group] = Some(thread);
        }
        self.model.apply(process, &mut state.process, thread, choice, sent);
        self.let_go(process, state);
    }
}

impl<M: Independence> Independence for Fragment<M> {
    type Facts = M::Facts;

    delegate!(facts may_send frame_set name);

    fn footprint(
        &self,
        process: ProcessId,
        state: &Self::Process,
        facts: &M::Facts,
        thread: M::Thread,
    ) -> Arc<Footprint> {
        if self.has_groups(process) {
            return Arc::new(Footprint::everything());
        }
        self.model.footprint(process, &state.process, facts, thread)
    }

    fn delivery_footprint(
        &self,
        process: ProcessId,
        state: &Self::Process,
        facts: &M::Facts,
        frames: &FrameSet,
    ) -> Arc<Footprint> {
        if self.has_groups(process) {
            return Arc::new(Footprint::everything());
        }
        self.model.delivery_footprint(process, &state.process, facts, frames)
    }

    fn permits_come_back(&self, process: ProcessId, object: ObjectId) -> bool {
        !self.has_groups(process) && self.model.permits_come_back(process, object)
    }

    fn eliminate_dead(&self, process: ProcessId, state: &mut Self::Process) {
        // What is dead can be put off to the end: a group is never made to take it up.
        self.model.eliminate_dead(process, &mut state.process);
        self.let_go(process, state);
    }
}

impl<M: Guarantees> Guarantees for Fragment<M> {
    delegate!(guarantees is_inevitable);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::litmus::crossed_locks::CrossedLocks;

    fn group(patterns: &[&str]) -> Result<Group, GroupError> {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Group::new(&CrossedLocks { crosswise: true }, "both", &patterns)
    }

    fn runnable(
        kernel: &Fragment<CrossedLocks>,
        system: &System<State<<CrossedLocks as Model>::Process, u8>>,
    ) -> Vec<u8> {
        system
            .enabled(kernel)
            .iter()
            .map(|(_, pending)| pending.thread)
            .collect()
    }

    #[test]
    fn a_group_takes_up_anybody_and_keeps_to_it_until_it_ends() {
        let model = CrossedLocks { crosswise: true };
        let start = System::initial(&model);
        let kernel = Fragment::new(model, start, vec![group(&["host/*"]).unwrap()]);
        let mut system = System::initial(&kernel);
        assert_eq!(runnable(&kernel, &system), [0, 1]);
        for labels_left in (0..4).rev() {
            let (process, pending) = system.enabled(&kernel).pop().unwrap();
            system.step(&kernel, process, &pending, 0).unwrap();
            let next = if labels_left > 0 { 1 } else { 0 };
            assert_eq!(runnable(&kernel, &system), [next], "after {pending:?}");
        }
    }

    #[test]
    fn a_group_lets_a_member_go_that_has_to_wait() {
        let model = CrossedLocks { crosswise: true };
        let mut start = System::initial(&model);
        for thread in [0, 1] {
            let (process, pending) = start.enabled(&model).swap_remove(thread);
            start.step(&model, process, &pending, 0).unwrap();
        }
        let kernel = Fragment::new(model, start, vec![group(&["host/*"]).unwrap()]);
        assert_eq!(
            runnable(&kernel, &System::initial(&kernel)),
            [] as [u8; 0],
            "both wait for the other"
        );
    }

    #[test]
    fn what_can_not_be_grouped_is_an_error_that_says_why() {
        let text = |patterns: &[&str]| group(patterns).unwrap_err().to_string();
        assert_eq!(
            text(&["host"]),
            "group \"both\": \"host\", expected PROCESS/THREAD, as in ps0/*"
        );
        assert_eq!(text(&["ps0/*"]), "group \"both\": no process ps0; there are: host");
        assert_eq!(
            text(&[]),
            "group \"both\": no threads, expected at least one pattern, as in ps0/*"
        );
    }
}
