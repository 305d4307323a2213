//! The hang in plain words. Whatever is said of the model comes from it: names, functions, what a label does.

use super::{Explanation, NoReturn, Recording};

/// Returns the hang in plain words, paragraph by paragraph.
pub(super) fn story(explanation: &Explanation) -> Vec<String> {
    let mut paragraphs = vec![waits(explanation)];
    paragraphs.extend(resolvers(explanation));
    paragraphs.extend(order(explanation));
    paragraphs.push(point(explanation));
    paragraphs
}

/// Tells who waits for whom.
fn waits(explanation: &Explanation) -> String {
    let mut text = format!("{} never returns.", explanation.client);
    for (index, node) in explanation.waits.nodes.iter().enumerate() {
        text.push_str(if index == 0 { " " } else { "; " });
        text.push_str(&node.detail);
    }
    text.push('.');
    text
}

/// Tells who could have ended the wait: only what an event of the schedule settled, and the ends of the chains.
fn resolvers(explanation: &Explanation) -> Option<String> {
    let mut parts = Vec::new();
    for node in &explanation.waits.nodes {
        for resolver in &node.resolvers {
            if resolver.settled_by.is_none() && node.cause.is_none() {
                continue;
            }
            parts.push(format!("{}: {}", resolver.who, resolver.reason()));
        }
    }
    (!parts.is_empty()).then(|| {
        format!(
            "What could have ended the wait, and why it can't any more: {}.",
            parts.join("; ")
        )
    })
}

/// Returns the decisive races, those that share an event joined to chains.
fn order(explanation: &Explanation) -> Option<String> {
    let recording = &explanation.recording;
    let chains = explanation.chains();
    if chains.is_empty() && explanation.outcomes.is_empty() {
        return Some(
            "No single pair of events decides: whichever is turned round alone, with all else as it was, the client still hangs."
                .to_owned(),
        );
    }
    let mut text = String::new();
    if !chains.is_empty() {
        let these = if chains.len() == 1 {
            "this order"
        } else {
            "these orders"
        };
        text.push_str(&format!(
            "The hang needed {these}. Turn round any two neighbours of a chain, keep all else as it was, and the client can return. "
        ));
    }
    let chains = chains.iter().enumerate().map(|(index, chain)| {
        let events = chain.iter().map(|&number| told(recording, number));
        format!(
            "({}) {}.",
            index + 1,
            events.collect::<Vec<_>>().join(", and only then ")
        )
    });
    text.push_str(&chains.collect::<Vec<_>>().join(" "));
    for outcome in &explanation.outcomes {
        if !text.is_empty() {
            text.push(' ');
        }
        let event = told(recording, outcome.event);
        text.push_str(&format!(
            "It also needed this outcome: {event}; with outcome {} the client can return.",
            outcome.instead
        ));
    }
    Some(text)
}

/// Returns the point of no return.
fn point(explanation: &Explanation) -> String {
    let recording = &explanation.recording;
    match explanation.no_return {
        NoReturn::Event(0) => "No schedule lets the client return: it hangs from the beginning.".to_owned(),
        NoReturn::Event(number) => format!(
            "The point of no return: {}. Before it some continuation lets the client return, after it none does.",
            told(recording, number)
        ),
        NoReturn::Between(can, cannot) => format!(
            "The point of no return lies after event {can}, where some continuation lets the client return, and not after event \
             {cannot}: {}. Between the two the bound of the search left it open.",
            told(recording, cannot)
        ),
    }
}

/// Returns an event in a sentence.
fn told(recording: &Recording, number: usize) -> String {
    let event = &recording.events[number - 1];
    let thread = &recording.threads[event.thread];
    let process = &recording.processes[thread.process];
    format!("on {process}, {} {} (event {number})", thread.words, event.words)
}
