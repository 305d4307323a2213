//! Signs that stacks can show for or against a known hang.

use super::{Dump, Place, Role};

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
    /// Looks for it.
    pub(super) seen: fn(Evidence<'_>) -> Seen,
}

fn on_worker(evidence: Evidence<'_>, look: impl Fn(&Dump) -> Seen) -> Seen {
    evidence.worker.map_or(Seen::NotShown, look)
}

fn yes_or(found: bool, otherwise: Seen) -> Seen {
    if found { Seen::Yes } else { otherwise }
}

/// Functions of the threads of a pipeline in front of `ParallelMap`; the threads are joined when the data end.
const SOURCES: [Place; 4] = [
    Place::Prefetch,
    Place::InterleaveConsumer,
    Place::InterleaveIdle,
    Place::InterleaveBusy,
];

pub(super) static STEP_WAITS: Symptom = Symptom {
    text: "the worker's step thread waits until every partition has answered",
    seen: |evidence| on_worker(evidence, |worker| yes_or(worker.has(&[Place::StepWaits]), Seen::No)),
};

pub(super) static NO_NODE_RUNS: Symptom = Symptom {
    text: "no pool thread of the worker is in a node: what is left of its partition waits for a callback",
    seen: |evidence| {
        on_worker(evidence, |worker| {
            let nodes = [
                Place::PoolNode,
                Place::SyncGetNext,
                Place::DestroysMap,
                Place::Deregisters,
                Place::DeregistersItself,
            ];
            yes_or(!worker.has(&nodes), Seen::No)
        })
    },
};

pub(super) static INPUT_ANSWERED: Symptom = Symptom {
    text: "IteratorGetNext has answered: its thread has no work",
    seen: |evidence| {
        on_worker(evidence, |worker| {
            if worker.has(&[Place::GetNextBusy]) {
                return Seen::No;
            }
            yes_or(worker.has(&[Place::GetNextIdle]), Seen::NotShown)
        })
    },
};

pub(super) static DATA_ENDED: Symptom = Symptom {
    text: "the data have ended: ParallelMap's runner waits, the threads of Prefetch and ParallelInterleave are gone",
    seen: |evidence| {
        on_worker(evidence, |worker| {
            if worker.has(&SOURCES) {
                return Seen::No;
            }
            yes_or(worker.has(&[Place::MapRunnerWaits]), Seen::NotShown)
        })
    },
};

pub(super) static CLIENT_WAITS: Symptom = Symptom {
    text: "the worker's client is in sess.run",
    seen: |evidence| on_worker(evidence, |worker| yes_or(worker.has(&[Place::Client]), Seen::NotShown)),
};

pub(super) static NO_CALLBACK_RUNS: Symptom = Symptom {
    text: "no answer is just being taken in on the worker",
    seen: |evidence| {
        on_worker(evidence, |worker| {
            yes_or(!worker.has(&[Place::QueueCallback]), Seen::NotShown)
        })
    },
};

pub(super) static SERVERS_REST: Symptom = Symptom {
    text: "no server is at work (one that is may serve another worker)",
    seen: |evidence| {
        let mut servers = evidence
            .all
            .iter()
            .filter(|dump| dump.role() == Role::Server)
            .peekable();
        let any = servers.peek().is_some();
        let rest = servers.all(|server| !server.has(&[Place::PoolNode, Place::PoolHandler, Place::QueueCallback]));
        yes_or(any && rest, Seen::NotShown)
    },
};

pub(super) static INPUT_WAITED_FOR: Symptom = Symptom {
    text: "IteratorGetNext's thread is in GetNext of the pipeline: the step waits for its input",
    seen: |evidence| on_worker(evidence, |worker| yes_or(worker.has(&[Place::GetNextBusy]), Seen::No)),
};

pub(super) static CONSUMER_SLEEPS: Symptom = Symptom {
    text: "Prefetch's thread waits for an element of ParallelInterleave",
    seen: |evidence| {
        on_worker(evidence, |worker| {
            yes_or(worker.has(&[Place::InterleaveConsumer]), Seen::No)
        })
    },
};

pub(super) static PRODUCERS_SLEEP: Symptom = Symptom {
    text: "every worker of ParallelInterleave waits, none reads",
    seen: |evidence| {
        on_worker(evidence, |worker| {
            let idle = worker.has(&[Place::InterleaveIdle]) && !worker.has(&[Place::InterleaveBusy]);
            yes_or(idle, Seen::No)
        })
    },
};

pub(super) static MAP_DESTROYED: Symptom = Symptom {
    text: "a pool thread of the worker destroys a pipeline (MakeIterator) and waits for its parse functions",
    seen: |evidence| on_worker(evidence, |worker| yes_or(worker.has(&[Place::DestroysMap]), Seen::No)),
};

pub(super) static POOL_HAS_NO_OTHER: Symptom = Symptom {
    text: "no other pool thread of the worker runs anything",
    seen: |evidence| {
        on_worker(evidence, |worker| {
            yes_or(!worker.has(&[Place::PoolNode, Place::PoolHandler]), Seen::No)
        })
    },
};

pub(super) static DEREGISTERS_ITSELF: Symptom = Symptom {
    text: "a thread waits in DeregisterCallback for the StartCancel that it runs itself",
    seen: |evidence| {
        let found = evidence.all.iter().any(|dump| dump.has(&[Place::DeregistersItself]));
        yes_or(found, Seen::No)
    },
};

pub(super) static GET_NEXT_ON_POOL: Symptom = Symptom {
    text: "a pool thread of the worker is in a synchronous GetNext",
    seen: |evidence| on_worker(evidence, |worker| yes_or(worker.has(&[Place::SyncGetNext]), Seen::No)),
};

pub(super) static PIPELINE_NEEDS_POOL: Symptom = Symptom {
    text: "a worker of ParallelInterleave waits for a function that the pool must run",
    seen: |evidence| {
        on_worker(evidence, |worker| {
            let waits = worker
                .stacks
                .iter()
                .any(|stack| Place::of(stack) == Place::InterleaveBusy && stack.calls("MakeIteratorFromInputElement("));
            yes_or(waits, Seen::NotShown)
        })
    },
};
