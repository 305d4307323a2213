//! Writing schedules.

use std::fmt;
use std::path::Path;

use super::{ANY_ROOT_ORDER, Ending, FORMAT_VERSION, Header, ScenarioHeader, Schedule, Subject};
use crate::file::{FileError, write_whole};
use crate::machine::Event;

/// No column is padded further than this, so that one long name does not push the others off the screen.
const PADDING_MAX: usize = 48;

/// No more threads are noted beside an event.
const NOTED_MAX: usize = 4;

/// The comment above the events.
const COLUMNS: &str = "# process  thread  label  object  [choice]";

impl Header {
    /// Returns the lines of the header, but for the version and the length.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = match &self.subject {
            Subject::Model(name) => vec![("model", name.clone())],
            Subject::Scenario(header) => header.fields(),
        };
        match &self.ending {
            Ending::Hang {
                client,
                signature,
                waits,
            } => fields.extend([
                ("ends", "hang".to_owned()),
                ("client", client.clone()),
                ("signature", signature.clone()),
                ("waits", waits.clone()),
            ]),
            Ending::Panic { message } => fields.extend([("ends", "panic".to_owned()), ("message", message.clone())]),
            Ending::Open => fields.push(("ends", "open".to_owned())),
        }
        fields
    }
}

impl ScenarioHeader {
    /// Returns its lines of the header.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("scenario", self.scenario.clone()),
            ("scenario-hash", self.scenario_hash.to_string()),
            ("graph-hash", self.graph_hash.to_string()),
            ("slice", self.slice.clone()),
            ("variant", self.variant.clone()),
            ("partition-order", self.partition_order.clone()),
        ];
        if self.root_order != ANY_ROOT_ORDER {
            fields.push(("root-order", self.root_order.clone()));
        }
        fields
    }
}

/// Returns the line on which the first event is written.
pub(super) fn first_event_line(header: &Header) -> usize {
    // The version, the fields, the length, a blank line, the names of the columns.
    1 + header.fields().len() + 3 + 1
}

/// Returns a header value on one line.
fn one_line(value: &str) -> String {
    let words: Vec<&str> = value.split_whitespace().collect();
    words.join(" ")
}

/// Returns a name as a field of an event line: quoted where it would not be one word.
pub(super) fn quote(name: &str) -> String {
    let plain = !name.is_empty()
        && !name.starts_with('#')
        && name
            .chars()
            .all(|c| !c.is_whitespace() && !c.is_control() && c != '"' && c != '\\');
    if plain {
        return name.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || (c.is_whitespace() && c != ' ') => quoted.extend(c.escape_unicode()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Writes who else could have run, as a comment.
fn note(others: &[String]) -> String {
    let mut note = format!("# or {}", one_line(&others[..others.len().min(NOTED_MAX)].join(", ")));
    if others.len() > NOTED_MAX {
        note.push_str(&format!(" and {} more", others.len() - NOTED_MAX));
    }
    note
}

fn columns(event: &Event) -> [String; 4] {
    [&event.process, &event.thread, &event.label, &event.object].map(|name| quote(name))
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "lastbatch-schedule: {FORMAT_VERSION}")?;
        for (key, value) in self.header.fields() {
            writeln!(f, "{key}: {}", one_line(&value))?;
        }
        writeln!(f, "length: {}\n\n{COLUMNS}", self.events.len())?;
        let rows: Vec<[String; 4]> = self.events.iter().map(columns).collect();
        let width = |column: usize| {
            let widest = rows.iter().map(|row| row[column].chars().count()).max();
            widest.unwrap_or(0).min(PADDING_MAX)
        };
        let widths = [width(0), width(1), width(2), width(3)];
        for (index, (event, row)) in self.events.iter().zip(&rows).enumerate() {
            let mut line = String::new();
            for (name, width) in row.iter().zip(widths) {
                line.push_str(&format!("{name:width$}  "));
            }
            if let Some(choice) = event.choice {
                line.push_str(&format!("{choice}  "));
            }
            if let Some(others) = self.others.get(index).filter(|others| !others.is_empty()) {
                line.push_str(&note(others));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl Schedule {
    /// Writes the schedule's file, whole or not at all; replaces an older one.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        write_whole(path, self.to_string().as_bytes()).map_err(FileError::cannot("write the schedule", path))
    }
}
