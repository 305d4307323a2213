//! Signs that stacks can show for or against a known hang.

use super::{Dump, Place, Role, Stack};

/// The tasks of one job, as far as they were dumped, from the view of one worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    /// The worker whose client may hang, if one was dumped.
    pub(super) worker: Option<&'a Dump>,
    /// Every task.
    pub(super) all: &'a [Dump],
}

/// The presence of a symptom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// The dumps show it.
    Yes,
    /// They show the opposite.
    No,
    /// They do not show it: a task is missing, or its stacks leave it open.
    NotShown,
}

/// A sign.
#[derive(Debug)]
pub struct Symptom {
    /// Meaning, as a sentence about "the worker" or "the servers".
    pub text: &'static str,
    look: Look,
}

/// The way to look for a sign.
#[derive(Debug)]
enum Look {
    AtWorker(fn(&Dump) -> Seen),
    AtAll(fn(&[Dump]) -> Seen),
}

impl Symptom {
    /// Looks for the sign.
    pub(super) fn seen(&self, evidence: Evidence<'_>) -> Seen {
        match self.look {
            Look::AtWorker(look) => evidence.worker.map_or(Seen::NotShown, look),
            Look::AtAll(look) => look(evidence.all),
        }
    }
}

const fn of_worker(text: &'static str, look: fn(&Dump) -> Seen) -> Symptom {
    let look = Look::AtWorker(look);
    Symptom { text, look }
}

const fn of_all(text: &'static str, look: fn(&[Dump]) -> Seen) -> Symptom {
    let look = Look::AtAll(look);
    Symptom { text, look }
}

fn yes_or(found: bool, otherwise: Seen) -> Seen {
    if found { Seen::Yes } else { otherwise }
}

/// Looks for threads that must be there. A dump that is not whole does not show that they are not.
fn present(dump: &Dump, places: &[Place]) -> Seen {
    let otherwise = if dump.is_whole() { Seen::No } else { Seen::NotShown };
    yes_or(dump.has(places), otherwise)
}

/// Looks for threads that must not be there. A dump that is not whole does not show that they are not.
fn absent(dump: &Dump, places: &[Place]) -> Seen {
    match dump.has(places) {
        true => Seen::No,
        false => yes_or(dump.is_whole(), Seen::NotShown),
    }
}

/// Functions of the threads of a pipeline in front of `ParallelMap`; the threads are joined when the data end.
const SOURCES: [Place; 5] = [
    Place::Prefetch,
    Place::InterleaveConsumer,
    Place::InterleaveIdle,
    Place::InterleaveBusy,
    Place::Pipeline,
];

/// Places of threads at work outside of nodes, whose work can end in a step.
const OTHER_WORK: [Place; 2] = [Place::PoolBusy, Place::Cancels];

pub(super) static STEP_WAITS: Symptom = of_worker(
    "the worker's step thread waits until every partition has answered",
    |worker| match present(worker, &[Place::StepWaits]) {
        // The step thread of such a client is in another task.
        Seen::No if worker.has(&[Place::RemoteClient]) => Seen::NotShown,
        Seen::NotShown if worker.has(&[Place::StepRuns]) => Seen::No,
        seen => seen,
    },
);

pub(super) static NO_NODE_RUNS: Symptom = of_worker(
    "no pool thread of the worker is in a node: what is left of its partition waits for a callback",
    |worker| match worker.has(&OTHER_WORK) {
        true => Seen::No,
        false => absent(worker, &Place::NODES),
    },
);

pub(super) static INPUT_ANSWERED: Symptom = of_worker(
    "IteratorGetNext has answered: its thread has no work",
    |worker| match worker.has(&[Place::GetNextBusy]) {
        true => Seen::No,
        false => yes_or(worker.has(&[Place::GetNextIdle]), Seen::NotShown),
    },
);

pub(super) static DATA_ENDED: Symptom = of_worker(
    "the data have ended: ParallelMap's runner waits, the threads of Prefetch and ParallelInterleave are gone",
    |worker| match worker.has(&SOURCES) {
        true => Seen::No,
        false => yes_or(
            worker.has(&[Place::MapRunnerWaits]) && worker.is_whole(),
            Seen::NotShown,
        ),
    },
);

pub(super) static CLIENT_WAITS: Symptom = of_worker("the worker's client is in sess.run", |worker| {
    let clients = [
        Place::Client,
        Place::RemoteClient,
        Place::DirectClient,
        Place::PythonRuns,
    ];
    yes_or(worker.has(&clients), Seen::NotShown)
});

pub(super) static NO_CALLBACK_RUNS: Symptom = of_worker("no answer is just being taken in on the worker", |worker| {
    yes_or(
        worker.is_whole() && !worker.has(&[Place::QueueCallback]),
        Seen::NotShown,
    )
});

pub(super) static SERVERS_REST: Symptom =
    of_all("no server is at work (one that is may serve another worker)", |all| {
        let mut servers = all.iter().filter(|dump| dump.role() == Role::Server).peekable();
        let any = servers.peek().is_some();
        let rest =
            servers.all(|server| server.is_whole() && !server.has(&Place::AT_WORK) && !server.has(&Place::NODES));
        yes_or(any && rest, Seen::NotShown)
    });

pub(super) static SERVER_COMPUTES: Symptom =
    of_all("a server computes a kernel, for this step or another worker's", |all| {
        let computes = |stack: &Stack| match stack.place {
            Place::Shards | Place::PoolBusy => true,
            Place::PoolNode => stack.calls("*Op::Compute|*Kernel::Compute"),
            _ => false,
        };
        let mut servers = all.iter().filter(|dump| dump.role() == Role::Server);
        yes_or(servers.any(|server| server.stacks.iter().any(computes)), Seen::NotShown)
    });

pub(super) static INPUT_WAITED_FOR: Symptom = of_worker(
    "IteratorGetNext's thread is in GetNext of the pipeline: the step waits for its input",
    |worker| present(worker, &[Place::GetNextBusy]),
);

pub(super) static CONSUMER_SLEEPS: Symptom = of_worker(
    "Prefetch's thread waits for an element of ParallelInterleave",
    |worker| present(worker, &[Place::InterleaveConsumer]),
);

pub(super) static PRODUCERS_SLEEP: Symptom = of_worker(
    "every worker of ParallelInterleave waits, none reads",
    |worker| match present(worker, &[Place::InterleaveIdle]) {
        Seen::Yes => absent(worker, &[Place::InterleaveBusy]),
        _ if worker.has(&[Place::InterleaveBusy]) => Seen::No,
        seen => seen,
    },
);

pub(super) static MAP_DESTROYED: Symptom = of_worker(
    "a pool thread of the worker destroys a pipeline (MakeIterator) and waits for its parse functions",
    |worker| present(worker, &[Place::DestroysMap]),
);

pub(super) static POOL_HAS_NO_OTHER: Symptom =
    of_worker("no other pool thread of the worker runs anything", |worker| {
        absent(worker, &Place::AT_WORK)
    });

pub(super) static POOL_COMES_FREE: Symptom = of_worker(
    "no other pool thread of the worker is at work, so that none comes free",
    |worker| match absent(worker, &Place::AT_WORK) {
        Seen::No => Seen::NotShown,
        seen => seen,
    },
);

pub(super) static DEREGISTERS_ITSELF: Symptom = of_all(
    "a thread waits in DeregisterCallback for the StartCancel that it runs itself",
    |all| {
        let otherwise = if all.iter().all(Dump::is_whole) {
            Seen::No
        } else {
            Seen::NotShown
        };
        yes_or(all.iter().any(|dump| dump.has(&[Place::DeregistersItself])), otherwise)
    },
);

pub(super) static GET_NEXT_ON_POOL: Symptom =
    of_worker("a pool thread of the worker is in a synchronous GetNext", |worker| {
        present(worker, &[Place::SyncGetNext])
    });

pub(super) static PIPELINE_NEEDS_POOL: Symptom = of_worker(
    "a worker of ParallelInterleave waits for a function that the pool must run",
    |worker| {
        let mut stacks = worker
            .stacks
            .iter()
            .filter(|stack| stack.place == Place::InterleaveBusy);
        yes_or(
            stacks.any(|stack| stack.calls("MakeIteratorFromInputElement")),
            Seen::NotShown,
        )
    },
);

pub(super) static SESSION_CLOSES: Symptom = of_worker(
    "the worker's session closes, and waits for the servers' answers to DeleteWorkerSession",
    |worker| present(worker, &[Place::DeletesSessions]),
);

pub(super) static SERVER_GONE: Symptom = of_all("a server is gone, so that no stacks of it can be taken", |_| {
    Seen::NotShown
});

pub(super) static CLIENT_CLOSES: Symptom = of_worker("the worker's client is in sess.close", |worker| {
    yes_or(worker.has(&[Place::ClientCloses, Place::PythonCloses]), Seen::NotShown)
});
