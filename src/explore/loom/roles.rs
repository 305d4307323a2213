//! The assignment of threads to engine threads: at most five, so a group is one, and so is every thread that belongs to none.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;

use thiserror::Error;

use crate::explore::{Finding, FindingKind, fingerprint, panic_text};
use crate::machine::panics::catch;
use crate::machine::{ContractViolation, Fragment, Model, Pending, ProcessId, System, run_label};

/// Threads of one execution, its first one included (loom's `MAX_THREADS`).
pub const MOST_ROLES: usize = loom::MAX_THREADS;

/// States that a kernel may have: whoever has more is not small enough to run every interleaving of.
const MOST_STATES: usize = 100_000;

/// A kernel that this engine can't run.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Unfit {
    /// More threads than the engine has.
    #[error(
        "engine loom runs at most {MOST_ROLES} threads, but the kernel has {}: {}; group some of them in [kernel]",
        roles.len(),
        roles.join(", ")
    )]
    TooManyThreads {
        /// The threads and groups.
        roles: Vec<String>,
    },
    /// Too many states to look for its threads.
    #[error(
        "engine loom runs kernels, but this system has more than {MOST_STATES} states; let it begin later in [kernel]"
    )]
    TooLarge,
    /// Some schedule never ends.
    #[error("engine loom runs systems that come to rest, but this one can run for ever")]
    Endless,
    /// A label fails, which another engine tells better.
    #[error("a label fails: {}; engine exhaustive finds the schedule", .0.message)]
    Broken(Finding),
}

/// A thread of the engine: a group, or one thread of the model.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Key<T> {
    Group(usize),
    Thread(ProcessId, T),
}

/// The threads of the engine.
#[derive(Clone, Debug)]
pub(super) struct Roles<T> {
    numbers: BTreeMap<Key<T>, usize>,
    /// Process of each.
    pub(super) processes: Vec<ProcessId>,
    /// Name of each, for people.
    pub(super) names: Vec<String>,
}

impl<T: Copy + Ord + Hash> Roles<T> {
    /// Looks for every thread that ever lives, in every state of the kernel.
    pub(super) fn of<M: Model<Thread = T>>(kernel: &Fragment<M>) -> Result<Self, Unfit> {
        let mut walk = Walk {
            kernel,
            seen: HashSet::new(),
            on_path: HashSet::new(),
            roles: BTreeMap::new(),
        };
        let walked = walk.all();
        let names: Vec<String> = walk.roles.values().map(|(_, name)| name.clone()).collect();
        if names.len() > MOST_ROLES {
            return Err(Unfit::TooManyThreads { roles: names });
        }
        walked?;
        Ok(Self {
            numbers: walk.roles.keys().copied().zip(0..).collect(),
            processes: walk.roles.values().map(|(process, _)| *process).collect(),
            names,
        })
    }

    /// Returns the number of the role that runs a thread.
    pub(super) fn number<M: Model<Thread = T>>(
        &self,
        kernel: &Fragment<M>,
        process: ProcessId,
        state: &<Fragment<M> as Model>::Process,
        thread: T,
    ) -> usize {
        self.numbers[&key(kernel, process, state, thread)]
    }
}

fn key<M: Model>(
    kernel: &Fragment<M>,
    process: ProcessId,
    state: &<Fragment<M> as Model>::Process,
    thread: M::Thread,
) -> Key<M::Thread> {
    match kernel.group_of(process, state, thread) {
        Some(group) => Key::Group(group),
        None => Key::Thread(process, thread),
    }
}

type StateOf<M> = System<<Fragment<M> as Model>::Process>;
type Step<M> = (ProcessId, Pending<<M as Model>::Thread>, u32);

/// Depth first over all states.
struct Walk<'a, M: Model> {
    kernel: &'a Fragment<M>,
    /// Fingerprints.
    seen: HashSet<u128>,
    on_path: HashSet<u128>,
    roles: BTreeMap<Key<M::Thread>, (ProcessId, String)>,
}

impl<M: Model> Walk<'_, M> {
    fn all(&mut self) -> Result<(), Unfit> {
        let start = System::initial(self.kernel);
        let mut path = vec![(start.clone(), self.enter(&start))];
        while let Some((state, steps)) = path.last_mut() {
            let Some((process, pending, choice)) = steps.pop() else {
                self.on_path.remove(&fingerprint(state));
                path.pop();
                continue;
            };
            let next = self.next(state, process, &pending, choice)?;
            if self.on_path.contains(&fingerprint(&next)) {
                return Err(Unfit::Endless);
            }
            if !self.seen.contains(&fingerprint(&next)) {
                let steps = self.enter(&next);
                path.push((next, steps));
            }
            if self.seen.len() > MOST_STATES {
                return Err(Unfit::TooLarge);
            }
        }
        Ok(())
    }

    fn enter(&mut self, state: &StateOf<M>) -> Vec<Step<M>> {
        self.seen.insert(fingerprint(state));
        self.on_path.insert(fingerprint(state));
        let mut steps = Vec::new();
        for (process, pending) in state.threads(self.kernel) {
            let local = &state.processes[process.index()];
            let key = key(self.kernel, process, local, pending.thread);
            self.roles.entry(key).or_insert_with(|| {
                let name = match key {
                    Key::Group(group) => self.kernel.groups()[group].name.clone(),
                    Key::Thread(..) => format!(
                        "{}/{}",
                        self.kernel.process_name(process),
                        self.kernel.thread_name(process, local, pending.thread)
                    ),
                };
                (process, name)
            });
            if pending.enabled {
                steps.extend((0..pending.operation.choices).map(|choice| (process, pending.clone(), choice)));
            }
        }
        steps
    }

    fn next(
        &self,
        state: &StateOf<M>,
        process: ProcessId,
        pending: &Pending<M::Thread>,
        choice: u32,
    ) -> Result<StateOf<M>, Unfit> {
        let broken = |kind, message| {
            let events = Vec::new();
            Unfit::Broken(Finding { kind, message, events })
        };
        let mut next = state.clone();
        let ran = catch(|| {
            let local = &mut next.processes[process.index()];
            for (to, frame) in run_label(self.kernel, process, local, pending, choice)? {
                self.kernel.deliver(to, &mut next.processes[to.index()], process, frame);
            }
            Ok(())
        });
        ran.map_err(|payload| broken(FindingKind::Panic, panic_text(&*payload)))?
            .map_err(|violation: ContractViolation| broken(FindingKind::Contract, violation.to_string()))?;
        Ok(next)
    }
}
