//! An explained hang for people.

use std::fmt::Write;

use super::lanes::lanes;
use super::view::HEADING;
use super::{View, counted, fitted, grouped, hang, length_text, wrapped};
use crate::diagnose::{Explanation, NoReturn, Race, Searches, WaitGraph, Waiting};
use crate::machine::Event;
use crate::schedule::Minimised;

/// Columns of the number of an event.
const NUMBER: usize = 7;

/// Writes the hang in one line.
pub fn explanation_line(explanation: &Explanation, view: &View) -> String {
    hang::heading(&explanation.signature.id(), &explanation.client, view)
}

/// Writes the facts of the hang and the events that decided it. Verbose: also the story, what it rests on, and the schedule that its
/// numbers refer to.
pub fn explanation_text(explanation: &Explanation, view: &View) -> String {
    let mut text = explanation_line(explanation, view);
    text.push_str(&hang::facts(&explanation.signature.id(), &explanation.waits, &[], view));
    if !view.verbose {
        decisive(&mut text, explanation, view);
        let length = length_text(explanation.length, explanation.recording.events.len());
        let _ = writeln!(text, "\nThe schedule: {length}; -v shows it, with what this rests on");
        return text;
    }
    for paragraph in &explanation.story {
        let _ = writeln!(text, "\n{}", wrapped(paragraph, view.prose()).join("\n"));
    }
    let mut decided = String::new();
    races(&mut decided, explanation);
    outcomes(&mut decided, explanation);
    text.push_str(&fitted(&decided, 0, view));
    text.push_str("\nWho waits for whom\n");
    let mut tree = String::new();
    wait_tree(&mut tree, &explanation.waits);
    text.push_str(&fitted(&tree, 0, view));
    schedule(&mut text, explanation, view);
    let _ = writeln!(
        text,
        "\n{}",
        wrapped(&searches_text(&explanation.searches), view.prose()).join("\n")
    );
    text
}

/// Writes the events that decided the hang, in their order, and the chains that they form.
fn decisive(text: &mut String, explanation: &Explanation, view: &View) {
    let mut numbers = explanation.decisive();
    let point = match explanation.no_return {
        NoReturn::Event(number) if number > 0 => Some(number),
        NoReturn::Event(_) | NoReturn::Between(..) => None,
    };
    numbers.extend(point);
    if numbers.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", view.paint(HEADING, "Events that decided it"));
    for number in numbers {
        let recorded = &explanation.recording.events[number - 1];
        let Event { process, thread, .. } = explanation.recording.event(recorded);
        let mut line = format!("{process} {thread}: {}", recorded.words);
        if point == Some(number) {
            line.push_str(" (after this nothing lets the client return)");
        }
        for (part, shown) in wrapped(&line, view.prose().saturating_sub(NUMBER)).iter().enumerate() {
            let number = if part == 0 { number.to_string() } else { String::new() };
            let _ = writeln!(text, "{number:>5}  {shown}");
        }
    }
    let chains = explanation.chains();
    let chains: Vec<String> = chains.iter().map(|chain| chain_text(chain)).collect();
    if !chains.is_empty() {
        let order = format!(
            "Needed was this order: {}. Turn two neighbours round, keep all else as it was, and the client can return.",
            chains.join("; ")
        );
        let _ = writeln!(text, "{}", wrapped(&order, view.prose()).join("\n"));
    }
    for outcome in &explanation.outcomes {
        let _ = writeln!(
            text,
            "Needed was this outcome of event {}; with outcome {} the client can return.",
            outcome.event, outcome.instead
        );
    }
}

fn chain_text(chain: &[usize]) -> String {
    let numbers: Vec<String> = chain.iter().map(usize::to_string).collect();
    numbers.join(" before ")
}

fn races(text: &mut String, explanation: &Explanation) {
    let races = &explanation.races;
    if races.is_empty() {
        return;
    }
    let number = counted(races.len(), "decisive race");
    let _ = writeln!(
        text,
        "\n{number}: with one of them the other way round, and all else as it was, the client can return"
    );
    for race in races {
        race_text(text, explanation, race);
    }
}

fn race_text(text: &mut String, explanation: &Explanation, race: &Race) {
    let recording = &explanation.recording;
    let _ = writeln!(text, "  event {} before event {}", race.first, race.second);
    for number in [race.first, race.second] {
        let recorded = &recording.events[number - 1];
        let Event { process, thread, .. } = recording.event(recorded);
        let label = recorded.label;
        let _ = writeln!(
            text,
            "    {number:>4}  {process} {thread}: {}\n          {} ({})",
            recorded.words, label.function, label.site
        );
    }
}

fn outcomes(text: &mut String, explanation: &Explanation) {
    for outcome in &explanation.outcomes {
        let recorded = &explanation.recording.events[outcome.event - 1];
        let Event { process, thread, .. } = explanation.recording.event(recorded);
        let (label, instead) = (recorded.label, outcome.instead);
        let _ = writeln!(
            text,
            "\nA decisive outcome: with outcome {instead} of this label, and all else as it was, the client can return\n    {:>4}  \
             {process} {thread}: {}\n          {} ({})",
            outcome.event, recorded.words, label.function, label.site
        );
    }
}

/// Writes who waits for whom, a level deeper for each waiting place, with who could have ended each wait.
pub(super) fn wait_tree(text: &mut String, waits: &WaitGraph) {
    if !waits.nodes.is_empty() {
        waiting(text, waits, 0, 1, &mut Vec::new());
    }
}

fn waiting(text: &mut String, waits: &WaitGraph, index: usize, level: usize, seen: &mut Vec<usize>) {
    let indent = "  ".repeat(level);
    let node @ Waiting {
        role, function, object, ..
    } = &waits.nodes[index];
    let again = seen.contains(&index);
    let suffix = if again { "  (as above)" } else { "" };
    let _ = writeln!(text, "{indent}{role}: {function} waits for {object}{suffix}");
    if again {
        return;
    }
    seen.push(index);
    if !node.detail.is_empty() {
        let _ = writeln!(text, "{indent}  {}", node.detail);
    }
    for resolver in &node.resolvers {
        let _ = writeln!(text, "{indent}  could end it: {}: {}", resolver.who, resolver.reason());
    }
    if let Some(cause) = &node.cause {
        let _ = writeln!(text, "{indent}  why nobody answers: {cause}");
    }
    for (_, next) in waits.edges.iter().filter(|(from, _)| *from == index) {
        waiting(text, waits, *next, level + 1, seen);
    }
}

fn schedule(text: &mut String, explanation: &Explanation, view: &View) {
    let recording = &explanation.recording;
    let events: Vec<Event> = recording.events.iter().map(|event| recording.event(event)).collect();
    let switches = recording
        .events
        .windows(2)
        .filter(|pair| pair[0].thread != pair[1].thread);
    let (length, switches) = (length_text(explanation.length, events.len()), switches.count());
    let _ = writeln!(text, "\nThe schedule: {length}; {switches} context switches");
    if let Some(minimised) = &explanation.minimised {
        let _ = writeln!(
            text,
            "  minimised from {} up to rest, {} context switches, in {}",
            counted(minimised.events_before, "event"),
            minimised.switches_before,
            counted(minimised.replays, "run")
        );
    }
    text.push_str(&lanes(&events, explanation.no_return.known_from(), view));
}

/// Tells what the searches behind the explanation were.
fn searches_text(searches: &Searches) -> String {
    let Searches {
        shown,
        proved,
        undecided,
        max_states,
    } = *searches;
    let mut text = format!(
        "Whether the client can still return was asked {}: {shown} times a run shows that it can, {proved} times an exhaustive search \
         that ended by itself proves that it can't",
        counted(shown + proved + undecided, "time")
    );
    match undecided {
        0 => text.push('.'),
        _ => {
            let _ = write!(
                text,
                ", {undecided} times the bound of {} states left it undecided; such a pair is not called decisive.",
                grouped(max_states)
            );
        }
    }
    text
}

/// Tells what minimising did, and the length of the hang, in one line.
pub fn minimised_text(minimised: &Minimised, length: usize) -> String {
    let Minimised {
        before, after, runs, ..
    } = minimised;
    format!(
        "a hang of {}: {} and {} context switches, from {} and {}, each up to rest; {}\n",
        counted(length, "event"),
        counted(after.events, "event"),
        after.switches,
        before.events,
        before.switches,
        counted(*runs, "run")
    )
}
