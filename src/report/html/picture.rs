//! The picture at the top: the decisive chains, box by box, and beside each pair of boxes what the other order would have done.

use maud::{Markup, html};

use super::waits::{Task, task};
use crate::diagnose::{Explanation, NoReturn, Outcome, Race, RecordedEvent, Recording, Waiting};
use crate::report::timeline::hue;

/// Boxes of one chain; what is longer is cut in the middle.
const BOXES: usize = 8;
/// Boxes of a long chain before the cut.
const BEFORE_CUT: usize = 4;

/// Returns the section.
pub(super) fn picture(explanation: &Explanation) -> Markup {
    let chains = explanation.chains();
    let outcomes = &explanation.outcomes;
    html! {
        section #picture {
            h2 { "How it came to hang" }
            p.lead { (lead(explanation, chains.len())) }
            div.chains {
                @for (index, events) in chains.iter().enumerate() { (chain(explanation, index + 1, events)) }
                @for (index, outcome) in outcomes.iter().enumerate() {
                    (outcome_card(explanation, chains.len() + index + 1, explanation.races.len() + index + 1, outcome))
                }
                @if chains.is_empty() && outcomes.is_empty() { (stuck(explanation)) }
            }
            (end(explanation))
        }
    }
}

fn lead(explanation: &Explanation, chains: usize) -> String {
    let client = &explanation.client;
    match (chains, explanation.outcomes.len()) {
        (0, 0) if explanation.no_return == NoReturn::Event(0) => {
            format!("{client} never returns, whatever the order of events. Each of these waits for the next.")
        }
        (0, 0) => {
            "No single pair of events decides: with any one of them the other way round it still hangs.".to_owned()
        }
        (0, _) => format!("It took this outcome. With another one {client} returns."),
        (1, 0) => format!(
            "It took this order, from top to bottom. With any two neighbours the other way round, {client} returns."
        ),
        (chains, outcomes) => format!(
            "It took all {} of these, each from top to bottom. With any two neighbours the other way round, {client} returns.",
            chains + outcomes
        ),
    }
}

fn chain(explanation: &Explanation, number: usize, events: &[usize]) -> Markup {
    let recording = &explanation.recording;
    let cut = events.len() > BOXES;
    let tail = if cut { BOXES - 1 - BEFORE_CUT } else { 0 };
    let kept = |index: usize| !cut || index < BEFORE_CUT || index + tail >= events.len();
    // Boxes stand in two rows each, so that what belongs between two of them stands in the second row of one and the first of the next.
    let row = |index: usize| {
        let left_out = if cut && index >= BEFORE_CUT {
            events.len() - tail - BEFORE_CUT - 1
        } else {
            0
        };
        2 * (index - left_out) + 1
    };
    let turns = events
        .windows(2)
        .enumerate()
        .filter(|(index, _)| kept(*index) && kept(index + 1));
    card(
        number,
        &html! {
            @for (index, event) in events.iter().enumerate().filter(|(index, _)| kept(*index)) {
                (event_box(recording, *event, row(index)))
            }
            @if cut {
                p.cut style=(rows(2 * BEFORE_CUT + 1)) {
                    (events.len() - BOXES + 1) " more events: see " a href="#races" { "all decisive races" }
                }
            }
            @for (index, pair) in turns {
                @if let Some((number, race)) = race_of(explanation, pair[0], pair[1]) {
                    (turn(explanation, number, race, row(index) + 1))
                }
            }
        },
    )
}

fn card(number: usize, boxes: &Markup) -> Markup {
    html! {
        article.chain.card {
            header { span.bad { span.number { (number) } "This order hangs" } span.good { "The other order returns" } }
            div.boxes { (boxes) }
        }
    }
}

fn rows(first: usize) -> String {
    format!("grid-row:{first}/span 2")
}

/// Returns the number and the race of two neighbours of a chain.
fn race_of(explanation: &Explanation, first: usize, second: usize) -> Option<(usize, &Race)> {
    let races = explanation.races.iter().enumerate();
    let mut found = races.filter(|(_, race)| (race.first, race.second) == (first, second));
    found.next().map(|(index, race)| (index + 1, race))
}

fn event_box(recording: &Recording, number: usize, row: usize) -> Markup {
    let event = &recording.events[number - 1];
    let process = recording.process_of(event);
    html! {
        a class={ "box " (hue(process)) } style=(rows(row)) href={ "#e" (number) } data-go=(number) title="Show it in the timeline" {
            span.n { "event " (number) }
            (actor(recording, event))
            span.words { (event.words) }
        }
    }
}

/// Returns the process and the thread of an event, in words.
pub(super) fn actor(recording: &Recording, event: &RecordedEvent) -> Markup {
    let thread = &recording.threads[event.thread];
    html! {
        span class={ "actor " (hue(thread.process)) } { b { (recording.processes[thread.process]) } " " (thread.words) }
    }
}

/// Returns what the other order of a race does.
fn turn(explanation: &Explanation, number: usize, race: &Race, row: usize) -> Markup {
    html! {
        div.other style=(rows(row)) {
            ol {
                (there(&race.otherwise, race.second_there))
                @match race.first_there {
                    Some(place) => (there(&race.otherwise, place)),
                    None => (never(&explanation.recording, race.first)),
                }
            }
            p.good { (explanation.client) " returns " a href={ "#race" (number) } { "see this run" } }
        }
    }
}

/// Returns an event of another run.
fn there(run: &Recording, place: usize) -> Markup {
    let event = &run.events[place - 1];
    html! { li { (actor(run, event)) " " (event.words) } }
}

/// Says that an event does not happen in the other run.
fn never(recording: &Recording, number: usize) -> Markup {
    let event = &recording.events[number - 1];
    html! { li { (actor(recording, event)) " does not come to " code { (event.label.name) } } }
}

fn outcome_card(explanation: &Explanation, number: usize, race: usize, outcome: &Outcome) -> Markup {
    html! {
        article.chain.card {
            header { span.bad { span.number { (number) } "This outcome hangs" } span.good { "Another outcome returns" } }
            div.boxes {
                (event_box(&explanation.recording, outcome.event, 1))
                div.other style=(rows(1)) {
                    ol { (there(&outcome.otherwise, outcome.event)) }
                    p.good { (explanation.client) " returns " a href={ "#race" (race) } { "see this run" } }
                }
            }
        }
    }
}

/// Returns what stands there where no pair decides: what each thread did last, and beside that what waits for what.
fn stuck(explanation: &Explanation) -> Markup {
    let events = last_events(explanation);
    let places = explanation.waits.nodes.iter().take(BOXES).enumerate();
    if events.is_empty() {
        return html! {
            article.chain.card.alone { div.boxes { @for (index, place) in places { (wait_box(explanation, place, index)) } } }
        };
    }
    html! {
        article.chain.card {
            header { span.bad { "What each did last" } span.bad { "What waits for what now" } }
            div.boxes {
                @for (index, number) in events.iter().enumerate() {
                    (event_box(&explanation.recording, *number, 2 * index + 1))
                }
                @for (index, place) in places {
                    @let Task { process, name, .. } = task(place, &explanation.recording.processes);
                    div.other.stuck style=(rows(2 * index + 1)) {
                        span class={ "actor " (process.map(hue).unwrap_or_default()) } { b { (name) } " " (place.function) }
                        " waits for " (place.object)
                    }
                }
            }
        }
    }
}

/// Returns the events that settled why no wait can end, the point of no return, and what each thread that still lives did last: the
/// latest of them, first to last. None, if it hangs from the beginning.
fn last_events(explanation: &Explanation) -> Vec<usize> {
    let recording = &explanation.recording;
    let no_return = explanation.no_return.known_from();
    if no_return == 0 {
        return Vec::new();
    }
    let mut events = explanation.settled();
    events.insert(no_return);
    for (thread, lived) in recording.threads.iter().enumerate() {
        if lived.to.is_none() {
            let last = recording.events.iter().rposition(|event| event.thread == thread);
            events.extend(last.map(|index| index + 1));
        }
    }
    let left_out = events.len().saturating_sub(BOXES);
    events.into_iter().skip(left_out).collect()
}

fn wait_box(explanation: &Explanation, place: &Waiting, index: usize) -> Markup {
    let task = task(place, &explanation.recording.processes);
    html! {
        a class={ "box " (task.process.map(hue).unwrap_or_default()) } style=(rows(2 * index + 1)) href={ "#wait" (index + 1) } {
            span.actor { b { (task.name) } " " (place.function) }
            span.words { "waits for " (place.object) }
        }
    }
}

/// Returns who waits for ever in the end, and why nobody answers.
fn end(explanation: &Explanation) -> Markup {
    let nodes = &explanation.waits.nodes;
    let causes = nodes.iter().filter(|node| node.cause.is_some());
    let told: Vec<&str> = match causes.map(|node| node.detail.as_str()).collect::<Vec<_>>() {
        none if none.is_empty() => nodes.last().map(|node| node.detail.as_str()).into_iter().collect(),
        told => told,
    };
    html! {
        div.end.card {
            b { (explanation.client) " never returns" }
            @for detail in told { span { (detail) } }
            a href="#waits" { "who waits for whom" }
        }
    }
}
