//! The place in a scenario file where an error is.

use std::ops::Range;

/// Returns line (from 1) and text of what a TOML error says, with the key that it is about.
pub(super) fn locate(text: &str, error: &toml::de::Error) -> (usize, String) {
    let message: Vec<&str> = error.message().lines().map(str::trim).collect();
    let message = message.join("; ");
    let Some(Range { start, .. }) = error.span() else {
        return (1, message);
    };
    let start = start.min(text.len());
    let line = 1 + text[..start].matches('\n').count();
    match key_at(text, start) {
        Some(key) => (line, format!("{key}: {message}")),
        None => (line, message),
    }
}

/// Returns the key whose value stands at `offset`, with its section; none if a key or a section stands there.
fn key_at(text: &str, offset: usize) -> Option<String> {
    let (before, after) = text.split_at(offset);
    let own_line = before.rsplit('\n').next().unwrap_or("");
    let is_key = after.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_');
    if own_line.trim().is_empty() && is_key {
        return None;
    }
    // A value in an array over several lines belongs to the last key that was opened.
    let opened = before
        .lines()
        .rev()
        .find(|line| line.contains('=') || line.starts_with('['))?;
    let (key, _) = opened.split_once('=')?;
    Some(match section_of(before) {
        Some(section) => format!("{section}.{}", key.trim()),
        None => key.trim().to_owned(),
    })
}

fn section_of(before: &str) -> Option<&str> {
    let headers = before.lines().rev().filter_map(|line| line.trim().strip_prefix('['));
    let mut names = headers.filter_map(|line| line.split_once(']').map(|(name, _)| name));
    names.find(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

/// Returns the line (from 1) of a key in a section, or else of the section, or else 1.
pub(super) fn line_of(text: &str, section: &str, key: &str) -> usize {
    let header = format!("[{section}]");
    let Some(start) = text.lines().position(|line| line.trim().starts_with(&header)) else {
        return 1;
    };
    let body = text.lines().enumerate().skip(start + 1);
    let mut body = body.take_while(|(_, line)| !line.trim_start().starts_with('['));
    let stands = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
    1 + body.find(|(_, line)| stands(line)).map_or(start, |(index, _)| index)
}
