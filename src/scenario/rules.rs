//! Values of a scenario that are out of range or contradict each other.

use std::fmt;

use super::{Document, EngineSection, Input, JobSection, PipelineSection, QueueSection, Turn, Turns};
use crate::explore::Answer;

/// Writes rules, one per line, as `condition under which it is broken => key: problem`.
macro_rules! rules {
    ($($broken:expr => $key:literal: $problem:expr),* $(,)?) => { [$(($broken, $key, $problem)),*] };
}
pub(super) use rules;

/// The complaint about a number that must not be 0.
pub(super) const LEAST: &str = "0, expected at least 1";

/// A value that does not go with the others.
#[derive(Debug)]
pub(super) struct Contradiction {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    problem: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}: {}", self.section, self.key, self.problem)
    }
}

impl Document {
    /// Looks for values that are out of range or contradict each other.
    pub(super) fn check(&self) -> Result<(), Contradiction> {
        self.job.check()?;
        self.engine.check()?;
        let Some(expect) = &self.expect else { return Ok(()) };
        let signatures = expect.signatures.as_deref().unwrap_or_default();
        let wrong = |problem| Contradiction {
            section: "expect",
            key: "signatures",
            problem,
        };
        if !signatures.is_empty() && expect.verdict != Answer::Hang {
            return Err(wrong(format!(
                "only verdict \"hang\" has any, not \"{}\"",
                expect.verdict.name()
            )));
        }
        let is_id = |id: &String| id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match signatures.iter().find(|id| !is_id(id)) {
            Some(id) => Err(wrong(format!("\"{id}\", expected eight hexadecimal digits"))),
            None => Ok(()),
        }
    }
}

impl EngineSection {
    fn check(&self) -> Result<(), Contradiction> {
        let engines = self.engines.as_deref();
        let without_name = engines.is_some_and(|engines| !engines.contains(&self.name));
        let rules = rules![
            engines.is_some_and(<[_]>::is_empty) => "engines": "empty, expected at least one",
            without_name => "engines": "expected `name` (exhaustive, if not given) to be one of them",
            self.executions == Some(0) => "executions": LEAST,
        ];
        check("engine", rules)?;
        let Some(strategy) = &self.strategy else { return Ok(()) };
        let wrong = self.all().into_iter().find_map(|engine| engine.fits(strategy).err());
        wrong.map_or(Ok(()), |problem| {
            Err(Contradiction {
                section: "engine",
                key: "strategy",
                problem: problem.to_string(),
            })
        })
    }
}

/// A rule: whether it is broken, the key that it is about, and what is wrong there.
type Rule = (bool, &'static str, &'static str);

/// Finds the first rule that a section breaks.
pub(super) fn check(section: &'static str, rules: impl IntoIterator<Item = Rule>) -> Result<(), Contradiction> {
    match rules.into_iter().find(|(broken, ..)| *broken) {
        Some((_, key, problem)) => Err(Contradiction {
            section,
            key,
            problem: problem.to_owned(),
        }),
        None => Ok(()),
    }
}

impl JobSection {
    fn check(&self) -> Result<(), Contradiction> {
        let rules = self.rules_of_graph().into_iter().chain(self.rules_of_pipeline());
        let rules = rules
            .chain(self.rules_of_queue_and_ends())
            .chain(self.rules_of_numbers());
        check("job", rules)?;
        self.pipeline.as_ref().map_or(Ok(()), PipelineSection::check)
    }

    fn rules_of_graph(&self) -> [Rule; 11] {
        let decoupled = self.input == Input::Decoupled;
        let reads_only = self.input == Input::Read;
        let (graph, servers) = (self.graph.is_some(), self.servers.is_some());
        let no_training = "input \"read\" runs no step that trains";
        let read_graph = self.read_graph.is_some();
        let fed = decoupled && !read_graph;
        rules![
            !graph && !servers && !reads_only => "graph": "missing; expected a RunMetadata file, or `servers`",
            graph && servers => "servers": "expected either this or `graph`, not both",
            graph && reads_only => "graph": no_training,
            servers && reads_only => "servers": no_training,
            self.servers == Some(0) => "servers": LEAST,
            self.edges.is_some() && !servers => "edges": "only goes with `servers`",
            servers && self.edges.is_none() => "edges": "missing; expected the edges of the built-in graph",
            !self.updates.is_empty() && !servers => "updates": "only goes with `servers`",
            fed && self.pipeline.is_some() => "read_graph": "missing; the step that reads from [job.pipeline]",
            fed && !self.data.contains(Turn::Batch) => "data":
                "no batch, so no step runs; expected a batch, or `read_graph`: the step that reads it",
            !decoupled && read_graph => "read_graph": "only goes with input \"decoupled\"",
        ]
    }

    fn rules_of_pipeline(&self) -> [Rule; 3] {
        let (piped, input) = (self.pipeline.is_some(), self.input);
        rules![
            input == Input::Read && !piped => "input": "\"read\" needs a pipeline to read from: [job.pipeline]",
            piped && input == Input::Queue => "input": "a queue does not read from [job.pipeline]",
            piped && self.data != Turns::Equal(vec![Turn::End]) => "data": "does not go with [job.pipeline], which says what the input has",
        ]
    }

    fn rules_of_queue_and_ends(&self) -> [Rule; 5] {
        let ends = self.ends.clone().unwrap_or_default();
        let empty = |queue: QueueSection| queue.capacity == 0 || queue.dequeues == 0;
        let queue = self.queue.is_some();
        let ended = ends.session_close || ends.operation_timeout;
        rules![
            queue && self.input != Input::Queue => "queue": "only goes with input \"queue\"",
            self.queue.is_some_and(empty) => "queue": "capacity and dequeues, expected at least 1",
            queue && matches!(self.data, Turns::Own(_)) => "queue": "does not go with data for each worker",
            queue && ended => "queue": "does not go with session_close or operation_timeout",
            ends.server_restarts && ends.server_dies.is_none() => "ends": "server_restarts only goes with server_dies",
        ]
    }

    fn rules_of_numbers(&self) -> [Rule; 6] {
        let own = |lists: &Vec<Vec<Turn>>| lists.len() != usize::from(self.workers);
        rules![
            self.workers == 0 => "workers": LEAST,
            self.inter_op_parallelism_threads == 0 => "inter_op_parallelism_threads": LEAST,
            self.intra_op_parallelism_threads == 0 => "intra_op_parallelism_threads": LEAST,
            self.data.lists().iter().any(Vec::is_empty) => "data": "empty, expected one entry for each turn of the client's loop",
            matches!(&self.data, Turns::Own(lists) if own(lists)) => "data": "one list for each of some workers, expected as many as `workers`",
            self.slice_keep == 0 => "slice_keep": LEAST,
        ]
    }
}
