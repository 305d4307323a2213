//! The places where a thread of a TensorFlow task can stand.

use strum::Display;

/// The place where a thread stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Display)]
pub enum Place {
    /// The client in `sess.run`, its master in the same task (`local_master.cc:95`).
    #[strum(to_string = "client in sess.run")]
    Client,
    /// The client in `sess.run`, its master in another task (`grpc_remote_master.cc`).
    #[strum(to_string = "client in sess.run, its master is another task (GrpcRemoteMaster)")]
    RemoteClient,
    /// The client in `sess.run` of a session without a cluster (`direct_session.cc:1663`).
    #[strum(to_string = "client in sess.run, without a cluster (DirectSession)")]
    DirectClient,
    /// The client that opens its session (`local_master.cc:53`, `grpc_session.cc:117`).
    #[strum(to_string = "client opens its session (CreateSession)")]
    ClientOpens,
    /// The client that closes its session (`local_master.cc:118`).
    #[strum(to_string = "client closes its session (CloseSession)")]
    ClientCloses,
    /// A thread of the master that waits until every task has told its devices (`master.cc:258`).
    #[strum(to_string = "master, opens a session and waits for the devices of every task (DeviceFinder)")]
    FindsDevices,
    /// A thread of the master that waits until every task has opened the session (`master_session.cc:1274`).
    #[strum(to_string = "master, opens a session and waits for every task (CreateWorkerSessions)")]
    OpensSessions,
    /// A thread of the master that waits until every task has registered its part of a graph (`master_session.cc:460`).
    #[strum(to_string = "step thread, waits until every task has registered its partition (RegisterPartitions)")]
    Registers,
    /// The step thread that waits until every partition has answered (`master_session.cc:674`).
    #[strum(to_string = "step thread, waits until every partition has answered (RunPartitionsHelper)")]
    StepWaits,
    /// A step thread anywhere else in `MasterSession::Run`.
    #[strum(to_string = "step thread, in MasterSession::Run")]
    StepRuns,
    /// `MasterSession::Close` (`master_session.cc:1976`).
    #[strum(to_string = "closes its session (MasterSession::Close)")]
    Close,
    /// `MasterSession::Close` that waits for every task's answer (`master_session.cc:1331`).
    #[strum(to_string = "closes its session, waits for every task (DeleteWorkerSessions)")]
    DeletesSessions,
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
    /// Another thread of a pipeline, such as the runner of `MapAndBatchDataset`.
    #[strum(to_string = "thread of another dataset of the pipeline")]
    Pipeline,
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
    /// `StartCancel` that runs a callback.
    #[strum(to_string = "in StartCancel, runs a callback")]
    Cancels,
    /// A pool thread in `Unstage`, `StagePeek` or their kin, which waits for an element (`stage_op.cc:93`, `map_stage_op.cc:384`).
    #[strum(to_string = "pool thread, waits for an element of a StagingArea (Unstage)")]
    Unstages,
    /// A pool thread in `Stage` or `MapStage`, which waits for room (`stage_op.cc:59`, `map_stage_op.cc:263`).
    #[strum(to_string = "pool thread, waits for room in a StagingArea (Stage)")]
    Stages,
    /// A pool thread in a `py_func` that waits for Python's global lock.
    #[strum(to_string = "pool thread, in a py_func, waits for Python's lock (GIL)")]
    PyFuncWaits,
    /// A pool thread in a `py_func`.
    #[strum(to_string = "pool thread, in a py_func")]
    PyFunc,
    /// A pool thread that waits for other workers in a collective.
    #[strum(to_string = "in a collective (Horovod, NCCL, MPI, CollectiveReduce), waits for other workers")]
    Collective,
    /// A pool thread that waits for the mutex of a resource manager, or makes a resource under it (`resource_mgr.h`, `LookupOrCreate`).
    #[strum(to_string = "pool thread, at a resource manager's mutex (ResourceMgr)")]
    Resources,
    /// A pool thread that makes or looks up a lookup table.
    #[strum(to_string = "pool thread, at a lookup table")]
    LookupTable,
    /// A pool thread that changes a queue, or a barrier. A dequeue that waits has no thread.
    #[strum(to_string = "pool thread, at a queue or barrier")]
    Queue,
    /// A pool thread that waits until the intra-op pool has done its share (`work_sharder.cc:93`).
    #[strum(to_string = "pool thread, in a node, waits for the intra-op pool (Shard)")]
    Shards,
    /// A thread that waits for a GPU.
    #[strum(to_string = "waits for a GPU")]
    Gpu,
    /// A pool thread in a node of a step (`executor.cc`, `ExecutorState::Process`).
    #[strum(to_string = "pool thread, in a node of a step")]
    PoolNode,
    /// A pool thread in the handler of a request (`grpc_worker_service.cc:196`).
    #[strum(to_string = "pool thread, handles a request")]
    PoolHandler,
    /// A thread outside of the pools in a node of a step, such as one of a completion queue that takes in a receive.
    #[strum(to_string = "in a node of a step or its callback, outside of the pools")]
    NodeElsewhere,
    /// A pool thread at work that is none of these, such as a share of a kernel on the intra-op pool.
    #[strum(to_string = "thread of an Eigen pool, at other work")]
    PoolBusy,
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
    /// Python in `sess.run`.
    #[strum(to_string = "Python, in sess.run")]
    PythonRuns,
    /// Python that opens a session, or waits until the chief has initialised its variables.
    #[strum(to_string = "Python, waits for its session (SessionManager)")]
    PythonOpens,
    /// Python in `sess.close`.
    #[strum(to_string = "Python, in sess.close")]
    PythonCloses,
    /// Python's thread of a queue runner.
    #[strum(to_string = "Python, queue runner")]
    PythonQueueRunner,
    /// Python in `coordinator.join` or `coordinator.wait_for_stop`.
    #[strum(to_string = "Python, waits for threads to stop (Coordinator)")]
    PythonCoordinator,
    /// Python that runs the function of a `py_func` or a generator.
    #[strum(to_string = "Python, in the function of a py_func")]
    PythonPyFunc,
    /// Python in a collective of Horovod.
    #[strum(to_string = "Python, in Horovod")]
    PythonHorovod,
    /// Python in `server.join`.
    #[strum(to_string = "Python, in server.join")]
    PythonJoin,
    /// Python anywhere else.
    #[strum(to_string = "Python, elsewhere")]
    Python,
    /// Anything else: gRPC's own threads, Python, unknown symbols.
    #[strum(to_string = "elsewhere (gRPC's own threads, Python, no symbols)")]
    Other,
}

impl Place {
    /// Places of a client that waits for an answer.
    pub const CLIENTS: [Self; 8] = [
        Self::Client,
        Self::RemoteClient,
        Self::DirectClient,
        Self::ClientOpens,
        Self::ClientCloses,
        Self::PythonRuns,
        Self::PythonOpens,
        Self::PythonCloses,
    ];

    /// Places in a node of a step.
    pub const NODES: [Self; 16] = [
        Self::PoolNode,
        Self::NodeElsewhere,
        Self::SyncGetNext,
        Self::DestroysMap,
        Self::Deregisters,
        Self::DeregistersItself,
        Self::Unstages,
        Self::Stages,
        Self::PyFuncWaits,
        Self::PyFunc,
        Self::Collective,
        Self::Resources,
        Self::LookupTable,
        Self::Queue,
        Self::Gpu,
        Self::Shards,
    ];

    /// Places of threads that are at work, in or outside of a step.
    pub const AT_WORK: [Self; 7] = [
        Self::PoolNode,
        Self::NodeElsewhere,
        Self::PoolHandler,
        Self::PoolBusy,
        Self::QueueCallback,
        Self::Shards,
        Self::PyFunc,
    ];

    /// Places of a thread of an Eigen pool, whatever it does.
    pub const POOL: [Self; 17] = [
        Self::PoolNode,
        Self::PoolHandler,
        Self::PoolBusy,
        Self::PoolIdle,
        Self::SyncGetNext,
        Self::DestroysMap,
        Self::Deregisters,
        Self::DeregistersItself,
        Self::Cancels,
        Self::Unstages,
        Self::Stages,
        Self::PyFuncWaits,
        Self::PyFunc,
        Self::Resources,
        Self::LookupTable,
        Self::Queue,
        Self::Shards,
    ];
}
