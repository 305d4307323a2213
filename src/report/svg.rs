//! The timeline of a recording as an SVG file of its own.

use maud::{Markup, PreEscaped, html};

use super::timeline::{ROW, Timeline, drawing, hue};
use crate::diagnose::{Explanation, Recording};
use crate::machine::Emphasis;

/// Height of the title and of the names of the processes.
const HEAD: usize = 64;
/// Around everything.
const BORDER: usize = 12;
/// Width of a character of the texts.
const CHARACTER: usize = 8;
/// Between two columns of text, in characters.
const BETWEEN: usize = 2;
/// Texts are cut after as many characters.
const TEXT_MAX: usize = 44;

const STYLE: &str = include_str!("svg.css");

/// Writes the timeline as an SVG file; races and the point of no return stand out, where there is an explanation.
pub fn timeline_svg(title: &str, recording: &Recording, explanation: Option<&Explanation>) -> String {
    let timeline = Timeline::of(recording, explanation.map(Explanation::decisive).unwrap_or_default());
    let no_return = explanation.map(|explanation| explanation.no_return.known_from());
    let texts: Vec<[String; 4]> = (1..=recording.events.len())
        .map(|number| columns(recording, number))
        .collect();
    let mut left = [timeline.width + BORDER; 5];
    for column in 0..4 {
        let longest = texts.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        left[column + 1] = left[column] + (longest + BETWEEN) * CHARACTER;
    }
    let rows = recording.events.len() * ROW;
    let (width, height) = (left[4] + 2 * BORDER, HEAD + rows + 2 * BORDER);
    let drawn = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" {
            title { (title) }
            style { (PreEscaped(STYLE)) }
            rect class="paper" width=(width) height=(height) {}
            text class="title" x=(BORDER) y=(BORDER + 14) { (title) }
            g transform={ "translate(" (BORDER) " " (HEAD) ")" } {
                @for (process, group) in timeline.groups.iter().enumerate() {
                    text class=(hue(process)) x=(group.left + 4) y="-8" { (recording.processes[process]) }
                    rect class={ "band " (hue(process)) } x=(group.left) y="0" width=(group.width) height=(rows) {}
                }
                (drawing(&timeline, &(1..=recording.events.len())))
                @for (index, row) in texts.iter().enumerate() {
                    (text(recording, index + 1, row, &left, &timeline))
                }
                @if let Some(number) = no_return {
                    path class="turn" d={ "M0 " (number * ROW) "H" (width - 2 * BORDER) } {}
                }
            }
        }
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", drawn.into_string())
}

fn columns(recording: &Recording, number: usize) -> [String; 4] {
    let event = &recording.events[number - 1];
    let thread = &recording.threads[event.thread];
    let choice = event.choice.map(|choice| format!(" [{choice}]")).unwrap_or_default();
    let process = &recording.processes[thread.process];
    [
        number.to_string(),
        format!("{}{choice}", event.label.name),
        recording.objects[event.object].name.clone(),
        format!("{process} {}", thread.name),
    ]
    .map(|text| shortened(&text))
}

/// Returns a text that fits into its column: its end is cut.
fn shortened(text: &str) -> String {
    if text.chars().count() <= TEXT_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(TEXT_MAX - 1).collect();
    format!("{kept}…")
}

fn text(recording: &Recording, number: usize, row: &[String; 4], left: &[usize], timeline: &Timeline<'_>) -> Markup {
    let event = &recording.events[number - 1];
    let y = number * ROW - ROW / 2 + 4;
    let emphasis = match event.emphasis {
        _ if timeline.marked.contains(&number) => "race-text",
        Some(Emphasis::Abort) => "abort-text",
        Some(Emphasis::Cancel) => "cancel-text",
        None => "",
    };
    let own = hue(timeline.lanes[event.thread].process);
    html! {
        text class="dim" x=(left[0]) y=(y) { (row[0]) }
        text class=(emphasis) x=(left[1]) y=(y) { (row[1]) }
        text x=(left[2]) y=(y) { (row[2]) }
        text class=(own) x=(left[3]) y=(y) { (row[3]) }
    }
}
