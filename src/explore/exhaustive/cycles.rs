//! Models that can run for ever: which states a client can still return from.

use rustc_hash::FxHashSet;

use super::found::Found;
use super::graph::Graph;
use super::local_graphs::LocalGraphs;
use super::search::Search;
use super::successors::{Scratch, successors};
use crate::machine::{ProcessId, Reducible};

/// An edge of one process's graph of local states.
struct Edge {
    from: u32,
    to: u32,
    /// The frame whose arrival it is; a step of the process itself if none.
    arrival: Option<u32>,
    /// Frames that it sends, with their receivers.
    sends: Vec<(ProcessId, u32)>,
}

/// Returns true if the model may run for ever. "No" is certain.
///
/// A cycle of global states is a closed walk in every process's own graph, so each step on it lies in a component of its
/// process, each frame that it sends arrives on it, and each arrival on it was sent on it. Whatever lacks one of these is on no
/// cycle and goes; if no step is left there is none.
pub(super) fn possible<M: Reducible>(search: &Search<'_, M>) -> bool {
    let graphs = &search.graphs;
    let mut edges: Vec<Vec<Edge>> = (0..graphs.locals.len())
        .map(|process| steps_of(graphs, process))
        .collect();
    for (to, from_id, frame, to_id) in search.deliveries() {
        edges[to.index()].push(Edge {
            from: from_id,
            to: to_id,
            arrival: Some(frame),
            sends: Vec::new(),
        });
    }
    loop {
        let before: usize = edges.iter().map(Vec::len).sum();
        for (process, edges) in edges.iter_mut().enumerate() {
            let pairs = edges.iter().map(|edge| (edge.from, edge.to));
            let (component, _) = Graph::from_edges(graphs.locals[process].len() as usize, pairs).components();
            edges.retain(|edge| component[edge.from as usize] == component[edge.to as usize]);
        }
        let sent: FxHashSet<(ProcessId, u32)> = edges.iter().flatten().flat_map(|edge| edge.sends.clone()).collect();
        let arrivals = ProcessId::all(edges.len()).zip(&edges).flat_map(|(process, edges)| {
            let frames = edges.iter().filter_map(|edge| edge.arrival);
            frames.map(move |frame| (process, frame))
        });
        let arriving: FxHashSet<(ProcessId, u32)> = arrivals.collect();
        for (process, edges) in ProcessId::all(edges.len()).zip(&mut edges) {
            let is_sent = |edge: &Edge| edge.arrival.is_none_or(|frame| sent.contains(&(process, frame)));
            edges.retain(|edge| is_sent(edge) && edge.sends.iter().all(|send| arriving.contains(send)));
        }
        let after: usize = edges.iter().map(Vec::len).sum();
        if after == before {
            return after > 0;
        }
    }
}

fn steps_of<M: Reducible>(graphs: &LocalGraphs<'_, M>, process: usize) -> Vec<Edge> {
    let mut edges = Vec::new();
    for number in 0..graphs.expansions[process].len() {
        let entry = graphs.expansions[process].get(number);
        let from = entry.value.0;
        let Some(expansion) = entry.extra.get() else {
            continue;
        };
        edges.extend(expansion.steps.iter().map(|step| Edge {
            from,
            to: step.to,
            arrival: None,
            sends: step.sent.iter().map(|sent| (sent.to, sent.frame)).collect(),
        }));
    }
    edges
}

/// Finds the hangs of a search that ended: the states from which no continuation lets a client return.
///
/// From such a state no other kind can be reached, so every hang ends in a bottom component of the whole graph; the
/// signatures are those of the states there.
pub(super) fn judge<M: Reducible>(search: &mut Search<'_, M>, max_memory: Option<u64>) {
    let states = search.store.len();
    let needed = search.peak_bytes + states * 32 + search.transitions * 4;
    if let Some(most) = max_memory.filter(|most| needed > *most) {
        search.stopped_by = Some(format!("max-memory {most}"));
        return;
    }
    search.peak_bytes = needed;
    let ids: Vec<u32> = search.store.ids().collect();
    let graph = global_graph(search, &ids);
    let (component, components) = graph.components();
    let mut bottom = vec![true; components];
    let mut by_component: Vec<u32> = (0..ids.len() as u32).collect();
    by_component.sort_by_key(|&state| component[state as usize]);
    for state in 0..ids.len() {
        let leaves = |&to: &u32| component[to as usize] != component[state];
        bottom[component[state] as usize] &= !graph.edges(state).iter().any(leaves);
    }
    let mut found = Found::default();
    for (process, clients) in clients(&search.graphs).into_iter().enumerate() {
        for (client, name) in clients.iter().enumerate() {
            let returned = returned(&search.graphs, process, client);
            let mut can_return = vec![false; components];
            // Components come in an order in which those that one leads to are complete before it.
            for &state in &by_component {
                let own = component[state as usize] as usize;
                let local = search.store.get(ids[state as usize]).tuple[process] as usize;
                let later = |&to: &u32| can_return[component[to as usize] as usize];
                can_return[own] = can_return[own] || returned[local] || graph.edges(state as usize).iter().any(later);
            }
            for (state, &id) in ids.iter().enumerate() {
                let own = component[state] as usize;
                if bottom[own] && !can_return[own] {
                    let stored = search.store.get(id);
                    let who = (ProcessId::new(process), client, name.as_str());
                    found.stuck(&search.graphs, (id, stored.depth, stored.tuple), who);
                }
            }
        }
    }
    search.found.merge(found);
}

fn clients<M: Reducible>(graphs: &LocalGraphs<'_, M>) -> Vec<Vec<String>> {
    let names = |(process, table): (usize, &super::interner::Interner<M::Process, _>)| {
        let clients = graphs.model.clients(ProcessId::new(process), &table.get(0).value);
        clients.into_iter().map(|client| client.name).collect()
    };
    graphs.locals.iter().enumerate().map(names).collect()
}

/// Returns, by local state of `process`, whether the client has its answer.
fn returned<M: Reducible>(graphs: &LocalGraphs<'_, M>, process: usize, client: usize) -> Vec<bool> {
    let table = &graphs.locals[process];
    let status = |id| {
        let clients = graphs.model.clients(ProcessId::new(process), &table.get(id).value);
        clients.get(client).is_some_and(|client| client.returned)
    };
    (0..table.len()).map(status).collect()
}

/// Returns every transition between stored states, by their ranks.
pub(super) fn global_graph<M: Reducible>(search: &Search<'_, M>, ids: &[u32]) -> Graph {
    let starts = search.store.starts();
    let mut scratch = Scratch::default();
    let mut graph = Graph {
        offsets: vec![0],
        targets: Vec::with_capacity(search.transitions as usize),
    };
    for &id in ids {
        let tuple = search.store.get(id).tuple;
        let emit = |transition: super::successors::Transition<'_>| {
            let to = search.store.find(transition.tuple, transition.hash);
            let to = to.expect("a search that ended has stored every successor");
            graph.targets.push(search.store.rank(&starts, to) as u32);
        };
        successors(&search.graphs, &mut scratch, tuple, emit, |_, _| {});
        graph.offsets.push(graph.targets.len());
    }
    graph
}
