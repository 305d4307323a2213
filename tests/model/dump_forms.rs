//! `lastbatch match` reads a stack the same way, whatever program printed it.

use std::fs;

use lastbatch::models::tensorflow::evidence::stacks::{Dump, Format, Gap, Job, Place, Role, assess};
use lastbatch::report::{View, dumps_text};

use crate::support::scenario::repository;

fn load(path: &str) -> Dump {
    Dump::load(&repository("tests/dumps").join(path)).unwrap()
}

fn read(text: &str) -> Dump {
    Dump::parse("task", "task.txt", text).unwrap()
}

/// The real dumps of a job, as gdb printed them from the symbols of a wheel.
const REAL: [&str; 3] = ["worker0", "ps0", "ps1"];

/// A frame as gdb prints it: its number, its function, and the library or line behind it.
fn frame(line: &str) -> Option<(&str, &str)> {
    let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
    let rest = rest.trim_start();
    let rest = rest.split_once(" in ").map_or(rest, |(_, function)| function);
    Some((
        number,
        rest.split_once(" () from ").map_or(rest, |(function, _)| function),
    ))
}

/// Writes a dump of gdb anew, each header and each frame by itself.
fn rewritten(task: &str, header: impl Fn(&str) -> String, written: impl Fn(&str, &str) -> String) -> Dump {
    let path = repository("tests/dumps/final_batch").join(format!("{task}.txt"));
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| match frame(line) {
        Some((number, function)) => written(number, function),
        None => match line.strip_prefix("Thread ") {
            Some(rest) => header(rest.split(' ').next().unwrap_or_default()),
            None => String::new(),
        },
    });
    read(&lines.collect::<Vec<_>>().join("\n"))
}

/// Drops the types of the parameters, as debug information has values in their place.
fn without_types(function: &str) -> &str {
    let mut depth = 0_i32;
    let open = function.strip_suffix(')').into_iter().flat_map(str::char_indices).rev();
    for (index, character) in open {
        depth += match character {
            ')' => 1,
            '(' => -1,
            _ => 0,
        };
        if depth < 0 {
            return &function[..index];
        }
    }
    function
}

fn places(dump: &Dump) -> Vec<Place> {
    dump.stacks.iter().map(|stack| stack.place).collect()
}

#[test]
fn every_debugger_and_debug_information_give_the_places_of_the_symbols_alone() {
    for task in REAL {
        let symbols = load(&format!("final_batch/{task}.txt"));
        let debug = rewritten(
            task,
            |number| format!("Thread {number} (Thread 0x7f0000000001 (LWP 12) \"python\"):"),
            |number, function| {
                let name = without_types(function);
                format!("#{number}  0x1 in {name} (this=0x2, name=\"a (b\", size=<optimized out>) at some/file.cc:12")
            },
        );
        let lldb = rewritten(
            task,
            |number| format!("  thread #{number}, name = 'python'"),
            |number, function| {
                format!(
                    "    frame #{number}: 0x00007fcdef7ecd24 libtensorflow.so`{function} + 12 at file.cc:12:3 [opt]"
                )
            },
        );
        let elfutils = rewritten(
            task,
            |number| format!("TID {number}:"),
            |number, function| {
                format!(
                    "#{number:<2} 0x00007fcdef7ecd24     {function} - /usr/lib/libtensorflow.so\n    /src/file.cc:12:3"
                )
            },
        );
        for other in [debug, lldb, elfutils] {
            assert_eq!(places(&other), places(&symbols), "{task}, {:?}", other.stacks[0].format);
            assert!(other.is_whole(), "{task}: {:?}", other.gaps);
        }
    }
}

#[test]
fn what_bt_full_prints_of_variables_is_no_function() {
    let dump = read(
        "Thread 2 (Thread 0x7f (LWP 2)):\n\
         #0  0x1 in tensorflow::GrpcServer::Join\n    (this=0x2) at grpc_server.cc:12\n        state = {<std::base> = {a = 1}, b = (anonymous namespace)::X}\n        \
         i = 5\nNo locals.\n#1  0x2 in main () at main.cc:1\n",
    );
    let functions: Vec<&str> = dump.stacks[0]
        .frames
        .iter()
        .map(|frame| frame.function.as_str())
        .collect();
    assert_eq!(functions, ["tensorflow::GrpcServer::Join", "main"]);
    assert_eq!(dump.stacks[0].frames[0].location.as_deref(), Some("grpc_server.cc:12"));
}

#[test]
fn a_plain_bt_is_one_thread_and_says_so() {
    let dump = load("forms/plain_bt.txt");
    assert_eq!((dump.stacks.len(), dump.stacks[0].format), (1, Format::Plain));
    assert_eq!(places(&dump), [Place::Client]);
    assert!(!dump.is_whole());
}

#[test]
fn the_frame_that_thread_n_prints_before_bt_does_not_make_a_second_thread() {
    let dump = read(
        "[Switching to thread 3 (Thread 0x7f (LWP 3))]\n#0  0x1 in syscall () from libc.so\n(gdb) bt\n#0  0x1 in syscall () from libc.so\n\
         #1  0x2 in tensorflow::GrpcServer::Join() () from lib.so\n[Switching to thread 1 (Thread 0x7e (LWP 1))]\n#0  0x1 in tensorflow::X::f() () from lib.so\n",
    );
    let frames: Vec<usize> = dump.stacks.iter().map(|stack| stack.frames.len()).collect();
    assert_eq!(frames, [2, 1]);
}

#[test]
fn stacks_of_python_are_told_by_their_modules() {
    let spy = load("forms/py_spy.txt");
    assert_eq!(
        places(&spy),
        [Place::PythonRuns, Place::PythonQueueRunner, Place::Python]
    );
    assert_eq!((spy.role(), spy.is_whole()), (Role::Worker, false));
    let native = load("forms/py_spy_native.txt");
    assert_eq!(places(&native), [Place::Client]);
    let server = load("forms/faulthandler.txt");
    assert_eq!(places(&server), [Place::Python, Place::PythonJoin]);
    assert_eq!(server.role(), Role::Server);
}

#[test]
fn pools_of_every_release_are_known_at_rest_and_at_work() {
    let pools = [
        "Eigen::NonBlockingThreadPoolTempl<tensorflow::thread::EigenEnvironment>",
        "Eigen::ThreadPoolTempl<tensorflow::thread::EigenEnvironment>",
        "Eigen::ThreadPoolTempl<tsl::thread::EigenEnvironment>",
    ];
    for pool in pools {
        let work = |inner: &str| {
            let text = format!(
                "Thread 1 (LWP 1):\n#0  0x1 in {inner} () from lib.so\n#1  0x1 in {pool}::WorkerLoop(int) () from lib.so\n"
            );
            read(&text).stacks[0].place
        };
        assert_eq!(
            work(&format!("{pool}::WaitForWork(Eigen::EventCount::Waiter*)")),
            Place::PoolIdle
        );
        assert_eq!(work("??"), Place::PoolIdle);
        assert_eq!(work("syscall"), Place::PoolIdle);
        assert_eq!(work("__memmove_avx_unaligned_erms"), Place::PoolBusy);
        assert_eq!(
            work("tensorflow::(anonymous namespace)::ExecutorState::Process(int)"),
            Place::PoolNode
        );
        assert_eq!(
            work("tensorflow::ExecutorState<tensorflow::PropagatorState>::Process(int)"),
            Place::PoolNode
        );
        assert_eq!(
            work("Eigen::internal::gebp_kernel<float>::operator()(int)"),
            Place::PoolBusy
        );
    }
}

#[test]
fn each_way_to_wait_has_a_name() {
    let cases = [
        (
            "tensorflow::DirectSession::WaitForNotification(int)",
            Place::DirectClient,
        ),
        ("tensorflow::GrpcRemoteMaster::RunStep(int)", Place::RemoteClient),
        ("tensorflow::LocalMaster::CreateSession(int)", Place::ClientOpens),
        ("TF_CloseSession", Place::ClientCloses),
        ("tensorflow::LocalMaster::CloseSession(int)", Place::ClientCloses),
        ("tensorflow::DeviceFinder::Wait()", Place::FindsDevices),
        (
            "tensorflow::MasterSession::DeleteWorkerSessions()",
            Place::DeletesSessions,
        ),
        (
            "tensorflow::(anonymous namespace)::Buffer<int>::Get(int)",
            Place::Unstages,
        ),
        (
            "tensorflow::(anonymous namespace)::StagingMap<true>::put(int)",
            Place::Stages,
        ),
        (
            "tensorflow::ResourceMgr::LookupOrCreate<tensorflow::X>(int)",
            Place::Resources,
        ),
        (
            "tensorflow::lookup::InitializableLookupTable::Initialize(int)",
            Place::LookupTable,
        ),
        ("tensorflow::(anonymous namespace)::DoCallPyFunc(int)", Place::PyFunc),
        (
            "horovod::tensorflow::HorovodAllreduceOp::ComputeAsync(int)",
            Place::Collective,
        ),
        ("ncclAllReduce", Place::Collective),
        ("tensorflow::QueueBase::Close(int)", Place::Queue),
    ];
    let kernels = [
        Place::Unstages,
        Place::Stages,
        Place::Resources,
        Place::LookupTable,
        Place::PyFunc,
        Place::Queue,
    ];
    for (function, place) in cases {
        let mut text = format!("Thread 1 (LWP 1):\n#0  0x1 in {function} () from lib.so\n");
        if kernels.contains(&place) {
            text += "#1  0x1 in tensorflow::ExecutorState::Process(int) () from lib.so\n\
                     #2  0x1 in Eigen::ThreadPoolTempl<E>::WorkerLoop(int) () from lib.so\n";
        }
        let dump = read(&text);
        assert_eq!(dump.stacks[0].place, place, "{function}");
    }
    let gil = "Thread 1 (LWP 1):\n#0  0x1 in take_gil () from a\n#1  0x1 in PyGILState_Ensure () from a\n\
               #2  0x1 in tensorflow::PyFuncOp::Compute(int) () from b\n";
    assert_eq!(read(gil).stacks[0].place, Place::PyFuncWaits);
}

/// A worker of 1.15 with debug information, in the middle of a step; `work` is what its second pool thread does.
fn worker_of_1_15(work: &str) -> String {
    let pool = "Eigen::ThreadPoolTempl<tensorflow::thread::EigenEnvironment>";
    format!(
        "Thread 6 (Thread 0x7f06 (LWP 6)):\n{work}#4  0x4 in {pool}::WorkerLoop (this=0x1, thread_id=3) at NonBlockingThreadPool.h:251\n\
         Thread 5 (Thread 0x7f05 (LWP 5)):\n\
         #0  0x1 in tensorflow::data::ParallelMapIterator::RunnerThread (this=0x1, ctx=std::shared_ptr (use count 1) = {{...}}) at a.cc:240\n\
         Thread 4 (Thread 0x7f04 (LWP 4)):\n#0  0x1 in tensorflow::BackgroundWorker::WorkerLoop (this=0x1) at a.cc:1\n\
         Thread 3 (Thread 0x7f03 (LWP 3)):\n#0  0x1 in tensorflow::BlockingCounter::Wait (this=0x1) at blocking_counter.h:53\n\
         #1  tensorflow::MasterSession::ReffedClientGraph::RunPartitionsHelper<std::vector<int> > (this=0x1) at master_session.cc:674\n\
         Thread 2 (Thread 0x7f02 (LWP 2)):\n#0  {pool}::WaitForWork (this=0x1) at x.h:2\n#1  0x4 in {pool}::WorkerLoop (this=0x1) at x.h:1\n\
         Thread 1 (Thread 0x7f01 (LWP 1)):\n#0  0x1 in tensorflow::LocalMaster::RunStep (this=0x1) at local_master.cc:95\n"
    )
}

#[test]
fn a_worker_of_1_15_that_computes_is_not_taken_for_one_that_hangs() {
    let fits = |text: &str| {
        let assessment = assess(&[read(text)]);
        assessment
            .fits
            .iter()
            .map(|fit| (fit.known.name, fit.likely))
            .collect::<Vec<_>>()
    };
    for work in [
        "#0  0x1 in tensorflow::MatMulOp::Compute (this=0x1, ctx=0x2) at a.cc:1\n#1  0x2 in tensorflow::(anonymous namespace)::ExecutorState::Process (this=0x1) at b.cc:2\n",
        "#0  0x1 in Eigen::internal::gebp_kernel<float, 8>::operator() (this=<optimized out>) at a.h:1\n#1  0x3 in operator() (__closure=0x7f) at b.h:2\n",
        "#0  0x1 in mkl_blas_avx2_sgemm_kernel_0 () from libmkl.so\n",
    ] {
        assert_eq!(fits(&worker_of_1_15(work)), [], "{work}");
    }
    let rests = worker_of_1_15("#0  0x1 in syscall () from libc.so\n");
    assert_eq!(fits(&rests), [("final-batch", true)]);
    let part = rests.split("Thread 2 ").next().unwrap();
    assert_eq!(
        fits(part),
        [("final-batch", false)],
        "thread 2 and the client are missing"
    );
}

#[test]
fn a_client_in_its_master_without_a_step_thread_is_a_part_of_a_dump_that_rules_nothing_out() {
    let whole = worker_of_1_15("#0  0x1 in syscall () from libc.so\n");
    let (before, rest) = whole.split_once("Thread 3 ").unwrap();
    let without = format!("{before}Thread 3 {}", rest.replace("MasterSession", "Other"));
    let dump = read(&without);
    assert_eq!(dump.gaps, [Gap::NoStepThread]);
    let assessment = assess(&[dump]);
    assert!(
        assessment
            .ruled_out
            .iter()
            .all(|(known, _)| known.name != "final-batch")
    );
    assert!(
        assessment.next[0].starts_with("task again, every thread of it"),
        "{:?}",
        assessment.next
    );
}

#[test]
fn a_folder_is_a_job_with_its_two_parts_of_a_task_and_names_who_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let real = repository("tests/dumps");
    let copy = |from: &str, to: &str| fs::copy(real.join(from), folder.path().join(to)).unwrap();
    copy("final_batch/worker0.txt", "worker0.native.txt");
    copy("forms/py_spy.txt", "worker0.python.txt");
    fs::write(folder.path().join("ps0.txt"), "gdb: ptrace: Operation not permitted.\n").unwrap();
    fs::write(folder.path().join("tasks.tsv"), "worker0\t1\nps0\tssh:a\nps1\tssh:b\n").unwrap();
    let job = Job::load(&[folder.path().to_owned()]).unwrap();
    assert_eq!(job.dumps.len(), 1);
    assert_eq!((job.dumps[0].native().count(), job.dumps[0].stacks.len()), (37, 40));
    assert!(job.dumps[0].is_whole());
    insta::assert_snapshot!(dumps_text(&job, &job.assess(), &View::default()));
}

#[test]
fn who_waits_for_whom_goes_from_a_client_to_its_master_in_another_task() {
    let job = Job::load(&[repository("tests/dumps/waits")]).unwrap();
    insta::assert_snapshot!(dumps_text(&job, &job.assess(), &View::default()));
}
