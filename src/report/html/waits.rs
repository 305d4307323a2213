//! Who waits for whom, from the client down to what will never happen, and beside each place who could have ended the wait.

use maud::{Markup, html};

use crate::diagnose::{Explanation, WaitGraph, Waiting};
use crate::report::timeline::hue;

/// Returns the section.
pub(super) fn waits(explanation: &Explanation) -> Markup {
    let (waits, processes) = (&explanation.waits, &explanation.recording.processes);
    html! {
        section #waits {
            h2 { "Who waits for whom" }
            p.lead { "From the client down. Beside each place stands what could have ended its wait, and why it can't any more." }
            div.waits.card {
                @for (index, waiting) in waits.nodes.iter().enumerate() {
                    (place(waits, index, waiting, processes))
                }
            }
        }
    }
}

fn place(waits: &WaitGraph, index: usize, waiting: &Waiting, processes: &[String]) -> Markup {
    let Task { process, name, detail } = task(waiting, processes);
    let targets = waits.edges.iter().filter(|(from, _)| *from == index).map(|(_, to)| *to);
    let (next, others): (Vec<usize>, Vec<usize>) = targets.partition(|to| *to == index + 1);
    let arrow = if next.is_empty() { "" } else { " next" };
    html! {
        div.wait id={ "wait" (index + 1) } {
            div class={ "box" (arrow) " " (process.map(hue).unwrap_or_default()) } {
                span.n { (index + 1) }
                span.actor { b { (name) } " " (waiting.function) }
                span.words { "waits for " (waiting.object) }
                span.detail { (detail) }
                @if let Some(cause) = &waiting.cause { span.why { (cause) } }
                @for to in others { span.detail { "waits for " a href={ "#wait" (to + 1) } { "place " (to + 1) } } }
            }
            ul.resolvers {
                @for resolver in &waiting.resolvers {
                    li {
                        (resolver.who) ": " span.why { (resolver.why_not) }
                        @if let Some(event) = resolver.settled_by {
                            " " a href={ "#e" (event) } data-go=(event) { "event " (event) }
                        }
                    }
                }
            }
        }
    }
}

/// The task of a waiting place.
pub(super) struct Task<'a> {
    /// Index of its process, where the place tells it.
    pub(super) process: Option<usize>,
    /// Name of the task, or else its role.
    pub(super) name: &'a str,
    /// Detail for people without that name.
    pub(super) detail: &'a str,
}

/// Returns the task of a waiting place: a detail begins with the name of its task.
pub(super) fn task<'a>(waiting: &'a Waiting, processes: &'a [String]) -> Task<'a> {
    let told = waiting.detail.split_once(": ");
    let found = told.and_then(|(task, detail)| Some((processes.iter().position(|name| name == task)?, detail)));
    match found {
        Some((process, detail)) => Task {
            process: Some(process),
            name: &processes[process],
            detail,
        },
        None => Task {
            process: None,
            name: &waiting.role,
            detail: &waiting.detail,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(detail: &str) -> Waiting {
        Waiting {
            role: "ps".to_owned(),
            function: "f".to_owned(),
            object: "o".to_owned(),
            detail: detail.to_owned(),
            cause: None,
            resolvers: Vec::new(),
        }
    }

    #[test]
    fn every_wait_is_an_arrow_to_the_next_place_or_a_link() {
        let processes = ["ps0".to_owned()];
        let nodes = vec![waiting("ps0: a"), waiting("ps0: b"), waiting("c")];
        for edges in [&[(0, 1), (1, 2)][..], &[(0, 1), (1, 0), (0, 2)], &[(2, 0), (2, 2)], &[]] {
            let waits = WaitGraph {
                nodes: nodes.clone(),
                edges: edges.to_vec(),
            };
            let places = nodes.iter().enumerate();
            let drawn: String = places
                .map(|(index, node)| place(&waits, index, node, &processes).into_string())
                .collect();
            let count = |text: &str| drawn.matches(text).count();
            assert_eq!(count("class=\"wait\""), nodes.len());
            let next = edges.iter().filter(|(from, to)| *to == from + 1).count();
            assert_eq!(count("box next"), next, "{drawn}");
            assert_eq!(count("href=\"#wait"), edges.len() - next, "{drawn}");
        }
    }

    #[test]
    fn the_name_of_the_task_stands_before_a_detail_or_is_the_role() {
        let processes = ["ps0".to_owned()];
        let told = |waiting: &Waiting| {
            let task = task(waiting, &processes);
            (task.process, task.name.to_owned(), task.detail.to_owned())
        };
        assert_eq!(
            told(&waiting("ps0: parked: never")),
            (Some(0), "ps0".to_owned(), "parked: never".to_owned())
        );
        assert_eq!(
            told(&waiting("other: parked")),
            (None, "ps".to_owned(), "other: parked".to_owned())
        );
    }
}
