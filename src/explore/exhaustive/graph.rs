//! Strongly connected components.

/// A graph as arrays: the edges of node `n` are `targets[offsets[n]..offsets[n + 1]]`.
pub(super) struct Graph {
    pub(super) offsets: Vec<usize>,
    pub(super) targets: Vec<u32>,
}

const UNSEEN: u32 = u32::MAX;

impl Graph {
    /// Returns a graph of `nodes` nodes from its edges.
    pub(super) fn from_edges(nodes: usize, edges: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut offsets = vec![0; nodes + 1];
        edges.clone().for_each(|(from, _)| offsets[from as usize + 1] += 1);
        for node in 0..nodes {
            offsets[node + 1] += offsets[node];
        }
        let mut next = offsets.clone();
        let mut targets = vec![0; offsets[nodes]];
        for (from, to) in edges {
            targets[next[from as usize]] = to;
            next[from as usize] += 1;
        }
        Self { offsets, targets }
    }

    /// Tells where the edges of a node lead.
    pub(super) fn edges(&self, node: usize) -> &[u32] {
        &self.targets[self.offsets[node]..self.offsets[node + 1]]
    }

    /// Returns the component of every node, numbered so that every edge leads to the same or a smaller number (Tarjan 1972).
    pub(super) fn components(&self) -> (Vec<u32>, usize) {
        let nodes = self.offsets.len() - 1;
        let mut order = vec![UNSEEN; nodes];
        let mut low = vec![0_u32; nodes];
        let mut component = vec![UNSEEN; nodes];
        let (mut next, mut components) = (0, 0);
        let mut stack: Vec<u32> = Vec::new();
        let mut calls: Vec<(u32, usize)> = Vec::new();
        for root in 0..nodes as u32 {
            if order[root as usize] != UNSEEN {
                continue;
            }
            calls.push((root, 0));
            while let Some((node, edge)) = calls.pop() {
                let index = node as usize;
                if edge == 0 {
                    order[index] = next;
                    low[index] = next;
                    next += 1;
                    stack.push(node);
                }
                if let Some(&to) = self.edges(index).get(edge) {
                    calls.push((node, edge + 1));
                    let target = to as usize;
                    if order[target] == UNSEEN {
                        calls.push((to, 0));
                    } else if component[target] == UNSEEN {
                        low[index] = low[index].min(order[target]);
                    }
                    continue;
                }
                if low[index] == order[index] {
                    while let Some(member) = stack.pop() {
                        component[member as usize] = components;
                        if member == node {
                            break;
                        }
                    }
                    components += 1;
                }
                if let Some(&(caller, _)) = calls.last() {
                    let caller = caller as usize;
                    low[caller] = low[caller].min(low[index]);
                }
            }
        }
        (component, components as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::Graph;

    #[test]
    fn components_are_numbered_against_the_edges() {
        let edges = [(0, 1), (1, 2), (2, 1), (2, 3), (4, 4), (3, 3), (0, 4)];
        let graph = Graph::from_edges(6, edges.iter().copied());
        let (component, count) = graph.components();
        assert_eq!(count, 5);
        assert_eq!(component[1], component[2]);
        for (from, to) in edges {
            assert!(component[from as usize] >= component[to as usize]);
        }
    }
}
