//! The decisive races: both orders side by side, with the functions of the original.

use maud::{Markup, html};

use super::picture::actor;
use crate::diagnose::{Explanation, Outcome, Race, Recording};
use crate::machine::Label;
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
                    "Each of these alone avoids the hang, if it goes the other way and all else stays as it was as far as it can."
                }
            }
            @for (index, race) in races.iter().enumerate() { (card(explanation, index + 1, race)) }
            @for (index, outcome) in outcomes.iter().enumerate() {
                (outcome_card(explanation, races.len() + index + 1, outcome))
            }
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
        article.pair.card id={ "race" (number) } {
            h3 { "Race " (number) ": " code { (first.name) } " before " code { (second.name) } }
            p { (function(recording, first)) " against " (function(recording, second)) }
            div.orders {
                div {
                    h4 { "In this schedule" }
                    ol { li { (here(recording, race.first)) } li { (here(recording, race.second)) } }
                    p.outcome.bad { (explanation.client) " never returns" }
                }
                div {
                    h4 { "The other order" }
                    ol {
                        li { (elsewhere(there, race.second_there)) }
                        li {
                            @match race.first_there {
                                Some(place) => { (elsewhere(there, place)) }
                                None => { (instead(recording, race.first)) }
                            }
                        }
                    }
                    (returns(explanation, there))
                }
            }
            (run(number))
        }
    }
}

fn outcome_card(explanation: &Explanation, number: usize, outcome: &Outcome) -> Markup {
    let recording = &explanation.recording;
    let event = &recording.events[outcome.event - 1];
    html! {
        article.pair.card id={ "race" (number) } {
            h3 { "Outcome of " code { (event.label.name) } }
            p { (function(recording, event.label)) }
            div.orders {
                div {
                    h4 { "In this schedule: outcome " (event.choice.unwrap_or(0)) }
                    ol { li { (here(recording, outcome.event)) } }
                    p.outcome.bad { (explanation.client) " never returns" }
                }
                div {
                    h4 { "Otherwise: outcome " (outcome.instead) }
                    ol { li { (elsewhere(&outcome.otherwise, outcome.event)) } }
                    (returns(explanation, &outcome.otherwise))
                }
            }
            (run(number))
        }
    }
}

fn returns(explanation: &Explanation, run: &Recording) -> Markup {
    html! { p.outcome.good { (explanation.client) " returns, after " (counted(run.events.len(), "event")) } }
}

/// Writes what shows the whole other run; the script fills it.
fn run(number: usize) -> Markup {
    html! {
        div.otherwise {
            button.run type="button" data-run=(number - 1) aria-expanded="false" { "Run the other order" }
            div.schedule hidden {}
        }
    }
}

/// Returns the function that a label stands for, with a link to its source where that is public.
fn function(recording: &Recording, label: &Label) -> Markup {
    html! {
        (label.function) " ("
        @match recording.sources.get(label.name) {
            Some(address) => { a href=(address) target="_blank" rel="noreferrer" { code { (label.site) } } }
            None => { code { (label.site) } }
        }
        ")"
    }
}

/// Returns an event of the schedule: a button that goes there.
fn here(recording: &Recording, number: usize) -> Markup {
    let process = recording.process_of(&recording.events[number - 1]);
    html! {
        button class={ "step " (hue(process)) } type="button" data-go=(number) title="Show it in the timeline" {
            (step(recording, number))
        }
    }
}

/// Returns an event of another run.
fn elsewhere(run: &Recording, place: usize) -> Markup {
    let process = run.process_of(&run.events[place - 1]);
    html! { div class={ "step " (hue(process)) } { (step(run, place)) } }
}

fn step(recording: &Recording, number: usize) -> Markup {
    let event = &recording.events[number - 1];
    html! {
        span.n { (number) }
        span { (actor(recording, event)) " " (event.words) }
    }
}

/// Writes what stands where an event does not happen.
fn instead(recording: &Recording, number: usize) -> Markup {
    let event = &recording.events[number - 1];
    html! {
        div class={ "step " (hue(recording.process_of(event))) } {
            span.n { "–" }
            span { (actor(recording, event)) " does not come to " code { (event.label.name) } }
        }
    }
}
