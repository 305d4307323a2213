//! `lastbatch match` names a known hang from stack dumps only where they show one.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use lastbatch::models::tensorflow::evidence::stacks::{Assessment, Dump, Job, assess};
use lastbatch::report::{View, dumps_text};
use predicates::prelude::*;
use proptest::prelude::*;

use crate::support::program::PROGRAM;
use crate::support::scenario::repository;

fn folder(name: &str) -> PathBuf {
    repository("tests/dumps").join(name)
}

/// Reads some dumps of a folder, in the order given.
fn dumps(name: &str, tasks: &[&str]) -> Vec<Dump> {
    let load = |task: &&str| Dump::load(&folder(name).join(format!("{task}.txt"))).unwrap();
    tasks.iter().map(load).collect()
}

fn told(dumps: &[Dump]) -> (Assessment, String) {
    let job = Job {
        dumps: dumps.to_vec(),
        missing: Vec::new(),
    };
    let assessment = job.assess();
    let text = dumps_text(&job, &assessment, &View::default());
    (assessment, text)
}

/// Names of the hangs that fit, with whether each is likely.
fn fits(assessment: &Assessment) -> Vec<(&str, bool)> {
    assessment.fits.iter().map(|fit| (fit.known.name, fit.likely)).collect()
}

#[test]
fn the_real_dumps_of_a_hung_job_are_likely_the_final_batch_and_say_what_stacks_cannot_show() {
    let (assessment, text) = told(&dumps("final_batch", &["worker0", "ps0", "ps1", "ps2"]));
    assert_eq!(fits(&assessment), [("final-batch", true)]);
    insta::assert_snapshot!(text);
}

#[test]
fn the_worker_alone_is_enough_for_likely_and_the_servers_are_asked_for() {
    let (assessment, _) = told(&dumps("final_batch", &["worker0"]));
    assert_eq!(fits(&assessment), [("final-batch", true)]);
    assert!(
        assessment.next[0].starts_with("every parameter server"),
        "{:?}",
        assessment.next
    );
}

#[test]
fn servers_alone_fit_nothing_and_the_worker_is_asked_for() {
    let (assessment, text) = told(&dumps("final_batch", &["ps0", "ps1", "ps2"]));
    assert_eq!(fits(&assessment), []);
    assert!(text.contains("NO KNOWN HANG"), "{text}");
    assert!(assessment.next[0].starts_with("the worker"), "{:?}", assessment.next);
}

#[test]
fn a_healthy_job_fits_nothing_and_the_report_says_what_speaks_against_each_hang() {
    let (assessment, text) = told(&dumps("healthy", &["worker0", "ps0"]));
    assert_eq!(fits(&assessment), []);
    insta::assert_snapshot!(text);
}

#[test]
fn a_hung_worker_is_found_beside_a_healthy_one() {
    let mut both = dumps("healthy", &["worker0"]);
    both[0].task = "worker1".to_owned();
    both.extend(dumps("final_batch", &["worker0"]));
    let (assessment, _) = told(&both);
    assert_eq!(fits(&assessment), [("final-batch", true)]);
    assert_eq!(assessment.fits[0].worker.as_deref(), Some("worker0"));
}

#[test]
fn each_hang_of_the_input_side_is_named_by_its_threads() {
    let cases = [
        ("interleave_creation_error", "interleave-creation-error"),
        ("reinitialize", "reinitialize-on-a-full-pool"),
        ("queue", "queue-cancels-itself"),
        ("sync_get_next", "sync-get-next"),
    ];
    for (name, hang) in cases {
        let (assessment, text) = told(&dumps(name, &["worker0"]));
        assert_eq!(fits(&assessment), [(hang, true)], "{name}\n{text}");
    }
}

#[test]
fn a_pipeline_that_reads_slowly_is_not_taken_for_a_lost_wake_up() {
    let (assessment, _) = told(&dumps("slow_files", &["worker0"]));
    assert_eq!(fits(&assessment), []);
}

#[test]
fn without_a_pipeline_to_look_at_the_final_batch_is_possible_and_no_more() {
    let (assessment, _) = told(&dumps("queue_input", &["worker0"]));
    assert_eq!(fits(&assessment), [("final-batch", false)]);
}

#[test]
fn lines_that_a_terminal_broke_are_put_together_again() {
    let broken = "Thread 1 (LWP 7):\n#0  0x01 in tensorflow::GrpcServer::\n    Join() () from lib.so\n";
    let dump = Dump::parse("ps0", "ps0.txt", broken).unwrap();
    assert_eq!(dump.stacks[0].frames[0].function, "tensorflow::GrpcServer::Join");
}

fn run(arguments: &[&Path]) -> assert_cmd::assert::Assert {
    let mut command = Command::new(PROGRAM);
    command.arg("match").args(arguments).assert()
}

#[test]
fn the_exit_code_says_likely_none_or_possible() {
    run(&[&folder("final_batch/worker0.txt")]).code(0);
    run(&[&folder("healthy/worker0.txt"), &folder("healthy/ps0.txt")]).code(1);
    run(&[&folder("queue_input/worker0.txt")]).code(3);
}

#[test]
fn json_has_tasks_fits_signs_and_what_to_dump_next() {
    let output = run(&[Path::new("--json"), &folder("final_batch/worker0.txt")]).code(0);
    let value: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(value["tasks"][0]["role"], "worker");
    assert_eq!(value["fits"][0]["name"], "final-batch");
    assert_eq!(value["fits"][0]["likely"], true);
    assert_eq!(value["fits"][0]["signs"].as_array().unwrap().len(), 7);
    assert!(!value["next"].as_array().unwrap().is_empty());
}

#[test]
fn what_is_no_dump_is_refused_in_one_line_that_says_how_to_take_one() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let cases = [
        (write("empty.txt", ""), "no stack in it"),
        (
            write("prose.txt", "Threads are mentioned here. #1 fan.\n"),
            "thread apply all bt",
        ),
        (
            write("orphan.txt", "#0  0x1 in main () from a\n"),
            "none of its 1 threads has a function of tensorflow::",
        ),
        (
            write("other.txt", "Thread 1 (LWP 7):\n#0  0x1 in main () from a\n"),
            "none of its 1 threads has a function of tensorflow::",
        ),
        (directory.path().join("missing.txt"), "No such file"),
    ];
    for (path, message) in cases {
        let one_line = predicate::function(|text: &str| text.lines().count() == 1);
        run(&[&path])
            .code(2)
            .stderr(predicate::str::contains(message).and(one_line))
            .stdout("");
    }
    let twice = folder("healthy/worker0.txt");
    run(&[&twice, &twice])
        .code(2)
        .stderr(predicate::str::contains("two dumps of worker0"));
}

proptest! {
    #[test]
    fn random_text_fits_nothing_and_never_panics(text in "(?s).{0,400}", lines in proptest::collection::vec("(Thread [0-9]{1,3} \\(|#[0-9] )?[ -~]{0,60}", 0..20)) {
        for text in [text, lines.join("\n"), format!("{}\n#9  tensorflow::x ()", lines.join("\n"))] {
            if let Ok(dump) = Dump::parse("task", "task.txt", &text) {
                prop_assert!(assess(&[dump]).fits.is_empty());
            }
        }
    }
}
