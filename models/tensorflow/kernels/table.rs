//! What the kernel of every op of TensorFlow 1.12 can do to a step, as `table.tsv` says. `ops.txt` has the ops that the released wheel
//! registers, `classes.tsv` the classes of their kernels, by a command that `classes.py` names; tests compare the three.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

const TABLE: &str = include_str!("table.tsv");

static KERNELS: LazyLock<BTreeMap<&'static str, Kernel>> = LazyLock::new(|| rows(TABLE).map(Kernel::parse).collect());

/// Effects that a kernel can have on the step that runs it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// It returns without waiting for anyone, and may fail as any kernel may.
    Plain,
    /// It may wait for others than the step's own nodes.
    Waits,
    /// It runs functions on the pool, with whatever ops these have.
    RunsFunctions,
    /// The model has it, where it is a transfer or the job's input; elsewhere it waits.
    Modelled,
    /// It ends its process.
    Exits,
    /// The source has no kernel of it for a CPU.
    Unknown,
}

/// The thread that waits while a kernel does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waiter {
    /// The pool thread that runs the node.
    Pool,
    /// A thread of the kernel's own.
    Own,
    /// None: a callback ends the kernel.
    Callback,
}

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kernel {
    /// Effect of the kernel.
    pub class: Class,
    /// The thread that waits, if any does.
    pub waiter: Option<Waiter>,
    /// Whether a cancelled step ends the wait.
    pub cancellable: bool,
    /// The thing that the kernel waits for, or why it is of its class; empty where nothing is said.
    pub what: &'static str,
    /// The place in the source, relative to `tensorflow/core/`; empty where there is none.
    pub site: &'static str,
}

/// Returns what the kernel of an op can do; none for an op that TensorFlow 1.12 does not have.
pub fn kernel(op: &str) -> Option<&'static Kernel> {
    KERNELS.get(op)
}

/// Returns every op with what its kernel can do, in order of their names.
pub fn kernels() -> impl Iterator<Item = (&'static str, &'static Kernel)> {
    KERNELS.iter().map(|(op, kernel)| (*op, kernel))
}

/// Says what the kernel of an op can do that a node that takes its inputs and succeeds does not; nothing if it is plain.
pub fn beyond_plain(op: &str) -> Option<String> {
    match kernel(op) {
        Some(kernel) if kernel.class == Class::Plain => None,
        Some(kernel) => Some(kernel.to_string()),
        None => Some("no op of TensorFlow 1.12, so nothing is known of its kernel".to_owned()),
    }
}

impl Kernel {
    fn parse(row: &'static str) -> (&'static str, Self) {
        let cells: Vec<&str> = row.split('\t').collect();
        let &[op, class, waiter, cancellable, what, site] = cells.as_slice() else {
            panic!("table.tsv: {row:?}: {} cells, expected 6", cells.len())
        };
        let said = |cell: &'static str| if cell == "-" { "" } else { cell };
        let kernel = Self {
            class: Class::parse(class).unwrap_or_else(|| panic!("table.tsv: {op}: unknown class {class}")),
            waiter: match waiter {
                "pool" => Some(Waiter::Pool),
                "own" => Some(Waiter::Own),
                "callback" => Some(Waiter::Callback),
                _ => None,
            },
            cancellable: cancellable == "yes",
            what: said(what),
            site: said(site),
        };
        (op, kernel)
    }
}

impl Class {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "plain" => Self::Plain,
            "waits" => Self::Waits,
            "functions" => Self::RunsFunctions,
            "modelled" => Self::Modelled,
            "exits" => Self::Exits,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }
}

impl fmt::Display for Kernel {
    /// Says what the kernel can do, on which thread, whether a cancellation ends it, and where the source says so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.what;
        match self.class {
            Class::Plain => f.write_str("waits for nobody")?,
            Class::Waits => write!(f, "waits for {what}")?,
            Class::Modelled => write!(f, "is not the job's input here, and waits for {what}")?,
            Class::RunsFunctions => write!(f, "runs functions, and waits for {what}")?,
            Class::Exits => f.write_str(what)?,
            Class::Unknown => write!(f, "has a kernel that is not known: {what}")?,
        }
        if let (Some(waiter), true) = (self.waiter, self.class != Class::Exits) {
            let thread = match waiter {
                Waiter::Pool => "on a pool thread",
                Waiter::Own => "on a thread of its own",
                Waiter::Callback => "for a callback",
            };
            let ends = if self.cancellable {
                "a cancellation ends that"
            } else {
                "no cancellation ends that"
            };
            write!(f, ", {thread}; {ends}")?;
        }
        if self.site.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", self.site)
    }
}

/// Returns the rows of a list: its lines but for comments.
fn rows(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.starts_with('#'))
}

#[cfg(test)]
mod tests;
