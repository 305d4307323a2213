//! Where a task runs, and the command that prints its stacks.

use super::{Failure, script::quoted};

/// A task of a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Task {
    /// Its name, which is that of its file.
    pub(super) name: String,
    pub(super) target: Target,
}

/// The machine or container where a task runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Target {
    /// This machine.
    Local(Process),
    /// A machine that ssh reaches; with its user, where one is given.
    Ssh(String, Process),
    /// A container of a pod.
    Pod {
        namespace: Option<String>,
        pod: String,
        container: Option<String>,
    },
}

/// The way to find the process of a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Process {
    /// Its number.
    Pid(u32),
    /// The port on which its `tf.train.Server` listens.
    Port(u16),
    /// The YARN container that it runs in.
    Container(String),
    /// The first one that has loaded TensorFlow.
    First,
}

/// Prints the stacks of process `$pid`: with the first debugger that is there, then with py-spy.
const STACKS: &str = r#"[ -n "$pid" ] || { echo "no such process" >&2; exit 3; }
gdb -p "$pid" -batch -ex "set pagination off" -ex "thread apply all bt" || eu-stack -p "$pid" || pstack "$pid"
py-spy dump --pid "$pid""#;

/// The processes that have loaded TensorFlow.
const LOADED: &str = "grep -l _pywrap_tensorflow /proc/[0-9]*/maps 2>/dev/null | cut -d/ -f3";

impl Task {
    /// Reads `ps0=HOST:PORT` and its kin.
    pub(super) fn read(text: &str, namespace: Option<&str>) -> Result<Self, Failure> {
        let expected =
            "expected TASK=PID, TASK=[USER@]HOST:PORT, TASK=[USER@]HOST:pid:PID or TASK=pod:NAME[/CONTAINER]";
        let wrong = || Failure(format!("\"{text}\" is no task, {expected}"));
        let (name, place) = text.split_once('=').ok_or_else(wrong)?;
        let target = Target::read(place, namespace).ok_or_else(wrong)?;
        Self::new(name, target)
    }

    /// Returns a task, if its name can be that of a file.
    pub(super) fn new(name: &str, target: Target) -> Result<Self, Failure> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.is_empty() || name.starts_with(['.', '-']) || !name.chars().all(plain) {
            return Err(Failure(format!(
                "\"{name}\" is no name of a task, expected letters, digits, '-', '_' and '.'"
            )));
        }
        let name = name.to_owned();
        Ok(Self { name, target })
    }
}

impl Target {
    fn read(text: &str, namespace: Option<&str>) -> Option<Self> {
        if let Ok(pid) = text.parse() {
            return Some(Self::Local(Process::Pid(pid)));
        }
        let (host, process) = text.split_once(':')?;
        if host == "pod" {
            let (pod, container) = match process.split_once('/') {
                Some((pod, container)) => (pod, Some(container.to_owned())),
                None => (process, None),
            };
            return (!pod.is_empty() && !pod.starts_with('-')).then(|| Self::Pod {
                namespace: namespace.map(str::to_owned),
                pod: pod.to_owned(),
                container,
            });
        }
        let process = match process.strip_prefix("pid:") {
            Some(pid) => Process::Pid(pid.parse().ok()?),
            None => Process::Port(process.parse().ok()?),
        };
        Self::on(host, process)
    }

    /// Returns a process of a machine.
    pub(super) fn on(host: &str, process: Process) -> Option<Self> {
        // ssh would take it for an option.
        if host.is_empty() || host.starts_with('-') {
            return None;
        }
        Some(match host {
            "localhost" | "127.0.0.1" => Self::Local(process),
            _ => Self::Ssh(host.to_owned(), process),
        })
    }

    /// Returns the command that prints the stacks, program first.
    pub(super) fn command(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match self {
            Self::Local(process) => words(&["sh", "-c", &process.script()]),
            Self::Ssh(host, process) => {
                // ssh gives it to the login shell, whichever that is.
                let remote = format!("sh -c {}", quoted(&process.script()));
                words(&["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", host, &remote])
            }
            Self::Pod {
                namespace,
                pod,
                container,
            } => {
                let mut command = words(&["kubectl", "exec"]);
                if let Some(namespace) = namespace {
                    command.push(format!("--namespace={namespace}"));
                }
                if let Some(container) = container {
                    command.push(format!("--container={container}"));
                }
                command.extend(words(&[pod, "--", "sh", "-c", &Process::First.script()]));
                command
            }
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(process) => write!(f, "{process}"),
            Self::Ssh(host, process) => write!(f, "{host}:{process}"),
            Self::Pod {
                pod, container: None, ..
            } => write!(f, "pod:{pod}"),
            Self::Pod {
                pod,
                container: Some(container),
                ..
            } => write!(f, "pod:{pod}/{container}"),
        }
    }
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pid(pid) => write!(f, "pid:{pid}"),
            Self::Port(port) => write!(f, "{port}"),
            Self::Container(container) => f.write_str(container),
            Self::First => f.write_str("first"),
        }
    }
}

impl Process {
    /// Returns the script that prints its stacks.
    fn script(&self) -> String {
        let find = match self {
            Self::Pid(pid) => format!("pid={pid}"),
            Self::Port(port) => format!(
                "pid=$(ss -Hltnp \"sport = :{port}\" 2>/dev/null | sed -n \"s/.*pid=\\([0-9]*\\).*/\\1/p\" | head -n 1)\n\
                 [ -n \"$pid\" ] || pid=$(fuser {port}/tcp 2>/dev/null | tr -d \" \")"
            ),
            Self::Container(container) => format!(
                "pid=$(for one in $({LOADED}); do tr \"\\0\" \"\\n\" < /proc/$one/environ 2>/dev/null | \
                 grep -qx CONTAINER_ID={container} && echo $one; done | head -n 1)"
            ),
            Self::First => format!("pid=$({LOADED} | head -n 1)"),
        };
        format!("{find}\n{STACKS}")
    }
}
