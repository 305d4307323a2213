//! Reading schedules.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ANY_ROOT_ORDER, Ending, FORMAT_VERSION, Hash, Header, ScenarioHeader, Schedule, Subject};
use crate::file::FileError;
use crate::machine::Event;

/// The problem, and its line.
type Problem = (usize, String);

const KEYS: [&str; 14] = [
    "model",
    "scenario",
    "scenario-hash",
    "graph-hash",
    "slice",
    "variant",
    "partition-order",
    "root-order",
    "ends",
    "client",
    "signature",
    "waits",
    "message",
    "length",
];

impl Schedule {
    /// Reads a schedule's file.
    ///
    /// # Errors
    /// When it cannot be read or is no schedule of a known version.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let bytes = std::fs::read(path).map_err(FileError::cannot("read the schedule", path))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            FileError::at(path, line, "not UTF-8 text; expected a schedule")
        })?;
        Self::parse(path, text)
    }

    /// Reads a schedule's text; `path` is for messages.
    ///
    /// # Errors
    /// When it is no schedule of a known version.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        parse(text).map_err(|(line, problem)| FileError::at(path, line, problem))
    }
}

fn parse(text: &str) -> Result<Schedule, Problem> {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim_end()));
    let first = lines.next().map_or("", |(_, line)| line);
    version(first)?;
    let mut fields = Fields::default();
    for (number, line) in lines.by_ref() {
        if line.is_empty() {
            break;
        }
        if !line.starts_with('#') {
            fields.add(number, line)?;
        }
        fields.last_line = number;
    }
    let header = fields.header()?;
    let (length_line, length) = fields.get("length")?;
    let length: usize = length
        .parse()
        .map_err(|_| (length_line, format!("length \"{length}\", expected a number of events")))?;
    let (mut events, mut places) = (Vec::new(), Vec::new());
    for (number, line) in lines {
        if let Some(event) = event(line).map_err(|problem| (number, problem))? {
            events.push(event);
            places.push(number);
        }
    }
    if events.len() != length {
        let found = events.len();
        return Err((length_line, format!("length {length}, but {found} events follow")));
    }
    Ok(Schedule {
        header,
        events,
        lines: places,
        others: Vec::new(),
    })
}

fn version(line: &str) -> Result<(), Problem> {
    let expected = format!("expected \"lastbatch-schedule: {FORMAT_VERSION}\"");
    if line.is_empty() {
        return Err((1, format!("no schedule here: {expected} on the first line")));
    }
    let Some(version) = line.strip_prefix("lastbatch-schedule:").map(str::trim) else {
        return Err((1, format!("not a schedule: {expected} on the first line")));
    };
    match version.parse::<u64>() {
        Ok(version) if version == u64::from(FORMAT_VERSION) => Ok(()),
        Ok(version) if version > u64::from(FORMAT_VERSION) => Err((
            1,
            format!("schedule format {version} is newer than this program; it knows format {FORMAT_VERSION}"),
        )),
        _ => Err((
            1,
            format!("unknown schedule format \"{version}\"; this program knows format {FORMAT_VERSION}"),
        )),
    }
}

/// The header's values by key, with the line of each.
#[derive(Default)]
struct Fields<'a> {
    values: BTreeMap<&'a str, (usize, &'a str)>,
    last_line: usize,
}

impl<'a> Fields<'a> {
    fn add(&mut self, number: usize, line: &'a str) -> Result<(), Problem> {
        let Some((key, value)) = line.split_once(':') else {
            return Err((number, format!("\"{line}\" in the header, expected \"key: value\"")));
        };
        if !KEYS.contains(&key) {
            let known = KEYS.join(", ");
            return Err((number, format!("unknown header key \"{key}\", expected one of {known}")));
        }
        if self.values.insert(key, (number, value.trim())).is_some() {
            return Err((number, format!("header key \"{key}\" stands twice")));
        }
        Ok(())
    }

    fn get(&self, key: &'static str) -> Result<(usize, &'a str), Problem> {
        let missing = || (self.last_line.max(1), format!("the header has no \"{key}\""));
        self.values.get(key).copied().ok_or_else(missing)
    }

    fn text(&self, key: &'static str) -> Result<String, Problem> {
        Ok(self.get(key)?.1.to_owned())
    }

    fn hash(&self, key: &'static str) -> Result<Hash, Problem> {
        let (line, text) = self.get(key)?;
        let digits = text.strip_prefix("xxh3:").filter(|digits| digits.len() == 16);
        let hash = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        hash.map(Hash).ok_or_else(|| {
            (
                line,
                format!("{key} \"{text}\", expected \"xxh3:\" and 16 hexadecimal digits"),
            )
        })
    }

    fn header(&self) -> Result<Header, Problem> {
        let subject = match self.values.get("model") {
            Some((line, _)) if self.values.contains_key("scenario") => {
                return Err((
                    *line,
                    "the header has \"model\" and \"scenario\", expected one of them".to_owned(),
                ));
            }
            Some((_, name)) => Subject::Model((*name).to_owned()),
            None => Subject::Scenario(self.scenario()?),
        };
        let ending = self.ending()?;
        Ok(Header { subject, ending })
    }

    fn scenario(&self) -> Result<ScenarioHeader, Problem> {
        Ok(ScenarioHeader {
            scenario: self.text("scenario")?,
            scenario_hash: self.hash("scenario-hash")?,
            graph_hash: self.hash("graph-hash")?,
            slice: self.text("slice")?,
            variant: self.text("variant")?,
            partition_order: self.text("partition-order")?,
            root_order: self.text("root-order").unwrap_or_else(|_| ANY_ROOT_ORDER.to_owned()),
        })
    }

    fn ending(&self) -> Result<Ending, Problem> {
        let (line, ends) = self.get("ends")?;
        match ends {
            "hang" => Ok(Ending::Hang {
                client: self.text("client")?,
                signature: self.text("signature")?,
                waits: self.text("waits")?,
            }),
            "panic" => Ok(Ending::Panic {
                message: self.text("message")?,
            }),
            "open" => Ok(Ending::Open),
            other => Err((line, format!("ends \"{other}\", expected one of hang, panic, open"))),
        }
    }
}

/// Returns the event of a line, if it has one: none in an empty line or a comment.
///
/// # Errors
/// When it is something else; the text says what was expected.
pub fn event(line: &str) -> Result<Option<Event>, String> {
    let mut fields = split(line)?;
    if fields.is_empty() {
        return Ok(None);
    }
    if !(4..=5).contains(&fields.len()) {
        let found = fields.len();
        return Err(format!(
            "an event with {found} fields, expected 4 or 5: process thread label object [choice]"
        ));
    }
    let choice = match fields.get(4) {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| format!("choice \"{text}\", expected a number from 0 to {}", u32::MAX))?,
        ),
    };
    let mut next = || std::mem::take(&mut fields.remove(0));
    Ok(Some(Event {
        process: next(),
        thread: next(),
        label: next(),
        object: next(),
        choice,
    }))
}

/// Returns the fields of an event line, without quotes and without a comment at its end.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return Err(format!("\"{after}\" after a closing quote, expected a space"));
        }
        fields.push(field);
        rest = after.trim_start();
    }
    Ok(fields)
}

/// Returns the text up to the closing quote, and what follows it.
fn unquote(text: &str) -> Result<(String, &str), String> {
    let mut field = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return Ok((field, &text[index + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => field.push('\n'),
                Some((_, 't')) => field.push('\t'),
                Some((_, c @ ('"' | '\\'))) => field.push(c),
                Some((start, 'u')) => {
                    let end = text[start..].find('}').map(|end| start + end);
                    let digits = end.and_then(|end| text.get(start + 2..end));
                    let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                    let c = code.and_then(char::from_u32);
                    field.push(c.ok_or("an unknown \\u escape, expected \\u{hexadecimal digits}")?);
                    let end = end.unwrap_or(start);
                    chars.by_ref().find(|(index, _)| *index >= end);
                }
                _ => return Err("an unknown escape, expected one of \\\\ \\\" \\n \\t \\u{..}".to_owned()),
            },
            c => field.push(c),
        }
    }
    Err("a quote that is not closed on its line".to_owned())
}
