//! A matrix as a picture.

use maud::html;

use super::MatrixTold;
use super::matrix::cell_text;
use crate::explore::Answer;
use crate::matrix::Record;

const WIDTH: usize = 96;
const HEIGHT: usize = 26;
const LEFT: usize = 190;
const GAP: usize = 14;

const SVG_START: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
"#;

/// Writes the whole matrix as an SVG document: a block for each input design, a row for each variant, a column for each number of servers
/// and threads.
pub fn matrix_svg(told: &MatrixTold<'_>) -> String {
    let servers = told.servers();
    let threads = &told.plan.axes.inter_op;
    let variants = &told.plan.axes.variants;
    let block = (variants.len() + 2) * HEIGHT + GAP;
    let width = LEFT + servers.len() * (threads.len() * WIDTH + GAP);
    let height = told.inputs().len() * block + HEIGHT;
    let column = |server: usize, thread: usize| LEFT + server * (threads.len() * WIDTH + GAP) + thread * WIDTH;
    let mut blocks = Vec::new();
    for (place, &input) in told.inputs().iter().enumerate() {
        let top = place * block + GAP;
        blocks.push(html! {
            text x="8" y=(top + 18) font-weight="bold" { (input) }
            @for (server, count) in servers.iter().enumerate() {
                text x=(column(server, 0)) y=(top + 18) { (super::counted(*count, "server")) }
                @for (thread, inter_op) in threads.iter().enumerate() {
                    text x=(column(server, thread)) y=(top + HEIGHT + 16) { (super::counted((*inter_op).into(), "thread")) }
                }
            }
        });
        for (row, &variant) in variants.iter().enumerate() {
            let y = top + (row + 2) * HEIGHT;
            blocks.push(html! { text x="8" y=(y + 17) { (variant) } });
            for (server, &count) in servers.iter().enumerate() {
                for (thread, &inter_op) in threads.iter().enumerate() {
                    let record = told
                        .cell(input, variant, count, inter_op)
                        .and_then(|cell| told.record(cell));
                    let x = column(server, thread);
                    blocks.push(html! {
                        rect x=(x) y=(y) width=(WIDTH - 3) height=(HEIGHT - 3) rx="3" fill=(colour(record)) {}
                        text x=(x + 6) y=(y + 16) { (cell_text(record)) }
                    });
                }
            }
        }
    }
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox=(format!("0 0 {width} {height}"))
            font-family="sans-serif" font-size="12" {
            title { "Can the last sess.run hang?" }
            rect width="100%" height="100%" fill="white" {}
            @for block in &blocks { (block) }
        }
    };
    format!("{SVG_START}{}\n", picture.into_string())
}

/// Returns red where a client can hang, green where that is excluded.
fn colour(record: Option<&Record>) -> &'static str {
    match record.map(|record| (record.found.findings.is_empty(), record.found.answer)) {
        None => "#eeeeee",
        Some((false, _)) => "#d08cff",
        Some((true, Answer::Hang)) => "#f4a6a0",
        Some((true, Answer::NoHang)) => "#a6d8a8",
        Some((true, Answer::Undecided | Answer::NoHangInParts)) => "#f3e3a1",
    }
}
