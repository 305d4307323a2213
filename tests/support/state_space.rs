//! Every state of a small system by a plain depth-first search that shares nothing with the engines: what they are compared with.

use std::collections::{BTreeSet, HashMap};

use lastbatch::explore::fingerprint;
use lastbatch::machine::{Model, System};

/// Everything that there is to find.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct StateSpace {
    /// The states at rest.
    pub(crate) outcomes: BTreeSet<u128>,
    /// Signatures of the hangs among them.
    pub(crate) signatures: BTreeSet<String>,
    /// Schedules from the beginning to rest.
    pub(crate) schedules: u64,
    /// Labels of the longest.
    pub(crate) labels: u32,
    /// States.
    pub(crate) states: usize,
}

/// Looks at every state, unless there are more than `most`, or a schedule never ends.
pub(crate) fn state_space<M: Model>(model: &M, most: usize) -> Option<StateSpace> {
    let mut state_space = StateSpace::default();
    let mut counted = HashMap::new();
    let start = System::initial(model);
    let (schedules, labels) = visit(model, &start, most, &mut counted, &mut state_space)?;
    (state_space.schedules, state_space.labels, state_space.states) = (schedules, labels, counted.len());
    Some(state_space)
}

type Counted<P> = HashMap<System<P>, Option<(u64, u32)>>;

/// Returns how many schedules lead from a state to rest, and the labels of the longest.
fn visit<M: Model>(
    model: &M,
    state: &System<M::Process>,
    most: usize,
    counted: &mut Counted<M::Process>,
    state_space: &mut StateSpace,
) -> Option<(u64, u32)> {
    if let Some(known) = counted.get(state) {
        return *known;
    }
    if counted.len() >= most {
        return None;
    }
    // A state that is met again before it is counted lies on a cycle.
    counted.insert(state.clone(), None);
    let enabled = state.enabled(model);
    if enabled.is_empty() {
        rest(model, state, state_space);
        counted.insert(state.clone(), Some((1, 0)));
        return Some((1, 0));
    }
    let (mut schedules, mut labels) = (0_u64, 0);
    for (process, pending) in enabled {
        for choice in 0..pending.operation.choices {
            let mut next = state.clone();
            next.step(model, process, &pending, choice)
                .expect("the model keeps its contract");
            let (more, longest) = visit(model, &next, most, counted, state_space)?;
            schedules = schedules.saturating_add(more);
            labels = labels.max(longest + 1);
        }
    }
    counted.insert(state.clone(), Some((schedules, labels)));
    Some((schedules, labels))
}

fn rest<M: Model>(model: &M, state: &System<M::Process>, state_space: &mut StateSpace) {
    state_space.outcomes.insert(fingerprint(state));
    let states: Vec<&M::Process> = state.processes.iter().collect();
    let stuck = state
        .clients(model)
        .into_iter()
        .filter(|(_, _, status)| !status.returned);
    let signatures = stuck.map(|(process, client, _)| model.wait_for(&states, process, client).signature().to_string());
    state_space.signatures.extend(signatures);
}

/// Signatures of what an engine found.
pub(crate) fn signatures(hangs: &[lastbatch::explore::FoundHang]) -> BTreeSet<String> {
    hangs.iter().map(|hang| hang.signature.to_string()).collect()
}
