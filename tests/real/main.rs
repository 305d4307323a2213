//! The real TensorFlow 1.12: a schedule is forced on it, the fix is put into it, a step of it is recorded.
//!
//! `scenarios/real/set_up.sh` installs it. Where it is not installed these tests are ignored, and the reason is told; with
//! `LASTBATCH_REAL_TF=require` that is an error.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};

/// How the tests are told that there must be a TensorFlow.
const REQUIRE: &str = "LASTBATCH_REAL_TF";
/// The folder of `set_up.sh`, if it is not the usual one.
const FOLDER: &str = "LASTBATCH_TF_FOLDER";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each has three processes of its own that wait for each other.
    arguments.test_threads = Some(1);
    let folder = folder();
    let missing = !folder.join("complete").is_file();
    if missing && !arguments.list {
        let reason = format!(
            "no TensorFlow 1.12.0 in {}: scenarios/real/set_up.sh installs it there",
            folder.display()
        );
        if env::var(REQUIRE).is_ok_and(|value| value == "require") {
            eprintln!("{REQUIRE}=require, but there is {reason}");
            return ExitCode::FAILURE;
        }
        eprintln!("skipped: {reason}");
    }
    if !missing {
        build_probe();
    }
    let trial = |name: &str, test: fn(&Path) -> Result<(), Failed>| {
        let folder = folder.clone();
        Trial::test(name, move || test(&folder)).with_ignored_flag(missing)
    };
    let trials = vec![
        trial("the_worker_s_lost_receive_hangs_on_demand", |folder| {
            forced(folder, "7a624761", &[], 0, "HUNG: ")
        }),
        trial("a_server_s_lost_receive_hangs_on_demand", |folder| {
            forced(folder, "c33d79b5", &[], 0, "HUNG: ")
        }),
        trial("the_fix_lets_the_same_order_return", |folder| {
            forced(folder, "7a624761", &["--fix", "sticky-cancel"], 1, "RETURNED: ")
        }),
        trial("a_job_is_recorded_step_by_step", recorded),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Returns the folder that `set_up.sh` installs into.
fn folder() -> PathBuf {
    let usual = || {
        let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
        cache.unwrap_or_default().join("lastbatch/tensorflow-1.12.0")
    };
    env::var_os(FOLDER).map_or_else(usual, PathBuf::from)
}

/// Builds the library that is preloaded: tests of this package need its file, which no dependency can ask for.
fn build_probe() {
    let build = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--quiet", "-p", "lastbatch-probe"])
        .status();
    assert!(build.is_ok_and(|status| status.success()), "the probe does not build");
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs the program on the job of the report.
fn lastbatch(folder: &Path, arguments: &[&str], job: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastbatch"));
    command
        .args(arguments)
        .arg("--")
        .arg(folder.join("python"))
        .arg(repository("scenarios/real/job.py"))
        .args(job);
    command.output().expect("the program starts")
}

fn told(output: &Output) -> String {
    let text = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// Forces a schedule; the end of the run must be the one that is asked for.
fn forced(folder: &Path, signature: &str, options: &[&str], code: i32, end: &str) -> Result<(), Failed> {
    let schedule = repository(&format!("scenarios/final_batch/ps2_coupled.{signature}.schedule"));
    let schedule = schedule.to_string_lossy();
    let arguments = [&["confirm", &schedule, "--stall", "4"], options].concat();
    let output = lastbatch(folder, &arguments, &["--epochs", "5"]);
    if output.status.code() != Some(code) || !told(&output).contains(end) {
        return Err(format!(
            "expected code {code} and {end}, got {}\n{}",
            output.status,
            told(&output)
        )
        .into());
    }
    Ok(())
}

/// Records a job that ends by itself: every step has its trace, and its data ends twice.
fn recorded(folder: &Path) -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    let out = out.path().join("recording");
    let output = lastbatch(folder, &["record", "--out", &out.to_string_lossy()], &["--epochs", "2"]);
    let index = fs::read_to_string(out.join("index.jsonl")).unwrap_or_default();
    let kinds = |kind: &str| {
        index
            .lines()
            .filter(|line| line.contains(&format!("\"kind\":\"{kind}\"")))
            .count()
    };
    if !output.status.success() || kinds("end") != 2 || kinds("hang") != 0 || kinds("ordinary") < 6 {
        return Err(format!("expected two ends and six batches, got\n{index}\n{}", told(&output)).into());
    }
    Ok(())
}
