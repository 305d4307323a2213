//! `lastbatch collect` finds every task of a job, and names who is missing. Stand-ins for the programs of clusters check what they are asked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use tempfile::TempDir;

use crate::support::program::{lastbatch, names_in, read};
use crate::support::scenario::repository;

/// Writes a program that stands for another one: it keeps its arguments, one file per call, and runs a script.
fn stand_in(folder: &Path, name: &str, script: &str) {
    let path = folder.join("bin").join(name);
    fs::create_dir_all(folder.join("bin")).unwrap();
    let log = folder.join(format!("{name}.log")).display().to_string();
    let text = format!("#!/bin/sh\necho \"$*\" >> '{log}'\n{script}\n");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Returns a folder with stand-ins for debuggers that print the real dump of a server, and stacks of Python.
fn place() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let dump = repository("tests/dumps/final_batch/ps1.txt").display().to_string();
    let python = repository("tests/dumps/forms/faulthandler.txt").display().to_string();
    stand_in(folder.path(), "gdb", &format!("cat '{dump}'"));
    stand_in(folder.path(), "py-spy", &format!("cat '{python}'"));
    folder
}

fn collect(folder: &TempDir, arguments: &[&str]) -> Command {
    let path = format!("{}:/usr/bin:/bin", folder.path().join("bin").display());
    let mut command = lastbatch(folder);
    command.env("PATH", path).arg("collect").args(arguments);
    command
}

const GDB: &str = "-p 41 -batch -ex set pagination off -ex thread apply all bt\n";

#[test]
fn a_local_process_is_asked_for_native_and_python_stacks() {
    let folder = place();
    let told = predicate::str::contains("ps0: 34 native threads, 2 of Python\n");
    collect(&folder, &["ps0=41", "--run"]).assert().code(0).stdout(told);
    assert_eq!(read(&folder, "gdb.log"), GDB);
    assert_eq!(read(&folder, "py-spy.log"), "dump --pid 41\n");
    assert_eq!(read(&folder, "stacks/tasks.tsv"), "ps0\tpid:41\n");
    let matched = lastbatch(&folder).args(["match", "stacks"]).assert().code(1);
    matched.stdout(predicate::str::contains("ps0: parameter server, 34 threads"));
}

#[test]
fn ssh_finds_the_process_by_the_port_of_its_server() {
    let folder = place();
    // What ssh gives to the login shell.
    stand_in(folder.path(), "ssh", "for last; do :; done\neval \"$last\"");
    stand_in(
        folder.path(),
        "ss",
        "echo 'LISTEN 0 128 *:2222 *:* users:((\"python\",pid=41,fd=9))'",
    );
    collect(&folder, &["ps0=me@host-a:2222", "--run"]).assert().code(0);
    assert_eq!(read(&folder, "ss.log"), "-Hltnp sport = :2222\n");
    assert_eq!(read(&folder, "gdb.log"), GDB);
    let asked = read(&folder, "ssh.log");
    assert!(
        asked.starts_with("-o BatchMode=yes -o ConnectTimeout=10 me@host-a sh -c 'pid=$(ss "),
        "{asked}"
    );
}

#[test]
fn eu_stack_is_asked_where_gdb_is_not_there() {
    let folder = place();
    stand_in(folder.path(), "gdb", "exit 127");
    stand_in(
        folder.path(),
        "eu-stack",
        "echo TID 1:; echo '#0 0x1 tensorflow::GrpcServer::Join()'",
    );
    collect(&folder, &["ps0=41", "--run"]).assert().code(0);
    assert_eq!(read(&folder, "eu-stack.log"), "-p 41\n");
}

#[test]
fn who_does_not_answer_is_named_with_the_reason_and_so_by_match() {
    let folder = place();
    let script = "echo \"ssh: connect to host $5 port 22: Connection refused\" >&2; exit 255";
    stand_in(folder.path(), "ssh", script);
    let missing = "ps1: MISSING: no stacks of TensorFlow, but: ssh: connect to host b port 22: Connection refused";
    let told = predicate::str::contains(missing).and(predicate::str::contains("ps0: 34 native threads"));
    collect(&folder, &["ps0=41", "ps1=b:2222", "--run"])
        .assert()
        .code(1)
        .stdout(told);
    let quiet = "1 of 2 tasks in stacks, without ps1; next: lastbatch match stacks\n";
    collect(&folder, &["ps0=41", "ps1=b:2222", "--run", "-q"])
        .assert()
        .code(1)
        .stdout(quiet);
    let matched = lastbatch(&folder).args(["match", "stacks"]).assert().code(1);
    matched.stdout(predicate::str::contains(missing));
}

#[test]
fn a_cluster_is_read_as_tf_config_has_it_and_nothing_runs_without_run() {
    let folder = place();
    let config = r#"{"cluster": {"ps": ["a:2222", "localhost:2223"], "worker": {"1": "b:2224"}}, "task": {"type": "ps", "index": 0}}"#;
    fs::write(folder.path().join("tf_config.json"), config).unwrap();
    let printed = collect(&folder, &["--cluster", "tf_config.json"]).assert().code(0);
    let script = String::from_utf8(printed.get_output().stdout.clone()).unwrap();
    insta::assert_snapshot!(script);
    assert_eq!(names_in(&folder), ["bin", "tf_config.json"]);
}

#[test]
fn the_printed_script_collects_the_same_as_run() {
    let folder = place();
    let printed = collect(&folder, &["ps0=41", "-o", "my stacks"]).assert().code(0);
    fs::write(folder.path().join("collect.sh"), &printed.get_output().stdout).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().join("bin").display());
    let mut shell = Command::new("sh");
    shell
        .current_dir(&folder)
        .env("PATH", path)
        .arg("collect.sh")
        .assert()
        .code(0);
    let by_script = (read(&folder, "my stacks/ps0.txt"), read(&folder, "my stacks/tasks.tsv"));
    collect(&folder, &["ps0=41", "--run"]).assert().code(0);
    assert_eq!(
        by_script,
        (read(&folder, "stacks/ps0.txt"), read(&folder, "stacks/tasks.tsv"))
    );
}

#[test]
fn pods_are_found_by_their_labels_and_asked_with_kubectl() {
    let folder = place();
    let script = "case $1 in get) echo pod/tf-ps-0; echo pod/tf-worker-0;; *) echo \"Error from server: $*\";; esac";
    stand_in(folder.path(), "kubectl", script);
    let arguments = ["--pods", "job=tf", "--namespace", "train", "--run"];
    collect(&folder, &arguments)
        .assert()
        .code(1)
        .stdout(predicate::str::contains("tf-worker-0: MISSING"));
    let log = read(&folder, "kubectl.log");
    assert!(
        log.starts_with("get pods --output=name --selector=job=tf --namespace=train\n"),
        "{log}"
    );
    assert!(
        log.contains("exec --namespace=train tf-ps-0 -- sh -c pid=$(grep -l _pywrap_tensorflow /proc/"),
        "{log}"
    );
    let one = collect(&folder, &["ps0=pod:tf-ps-0/tensorflow", "--namespace", "train"])
        .assert()
        .code(0);
    one.stdout(predicate::str::contains(
        "kubectl exec --namespace=train --container=tensorflow tf-ps-0 -- sh -c ",
    ));
}

#[test]
fn containers_of_yarn_are_found_by_their_attempt_and_asked_over_ssh() {
    let folder = place();
    let script = "case $1 in\n\
        applicationattempt) echo 'appattempt_15_0001_000001 RUNNING container_15_0001_01_000001 http://rm';;\n\
        container) printf '%s\\n' 'Total number of containers :2' \
          'container_15_0001_01_000001 Mon Nov 30 10:00:00 +0000 2020 N/A RUNNING node-a:8041 http://node-a:8042 http://logs' \
          'container_15_0001_01_000002 Mon Nov 30 10:00:00 +0000 2020 N/A COMPLETE node-b:8041 http://node-b:8042 http://logs';;\n\
        esac";
    stand_in(folder.path(), "yarn", script);
    let printed = collect(&folder, &["--yarn", "application_15_0001"]).assert().code(0);
    let found = predicate::str::contains("ssh -o BatchMode=yes -o ConnectTimeout=10 node-a ")
        .and(predicate::str::contains("CONTAINER_ID=container_15_0001_01_000001"))
        .and(predicate::str::contains("node-b").not());
    printed.stdout(found);
    let log = read(&folder, "yarn.log");
    assert_eq!(
        log,
        "applicationattempt -list application_15_0001\ncontainer -list appattempt_15_0001_000001\n"
    );
}

#[test]
fn what_is_no_task_is_refused_in_one_line() {
    let folder = place();
    let cases: [(&[&str], &str); 6] = [
        (&[], "no task to collect stacks of"),
        (&["ps0"], "\"ps0\" is no task, expected TASK=PID"),
        (&["ps0=host"], "is no task, expected TASK=PID"),
        (&["ps0=-oProxyCommand=x:22"], "is no task"),
        (&["../ps0=1"], "is no name of a task"),
        (&["ps0=1", "ps0=2"], "task ps0 is named twice"),
    ];
    for (arguments, message) in cases {
        let one_line = predicate::function(|text: &str| text.lines().count() == 1);
        let refused = collect(&folder, arguments).assert().code(2);
        refused.stderr(predicate::str::contains(message).and(one_line));
    }
}
