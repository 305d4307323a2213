//! A hang for people: who waits, for what, why nobody will answer, and what to change.

use std::fmt::Write;

use super::View;
use super::view::{BAD, HEADING};
use super::wrapped;
use crate::diagnose::{WaitGraph, Waiting};
#[cfg(feature = "tensorflow")]
use crate::models::tensorflow::evidence::stacks::{KNOWN, Known};

/// Columns of the names of the facts.
const NAMES: usize = 22;
/// Waiting places that are told of one hang, but for the first.
const PLACES_MAX: usize = 8;

/// Said where nobody has written down what to do.
const NO_REMEDY: &str = "no remedy is known; `lastbatch explain` tells which orders of events decide it";

/// Writes the line that names a hang.
pub(super) fn heading(id: &str, client: &str, view: &View) -> String {
    view.paint(BAD, &format!("Hang {id}: {client} never returns")) + "\n"
}

/// Writes the four facts of a hang. The remedies are not told again if those of an `earlier` hang are the same.
pub(super) fn facts(id: &str, graph: &WaitGraph, earlier: &[String], view: &View) -> String {
    let mut text = waits(graph, view);
    fact(&mut text, "what to change", &remedies(id, earlier), view);
    text
}

/// Writes who waits, for what, and why nobody will answer.
pub(super) fn waits(graph: &WaitGraph, view: &View) -> String {
    let mut text = String::new();
    let Some((client, others)) = graph.nodes.split_first() else {
        return text;
    };
    fact(&mut text, "who waits", &[told(client)], view);
    let mut places = Vec::new();
    for place in others.iter().map(told) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if places.len() > PLACES_MAX && !view.verbose {
        let more = places.split_off(PLACES_MAX).len();
        places.push(format!("and {more} more (-v)"));
    }
    fact(&mut text, "for what", &places, view);
    fact(&mut text, "why nobody answers", &reasons(graph), view);
    text
}

/// Returns a waiting place in words, without the cause at its end: that is a fact of its own.
fn told(place: &Waiting) -> String {
    if place.detail.is_empty() {
        return format!("{}: {} waits for {}", place.role, place.function, place.object);
    }
    let cause = place.cause.as_ref().map(|cause| format!(": {cause}"));
    let detail = cause.and_then(|cause| place.detail.strip_suffix(&cause));
    detail.unwrap_or(&place.detail).to_owned()
}

/// Returns the causes at the ends of the chains, and what an event of the schedule made impossible.
fn reasons(graph: &WaitGraph) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    let mut add = |reason: String| {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    };
    for place in &graph.nodes {
        let settled = |why: &str| {
            let resolver = place.resolvers.iter().find(|resolver| resolver.why_not == why);
            resolver.map_or_else(|| why.to_owned(), |resolver| resolver.reason())
        };
        if let Some(cause) = &place.cause {
            add(settled(cause));
        }
        for resolver in &place.resolvers {
            if resolver.settled_by.is_some() && place.cause.as_ref() != Some(&resolver.why_not) {
                add(format!("{}: {}", resolver.who, resolver.reason()));
            }
        }
    }
    if reasons.is_empty() && graph.edges.iter().any(|(from, to)| to <= from) {
        reasons.push("each waits for the next one, and the last for the first".to_owned());
    }
    reasons
}

/// Returns what a person can do about a hang with this signature; remedies of an `earlier` one are not told again.
#[cfg(feature = "tensorflow")]
fn remedies(id: &str, earlier: &[String]) -> Vec<String> {
    let known = |known: &&Known| known.signatures.contains(&id);
    let Some(known) = KNOWN.iter().find(known) else {
        return vec![NO_REMEDY.to_owned()];
    };
    if let Some(other) = earlier.iter().find(|other| known.signatures.contains(&other.as_str())) {
        return vec![format!("as for hang {other}")];
    }
    let today = known.today.iter().map(|remedy| (*remedy).to_owned());
    today.chain([format!("more: {}", known.explained)]).collect()
}

/// Returns what a person can do about a hang of a model of which nobody has written that down.
#[cfg(not(feature = "tensorflow"))]
fn remedies(_id: &str, _earlier: &[String]) -> Vec<String> {
    vec![NO_REMEDY.to_owned()]
}

/// Writes a fact: its name, and one paragraph per line of it.
fn fact(text: &mut String, name: &str, lines: &[String], view: &View) {
    let room = view.prose().saturating_sub(NAMES);
    for (index, line) in lines.iter().enumerate() {
        for (part, shown) in wrapped(line, room).iter().enumerate() {
            let name = if index == 0 && part == 0 { name } else { "" };
            let pad = NAMES - "  ".len() - name.len();
            let _ = writeln!(text, "  {}{:pad$}{shown}", view.paint(HEADING, name), "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::PossibleResolver;

    fn place(detail: &str, cause: Option<&str>, resolvers: Vec<PossibleResolver>) -> Waiting {
        Waiting {
            role: "worker".to_owned(),
            function: "Recv".to_owned(),
            object: "call".to_owned(),
            detail: detail.to_owned(),
            cause: cause.map(str::to_owned),
            resolvers,
        }
    }

    fn graph() -> WaitGraph {
        let resolver = PossibleResolver {
            who: "the start of the step".to_owned(),
            why_not: "never started".to_owned(),
            settled_by: Some(85),
        };
        WaitGraph {
            nodes: vec![
                place("worker0: sess.run waits", None, Vec::new()),
                place("", None, Vec::new()),
                place(
                    "ps1: the receive is parked: never started",
                    Some("never started"),
                    vec![resolver],
                ),
            ],
            edges: vec![(0, 1), (1, 2)],
        }
    }

    #[test]
    fn each_fact_of_a_hang_is_told_once_with_the_event_that_settled_it_and_the_remedy_of_its_signature() {
        insta::assert_snapshot!(facts("7a624761", &graph(), &[], &View::default()));
    }

    #[test]
    fn facts_fit_into_the_terminal_and_a_signature_without_a_remedy_says_where_to_look() {
        let view = View {
            width: Some(60),
            ..View::default()
        };
        let text = facts("00000000", &graph(), &[], &view);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        assert!(text.contains("no remedy is known; `lastbatch"), "{text}");
    }

    #[test]
    fn remedies_of_an_earlier_hang_are_not_told_again() {
        let earlier = ["00000000".to_owned(), "7a624761".to_owned()];
        let text = facts("72eaa422", &graph(), &earlier, &View::default());
        assert!(text.ends_with("  what to change      as for hang 7a624761\n"), "{text}");
    }

    #[test]
    fn a_cycle_is_told_as_one() {
        let mut graph = graph();
        graph.nodes.truncate(2);
        graph.edges = vec![(0, 1), (1, 0)];
        assert!(waits(&graph, &View::default()).contains("each waits for the next one, and the last for the first"));
    }
}
