//! Rules: the functions on a stack that tell where a thread stands.

use std::sync::LazyLock;

use wildmatch::WildMatch;

use super::symbol::UNKNOWN;
use super::{Frame, Place, Stack};

/// Functions that are on the stack of a thread at a place, and functions that are not.
///
/// A name is a part of a function's path, as `MasterSession::Run`; `*` stands for anything, `|` for "or". The lambdas of a function
/// belong to it.
struct Rule {
    place: Place,
    on: Vec<Name>,
    off: Vec<Name>,
}

/// The alternatives of one name.
pub(super) struct Name(Vec<WildMatch>);

impl Name {
    fn new(name: &str) -> Self {
        let alternative = |name: &str| WildMatch::new(&format!("*::{name}::*"));
        Self(name.split('|').map(alternative).collect())
    }

    fn is_in(&self, names: &[String]) -> bool {
        names
            .iter()
            .any(|name| self.0.iter().any(|pattern| pattern.matches(name)))
    }
}

impl Frame {
    /// Returns what it names, as patterns are matched with it.
    fn paths(&self) -> impl Iterator<Item = String> {
        self.names().map(|name| format!("::{name}::"))
    }
}

impl Stack {
    /// Returns true if a function is on the stack; for the form of its name see the rules for places.
    pub fn calls(&self, name: &str) -> bool {
        Name::new(name).is_in(&self.paths())
    }

    fn paths(&self) -> Vec<String> {
        self.frames.iter().flat_map(Frame::paths).collect()
    }
}

/// Writes rules, one per line: a place, the functions that are on the stack, and those that are not.
macro_rules! rules {
    ($($place:ident: $($on:expr),+ $(=> not $($off:expr),+)?;)*) => {
        vec![$(Rule {
            place: Place::$place,
            on: [$($on),+].into_iter().map(Name::new).collect(),
            off: Vec::from([$($($off),+)?]).into_iter().map(|name: &str| Name::new(name)).collect(),
        }),*]
    };
}

/// Loops of the pools: Eigen's up to 1.13 and after, and that for `run_handler_pool_threads`.
const POOL: &str = "Eigen::*ThreadPool*::WorkerLoop|RunHandlerThreadPool::WorkerLoop|ThreadPool::Impl::WorkerLoop";
/// Waits of a condition variable, where the function that waits was inlined.
const WAITS: &str = "nsync::nsync_cv_wait*|condition_variable*::wait*|pthread_cond_*wait*";
/// Functions of the system in which a thread waits.
const SLEEPS: &str =
    "*futex*|syscall|*pthread_cond_*|nsync::*|sched_yield|*nanosleep*|*lll_lock_wait*|std::condition_variable*";
const NODE: &str = "ExecutorState::Process";
const DEREGISTER: &str = "CancellationManager::DeregisterCallback";
const CANCEL: &str = "CancellationManager::StartCancel*";
/// Functions that wait for Python's global lock.
const GIL: &str = "take_gil|PyEval_RestoreThread|PyEval_AcquireThread|PyEval_AcquireLock|PyGILState_Ensure";
const COLLECTIVE: &str = "Horovod*Op::Compute*|Collective*OpKernel::Compute*|Collective*Op::Compute*|Nccl*Op::Compute*\
    |NcclManager::*|MPI_*|PMPI_*|nccl*All*|RingReducer::*|RingAlg::*|HierarchicalTreeBroadcaster::*";
const GPU: &str = "cuStreamSynchronize|cuEventSynchronize|cuCtxSynchronize|cudaStreamSynchronize|cudaDeviceSynchronize\
    |*Executor::SynchronizeAllActivity|*Stream::BlockHostUntilDone";

/// The first rule that holds decides.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules = of_clients();
    rules.extend(of_input());
    rules.extend(of_pools());
    rules.extend(of_python());
    rules
});

fn of_clients() -> Vec<Rule> {
    rules! {
        StepWaits: "MasterSession::ReffedClientGraph::RunPartitions*", "BlockingCounter::Wait|RunManyGraphs::Wait";
        StepWaits: "MasterSession::ReffedClientGraph::RunPartitions*", WAITS;
        FindsDevices: "DeviceFinder::*";
        OpensSessions: "MasterSession::CreateWorkerSessions|MasterSession::Create|MasterSession::Extend";
        Registers: "MasterSession::*RegisterPartitions";
        StepRuns: "MasterSession::Run|MasterSession::RunCallable|MasterSession::DoRunWithLocalExecution|MasterSession::DoRunCallable";
        DeletesSessions: "MasterSession::DeleteWorkerSessions";
        Close: "MasterSession::Close";
        ClientCloses: "LocalMaster::CloseSession|GrpcRemoteMaster::CloseSession|GrpcSession::Close|TF_CloseSession";
        ClientOpens: "LocalMaster::*Session|GrpcRemoteMaster::*Session|GrpcSession::Create*|GrpcSession::Extend*|TF_NewSession";
        Client: "LocalMaster::*";
        RemoteClient: "GrpcRemoteMaster::*";
        Client: "GrpcSession::Run*|GrpcSession::PRun*";
    }
}

fn of_input() -> Vec<Rule> {
    rules! {
        DeregistersItself: DEREGISTER, CANCEL;
        Deregisters: DEREGISTER;
        DestroysMap: POOL, "ParallelMap*::~*";
        SyncGetNext: POOL, "IteratorGetNextSyncOp::Compute";
        SyncGetNext: POOL, "IteratorGetNextOp::Compute";
        GetNextBusy: "BackgroundWorker::WorkerLoop", "*GetNext*";
        GetNextIdle: "BackgroundWorker::WorkerLoop";
        MapRunnerWaits: "ParallelMap*::RunnerThread" => not "*CallFunction*", "*GetNext*", "*CapturedFunction*";
        MapRunnerPulls: "ParallelMap*::RunnerThread";
        InterleaveConsumer: "PrefetchThread", "ParallelInterleave*::GetNextInternal";
        Prefetch: "PrefetchThread";
        InterleaveIdle: "ParallelInterleave*::*WorkerThread" => not "*GetNext*", "MakeIteratorFromInputElement";
        InterleaveBusy: "ParallelInterleave*::*WorkerThread";
        // These outlive the data.
        Pipeline: "*Dataset*::*Thread" => not "*Optimize*Thread", "*Stats*Thread", POOL;
        // 2.x reads on a thread of such a pool; the threads of a pipeline, above, are its threads, too.
        GetNextBusy: "UnboundedThreadPool::*", "*GetNext*";
        GetNextIdle: "UnboundedThreadPool::*";
    }
}

fn of_pools() -> Vec<Rule> {
    rules! {
        Unstages: "UnstageOp::Compute|*StagePeekOp::Compute|Map*nstage*Op::Compute|MapPeekOp::Compute|StagingMap::get|StagingMap::pop*|StagingMap::peek*";
        Unstages: "Buffer::Get|Buffer::Peek", POOL;
        Stages: "StageOp::Compute|MapStageOp::Compute|StagingMap::put";
        PyFuncWaits: "PyFuncOp::*|PyFuncOpBase::*|DoCallPyFunc", GIL => not "PyObject_Call*|PyEval_EvalFrame*|PyEval_CallObject*|_PyEval_EvalFrame*";
        PyFunc: "PyFuncOp::*|PyFuncOpBase::*|DoCallPyFunc";
        Collective: COLLECTIVE;
        Gpu: GPU;
        LookupTable: POOL, "LookupTable*Op::*|*HashTable*::*|lookup::*|InitializeTable*Op::Compute";
        Resources: POOL, "ResourceMgr::*|LookupOrCreateResource|LookupResource|DeleteResource";
        Queue: POOL, NODE, "QueueBase::*|FIFOQueue::*|RandomShuffleQueue::*|PaddingFIFOQueue::*|PriorityQueue::*|barrier::Barrier::*";
        Shards: POOL, NODE, "Shard|ThreadPool::ParallelFor*|ThreadPoolDevice::parallelFor*|Eigen::Barrier::Wait|Barrier::Wait", WAITS;
        PoolNode: POOL, NODE;
        PoolHandler: POOL, "GrpcWorkerServiceThread::*Handler*";
        QueueCallback: "GrpcWorkerCacheThread", "OnCompleted" => not NODE;
        NodeElsewhere: NODE;
        DirectClient: "DirectSession::*" => not POOL;
        Cancels: CANCEL;
        PoolIdle: POOL, "EventMgr::PollLoop";
        PoolIdle: POOL, "*::WaitForWork|EventCount::CommitWait|*::Steal|*::NonEmptyQueueIndex|sched_yield";
        AbortSleeps: "*SchedClosureAfter", "*SleepForMicroseconds";
        ServerJoin: "GrpcServer::Join";
        QueueCallback: "GrpcWorkerCacheThread", "OnCompleted";
        QueueIdle: "CompletionQueue::AsyncNextInternal";
    }
}

/// Rules for stacks of Python. A stack that has both languages is told by its C++.
fn of_python() -> Vec<Rule> {
    rules! {
        PythonHorovod: "python::mpi_ops::*|python::horovod*::*";
        PythonPyFunc: "python::script_ops::*";
        PythonQueueRunner: "python::queue_runner_impl::_run";
        PythonCoordinator: "python::coordinator::join|python::coordinator::wait_for_stop";
        PythonOpens: "python::session_manager::*|python::monitored_session::*create_session";
        PythonCloses: "python::session::close|python::session::__del__|python::session::__exit__|python::monitored_session::*close*|python::monitored_session::__exit__"
            => not "python::session::run|python::session::_run*|python::session::_call_tf*";
        PythonRuns: "python::session::run|python::session::_run*|python::session::_call_tf*|python::session::_do_*|TF_SessionRun*";
        PythonJoin: "python::server_lib::join";
        ClientCloses: "TF_DeleteSession";
    }
}

impl Place {
    /// Tells where a thread stands.
    pub(super) fn of(stack: &Stack) -> Self {
        let paths = stack.paths();
        let holds = |rule: &&Rule| {
            rule.on.iter().all(|name| name.is_in(&paths)) && !rule.off.iter().any(|name| name.is_in(&paths))
        };
        match RULES.iter().find(holds) {
            Some(rule) => rule.place,
            None if stack.calls(POOL) => Self::of_pool(stack),
            None if stack.frames.iter().any(Frame::is_python) && !stack.is_native() => Self::Python,
            None => Self::Other,
        }
    }

    /// Tells apart a pool thread at work that no rule knows, and one that waits or of which the work has no symbols.
    fn of_pool(stack: &Stack) -> Self {
        let loops = Name::new(POOL);
        let outside = |frame: &&Frame| !loops.is_in(&frame.paths().collect::<Vec<_>>());
        let inner = stack.frames.iter().take_while(outside);
        let inner: Vec<&str> = inner.flat_map(Frame::names).filter(|name| *name != UNKNOWN).collect();
        let spaces = ["tensorflow::", "tsl::", "Eigen::", "xla::", "google::"];
        let computes = inner
            .iter()
            .any(|name| spaces.iter().any(|space| name.starts_with(space)));
        let paths: Vec<String> = inner.iter().map(|name| format!("::{name}::")).collect();
        let waits = inner.is_empty() || Name::new(SLEEPS).is_in(&paths);
        if computes || !waits {
            Self::PoolBusy
        } else {
            Self::PoolIdle
        }
    }
}
