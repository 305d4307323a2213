//! Signs that a dump does not have every thread of its task.
//!
//! What a whole dump does not show is not there. What a part of one does not show may well be, so it rules nothing out.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use super::{Dump, Format, Frame, Place, Role};

/// A reason why threads or functions are missing from a dump.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Gap {
    /// It has the threads of Python only, as py-spy and faulthandler print them.
    OnlyPython,
    /// It is the output of `bt`, for one thread.
    OneThread,
    /// Numbers of threads that the debugger did not print.
    Numbers(Vec<u64>),
    /// How many stacks lack their outermost functions.
    CutOff(usize),
    /// A client waits for its master, which runs each request on a thread of its own, and that thread is not there.
    NoStepThread,
    /// Nobody is there for whom the pool's threads would work: no client, no server, no Python.
    NoMainThread,
    /// There is no thread of a pool, which every session and every server has.
    NoPool,
}

impl Gap {
    /// Finds what a dump lacks.
    pub(super) fn all(dump: &Dump) -> Vec<Self> {
        let native = dump.native().count();
        if native == 0 {
            return vec![Self::OnlyPython];
        }
        if native == 1 && dump.native().any(|stack| stack.format == Format::Plain) {
            let mut gaps = vec![Self::OneThread];
            gaps.extend(no_step_thread(dump).then_some(Self::NoStepThread));
            return gaps;
        }
        let cut = dump.native().filter(|stack| stack.cut).count();
        let missing = missing(dump);
        let no_main = dump.role() == Role::Unknown && !dump.stacks.iter().any(|stack| stack.frames.iter().any(is_main));
        let no_pool = !dump.stacks.iter().any(|stack| Place::POOL.contains(&stack.place));
        [
            (!missing.is_empty()).then_some(Self::Numbers(missing)),
            (cut > 0).then_some(Self::CutOff(cut)),
            no_step_thread(dump).then_some(Self::NoStepThread),
            no_main.then_some(Self::NoMainThread),
            no_pool.then_some(Self::NoPool),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Returns true for the functions with which a process begins.
fn is_main(frame: &Frame) -> bool {
    let starts = [
        "main",
        "_start",
        "__libc_start_main",
        "Py_Main",
        "Py_BytesMain",
        "start",
    ];
    frame.is_python() || starts.contains(&frame.function.as_str())
}

/// Returns true if a client waits in `LocalMaster`, and no thread runs what it asked for (`master.cc`, `SchedClosure`).
fn no_step_thread(dump: &Dump) -> bool {
    let asks = dump.native().any(|stack| stack.calls("LocalMaster"));
    let runs = [
        "MasterSession",
        "DeviceFinder",
        "Master::RunStep",
        "Master::*Session",
        "Master::*Callable",
    ];
    asks && !dump.native().any(|stack| runs.iter().any(|name| stack.calls(name)))
}

/// Returns the numbers from 1 that are not there, where the debugger numbers its threads.
fn missing(dump: &Dump) -> Vec<u64> {
    let numbered = dump
        .native()
        .filter(|stack| matches!(stack.format, Format::Gdb | Format::Lldb));
    let numbers: BTreeSet<u64> = numbered.filter_map(|stack| stack.number).collect();
    // A debugger that was attached for long has large numbers of threads that have ended.
    match numbers.last() {
        Some(&last) if last <= 4 * numbers.len() as u64 + 64 => (1..last).filter(|n| !numbers.contains(n)).collect(),
        _ => Vec::new(),
    }
}

impl Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyPython => f.write_str("it has the threads of Python only, none of the pools"),
            Self::OneThread => f.write_str("it has one thread, as `bt` prints it without `thread apply all`"),
            Self::Numbers(numbers) => {
                let (noun, are) = if numbers.len() == 1 { ("thread", "is") } else { ("threads", "are") };
                write!(f, "{noun} {} {are} not in it", ranges(numbers))
            }
            Self::CutOff(stacks) => write!(f, "{stacks} of its stacks lack their outermost functions"),
            Self::NoStepThread => f.write_str(
                "a client waits for its master (LocalMaster), but the thread that runs the request (MasterSession) is not in it",
            ),
            Self::NoMainThread => f.write_str("neither a client nor a server nor any Python is in it"),
            Self::NoPool => f.write_str("no thread of an Eigen pool is in it"),
        }
    }
}

/// Writes numbers as `2-5, 7`.
fn ranges(numbers: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let text = |(first, last): (u64, u64)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    runs.into_iter().map(text).collect::<Vec<_>>().join(", ")
}
