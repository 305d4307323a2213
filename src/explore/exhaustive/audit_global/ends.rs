//! Audits that need whole executions, or what is forgotten on the way.

use std::collections::BTreeSet;

use super::Auditor;
use crate::explore::exhaustive::cycles::global_graph;
use crate::explore::exhaustive::reduction::guarded;
use crate::machine::{GuaranteeSet, Pending, ProcessId, Reducible, run_label};

impl<M: Reducible> Auditor<'_, '_, M> {
    /// Checks that forgetting before a label or a delivery and forgetting after it lead to the same.
    pub(super) fn forgetting(&mut self) {
        if self.search.graphs.reductions.forget_dead {
            return;
        }
        for process in 0..self.search.graphs.locals.len() {
            for id in 0..self.search.graphs.locals[process].len() {
                let state = self.value(process, id).clone();
                if guarded(|| self.forgets(process, &state)).is_err() {
                    self.complain(process, "forgetting panics");
                }
            }
        }
        let graphs = &self.search.graphs;
        let mut seen = BTreeSet::new();
        for (to, id, frame, after) in self.search.deliveries() {
            if !seen.insert((to, id, frame)) {
                continue;
            }
            let process = to.index();
            let (mut early, mut late) = (self.value(process, id).clone(), self.value(process, after).clone());
            let same = guarded(|| {
                self.model.eliminate_dead(to, &mut early);
                let mut early = graphs.arrive(to, early, frame);
                self.model.eliminate_dead(to, &mut early);
                self.model.eliminate_dead(to, &mut late);
                early == late
            });
            if same != Ok(true) {
                let frame = &graphs.frames.get(frame).value.1;
                let text = format!("forgetting before the arrival of {frame:?} leads elsewhere");
                self.complain(process, &text);
            }
        }
    }

    fn forgets(&mut self, process: usize, state: &M::Process) {
        let (id, model) = (ProcessId::new(process), self.model);
        let mut forgotten = state.clone();
        model.eliminate_dead(id, &mut forgotten);
        if forgotten == *state {
            return;
        }
        let kept = model.threads(id, &forgotten);
        for pending in model.threads(id, state).into_iter().filter(|pending| pending.enabled) {
            let same: Vec<_> = kept
                .iter()
                .filter(|other| other.thread == pending.thread && other.operation == pending.operation)
                .collect();
            for choice in 0..pending.operation.choices.max(1) {
                let run = |state: &M::Process, pending: &Pending<M::Thread>| {
                    let mut after = state.clone();
                    let sent = run_label(model, id, &mut after, pending, choice).ok()?;
                    model.eliminate_dead(id, &mut after);
                    Some((after, sent))
                };
                let late = run(state, &pending);
                if !same.is_empty() && !same.iter().any(|other| other.enabled && run(&forgotten, other) == late) {
                    let text = format!("forgetting before {} leads elsewhere", pending.operation.label);
                    self.complain(process, &text);
                }
            }
        }
    }

    /// Checks that what is sure comes true: from no state in which every client is sure to return is a hang reached, and from none in which
    /// something is promised a state that breaks it.
    pub(super) fn ends(&mut self, ids: &[u32], broken: &dyn Fn(&[&M::Process], bool) -> GuaranteeSet) {
        let graph = global_graph(self.search, ids);
        let (component, _) = graph.components();
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        order.sort_by_key(|&state| component[state as usize]);
        let mut hangs = vec![false; ids.len()];
        let mut breaks = vec![GuaranteeSet::default(); ids.len()];
        // Successors come first where there are no cycles.
        for &state in &order {
            let state = state as usize;
            let tuple = self.search.store.get(ids[state]).tuple;
            let states = self.search.graphs.states(tuple);
            let rest = graph.edges(state).is_empty();
            let settled = |(id, state)| self.model.clients(id, state).iter().all(|client| client.returned);
            let returned = ProcessId::all(tuple.len()).zip(states.iter().copied()).all(settled);
            hangs[state] = rest && !returned;
            let own = broken(&states, rest);
            let mut all = own.clone();
            for &to in graph.edges(state) {
                hangs[state] |= hangs[to as usize];
                all.0.extend(&breaks[to as usize].0);
            }
            breaks[state] = all;
            let judged = self.judged(tuple);
            let (guaranteed, sure) = self.judge.guaranteed(&mut self.cache, &judged);
            let guaranteed = self.judge.guarantee_sets.get(guaranteed).clone();
            let at_rest = if rest { " at rest" } else { "" };
            if sure && hangs[state] {
                self.complain(0, &format!("every client is sure to return, and one hangs{at_rest}"));
            }
            for number in guaranteed.0.iter() {
                let now = own.0.contains(number) && !rest;
                if breaks[state].0.contains(number) && !now {
                    self.complain(0, &format!("promise {number} is broken{at_rest}"));
                }
            }
        }
    }
}
