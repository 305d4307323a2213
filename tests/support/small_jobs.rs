//! Small random jobs of the TensorFlow model, and what every reduction of the exhaustive search must leave as it is on them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastbatch::explore::Answer;
use lastbatch::explore::exhaustive::{Options, Reductions, search};
use lastbatch::models::TensorFlow;
use lastbatch::models::tensorflow::job::builtin::{BatchSource, Edges, builtin};
use lastbatch::models::tensorflow::job::faults::{Death, Faults};
use lastbatch::models::tensorflow::job::graph::{Graph, Node, NodeKind};
use lastbatch::models::tensorflow::job::{Data, Job, JobStep, Order, Variant};

use super::rng::Numbers;

/// The place where the worker's batch comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    Iterator,
    Queue,
    /// The client feeds it and fetches what the worker receives: no data ends.
    Fed,
}

/// A job in few words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SmallJob {
    pub(crate) servers: u8,
    pub(crate) edges: Vec<String>,
    pub(crate) pool: u8,
    pub(crate) variant: Variant,
    pub(crate) workers: u8,
    pub(crate) steps: Vec<Data>,
    pub(crate) input: Input,
    /// Nodes that read a batch: 1 or 2. Of two, each has its own end, and the sends that depend on the batch take turns between them.
    pub(crate) reads: u8,
    pub(crate) every_order: bool,
    pub(crate) root_order: Order,
    /// Faults and other events beside the steps.
    pub(crate) beside: Faults,
    /// The task in whose partition a node fails.
    pub(crate) fails: Option<&'static str>,
}

impl fmt::Display for SmallJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "servers={} edges={:?} pool={} variant={} workers={} steps={:?} input={:?} reads={} every_order={} beside={:?} fails={:?}",
            self.servers,
            self.edges.join(","),
            self.pool,
            self.variant,
            self.workers,
            self.steps,
            self.input,
            self.reads,
            self.every_order,
            self.beside,
            self.fails
        )
    }
}

impl SmallJob {
    /// Returns one worker, one step at the end of the data, two pool threads.
    pub(crate) fn plain(servers: u8, edges: &[&str]) -> Self {
        Self {
            servers,
            edges: edges.iter().map(|edge| (*edge).to_owned()).collect(),
            pool: 2,
            variant: Variant::Tf112,
            workers: 1,
            steps: vec![Data::End],
            input: Input::Iterator,
            reads: 1,
            every_order: false,
            root_order: Order::All,
            beside: Faults::default(),
            fails: None,
        }
    }

    /// Returns the job with this number: at most `most` edges.
    pub(crate) fn random(seed: u64, servers: u8, most: usize) -> Self {
        let mut numbers = Numbers(seed ^ 0x9e37_79b9_7f4a_7c15);
        for _ in 0..4 {
            numbers.below(2);
        }
        let variants: Vec<Variant> = Variant::of_steps().collect();
        let mut edges = Vec::new();
        let mut batch_reaches = vec![false; usize::from(servers) + 1];
        batch_reaches[0] = true;
        let name = |task: usize| {
            if task == 0 {
                "worker".to_owned()
            } else {
                format!("ps{}", task - 1)
            }
        };
        for _ in 0..=numbers.below(most) {
            let from = numbers.below(usize::from(servers) + 1);
            let to = (from + 1 + numbers.below(usize::from(servers))) % (usize::from(servers) + 1);
            let batch = batch_reaches[from] && numbers.below(3) > 0;
            // What a server passes on depends on the worker's edges, which come first.
            if batch && from == 0 {
                batch_reaches[to] = true;
            }
            edges.push(format!(
                "{}->{}{}",
                name(from),
                name(to),
                if batch { " batch" } else { "" }
            ));
        }
        Self {
            servers,
            edges,
            pool: [1, 2, 2, 2, 3][numbers.below(5)],
            variant: if numbers.below(2) == 0 {
                Variant::Tf112
            } else {
                variants[numbers.below(variants.len())]
            },
            workers: if servers == 1 && numbers.below(6) == 0 { 2 } else { 1 },
            steps: match numbers.below(8) {
                0 => vec![Data::Batch],
                1 => vec![Data::Batch, Data::End],
                _ => vec![Data::End],
            },
            input: [
                Input::Iterator,
                Input::Iterator,
                Input::Iterator,
                Input::Queue,
                Input::Fed,
            ][numbers.below(5)],
            reads: 1,
            every_order: numbers.below(8) == 0,
            root_order: Order::All,
            beside: Faults::default(),
            fails: None,
        }
    }

    /// Returns the same job with two reads, or with an end that is not its own, or both; with one in three, the client fetches a value
    /// from a server.
    pub(crate) fn disturbed(mut self, seed: u64) -> Self {
        let mut numbers = Numbers(seed ^ 0x2545_f491_4f6c_dd1d);
        for _ in 0..4 {
            numbers.below(2);
        }
        let kind = numbers.below(7);
        let both = numbers.below(4) == 0;
        if (kind < 2 || both) && self.input != Input::Fed {
            self.reads = 2;
            for data in self.steps.iter_mut().filter(|data| **data == Data::End) {
                *data = Data::EndOfSome;
            }
        }
        self.beside = Faults {
            timeout: kind == 2,
            close: kind == 3,
            death: (kind == 4 || kind == 5).then(|| Death {
                task: "ps0".to_owned(),
                restarts: kind == 5,
            }),
            queue: None,
        };
        self.fails = (kind == 6).then(|| ["worker0", "ps0"][numbers.below(2)]);
        if numbers.below(3) == 0 {
            let server = numbers.below(usize::from(self.servers));
            let depends = self.edges.contains(&format!("worker->ps{server} batch"));
            self.edges
                .push(format!("ps{server}->client{}", if depends { " batch" } else { "" }));
        }
        self
    }

    fn graph(&self) -> Graph {
        let edges = Edges::try_from(self.edges.clone()).expect("edges as the generator writes them");
        let graph = builtin(self.servers, &edges, &[], BatchSource::Iterator).expect("a job as the generator makes it");
        let mut partitions = graph.partitions.clone();
        let worker = &mut partitions[0].nodes;
        match self.input {
            Input::Iterator => {}
            Input::Queue => worker[0].kind = NodeKind::Dequeue,
            Input::Fed => {
                worker[0].kind = NodeKind::Feed;
                let received = (0u16..)
                    .zip(&*worker)
                    .filter(|(_, node)| matches!(node.kind, NodeKind::Recv { .. }));
                let inputs: Vec<u16> = received.map(|(index, _)| index).collect();
                worker.push(Node {
                    name: "fetched_S".to_owned(),
                    op: "_Send".to_owned(),
                    kind: NodeKind::Fetch,
                    expensive: true,
                    inputs,
                });
            }
        }
        if self.reads == 2 {
            let second = worker.len() as u16;
            let read = worker[0].clone();
            let sends = worker.iter_mut().filter(|node| node.inputs.contains(&0));
            for send in sends.step_by(2) {
                send.inputs = vec![second];
            }
            let name = "second".to_owned();
            worker.push(Node { name, ..read });
        }
        let graph = Graph::new(partitions, graph.edges.clone()).expect("a graph with another input");
        match self.fails {
            Some(task) => graph.with_failing_node(task).expect("a task of the job"),
            None => graph,
        }
    }

    /// Returns the model of it.
    pub(crate) fn model(&self, setting: &Setting) -> TensorFlow {
        let graph = Arc::new(self.graph());
        let steps = self.steps.iter().map(|&data| JobStep {
            graph: graph.clone(),
            data,
        });
        let mut model = TensorFlow::new(Job {
            workers: self.workers,
            steps: steps.collect(),
            inter_op: self.pool,
            intra_op: 1,
            variant: self.variant,
            partition_order: if self.every_order { Order::All } else { Order::Recorded },
            root_order: self.root_order,
            pipeline: None,
        })
        .expect("a small job")
        .with(self.beside.clone());
        model.set_cancels_in_order(setting.in_order);
        model.set_cleans_up(setting.cleans_up);
        model
    }
}

/// A choice of reductions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) reductions: Reductions,
    pub(crate) in_order: bool,
    pub(crate) cleans_up: bool,
}

const fn setting(name: &'static str, on: &[u8; 3], in_order: bool, cleans_up: bool) -> Setting {
    Setting {
        name,
        reductions: Reductions {
            forget_dead: on[0] == b'f',
            partial_order: on[1] == b'p',
            sure_return: on[2] == b's',
            leaks: false,
        },
        in_order,
        cleans_up,
    }
}

/// The settings, from the one that leaves out nothing on; the first that ends is what the others are compared with.
pub(crate) const REFERENCES: [Setting; 5] = [
    setting("nothing left out", b"---", false, true),
    setting("no cleanup", b"---", false, false),
    setting("forget dead", b"f--", false, false),
    setting("partial order", b"-p-", false, true),
    setting("forget dead, partial order", b"fp-", false, false),
];

/// All of which must agree.
pub(crate) const SETTINGS: [Setting; 12] = [
    setting("all", b"fps", true, false),
    setting("all, any order", b"fps", false, false),
    setting("all but sure return", b"fp-", true, false),
    setting("all but partial order", b"f-s", true, false),
    setting("all but forget dead", b"-ps", true, false),
    setting("all, with cleanup", b"fps", true, true),
    setting("forget dead and partial order", b"fp-", true, false),
    setting("forget dead alone", b"f--", false, false),
    setting("partial order alone", b"-p-", false, false),
    setting("partial order alone, with cleanup", b"-p-", false, true),
    setting("sure return alone", b"--s", false, false),
    setting("cancels in order alone", b"---", true, false),
];

/// Verdict, signatures and findings of a search, if it ended.
pub(crate) type Outcome = (Answer, BTreeSet<String>, Vec<String>);

pub(crate) fn outcome(job: &SmallJob, setting: &Setting, max_states: u64) -> Option<Outcome> {
    let options = Options {
        reductions: setting.reductions,
        max_states: Some(max_states),
        ..Options::default()
    };
    let verdict = search(&job.model(setting), &options, &AtomicBool::new(false), &mut |_| {});
    if verdict.stopped_by.is_some() {
        return None;
    }
    let signatures = verdict.hangs.iter().map(|hang| hang.signature.to_string());
    let findings = verdict.findings.iter().map(|finding| finding.message.clone());
    Some((verdict.answer, signatures.collect(), findings.collect()))
}

/// The searches that were compared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Comparison {
    /// The search that the others were compared with, if one ended.
    pub(crate) reference: Option<(&'static str, Outcome)>,
    /// Number of others that ended.
    pub(crate) compared: usize,
    /// Those that differ.
    pub(crate) differences: Vec<String>,
}

/// Compares what all settings say about a job, as far as `max_states` lets them.
pub(crate) fn compare(job: &SmallJob, max_states: u64) -> Comparison {
    let mut comparison = Comparison::default();
    let found = REFERENCES
        .iter()
        .find_map(|setting| Some((setting.name, outcome(job, setting, max_states)?)));
    let Some((name, reference)) = found else {
        return comparison;
    };
    if !reference.2.is_empty() {
        comparison
            .differences
            .push(format!("{name}: findings {:?}", reference.2));
    }
    for setting in &SETTINGS {
        let Some(other) = outcome(job, setting, max_states) else {
            continue;
        };
        comparison.compared += 1;
        if other != reference {
            let missing: Vec<_> = reference.1.difference(&other.1).collect();
            let extra: Vec<_> = other.1.difference(&reference.1).collect();
            comparison.differences.push(format!(
                "{}: {} instead of {} ({name}), missing {missing:?}, extra {extra:?}, findings {:?}",
                setting.name, other.0, reference.0, other.2
            ));
        }
    }
    comparison.reference = Some((name, reference));
    comparison
}
