//! Kernels that the model does not have: a graph with one of them is never proved, wherever it is and whatever a slice leaves out.

use std::fs;

use lastbatch::explore::{Answer, Verdict};
use lastbatch::models::tensorflow::job::Data;
use lastbatch::models::tensorflow::kernels::{Class, kernels};
use lastbatch::report::{JsonVerdict, View, verdict_text};
use lastbatch::scenario::{Budget, EngineName, Experiment, Labels, Scenario, scenario_files};
use tempfile::TempDir;

use super::import::{PS0, WORKER};
use super::support::run_metadata::{encoded, node, transfer};
use super::support::scenario::{prepared, repository, run, shipped};

const JOB: &str = r#"description = "a step with one op more"
[job]
graph = "step.pb"
input = "coupled"
inter_op_parallelism_threads = 2
"#;

/// Returns a folder with the graph of a step in which the worker sends what it reads to a server, and `op` runs beside that.
fn step(op: &str, device: &str, job: &str) -> TempDir {
    let key = ["t", WORKER, PS0];
    let mut partitions = vec![
        vec![
            node("it", "IteratorV2", WORKER, &[]),
            node("get", "IteratorGetNext", WORKER, &["it"]),
            node("m", "MatMul", WORKER, &["get"]),
            transfer("s", "_Send", WORKER, &["m"], key),
        ],
        vec![transfer("r", "_Recv", PS0, &[], key)],
    ];
    partitions[usize::from(device == PS0)].push(node("b", op, device, &[]));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("step.pb"), encoded(partitions)).unwrap();
    fs::write(folder.path().join("step.toml"), job).unwrap();
    folder
}

fn experiment(folder: &TempDir) -> Result<Experiment, String> {
    let scenario = Scenario::load(&folder.path().join("step.toml")).unwrap();
    Experiment::new(scenario).map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
}

fn searched(experiment: &Experiment) -> Verdict {
    run(experiment, EngineName::Exhaustive, &Budget::default())
}

/// Returns the verdict of some runs: for jobs that take long to search.
fn sampled(experiment: &Experiment) -> Verdict {
    let budget = Budget {
        executions: Some(20),
        ..Budget::default()
    };
    run(experiment, EngineName::Threads, &budget)
}

fn assuming(op: &str) -> String {
    format!("{JOB}assume_never_waits = [\"{op}\"]\n")
}

/// Lists the ops of which the table does not say that they are plain or a transfer.
fn beyond_plain() -> impl Iterator<Item = &'static str> {
    let transfers = ["_Send", "_Recv", "_HostSend", "_HostRecv"];
    kernels().filter_map(move |(op, kernel)| (kernel.class != Class::Plain && !transfers.contains(&op)).then_some(op))
}

#[test]
fn a_graph_with_an_op_that_is_not_plain_is_never_proved_and_the_verdict_names_op_and_node() {
    let mut seen = 0;
    for (device, place) in [(WORKER, "worker0:b"), (PS0, "ps0:b")] {
        // A second read on the worker is another matter.
        for op in beyond_plain().filter(|op| device == PS0 || *op != "IteratorGetNext") {
            let verdict = searched(&experiment(&step(op, device, JOB)).unwrap());
            assert_eq!((verdict.answer, verdict.complete), (Answer::Undecided, true), "{op}");
            let told: Vec<_> = verdict
                .unmodelled
                .iter()
                .map(|one| (one.what.as_str(), &one.places[..]))
                .collect();
            assert_eq!(told, [(op, &[place.to_owned()][..])]);
            assert_eq!(
                verdict.depends_on().unwrap(),
                format!("it depends on {op} ({place}), not modelled")
            );
            seen += 1;
        }
    }
    assert!(seen > 400, "{seen} graphs");
}

#[test]
fn an_assumption_makes_it_a_proof_and_stands_in_the_verdict() {
    for op in beyond_plain().chain(["HorovodAllreduce"]) {
        let verdict = searched(&experiment(&step(op, PS0, &assuming(op))).unwrap());
        assert_eq!(verdict.answer, Answer::NoHang, "{op}");
        assert_eq!(verdict.assumptions, [format!("{op} never waits")]);
        assert_eq!(verdict.unmodelled, []);
    }
}

#[test]
fn a_plain_op_changes_nothing() {
    for op in [
        "MatMul",
        "ApplyAdam",
        "ResourceApplyAdam",
        "SaveV2",
        "CheckNumerics",
        "QueueSizeV2",
    ] {
        assert_eq!(
            searched(&experiment(&step(op, PS0, JOB)).unwrap()).answer,
            Answer::NoHang,
            "{op}"
        );
    }
}

#[test]
fn an_assumption_of_what_is_not_there_or_does_not_wait_is_refused_with_its_line() {
    let refused = |op| experiment(&step("Unstage", WORKER, &assuming(op))).err().unwrap();
    insta::assert_snapshot!([refused("Unstaged"), refused("MatMul"), refused("IteratorGetNext")].join("\n"), @r#"
    DIR/step.toml:6: job.assume_never_waits: "Unstaged": the graph has no such op
    DIR/step.toml:6: job.assume_never_waits: "MatMul": expected an op whose kernel may wait and is not modelled
    DIR/step.toml:6: job.assume_never_waits: "IteratorGetNext": expected an op whose kernel may wait and is not modelled
    "#);
}

/// Returns the text and the JSON of a verdict, without what differs from run to run.
fn told(folder: &TempDir) -> String {
    let experiment = experiment(folder).unwrap();
    let mut verdict = searched(&experiment);
    (verdict.seconds, verdict.peak_bytes) = (0.0, 0);
    let labels = Labels::new();
    let told = experiment.told(&verdict, &labels, &[]);
    let json = serde_json::to_value(JsonVerdict::of(&told)).unwrap();
    let text = verdict_text(&told, &View::default()).replace(&folder.path().display().to_string(), "DIR");
    format!(
        "{text}\n{} {} {}",
        json["verdict"], json["unmodelled"], json["assumptions"]
    )
}

#[test]
fn people_and_programs_read_what_is_not_modelled_and_what_is_assumed() {
    insta::assert_snapshot!("unstage", told(&step("Unstage", WORKER, JOB)));
    insta::assert_snapshot!(
        "horovod_assumed",
        told(&step("HorovodAllreduce", WORKER, &assuming("HorovodAllreduce")))
    );
}

#[test]
fn an_engine_that_samples_names_the_same() {
    let experiment = experiment(&step("Unstage", WORKER, JOB)).unwrap();
    let sampled = sampled(&experiment);
    assert_eq!(sampled.answer, Answer::Undecided);
    assert_eq!(sampled.unmodelled, searched(&experiment).unmodelled);
}

#[test]
fn a_hang_stays_a_hang_whatever_is_not_modelled() {
    let verdict = searched(&prepared_case("pw.toml", &[("data = [\"batch\"]", "data = [\"end\"]")]).unwrap());
    assert_eq!(verdict.answer, Answer::Hang);
    assert_eq!(verdict.unmodelled.len(), 1);
    assert_eq!(verdict.depends_on(), None);
}

#[test]
fn what_is_not_modelled_is_told_apart_though_the_slices_are_equal() {
    let hash = |op| experiment(&step(op, WORKER, JOB)).unwrap().hashes().model;
    assert_ne!(hash("Unstage"), hash("MatMul"));
    assert_ne!(hash("Unstage"), hash("PyFunc"));
    assert_eq!(hash("Add"), hash("MatMul"));
}

#[test]
fn nothing_of_a_shipped_scenario_is_left_out() {
    let files = scenario_files(&shipped("")).unwrap();
    assert!(files.len() > 60);
    for file in files {
        let experiment = prepared(&file);
        assert_eq!(experiment.unmodelled(), [], "{}", file.display());
    }
}

/// Returns a case, with changes of its text.
fn prepared_case(name: &str, changes: &[(&str, &str)]) -> Result<Experiment, String> {
    let cases = repository("tests/closed_world");
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&cases).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let mut text = fs::read_to_string(cases.join(name)).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{name}: {from}");
        text = text.replace(from, to);
    }
    fs::write(folder.path().join("step.toml"), text).unwrap();
    experiment(&folder)
}

/// Says in a line what a search found.
fn line(experiment: &Experiment) -> String {
    told_of(&searched(experiment))
}

fn told_of(verdict: &Verdict) -> String {
    assert_eq!(verdict.findings, []);
    let depends = verdict.depends_on().map(|text| format!(": {text}")).unwrap_or_default();
    format!("{}{depends}", verdict.answer)
}

#[test]
fn reported_graphs_with_kernels_that_wait_are_undecided() {
    let ops = [
        "Unstage",
        "MapUnstage",
        "PyFunc",
        "HorovodAllreduce",
        "IteratorGetNextSync",
        "QueueDequeueManyV2",
        "SparseAccumulatorTakeGradient",
    ];
    for op in ops {
        let graph = format!("{op}.pb");
        let experiment = prepared_case("Unstage.toml", &[("Unstage.pb", &graph)]).unwrap();
        assert_eq!(
            line(&experiment),
            format!("undecided: it depends on {op} (worker0:b), not modelled")
        );
    }
}

#[test]
fn a_read_on_a_server_is_no_input_and_breaks_neither_the_pipeline_nor_the_queue() {
    let dequeue = "undecided: it depends on QueueDequeueV2 (ps1:dq), not modelled";
    assert_eq!(line(&prepared_case("pw.toml", &[]).unwrap()), dequeue);
    let pipeline = "data = [\"batch\"]\nslice = \"full\"";
    let piped = [(
        pipeline,
        "slice = \"full\"\n[job.pipeline]\nfiles = [1]\ncycle_length = 1\nbatch_size = 1\nnum_parallel_calls = 1\nreads_per_epoch = 1\n",
    )];
    assert_eq!(told_of(&sampled(&prepared_case("pw.toml", &piped).unwrap())), dequeue);
    let queued = [("input = \"coupled\"", "input = \"queue\"")];
    let refused = prepared_case("pw.toml", &queued).err().unwrap();
    assert_eq!(
        refused,
        "DIR/step.toml: job.input: \"queue\", but the graph has no dequeue on its worker"
    );

    let read = experiment(&step("IteratorGetNext", PS0, &format!("{JOB}{}", piped[0].1))).unwrap();
    assert_eq!(
        told_of(&sampled(&read)),
        "undecided: it depends on IteratorGetNext (ps0:b), not modelled"
    );
}

#[test]
fn of_several_reads_of_one_step_each_has_its_own_end() {
    let graph = ("Unstage.pb", "small_two_getnext.pb");
    let iterator = prepared_case("Unstage.toml", &[graph]).unwrap();
    let data: Vec<Data> = iterator.model().job().steps.iter().map(|step| step.data).collect();
    assert_eq!(data, [Data::EndOfSome]);
    assert_eq!(line(&iterator), "no hang");

    let piped = "[job.pipeline]\nfiles = [1]\nbatch_size = 1\n[runtime]";
    let changes = [graph, ("data = [\"end\"]\n", ""), ("[runtime]", piped)];
    let pipeline = prepared_case("Unstage.toml", &changes).unwrap();
    assert_eq!(line(&pipeline), "no hang");

    let queue = [("Unstage.pb", "two_deq.pb"), ("coupled", "queue")];
    assert_eq!(line(&prepared_case("Unstage.toml", &queue).unwrap()), "no hang");
    let changes = [
        queue[0],
        queue[1],
        ("[\"end\"]", "[\"batch\"]"),
        (
            "inter_op_parallelism_threads = 2\n",
            "inter_op_parallelism_threads = 1\n",
        ),
        ("[runtime]", "[job.queue]\ncapacity = 2\n[runtime]"),
    ];
    // As many elements as the graph takes: each step ends well.
    assert_eq!(line(&prepared_case("Unstage.toml", &changes).unwrap()), "no hang");
}

#[test]
fn a_queue_that_is_not_modelled_is_refused() {
    let job = JOB.replace("coupled", "queue").replace("threads = 2", "threads = 1")
        + "data = [\"batch\"]\n[job.queue]\ncapacity = 1\n";
    let refused = |op| experiment(&step(op, WORKER, &job)).err().unwrap();
    assert_eq!(
        refused("QueueDequeueManyV2"),
        "DIR/step.toml: job.queue: worker0:b is a QueueDequeueManyV2, expected dequeues of one element each"
    );
    let assumed = job.replace("data = ", "assume_never_waits = [\"IteratorGetNext\"]\ndata = ");
    // The iterator is no input of this job.
    assert_eq!(
        line(&experiment(&step("QueueDequeueV2", WORKER, &assumed)).unwrap()),
        "no hang"
    );
}

#[test]
fn a_step_that_python_feeds_needs_no_step_that_reads() {
    assert_eq!(line(&prepared_case("feed_dict_only.toml", &[]).unwrap()), "no hang");
    let exported = [
        ("Unstage.pb", "feed_dict_only.pb"),
        ("coupled", "decoupled"),
        ("[\"end\"]", "[\"batch\", \"end\", \"batch\"]"),
    ];
    let experiment = prepared_case("Unstage.toml", &exported).unwrap();
    assert_eq!(experiment.model().steps().len(), 2, "one per batch");
    assert_eq!(told_of(&sampled(&experiment)), "undecided");
}

#[test]
fn a_process_on_a_gpu_is_undecided() {
    let gpu = encoded(vec![vec![node(
        "get",
        "IteratorGetNext",
        &WORKER.replace("CPU", "GPU"),
        &[],
    )]]);
    let folder = step("NoOp", WORKER, JOB);
    fs::write(folder.path().join("step.pb"), gpu).unwrap();
    let depends = "a device that is no CPU (/job:worker/replica:0/task:0/device:GPU:0)";
    assert_eq!(
        line(&experiment(&folder).unwrap()),
        format!("undecided: it depends on {depends}, not modelled")
    );
}

#[test]
fn what_is_not_supported_is_named() {
    let refused = [
        prepared_case("worker_gone.toml", &[]).err().unwrap(),
        prepared_case("Unstage.toml", &[("Unstage.pb", "gpu_worker.pb")])
            .err()
            .unwrap(),
    ];
    insta::assert_snapshot!(refused.join("\n"), @r#"
    DIR/step.toml: job.ends.server_dies: "worker1" is no server of this graph; workers that die or exit are not modelled, expected one of: ps0
    DIR/step.toml: DIR/gpu_worker.pb: partition graph 1: it is on /job:worker/replica:0/task:0/device:GPU:0, but its process has a partition on /job:worker/replica:0/task:0/device:CPU:0 already; several devices of a process are not modelled, expected one partition per process
    "#);
}
