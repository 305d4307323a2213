//! Chains of who waits for whom, over the dumps of all tasks.

use super::{Dump, Place, Role};

/// One line of a drawing of who waits for whom: what it waits for stands below it, deeper by one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// How many wait above it.
    pub depth: usize,
    /// The task that it is about; none for tasks that were not dumped.
    pub task: Option<String>,
    /// Place of its thread, or what stands for it.
    pub text: String,
}

/// Draws who waits for whom, from each client that waits.
pub(super) fn waiting(dumps: &[Dump]) -> Vec<Waiting> {
    let mut drawing = Drawing {
        dumps,
        lines: Vec::new(),
    };
    for dump in dumps {
        // A client has a stack of C++ and one of Python; the first says more.
        if let Some(place) = Place::CLIENTS.into_iter().find(|place| dump.has(&[*place])) {
            drawing.thread(0, dump, place);
        }
    }
    drawing.lines
}

struct Drawing<'a> {
    dumps: &'a [Dump],
    lines: Vec<Waiting>,
}

impl<'a> Drawing<'a> {
    fn line(&mut self, depth: usize, task: Option<&Dump>, text: impl Into<String>) {
        self.lines.push(Waiting {
            depth,
            task: task.map(|dump| dump.task.clone()),
            text: text.into(),
        });
    }

    /// Draws a thread and what it waits for.
    fn thread(&mut self, depth: usize, dump: &'a Dump, place: Place) {
        let several = match dump.count(place) {
            0 | 1 => String::new(),
            count => format!(" ({count} threads)"),
        };
        self.line(depth, Some(dump), format!("{place}{several}"));
        let below = depth + 1;
        match place {
            Place::Client | Place::ClientOpens | Place::ClientCloses => self.master(below, dump, dump),
            Place::RemoteClient => self.remote_master(below, dump),
            Place::PythonRuns | Place::PythonOpens | Place::PythonCloses => {
                self.line(below, Some(dump), "not in this dump: its threads of C++");
            }
            Place::DirectClient => self.partition(below, dump),
            Place::StepWaits => {
                self.partition(below, dump);
                self.others(below, dump);
            }
            Place::FindsDevices | Place::OpensSessions | Place::Registers | Place::DeletesSessions => {
                self.others(below, dump)
            }
            Place::Close => self.first(
                below,
                dump,
                &[Place::StepWaits, Place::StepRuns],
                "the end of its steps",
            ),
            Place::GetNextBusy | Place::SyncGetNext => self.input(below, dump),
            Place::InterleaveConsumer => self.first(
                below,
                dump,
                &[Place::InterleaveBusy, Place::InterleaveIdle],
                "a worker of ParallelInterleave",
            ),
            Place::Unstages => self.line(below, None, "a Stage of another sess.run of this worker"),
            Place::Stages => self.line(below, None, "an Unstage of another sess.run of this worker"),
            Place::PyFuncWaits => self.first(below, dump, &[Place::PythonPyFunc], "the thread that has Python's lock"),
            Place::Collective => self.collective(below, dump),
            _ => {}
        }
    }

    /// Draws the first of some places at which a thread of the task stands, or what is missing.
    fn first(&mut self, depth: usize, dump: &'a Dump, places: &[Place], missing: &str) {
        match places.iter().find(|place| dump.has(&[**place])) {
            Some(place) => self.thread(depth, dump, *place),
            None if dump.is_whole() => self.line(depth, Some(dump), format!("no thread of it is {missing}")),
            None => self.line(depth, Some(dump), format!("not in this dump: {missing}")),
        }
    }

    /// Draws what the master of a client does.
    fn master(&mut self, depth: usize, client: &Dump, dump: &'a Dump) {
        let places = [
            Place::DeletesSessions,
            Place::Close,
            Place::FindsDevices,
            Place::OpensSessions,
            Place::Registers,
            Place::StepWaits,
            Place::StepRuns,
        ];
        let mut found = places.iter().filter(|place| dump.has(&[**place])).peekable();
        if found.peek().is_none() {
            let missing = "not in this dump: the thread of the master that runs the request of";
            self.line(depth, Some(dump), format!("{missing} {}", client.task));
        }
        for place in found {
            self.thread(depth, dump, *place);
        }
    }

    /// Draws the master of a client in another task: one that runs steps for nobody of its own.
    fn remote_master(&mut self, depth: usize, client: &'a Dump) {
        let masters = self.dumps.iter().filter(|dump| runs_for_others(dump));
        let masters: Vec<&Dump> = masters.collect();
        if masters.is_empty() {
            self.line(depth, None, "not dumped: the task that its session was opened on");
        }
        for master in masters {
            self.master(depth, client, master);
        }
    }

    /// Draws what is left of a task's own partition.
    fn partition(&mut self, depth: usize, dump: &'a Dump) {
        let places = Place::NODES
            .into_iter()
            .chain([Place::PoolBusy, Place::Cancels, Place::GetNextBusy]);
        let places: Vec<Place> = places.filter(|place| dump.has(&[*place])).collect();
        for place in &places {
            self.thread(depth, dump, *place);
        }
        if places.is_empty() && dump.is_whole() {
            let text = "no node of its partition runs: what is left waits for a callback, such as a receive or a queue";
            self.line(depth, Some(dump), text);
        } else if places.is_empty() {
            self.line(depth, Some(dump), "not in this dump: what is left of its partition");
        }
    }

    /// Draws the servers.
    fn others(&mut self, depth: usize, dump: &Dump) {
        let servers = self
            .dumps
            .iter()
            .filter(|other| other.role() == Role::Server && other.task != dump.task);
        let servers: Vec<&Dump> = servers.collect();
        for server in &servers {
            let work = Place::NODES
                .into_iter()
                .chain([Place::PoolHandler, Place::PoolBusy, Place::QueueCallback]);
            let work: usize = work.map(|place| server.count(place)).sum();
            let text = match (work, server.is_whole()) {
                (0, true) => "rests: if it has to answer, that waits for a callback".to_owned(),
                (0, false) => "not in this dump: what it works at".to_owned(),
                (1, _) => "1 thread at work, for this step or another worker's".to_owned(),
                (work, _) => format!("{work} threads at work, for this step or another worker's"),
            };
            self.line(depth, Some(server), text);
        }
        if servers.is_empty() {
            self.line(depth, None, "not dumped: the parameter servers");
        }
    }

    /// Draws the threads of a pipeline that a read waits for.
    fn input(&mut self, depth: usize, dump: &'a Dump) {
        let places = [
            Place::MapRunnerPulls,
            Place::InterleaveConsumer,
            Place::Prefetch,
            Place::PythonPyFunc,
        ];
        for place in places.into_iter().filter(|place| dump.has(&[*place])) {
            self.thread(depth, dump, place);
        }
    }

    /// Draws the workers that have not come to a collective.
    fn collective(&mut self, depth: usize, dump: &Dump) {
        let others = self
            .dumps
            .iter()
            .filter(|other| other.task != dump.task && other.role() == Role::Worker);
        let late: Vec<&Dump> = others.filter(|other| !other.has(&[Place::Collective])).collect();
        for other in &late {
            self.line(depth, Some(other), "is in no collective");
        }
        if late.is_empty() {
            self.line(depth, None, "every worker that takes part in it");
        }
    }
}

/// Returns true for a task with a master that works for a client elsewhere.
pub(super) fn runs_for_others(dump: &Dump) -> bool {
    let masters = [
        Place::StepWaits,
        Place::StepRuns,
        Place::Registers,
        Place::FindsDevices,
        Place::OpensSessions,
        Place::Close,
        Place::DeletesSessions,
    ];
    dump.has(&masters) && !dump.has(&[Place::Client, Place::ClientOpens, Place::ClientCloses])
}
