//! The tasks of a job, as a cluster's description, YARN or Kubernetes know them.

use std::path::Path;
use std::process::Command;

use lastbatch::file::FileError;
use serde_json::Value;

use super::target::Process;
use super::{Failure, Target, Task};

/// Returns the tasks in a `TF_CONFIG`, or in its `cluster` alone.
pub(super) fn cluster(file: &Path) -> Result<Vec<Task>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| FileError::new(file, error))?;
    let value: Value = serde_json::from_str(&text).map_err(FileError::cannot("read the cluster", file))?;
    let jobs = value.get("cluster").unwrap_or(&value).as_object();
    let expected = r#"expected {"ps": ["HOST:PORT"], "worker": ["HOST:PORT"]}, in "cluster" or by itself"#;
    let jobs = jobs.ok_or_else(|| FileError::new(file, format!("no jobs, {expected}")))?;
    let mut tasks = Vec::new();
    for (job, addresses) in jobs {
        let addresses: Vec<(String, &Value)> = match addresses {
            Value::Array(list) => list
                .iter()
                .enumerate()
                .map(|(index, value)| (index.to_string(), value))
                .collect(),
            Value::Object(sparse) => sparse.iter().map(|(index, value)| (index.clone(), value)).collect(),
            _ => return Err(FileError::new(file, format!("job {job} has no list of addresses, {expected}")).into()),
        };
        for (index, address) in addresses {
            let target = address.as_str().and_then(|address| {
                let (host, port) = address.rsplit_once(':')?;
                Target::on(host, Process::Port(port.parse().ok()?))
            });
            let wrong = || FileError::new(file, format!("{job}{index} is at {address}, expected \"HOST:PORT\""));
            tasks.push(Task::new(&format!("{job}{index}"), target.ok_or_else(wrong)?)?);
        }
    }
    Ok(tasks)
}

/// Returns the running containers of a YARN application.
pub(super) fn yarn(application: &str) -> Result<Vec<Task>, Failure> {
    let attempts = output("yarn", &["applicationattempt", "-list", application])?;
    let mut tasks = Vec::new();
    for attempt in first_words(&attempts).filter(|word| word.starts_with("appattempt_")) {
        let containers = output("yarn", &["container", "-list", attempt])?;
        for line in containers.lines() {
            let mut words = line.split_whitespace();
            let Some(container) = words.next().filter(|word| word.starts_with("container_")) else {
                continue;
            };
            // Times are words, too: the node is HOST:PORT, behind the state.
            let node = words.skip_while(|word| *word != "RUNNING").nth(1);
            if let Some((host, _)) = node.and_then(|node| node.rsplit_once(':'))
                && let Some(target) = Target::on(host, Process::Container(container.to_owned()))
            {
                tasks.push(Task::new(container, target)?);
            }
        }
    }
    if tasks.is_empty() {
        return Err(Failure(format!("YARN knows no running container of {application}")));
    }
    Ok(tasks)
}

/// Returns the pods with some labels.
pub(super) fn pods(selector: &str, namespace: Option<&str>) -> Result<Vec<Task>, Failure> {
    let mut arguments = vec![
        "get".to_owned(),
        "pods".to_owned(),
        "--output=name".to_owned(),
        format!("--selector={selector}"),
    ];
    arguments.extend(namespace.map(|namespace| format!("--namespace={namespace}")));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let listed = output("kubectl", &arguments)?;
    let pod = |pod: &str| {
        let target = Target::Pod {
            namespace: namespace.map(str::to_owned),
            pod: pod.to_owned(),
            container: None,
        };
        Task::new(pod, target)
    };
    let tasks = first_words(&listed)
        .filter_map(|word| word.strip_prefix("pod/"))
        .map(pod);
    let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
    if tasks.is_empty() {
        return Err(Failure(format!("Kubernetes knows no pod with the labels {selector}")));
    }
    Ok(tasks)
}

fn first_words(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.split_whitespace().next())
}

/// Runs a command that only asks.
fn output(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let command = format!("{program} {}", arguments.join(" "));
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| Failure(format!("cannot run `{command}`: {error}")))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        return Err(Failure(format!("`{command}` failed ({}): {last}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
