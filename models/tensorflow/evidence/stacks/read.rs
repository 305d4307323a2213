//! Reading stacks, as debuggers for C++ and for Python print them.
//!
//! A file may hold the output of several programs. A line is the header of a thread, a frame, the rest of a frame that a terminal's
//! width broke, or of no interest.

use super::symbol::{Symbol, UNKNOWN, balanced};
use super::{Format, Frame, Place, Stack};

/// The stacks that were read so far.
#[derive(Default)]
pub(super) struct Reading {
    stacks: Vec<Stack>,
    /// A frame of C++ of which the rest may follow.
    open: Option<String>,
}

/// The line before the frames of a thread.
struct Header {
    format: Format,
    number: Option<u64>,
}

impl Reading {
    /// Reads every stack in a text, in its order.
    pub(super) fn of(text: &str) -> Vec<Stack> {
        let mut reading = Self::default();
        for line in text.lines() {
            reading.line(unprompted(line));
        }
        reading.close();
        let mut stacks = reading.stacks;
        stacks.retain(|stack| !stack.frames.is_empty());
        for stack in &mut stacks {
            stack.place = Place::of(stack);
        }
        stacks
    }

    fn line(&mut self, line: &str) {
        if let Some(header) = Header::read(line) {
            self.close();
            self.begin(header);
        } else if let Some((level, frame)) = numbered(line) {
            self.close();
            self.restart(level);
            self.open = Some(frame.to_owned());
        } else if let Some(frame) = python_line(line) {
            self.close();
            self.push(Format::Python, frame);
        } else if let Some(frame) = self.py_spy(line) {
            self.push(Format::PySpy, frame);
        } else if line.starts_with("(More stack frames follow") {
            self.close();
            if let Some(stack) = self.stacks.last_mut() {
                stack.cut = true;
            }
        } else {
            self.go_on(line);
        }
    }

    fn begin(&mut self, Header { format, number }: Header) {
        // `thread apply all py-bt` prints a header of gdb, then one of Python.
        if format == Format::Python
            && let Some(stack) = self.stacks.last_mut().filter(|stack| stack.frames.is_empty())
        {
            stack.format = format;
            return;
        }
        self.stacks.push(Stack {
            format,
            number,
            frames: Vec::new(),
            cut: false,
            place: Place::Other,
        });
    }

    /// Begins a thread where a frame has no header, or where the numbers of frames begin again.
    fn restart(&mut self, level: usize) {
        match self.stacks.last_mut() {
            None => self.begin(Header {
                format: Format::Plain,
                number: None,
            }),
            // `thread N` prints its innermost frame, which `bt` prints again.
            Some(stack) if level == 0 && stack.frames.len() == 1 => stack.frames.clear(),
            Some(stack) if level == 0 && !stack.frames.is_empty() => {
                let format = stack.format;
                self.begin(Header { format, number: None });
            }
            Some(_) => {}
        }
    }

    fn push(&mut self, format: Format, frame: Frame) {
        if self.stacks.is_empty() {
            self.begin(Header { format, number: None });
        }
        let stack = self.stacks.last_mut().expect("one was begun");
        stack.frames.push(frame);
    }

    /// Ends the frame that is open.
    fn close(&mut self) {
        if let (Some(text), Some(stack)) = (self.open.take(), self.stacks.last_mut()) {
            stack.frames.push(native(&text));
        }
    }

    /// Adds the rest of a frame: gdb indents it, a terminal does not. The values of variables are indented, too.
    fn go_on(&mut self, line: &str) {
        let Some(open) = &mut self.open else { return };
        let rest = line.trim();
        let indented = line.starts_with([' ', '\t']);
        let belongs = indented && ["at ", "from ", "("].iter().any(|mark| rest.starts_with(mark));
        if rest.is_empty() {
            self.close();
        } else if belongs || is_broken(open) && !rest.trim_start_matches('-').starts_with("Type <") {
            if indented && !open.ends_with("::") {
                open.push(' ');
            }
            open.push_str(rest);
        }
    }

    /// Reads a frame of py-spy, below one of its headers.
    fn py_spy(&self, line: &str) -> Option<Frame> {
        self.stacks.last().filter(|stack| stack.format == Format::PySpy)?;
        let indent = line.len() - line.trim_start().len();
        // What `--locals` prints is indented further.
        let of_frame = line.starts_with('\t') || (1..8).contains(&indent);
        let (function, place) = line.trim().strip_suffix(')')?.rsplit_once(" (")?;
        of_frame.then(|| match place.rsplit_once(':') {
            Some((file, line)) if file.ends_with(".py") || file.starts_with('<') => python(function, file, line),
            _ => native(&format!("{function} - {place}")),
        })
    }
}

/// Returns a line without the prompt of a debugger.
fn unprompted(line: &str) -> &str {
    let mut line = line;
    while let Some(rest) = ["(gdb) ", "(lldb) "]
        .iter()
        .find_map(|prompt| line.strip_prefix(prompt))
    {
        line = rest;
    }
    line
}

impl Header {
    fn read(line: &str) -> Option<Self> {
        let text = line.trim_start();
        if text.contains("(most recent call first)")
            || text.contains("(most recent call last)")
            || text.starts_with("# Thread")
        {
            return Some(Self {
                format: Format::Python,
                number: None,
            });
        }
        let of = |format, number: Option<u64>| {
            number.map(|number| Self {
                format,
                number: Some(number),
            })
        };
        let lldb = text.trim_start_matches("* ").strip_prefix("thread #");
        if let Some(rest) = lldb {
            return of(Format::Lldb, leading_number(rest));
        }
        if let Some(rest) = text.strip_prefix("TID ") {
            return of(Format::EuStack, leading_number(rest).filter(|_| rest.ends_with(':')));
        }
        if let Some(rest) = text.strip_prefix("[Switching to thread ") {
            return of(Format::Gdb, leading_number(rest));
        }
        let (number, rest) = text.strip_prefix("Thread ")?.split_once(' ')?;
        let inside = rest.strip_prefix('(')?;
        if inside.starts_with("idle") || inside.starts_with("active") {
            return Some(Self {
                format: Format::PySpy,
                number: number.parse().ok(),
            });
        }
        let number = number.rsplit('.').next().and_then(|number| number.parse().ok());
        of(Format::Gdb, number)
    }
}

fn leading_number(text: &str) -> Option<u64> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..end].parse().ok()
}

/// Returns the number and the function of `#4  0x00007fcdef7e9f55 in F (...)`, `#4 F`, or `frame #4: 0x00007fcdef7e9f55 lib.so`F + 12`.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start().trim_start_matches("* ");
    let (text, lldb) = match text.strip_prefix("frame ") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let rest = text.strip_prefix('#')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let level = rest[..digits].parse().ok()?;
    let rest = rest[digits..].strip_prefix(if lldb { ":" } else { "" })?;
    let frame = rest.trim_start();
    if frame.len() == rest.len() {
        return None;
    }
    let Some(address) = frame.strip_prefix("0x") else {
        return Some((level, unmoduled(frame, lldb)));
    };
    let end = address.bytes().take_while(u8::is_ascii_hexdigit).count();
    let function = address[end..].trim_start();
    Some((level, unmoduled(function.strip_prefix("in ").unwrap_or(function), lldb)))
}

/// Returns a function of lldb without its library; nothing where there is only a library.
fn unmoduled(frame: &str, lldb: bool) -> &str {
    match frame.split_once('`') {
        Some((_, function)) if lldb => function,
        None if lldb => "",
        _ => frame,
    }
}

/// Returns true if the rest of a frame is on the next line.
fn is_broken(frame: &str) -> bool {
    let mut rest = frame;
    while let Some(open) = rest.find('(') {
        let Some(length) = balanced(&rest[open..]) else {
            return true;
        };
        rest = &rest[open + length..];
    }
    frame.ends_with("::")
}

/// Reads a function of C++, with its line where it has one.
fn native(text: &str) -> Frame {
    let Symbol { name, mut bound } = Symbol::read(text);
    // gdb knows which function of Python an interpreter's frame runs.
    let python = text.split_once(", for file ").and_then(|(_, rest)| {
        let (file, rest) = rest.split_once(", line ")?;
        let function = rest.split_once(", in ")?.1;
        let function = function.split(' ').next().unwrap_or_default();
        Some(module(file, function))
    });
    bound.extend(python);
    let location = text.rsplit_once(" at ").map(|(_, location)| location.trim().to_owned());
    Frame {
        function: name,
        bound,
        location,
    }
}

/// Reads `File "session.py", line 1407, in run`, of faulthandler without the comma before `in`.
fn python_line(line: &str) -> Option<Frame> {
    let rest = line.trim_start().strip_prefix("File")?;
    let rest = rest.trim_start_matches([':', ' ']).strip_prefix('"')?;
    let (file, rest) = rest.split_once("\", line ")?;
    let number = leading_number(rest)?;
    let (_, function) = rest.split_once(" in ")?;
    Some(python(function.trim(), file, &number.to_string()))
}

fn python(function: &str, file: &str, line: &str) -> Frame {
    Frame {
        function: module(file, function),
        bound: Vec::new(),
        location: Some(format!("{file}:{line}")),
    }
}

/// Returns the path of a function of Python.
fn module(file: &str, function: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let name = name.strip_suffix(".py").unwrap_or(name);
    let function = if function.is_empty() { UNKNOWN } else { function };
    format!("python::{name}::{function}")
}
