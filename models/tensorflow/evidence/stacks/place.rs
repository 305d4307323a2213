//! The place where a thread stands in TensorFlow 1.12, from the functions on its stack.

use std::fmt;

use super::{Dump, Stack};

/// The place where a thread stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// The client in `sess.run` (`local_master.cc:95`, `grpc_session.cc`).
    Client,
    /// The step thread that waits until every partition has answered (`master_session.cc:674`).
    StepWaits,
    /// A step thread anywhere else in `MasterSession::Run`.
    StepRuns,
    /// `MasterSession::Close` (`master_session.cc:1976`).
    Close,
    /// The thread of `IteratorGetNext` without work (`framework/dataset.cc:285`).
    GetNextIdle,
    /// The thread of `IteratorGetNext` in a pipeline's `GetNext`.
    GetNextBusy,
    /// The runner of `ParallelMapDataset` that waits for a free slot (`parallel_map_iterator.cc:240`).
    MapRunnerWaits,
    /// The runner of `ParallelMapDataset` that pulls its input or starts a function.
    MapRunnerPulls,
    /// The thread of `PrefetchDataset`, elsewhere than below (`prefetch_dataset_op.cc:271`).
    Prefetch,
    /// The thread of `PrefetchDataset` that waits for an element of `ParallelInterleaveDataset` (`parallel_interleave_dataset_op.cc:257`).
    InterleaveConsumer,
    /// A worker of `ParallelInterleaveDataset` without input, or with a full buffer (`parallel_interleave_dataset_op.cc:661`).
    InterleaveIdle,
    /// A worker of `ParallelInterleaveDataset` that reads or makes an iterator.
    InterleaveBusy,
    /// A pool thread that destroys a `ParallelMapIterator` and waits for its calls (`parallel_map_iterator.cc:48`).
    DestroysMap,
    /// A pool thread in a synchronous `GetNext`: `IteratorGetNextSync`, or `IteratorGetNext` of TensorFlow 1.2.
    SyncGetNext,
    /// `DeregisterCallback` below `StartCancel` of the same thread (`framework/cancellation.cc:72`).
    DeregistersItself,
    /// `DeregisterCallback` that waits for another thread's `StartCancel`.
    Deregisters,
    /// A pool thread in a node of a step (`executor.cc`, `ExecutorState::Process`).
    PoolNode,
    /// A pool thread in the handler of a request (`grpc_worker_service.cc:196`).
    PoolHandler,
    /// A thread of an Eigen pool that waits for work, or whose work has no symbols.
    PoolIdle,
    /// A detached thread of `AbortStep` in its second of delay (`worker.cc:100`).
    AbortSleeps,
    /// The main thread of a server in `server.join()`.
    ServerJoin,
    /// A completion-queue thread that runs the callback of an answered call (`grpc_state.h:72`).
    QueueCallback,
    /// A completion-queue thread that waits.
    QueueIdle,
    /// Anything else: gRPC's own threads, Python, unknown symbols.
    Other,
}

/// Functions that are on the stack of a thread at a place, and functions that are not.
struct Rule {
    place: Place,
    on: &'static [&'static str],
    off: &'static [&'static str],
}

const fn rule(place: Place, on: &'static [&'static str], off: &'static [&'static str]) -> Rule {
    Rule { place, on, off }
}

const POOL: &str = "Eigen::NonBlockingThreadPool";

/// The first rule that holds decides.
const RULES: &[Rule] = &[
    rule(
        Place::StepWaits,
        &[
            "tensorflow::MasterSession::ReffedClientGraph::RunPartitions",
            "tensorflow::BlockingCounter::Wait(",
        ],
        &[],
    ),
    rule(Place::StepRuns, &["tensorflow::MasterSession::Run("], &[]),
    rule(Place::Close, &["tensorflow::MasterSession::Close("], &[]),
    rule(Place::Client, &["tensorflow::LocalMaster::RunStep("], &[]),
    rule(Place::Client, &["tensorflow::GrpcRemoteMaster::RunStep("], &[]),
    rule(Place::Client, &["tensorflow::GrpcSession::Run"], &[]),
    rule(
        Place::DeregistersItself,
        &[
            "tensorflow::CancellationManager::DeregisterCallback(",
            "tensorflow::CancellationManager::StartCancel(",
        ],
        &[],
    ),
    rule(
        Place::Deregisters,
        &["tensorflow::CancellationManager::DeregisterCallback("],
        &[],
    ),
    rule(
        Place::DestroysMap,
        &[POOL, "ParallelMapIterator::~ParallelMapIterator("],
        &[],
    ),
    rule(Place::SyncGetNext, &[POOL, "IteratorGetNextSyncOp::Compute("], &[]),
    rule(Place::SyncGetNext, &[POOL, "IteratorGetNextOp::Compute("], &[]),
    rule(Place::GetNextBusy, &["BackgroundWorker::WorkerLoop(", "GetNext"], &[]),
    rule(Place::GetNextIdle, &["BackgroundWorker::WorkerLoop("], &[]),
    rule(
        Place::MapRunnerWaits,
        &["ParallelMapIterator::RunnerThread("],
        &["CallFunction(", "GetNext", "CapturedFunction::"],
    ),
    rule(Place::MapRunnerPulls, &["ParallelMapIterator::RunnerThread("], &[]),
    rule(
        Place::InterleaveConsumer,
        &["::PrefetchThread(", "ParallelInterleave", "::GetNextInternal("],
        &[],
    ),
    rule(Place::Prefetch, &["::PrefetchThread("], &[]),
    rule(
        Place::InterleaveIdle,
        &["ParallelInterleave", "::WorkerThread("],
        &["GetNext", "MakeIteratorFromInputElement("],
    ),
    rule(Place::InterleaveBusy, &["ParallelInterleave", "::WorkerThread("], &[]),
    rule(Place::PoolNode, &[POOL, "ExecutorState::Process("], &[]),
    rule(Place::PoolHandler, &[POOL, "GrpcWorkerServiceThread::", "Handler"], &[]),
    rule(Place::PoolIdle, &[POOL, "::WorkerLoop("], &[]),
    rule(
        Place::AbortSleeps,
        &["::SchedClosureAfter(", "::SleepForMicroseconds("],
        &[],
    ),
    rule(Place::ServerJoin, &["tensorflow::GrpcServer::Join("], &[]),
    rule(Place::QueueCallback, &["GrpcWorkerCacheThread", "::OnCompleted("], &[]),
    rule(Place::QueueIdle, &["CompletionQueue::AsyncNextInternal("], &[]),
];

impl Place {
    /// Tells where a thread stands.
    pub fn of(stack: &Stack) -> Self {
        let holds = |rule: &&Rule| {
            rule.on.iter().all(|name| stack.calls(name)) && !rule.off.iter().any(|name| stack.calls(name))
        };
        RULES.iter().find(holds).map_or(Self::Other, |rule| rule.place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client in sess.run",
            Self::StepWaits => "step thread, waits until every partition has answered (RunPartitionsHelper)",
            Self::StepRuns => "step thread, in MasterSession::Run",
            Self::Close => "closes its session (MasterSession::Close)",
            Self::GetNextIdle => "IteratorGetNext's thread, without work",
            Self::GetNextBusy => "IteratorGetNext's thread, in GetNext of the pipeline",
            Self::MapRunnerWaits => "ParallelMap's runner, waits for a free slot",
            Self::MapRunnerPulls => "ParallelMap's runner, pulls its input",
            Self::Prefetch => "Prefetch's thread",
            Self::InterleaveConsumer => "Prefetch's thread, waits for ParallelInterleave",
            Self::InterleaveIdle => "ParallelInterleave's worker, waits for input or for room",
            Self::InterleaveBusy => "ParallelInterleave's worker, reads",
            Self::DestroysMap => "pool thread, destroys a ParallelMapIterator",
            Self::SyncGetNext => "pool thread, in a synchronous GetNext",
            Self::DeregistersItself => "in DeregisterCallback below its own StartCancel",
            Self::Deregisters => "in DeregisterCallback, waits for a StartCancel",
            Self::PoolNode => "pool thread, in a node of a step",
            Self::PoolHandler => "pool thread, handles a request",
            Self::PoolIdle => "thread of an Eigen pool, without work",
            Self::AbortSleeps => "AbortStep, in its second of delay",
            Self::ServerJoin => "main thread of a server (GrpcServer::Join)",
            Self::QueueCallback => "completion queue, runs a callback",
            Self::QueueIdle => "completion queue, waits",
            Self::Other => "elsewhere (gRPC's own threads, Python, no symbols)",
        })
    }
}

/// The role of a task in its job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// It runs a client or a pipeline.
    Worker,
    /// It only serves.
    Server,
    /// Its stacks do not say.
    Unknown,
}

impl Role {
    /// Tells the role: a client, a step or a pipeline makes a worker; a main thread in `join` without any of them a server.
    pub(super) fn of(dump: &Dump) -> Self {
        let works = [
            Place::Client,
            Place::StepWaits,
            Place::StepRuns,
            Place::Close,
            Place::GetNextIdle,
            Place::GetNextBusy,
            Place::MapRunnerWaits,
            Place::MapRunnerPulls,
            Place::Prefetch,
            Place::InterleaveConsumer,
        ];
        if dump.has(&works) {
            Self::Worker
        } else if dump.has(&[Place::ServerJoin]) {
            Self::Server
        } else {
            Self::Unknown
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Worker => "worker",
            Self::Server => "parameter server",
            Self::Unknown => "role unknown",
        })
    }
}
