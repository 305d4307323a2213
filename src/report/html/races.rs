//! The decisive races: both orders side by side.

use maud::{Markup, html};

use crate::diagnose::{Explanation, Outcome, Race, Recording};
use crate::machine::Event;
use crate::report::counted;
use crate::report::timeline::hue;

/// Returns the section.
pub(super) fn races(explanation: &Explanation) -> Markup {
    let (races, outcomes) = (&explanation.races, &explanation.outcomes);
    html! {
        section #races {
            h2 { "Decisive races" }
            @if races.is_empty() && outcomes.is_empty() {
                p.lead { "No single pair of events was found of which the other order avoids the hang." }
            } @else {
                p.lead {
                    "Each of these alone avoids the hang, if it goes the other way: then there is a run, shown on the right, in which "
                    (explanation.client) " returns."
                }
            }
            @for (index, race) in races.iter().enumerate() { (card(explanation, index + 1, race)) }
            @for outcome in outcomes { (outcome_card(explanation, outcome)) }
            @if explanation.searches.undecided > 0 {
                p.lead {
                    (counted(explanation.searches.undecided, "question")) " of whether the client can still return was left open at the bound of "
                    (counted(usize::try_from(explanation.searches.max_states).unwrap_or(usize::MAX), "state"))
                    "; such pairs are not called decisive."
                }
            }
        }
    }
}

fn card(explanation: &Explanation, number: usize, race: &Race) -> Markup {
    let recording = &explanation.recording;
    let [first, second] = [race.first, race.second].map(|number| recording.events[number - 1].label);
    let there = &race.otherwise;
    html! {
        article.pair.card {
            h3 { "Race " (number) ": " code { (first.name) } " before " code { (second.name) } }
            p { (first.function) " (" code { (first.site) } ") against " (second.function) " (" code { (second.site) } ")" }
            div.orders {
                div {
                    h4 { "In this schedule" }
                    ol { li { (here(recording, race.first)) } li { (here(recording, race.second)) } }
                    p.outcome.bad { (explanation.client) " never returns" }
                }
                div {
                    h4 { "The other order" }
                    ol {
                        li { (elsewhere(recording, there, race.second_there, race.second)) }
                        li {
                            @match race.first_there {
                                Some(place) => { (elsewhere(recording, there, place, race.first)) }
                                None => { (instead(recording, race.first)) }
                            }
                        }
                    }
                    p.outcome.good { (explanation.client) " returns, after " (counted(there.len(), "event")) }
                }
            }
        }
    }
}

fn outcome_card(explanation: &Explanation, outcome: &Outcome) -> Markup {
    let recording = &explanation.recording;
    let event = &recording.events[outcome.event - 1];
    html! {
        article.pair.card {
            h3 { "Outcome of " code { (event.label.name) } }
            p { (event.label.function) " (" code { (event.label.site) } ")" }
            div.orders {
                div {
                    h4 { "In this schedule: outcome " (event.choice.unwrap_or(0)) }
                    ol { li { (here(recording, outcome.event)) } }
                    p.outcome.bad { (explanation.client) " never returns" }
                }
                div {
                    h4 { "Otherwise: outcome " (outcome.instead) }
                    ol { li { (elsewhere(recording, &outcome.otherwise, outcome.event, outcome.event)) } }
                    p.outcome.good { (explanation.client) " returns, after " (counted(outcome.otherwise.len(), "event")) }
                }
            }
        }
    }
}

/// Returns an event of the schedule: a button that goes there.
fn here(recording: &Recording, number: usize) -> Markup {
    let event = &recording.events[number - 1];
    let thread = &recording.threads[event.thread];
    html! {
        button class={ "step " (hue(thread.process)) } type="button" data-go=(number) title="Show it in the timeline" {
            span.n { (number) }
            b { (recording.processes[thread.process]) " " (event.label.name) }
            span { (thread.words) " " (event.words) }
        }
    }
}

/// Returns an event of another run; `number` is the one of the schedule that it is, for its words.
fn elsewhere(recording: &Recording, run: &[Event], place: usize, number: usize) -> Markup {
    let event = &run[place - 1];
    let known = &recording.events[number - 1];
    let process = recording.process_of(known);
    html! {
        div class={ "step " (hue(process)) } {
            span.n { (place) }
            b { (event.process) " " (event.label) }
            span { (event.thread) " on " (event.object) }
        }
    }
}

/// Writes what stands where an event does not happen.
fn instead(recording: &Recording, number: usize) -> Markup {
    let event = &recording.events[number - 1];
    let thread = &recording.threads[event.thread];
    html! {
        div class={ "step " (hue(thread.process)) } {
            span.n { "–" }
            b { (recording.processes[thread.process]) " " (event.label.name) }
            span { "does not happen there" }
        }
    }
}
