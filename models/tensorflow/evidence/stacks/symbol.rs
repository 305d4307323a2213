//! Names of functions, as debuggers write them and as rules compare them.
//!
//! One function has many spellings: with the types of its parameters or with the values of its arguments, with templates, with marks of
//! the compiler. [`Symbol::read`] brings all of them to one form, the path of its name: `tensorflow::MasterSession::Run`.

/// A function, in the form that rules compare.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Symbol {
    /// Path of the name, `??` where there is none. A lambda is a part `{lambda}`.
    pub(super) name: String,
    /// Functions that its templates name, as those of `std::function` name what they call.
    pub(super) bound: Vec<String>,
}

/// The name of a function without a symbol.
pub(super) const UNKNOWN: &str = "??";
const LAMBDA: &str = "{lambda}";

impl Symbol {
    /// Reads the function at the beginning of a text. What follows it, such as arguments, a library or a line, is left out.
    pub(super) fn read(text: &str) -> Self {
        let mut reader = Reader {
            rest: text,
            name: String::new(),
            templates: Vec::new(),
        };
        while reader.step() {}
        let mut bound = Vec::new();
        for template in reader.templates {
            for argument in arguments(template) {
                let symbol = Self::read(argument);
                bound.extend(symbol.name.contains("::").then_some(symbol.name));
                bound.extend(symbol.bound);
            }
        }
        Self {
            name: path(&reader.name),
            bound,
        }
    }
}

/// A place in a text, and what was read of a name before it.
struct Reader<'a> {
    rest: &'a str,
    name: String,
    templates: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    /// Reads one character, or one pair of brackets with what is between. Returns false at the end of the name.
    fn step(&mut self) -> bool {
        let Some(next) = self.rest.chars().next() else {
            return false;
        };
        let operator = self.name == "operator" || self.name.ends_with("::operator");
        match next {
            '(' if operator => self.keep(self.rest.len().min(2)),
            '<' if operator => self.keep(self.rest.bytes().take_while(|byte| b"<=>".contains(byte)).count()),
            // gdb writes the values of arguments behind a space.
            '(' if self.name.ends_with(' ') && !self.name.trim().is_empty() => return false,
            '(' | '[' => {
                self.bracket();
            }
            '<' | '{' | '\'' => {
                let inside = self.bracket();
                if inside.starts_with("lambda") {
                    self.name.push_str(LAMBDA);
                } else if next == '<' {
                    self.templates.push(inside);
                }
            }
            ' ' if ends(self.rest) && !self.name.trim().is_empty() => return false,
            _ => self.keep(next.len_utf8()),
        }
        true
    }

    fn keep(&mut self, bytes: usize) {
        let (kept, rest) = self.rest.split_at(bytes);
        self.name.push_str(kept);
        self.rest = rest;
    }

    /// Skips a pair of brackets, and returns what is between them.
    fn bracket(&mut self) -> &'a str {
        let (inside, rest) = self.rest.split_at(balanced(self.rest).unwrap_or(self.rest.len()));
        self.rest = rest;
        let inside = &inside[1..];
        inside.strip_suffix([')', ']', '}', '>', '\'']).unwrap_or(inside)
    }
}

/// Returns true where a name is over: the rest is ` at FILE`, ` from LIBRARY`, ` - LIBRARY` or ` + OFFSET`.
fn ends(rest: &str) -> bool {
    let rest = rest.trim_start();
    let marks = ["at ", "from ", "- "];
    marks.iter().any(|mark| rest.starts_with(mark))
        || rest
            .strip_prefix("+ ")
            .is_some_and(|offset| offset.starts_with(|digit: char| digit.is_ascii_digit()))
}

/// Returns the length of the pair of brackets that a text begins with, unless the second one was cut off.
pub(super) fn balanced(text: &str) -> Option<usize> {
    let mut open: Vec<char> = Vec::new();
    let mut before = ' ';
    for (index, character) in text.char_indices() {
        match character {
            '\'' if open.last() == Some(&'\'') => {
                open.pop();
            }
            '\'' if open.is_empty() => open.push('\''),
            '(' | '[' | '{' | '<' => open.push(character),
            '>' if before == '-' || open.last() != Some(&'<') => {}
            ')' | ']' | '}' | '>' => {
                let opening = match character {
                    ')' => '(',
                    ']' => '[',
                    '}' => '{',
                    _ => '<',
                };
                // A `<` that no `>` closes was an operator.
                if let Some(position) = open.iter().rposition(|bracket| *bracket == opening) {
                    open.truncate(position);
                }
            }
            _ => {}
        }
        before = character;
        if open.is_empty() {
            return Some(index + character.len_utf8());
        }
    }
    None
}

/// Splits the arguments of a template.
fn arguments(text: &str) -> impl Iterator<Item = &str> {
    let (mut start, mut at) = (0, 0);
    let mut found = Vec::new();
    while let Some(character) = text[at..].chars().next() {
        match character {
            '(' | '[' | '{' | '<' => at += balanced(&text[at..]).unwrap_or(text.len() - at),
            _ => at += character.len_utf8(),
        }
        if character == ',' {
            found.push(text[start..at - 1].trim());
            start = at;
        }
    }
    found.push(text[start..].trim());
    found.into_iter()
}

/// Returns the path in what is left of a name without brackets: no return type, no qualifier, no inline namespace, no mark of the compiler.
fn path(name: &str) -> String {
    let name = name.replace(" const::", "::").replace(" volatile::", "::");
    // `operator bool` is one name.
    let name = match name.find("::operator ") {
        Some(conversion) => &name[..conversion + "::operator".len()],
        None => &name,
    };
    let qualifiers = ["const", "volatile", "&", "&&", "*", "noexcept"];
    let word = name.split_whitespace().rfind(|word| !qualifiers.contains(word));
    let parts = word.unwrap_or_default().split("::").filter_map(|part| match part {
        "" | "__1" | "__cxx11" => None,
        _ if part.starts_with("$_") => Some(LAMBDA),
        _ => Some(plain(part)),
    });
    let path = parts.collect::<Vec<_>>().join("::");
    if path.is_empty() { UNKNOWN.to_owned() } else { path }
}

/// Returns a part of a name without the version of a library, the clones of the compiler and an offset.
fn plain(part: &str) -> &str {
    if part.starts_with("operator") {
        return part;
    }
    let marks = ["@", "+", ".constprop", ".isra", ".part", ".cold", ".llvm", ".lto_priv"];
    let end = marks.iter().filter_map(|mark| part.find(mark)).min();
    match end {
        Some(end) if end > 0 => &part[..end],
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        Symbol::read(text).name
    }

    #[test]
    fn every_spelling_of_a_function_has_one_name() {
        let run = "tensorflow::MasterSession::ReffedClientGraph::RunPartitionsHelper";
        let process = "tensorflow::ExecutorState::Process";
        let cases = [
            (
                run,
                "tensorflow::Status tensorflow::MasterSession::ReffedClientGraph::RunPartitionsHelper<std::vector<int>, A<B> >(C const*) () from lib.so",
            ),
            (
                run,
                "tensorflow::MasterSession::ReffedClientGraph::RunPartitionsHelper<int> (this=0x2) at master_session.cc:674",
            ),
            (
                run,
                "tensorflow::MasterSession::ReffedClientGraph::RunPartitionsHelper<A<(B)1> >(long long) [clone .isra.0] [clone .cold] ()",
            ),
            (
                process,
                "tensorflow::(anonymous namespace)::ExecutorState::Process (this=0x1, node=..., v=std::vector of length 0) at executor.cc:12",
            ),
            (
                process,
                "tensorflow::(anonymous namespace)::ExecutorState<tensorflow::PropagatorState>::Process(long long) const + 208",
            ),
            (
                process,
                "tensorflow::{anonymous}::ExecutorState::Process(int) - /usr/lib/lib.so",
            ),
            (
                "tensorflow::Master::RunStep::{lambda}::operator()",
                "tensorflow::Master::RunStep(A*, std::function<void (B const&)>)::{lambda()#1}::operator()() const (__closure=0x1) at master.cc:400",
            ),
            (
                "tsl::EigenEnvironment::CreateThread::{lambda}::operator()",
                "tsl::EigenEnvironment::CreateThread(std::__1::function<void ()>)::'lambda'()::operator()() const + 80",
            ),
            ("operator()", "operator() (__closure=0x1) at t.cc:26"),
            (
                "std::condition_variable::wait",
                "void std::__1::condition_variable::wait<a(int)::<lambda()> >(std::unique_lock<std::mutex> &, struct {...}) (this=0x5)",
            ),
            ("a::B::operator<", "a::B::operator< (this=0x1, o=...) at t.cc:15"),
            ("a::B::operator", "a::B::operator bool() const ()"),
            ("a::B::~B", "a::B::~B() ()"),
            (
                "pthread_cond_wait",
                "pthread_cond_wait@@GLIBC_2.3.2 () from /lib64/libpthread.so.0",
            ),
            (
                "a::f::{lambda}::operator()",
                "a::f(int) const::{lambda()#1}::operator()() const",
            ),
            (UNKNOWN, "?? () from libstdc++.so.6"),
            (UNKNOWN, "<signal handler called>"),
            (UNKNOWN, ""),
        ];
        for (expected, text) in cases {
            assert_eq!(name(text), expected, "{text}");
        }
    }

    #[test]
    fn a_wrapper_names_what_it_calls() {
        let text = "std::_Function_handler<void (), tensorflow::Master::RunStep(A*, std::function<void (B)>)::{lambda()#1}>::_M_invoke(std::_Any_data const&) ()";
        let symbol = Symbol::read(text);
        assert_eq!(symbol.name, "std::_Function_handler::_M_invoke");
        assert_eq!(symbol.bound, ["tensorflow::Master::RunStep::{lambda}"]);
        let text = "std::__invoke_impl<void, std::_Bind<tensorflow::(anonymous namespace)::Thread::Handler(int)::<lambda()> (A)> >(int) (__f=...)";
        assert_eq!(
            Symbol::read(text).bound,
            ["std::_Bind", "tensorflow::Thread::Handler::{lambda}"]
        );
    }

    #[test]
    fn a_name_that_was_cut_off_is_read_as_far_as_it_goes() {
        let symbol = Symbol::read("std::_Function_handler<void (), tensorflow::data::Map::Run");
        assert_eq!(symbol.bound, ["tensorflow::data::Map::Run"]);
        assert_eq!(name("tensorflow::A::B(std::vector<int, std::al"), "tensorflow::A::B");
    }
}
