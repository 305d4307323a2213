//! The place where a thread stands in TensorFlow 1.12, from the functions on its stack.

use strum::Display;

use super::{Dump, Stack};

/// The place where a thread stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Display)]
pub enum Place {
    /// The client in `sess.run` (`local_master.cc:95`, `grpc_session.cc`).
    #[strum(to_string = "client in sess.run")]
    Client,
    /// The step thread that waits until every partition has answered (`master_session.cc:674`).
    #[strum(to_string = "step thread, waits until every partition has answered (RunPartitionsHelper)")]
    StepWaits,
    /// A step thread anywhere else in `MasterSession::Run`.
    #[strum(to_string = "step thread, in MasterSession::Run")]
    StepRuns,
    /// `MasterSession::Close` (`master_session.cc:1976`).
    #[strum(to_string = "closes its session (MasterSession::Close)")]
    Close,
    /// The thread of `IteratorGetNext` without work (`framework/dataset.cc:285`).
    #[strum(to_string = "IteratorGetNext's thread, without work")]
    GetNextIdle,
    /// The thread of `IteratorGetNext` in a pipeline's `GetNext`.
    #[strum(to_string = "IteratorGetNext's thread, in GetNext of the pipeline")]
    GetNextBusy,
    /// The runner of `ParallelMapDataset` that waits for a free slot (`parallel_map_iterator.cc:240`).
    #[strum(to_string = "ParallelMap's runner, waits for a free slot")]
    MapRunnerWaits,
    /// The runner of `ParallelMapDataset` that pulls its input or starts a function.
    #[strum(to_string = "ParallelMap's runner, pulls its input")]
    MapRunnerPulls,
    /// The thread of `PrefetchDataset`, elsewhere than below (`prefetch_dataset_op.cc:271`).
    #[strum(to_string = "Prefetch's thread")]
    Prefetch,
    /// The thread of `PrefetchDataset` that waits for an element of `ParallelInterleaveDataset` (`parallel_interleave_dataset_op.cc:257`).
    #[strum(to_string = "Prefetch's thread, waits for ParallelInterleave")]
    InterleaveConsumer,
    /// A worker of `ParallelInterleaveDataset` without input, or with a full buffer (`parallel_interleave_dataset_op.cc:661`).
    #[strum(to_string = "ParallelInterleave's worker, waits for input or for room")]
    InterleaveIdle,
    /// A worker of `ParallelInterleaveDataset` that reads or makes an iterator.
    #[strum(to_string = "ParallelInterleave's worker, reads")]
    InterleaveBusy,
    /// A pool thread that destroys a `ParallelMapIterator` and waits for its calls (`parallel_map_iterator.cc:48`).
    #[strum(to_string = "pool thread, destroys a ParallelMapIterator")]
    DestroysMap,
    /// A pool thread in a synchronous `GetNext`: `IteratorGetNextSync`, or `IteratorGetNext` of TensorFlow 1.2.
    #[strum(to_string = "pool thread, in a synchronous GetNext")]
    SyncGetNext,
    /// `DeregisterCallback` below `StartCancel` of the same thread (`framework/cancellation.cc:72`).
    #[strum(to_string = "in DeregisterCallback below its own StartCancel")]
    DeregistersItself,
    /// `DeregisterCallback` that waits for another thread's `StartCancel`.
    #[strum(to_string = "in DeregisterCallback, waits for a StartCancel")]
    Deregisters,
    /// A pool thread in a node of a step (`executor.cc`, `ExecutorState::Process`).
    #[strum(to_string = "pool thread, in a node of a step")]
    PoolNode,
    /// A pool thread in the handler of a request (`grpc_worker_service.cc:196`).
    #[strum(to_string = "pool thread, handles a request")]
    PoolHandler,
    /// A thread of an Eigen pool that waits for work, or whose work has no symbols.
    #[strum(to_string = "thread of an Eigen pool, without work")]
    PoolIdle,
    /// A detached thread of `AbortStep` in its second of delay (`worker.cc:100`).
    #[strum(to_string = "AbortStep, in its second of delay")]
    AbortSleeps,
    /// The main thread of a server in `server.join()`.
    #[strum(to_string = "main thread of a server (GrpcServer::Join)")]
    ServerJoin,
    /// A completion-queue thread that runs the callback of an answered call (`grpc_state.h:72`).
    #[strum(to_string = "completion queue, runs a callback")]
    QueueCallback,
    /// A completion-queue thread that waits.
    #[strum(to_string = "completion queue, waits")]
    QueueIdle,
    /// Anything else: gRPC's own threads, Python, unknown symbols.
    #[strum(to_string = "elsewhere (gRPC's own threads, Python, no symbols)")]
    Other,
}

/// Functions that are on the stack of a thread at a place, and functions that are not.
struct Rule {
    place: Place,
    on: &'static [&'static str],
    off: &'static [&'static str],
}

/// Writes rules, one per line: a place, the functions that are on the stack, and those that are not.
macro_rules! rules {
    ($($place:ident: $($on:expr),+ $(=> not $($off:literal),+)?;)*) => {
        &[$(Rule { place: Place::$place, on: &[$($on),+], off: &[$($($off),+)?] }),*]
    };
}

const POOL: &str = "Eigen::NonBlockingThreadPool";
const DEREGISTER: &str = "tensorflow::CancellationManager::DeregisterCallback(";

/// The first rule that holds decides.
const RULES: &[Rule] = rules! {
    StepWaits: "tensorflow::MasterSession::ReffedClientGraph::RunPartitions", "tensorflow::BlockingCounter::Wait(";
    StepRuns: "tensorflow::MasterSession::Run(";
    Close: "tensorflow::MasterSession::Close(";
    Client: "tensorflow::LocalMaster::RunStep(";
    Client: "tensorflow::GrpcRemoteMaster::RunStep(";
    Client: "tensorflow::GrpcSession::Run";
    DeregistersItself: DEREGISTER, "tensorflow::CancellationManager::StartCancel(";
    Deregisters: DEREGISTER;
    DestroysMap: POOL, "ParallelMapIterator::~ParallelMapIterator(";
    SyncGetNext: POOL, "IteratorGetNextSyncOp::Compute(";
    SyncGetNext: POOL, "IteratorGetNextOp::Compute(";
    GetNextBusy: "BackgroundWorker::WorkerLoop(", "GetNext";
    GetNextIdle: "BackgroundWorker::WorkerLoop(";
    MapRunnerWaits: "ParallelMapIterator::RunnerThread(" => not "CallFunction(", "GetNext", "CapturedFunction::";
    MapRunnerPulls: "ParallelMapIterator::RunnerThread(";
    InterleaveConsumer: "::PrefetchThread(", "ParallelInterleave", "::GetNextInternal(";
    Prefetch: "::PrefetchThread(";
    InterleaveIdle: "ParallelInterleave", "::WorkerThread(" => not "GetNext", "MakeIteratorFromInputElement(";
    InterleaveBusy: "ParallelInterleave", "::WorkerThread(";
    PoolNode: POOL, "ExecutorState::Process(";
    PoolHandler: POOL, "GrpcWorkerServiceThread::", "Handler";
    PoolIdle: POOL, "::WorkerLoop(";
    AbortSleeps: "::SchedClosureAfter(", "::SleepForMicroseconds(";
    ServerJoin: "tensorflow::GrpcServer::Join(";
    QueueCallback: "GrpcWorkerCacheThread", "::OnCompleted(";
    QueueIdle: "CompletionQueue::AsyncNextInternal(";
};

impl Place {
    /// Tells where a thread stands.
    pub fn of(stack: &Stack) -> Self {
        let holds = |rule: &&Rule| {
            rule.on.iter().all(|name| stack.calls(name)) && !rule.off.iter().any(|name| stack.calls(name))
        };
        RULES.iter().find(holds).map_or(Self::Other, |rule| rule.place)
    }
}

/// The role of a task in its job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Display)]
pub enum Role {
    /// It runs a client or a pipeline.
    #[strum(to_string = "worker")]
    Worker,
    /// It only serves.
    #[strum(to_string = "parameter server")]
    Server,
    /// Its stacks do not say.
    #[strum(to_string = "role unknown")]
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
