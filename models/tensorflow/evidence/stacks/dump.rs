//! The stacks of one task.

use std::path::Path;

use super::read::Reading;
use super::{Gap, Place, Role};
use crate::file::FileError;

/// The commands that make a dump, for messages.
const COMMANDS: &str =
    "gdb -p PID -batch -ex 'thread apply all bt', of lldb, eu-stack or pstack, or of py-spy dump --pid PID";

/// The stacks of one task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dump {
    /// The task, named after the file: `worker0` for `dumps/worker0.txt`.
    pub task: String,
    /// Every thread, in the order of the file.
    pub stacks: Vec<Stack>,
    /// Why threads are missing from it; empty for a whole dump.
    pub gaps: Vec<Gap>,
}

/// The program that printed a stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// gdb for one thread, without a header.
    Plain,
    /// gdb for several threads, or pstack.
    Gdb,
    /// lldb.
    Lldb,
    /// eu-stack.
    EuStack,
    /// py-spy: threads of Python, with `--native` their functions in C++, too.
    PySpy,
    /// Python itself: faulthandler, a traceback, or gdb's `py-bt`.
    Python,
}

/// One thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stack {
    /// The program that printed it.
    pub format: Format,
    /// The debugger's number of the thread.
    pub number: Option<u64>,
    /// Its functions, innermost first.
    pub frames: Vec<Frame>,
    /// Whether its outermost functions were not printed, as by `bt 10`.
    pub cut: bool,
    /// Where it stands.
    pub place: Place,
}

/// One function on a stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Path of its name, without arguments and templates; `python::FILE::FUNCTION` in Python, `??` where there is no symbol.
    pub function: String,
    /// Functions that its templates name: a `std::function` is called by a function of `std`.
    pub bound: Vec<String>,
    /// Source file and line, where the dump has them.
    pub location: Option<String>,
}

impl Dump {
    /// Reads a dump.
    ///
    /// # Errors
    /// When the file cannot be read, or has no threads of a TensorFlow task in it.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let bytes = std::fs::read(path).map_err(|error| FileError::new(path, error))?;
        // Thread names and paths may hold anything; functions are plain.
        let task = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        Self::parse(&task, &path.display().to_string(), &String::from_utf8_lossy(&bytes))
    }

    /// Reads the text of a dump; `file` is its name in messages.
    ///
    /// # Errors
    /// When it has no threads of a TensorFlow task in it.
    pub fn parse(task: &str, file: &str, text: &str) -> Result<Self, FileError> {
        let stacks = Reading::of(text);
        if stacks.is_empty() {
            let none = "no stack in it, neither below a line \"Thread N (...)\" nor by itself";
            return Err(FileError::new(
                file,
                format!("{none}; expected the output of {COMMANDS}"),
            ));
        }
        if !stacks.iter().any(Stack::is_of_tensorflow) {
            let problem = format!(
                "none of its {} threads has a function of tensorflow:: on its stack, expected a task of a TensorFlow job \
                 (are the symbols of the wheel stripped?)",
                stacks.len()
            );
            return Err(FileError::new(file, problem));
        }
        let mut dump = Self {
            task: task.to_owned(),
            stacks,
            gaps: Vec::new(),
        };
        dump.gaps = Gap::all(&dump);
        Ok(dump)
    }

    /// Returns the threads that a debugger for C++ printed.
    pub fn native(&self) -> impl Iterator<Item = &Stack> {
        self.stacks.iter().filter(|stack| stack.is_native())
    }

    /// Returns how many threads stand at a place.
    pub fn count(&self, place: Place) -> usize {
        self.stacks.iter().filter(|stack| stack.place == place).count()
    }

    /// Returns true if a thread stands at one of some places.
    pub fn has(&self, places: &[Place]) -> bool {
        self.stacks.iter().any(|stack| places.contains(&stack.place))
    }

    /// Returns true if every thread of C++ is in it, so that what it does not show is not there.
    pub fn is_whole(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Returns the task's role in its job, from what its threads do.
    pub fn role(&self) -> Role {
        Role::of(self)
    }
}

impl Stack {
    /// Returns true if a debugger for C++ printed it.
    pub fn is_native(&self) -> bool {
        !matches!(self.format, Format::PySpy | Format::Python)
    }

    fn is_of_tensorflow(&self) -> bool {
        self.place != Place::Other || self.frames.iter().any(Frame::is_of_tensorflow)
    }
}

impl Frame {
    /// Returns true for a function of Python.
    pub fn is_python(&self) -> bool {
        self.names().any(|name| name.starts_with("python::"))
    }

    /// Returns every function that it names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.function).chain(&self.bound).map(String::as_str)
    }

    fn is_of_tensorflow(&self) -> bool {
        let spaces = ["tensorflow::", "tsl::", "TF_"];
        let named = self
            .names()
            .any(|name| spaces.iter().any(|space| name.starts_with(space)));
        // What a task does outside of TensorFlow is told by its Python.
        named || self.is_python()
    }
}
