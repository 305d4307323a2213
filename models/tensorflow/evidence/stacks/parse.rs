//! Reading what gdb prints.

use std::path::Path;

use super::{Place, Role};
use crate::file::FileError;

/// The command that makes a dump, for messages.
const COMMAND: &str = "gdb -p PID -batch -ex 'thread apply all bt'";

/// The stacks of one task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dump {
    /// The task, named after the file: `worker0` for `dumps/worker0.txt`.
    pub task: String,
    /// Every thread, in the order of the file.
    pub stacks: Vec<Stack>,
}

/// One thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stack {
    /// gdb's number of the thread.
    pub number: u32,
    /// Its functions with their parameter types, innermost first; `??` where there is no symbol.
    pub frames: Vec<String>,
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
        let mut stacks: Vec<Stack> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if let Some(number) = thread_number(line) {
                stacks.push(Stack {
                    number,
                    frames: Vec::new(),
                });
            } else if let Some(frame) = frame(line) {
                let orphan = "a frame that belongs to no thread, expected a line \"Thread N (...)\" before it";
                let stack = stacks.last_mut().ok_or_else(|| FileError::at(file, index + 1, orphan));
                stack?.frames.push(function(frame).to_owned());
            } else if line.starts_with([' ', '\t'])
                && let Some(broken) = stacks.last_mut().and_then(|stack| stack.frames.last_mut())
            {
                // A terminal's width broke the line.
                broken.push(' ');
                broken.push_str(function(line.trim()));
            }
        }
        stacks.retain(|stack| !stack.frames.is_empty());
        if stacks.is_empty() {
            let none = "no line \"Thread N (...)\" with frames below it";
            return Err(FileError::new(
                file,
                format!("{none}, expected the output of {COMMAND}"),
            ));
        }
        if !stacks.iter().any(|stack| stack.calls("tensorflow::")) {
            let problem = format!(
                "none of its {} threads has a function of tensorflow:: on its stack, expected a task of a TensorFlow job \
                 (are the symbols of the wheel stripped?)",
                stacks.len()
            );
            return Err(FileError::new(file, problem));
        }
        Ok(Self {
            task: task.to_owned(),
            stacks,
        })
    }

    /// Returns how many threads stand at a place.
    pub fn count(&self, place: Place) -> usize {
        self.stacks.iter().filter(|stack| Place::of(stack) == place).count()
    }

    /// Returns true if a thread stands at one of some places.
    pub fn has(&self, places: &[Place]) -> bool {
        self.stacks.iter().any(|stack| places.contains(&Place::of(stack)))
    }

    /// Returns the task's role in its job, from what its threads do.
    pub fn role(&self) -> Role {
        Role::of(self)
    }
}

impl Stack {
    /// Returns true if a function is on the stack: `name` with its namespace, up to the parenthesis.
    pub fn calls(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.contains(name))
    }
}

/// Returns the number in `Thread 37 (Thread 0x7fcd8efed6c0 (LWP 12) "python"):`.
fn thread_number(line: &str) -> Option<u32> {
    let (number, rest) = line.strip_prefix("Thread ")?.split_once(' ')?;
    rest.starts_with('(').then(|| number.parse().ok())?
}

/// Returns what follows `#4  0x00007fcdef7e9f55 in `, or `#0  `.
fn frame(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('#')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || !rest[digits..].starts_with([' ', '\t']) {
        return None;
    }
    let rest = rest[digits..].trim_start();
    let at_address = rest.strip_prefix("0x").and_then(|address| address.split_once(" in "));
    Some(at_address.map_or(rest, |(_, function)| function))
}

/// Returns a frame without the library or the source line behind it.
fn function(frame: &str) -> &str {
    let end = [" from ", " at "].iter().filter_map(|mark| frame.rfind(mark)).max();
    let function = end.map_or(frame, |end| &frame[..end]);
    function.strip_suffix(" ()").unwrap_or(function)
}
