//! Tables in text.

use std::fmt::Write;

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, Width, presets};

use super::wrapped;

/// Columns between two columns.
const GAP: usize = 2;
/// Longer words may be broken.
const WORD_MAX: usize = 24;

/// Writes a heading and rows with their columns aligned. They fit into `width` columns, if that is given: cells are broken into several
/// lines between words, but for those of the first column, which name what a row is about. Where there is no room for that, each row
/// becomes a paragraph.
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]], width: Option<u16>) -> String {
    let cells = |column: usize| {
        rows.iter()
            .map(move |row| row[column].as_str())
            .chain([heading[column]])
    };
    let longest = |column: usize| cells(column).flat_map(str::split_whitespace).map(letters).max();
    let mut least: [usize; N] = std::array::from_fn(|column| longest(column).unwrap_or(0).min(WORD_MAX));
    least[0] = cells(0).map(letters).max().unwrap_or(0);
    let needed = least.iter().map(|least| least + GAP).sum::<usize>();
    let width = width.map(usize::from);
    match width {
        Some(width) if needed > width + GAP => paragraphs(heading, rows, width),
        _ => {
            let mut table = columns(rows.iter().map(Row::from), width, &least);
            table.set_header(heading);
            written(&table)
        }
    }
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

/// Writes rows as paragraphs: the first cell, then the others below it with their headings.
fn paragraphs<const N: usize>(heading: [&str; N], rows: &[[String; N]], width: usize) -> String {
    let names = heading.iter().skip(1).map(|name| letters(name)).max().unwrap_or(0);
    let before = GAP + names + GAP;
    let mut text = String::new();
    for row in rows {
        let _ = writeln!(text, "{}", row[0]);
        for (name, cell) in heading.iter().zip(row).skip(1) {
            for (index, part) in wrapped(cell, width.saturating_sub(before)).iter().enumerate() {
                let name = if index == 0 { name } else { "" };
                let _ = writeln!(text, "{:GAP$}{name:names$}{:GAP$}{part}", "", "");
            }
        }
    }
    text
}

/// Returns a table without a heading, each column as wide as is `least` needed or wider.
pub(super) fn columns(rows: impl Iterator<Item = Row>, width: Option<usize>, least: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).add_rows(rows);
    match width.and_then(|width| u16::try_from(width).ok()) {
        Some(width) => table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.discover_columns();
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP as u16));
        let least = least.get(index).copied().unwrap_or(0) + GAP;
        if width.is_some() {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least as u16)));
        }
    }
    table
}

/// Writes a table, without spaces at the ends of lines.
pub(super) fn written(table: &Table) -> String {
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}
