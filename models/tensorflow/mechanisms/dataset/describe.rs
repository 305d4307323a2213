//! A pipeline for people: the state of each object, and what each label does. No label looks at any of this.

use super::captured_function::{self, Call};
use super::{At, Datasets, Element, Name, Object, Pulled, Tree, parallel_interleave, parallel_map, prefetch, teardown};

impl Name {
    /// The thread in plain words.
    pub fn words(self) -> String {
        match self {
            Name::Runner(_) => "the runner thread of map".to_owned(),
            Name::Prefetch(_) => "the thread of prefetch".to_owned(),
            Name::Worker(_, worker) => format!("worker thread {worker} of parallel_interleave"),
            Name::Body(_, Call::File(worker)) => format!("the pool thread that opens the file of worker {worker}"),
            Name::Callback(_, Call::File(worker)) => {
                format!("the pool thread that ends opening the file of worker {worker}")
            }
            Name::Body(_, Call::Map(number)) => format!("the pool thread that parses batch {number}"),
            Name::Callback(_, Call::Map(number)) => format!("the pool thread that ends parsing batch {number}"),
            Name::OtherRequest => "the server's completion-queue thread with another master's request".to_owned(),
            Name::OtherHandler => "the pool thread that handles another master's request".to_owned(),
        }
    }
}

/// The state of each object of the pipelines of a process.
pub(in crate::models) fn lines(datasets: &Datasets) -> Vec<(Object, String)> {
    let mut lines = vec![(Object::Resource, format!("holds iterator {}", datasets.current))];
    if let Some(owner) = datasets.sessions.owner() {
        lines.push((Object::Sessions, format!("held by {owner:?}")));
    }
    for tree in &datasets.trees {
        lines.push((Object::Map(tree.id), map(tree)));
        if tree.has_input {
            lines.push((Object::Prefetch(tree.id), prefetch(tree)));
            lines.push((Object::Interleave(tree.id), interleave(tree)));
        }
    }
    lines
}

fn map(tree: &Tree) -> String {
    let map = &tree.map;
    let results: Vec<u16> = map.results.iter().map(|result| result.number).collect();
    let cancelled = if map.cancelled { "; cancelled" } else { "" };
    format!("{} calls open, results {results:?}{cancelled}", map.calls)
}

fn prefetch(tree: &Tree) -> String {
    let prefetch = &tree.prefetch;
    let ended = if prefetch.finished {
        "; its thread has met the end"
    } else {
        ""
    };
    let cancelled = if prefetch.cancelled { "; cancelled" } else { "" };
    format!("{} buffered{ended}{cancelled}", prefetch.buffer.len())
}

fn interleave(tree: &Tree) -> String {
    let interleave = &tree.interleave;
    let worker = |worker: &parallel_interleave::Worker| {
        let state = if worker.producing { "reads" } else { "idle" };
        format!("{state}, {} buffered", worker.outputs.len())
    };
    let workers: Vec<String> = interleave.workers.iter().map(worker).collect();
    let list = if interleave.input_ended {
        "no more files"
    } else {
        "more files"
    };
    let cancelled = if interleave.cancelled { "; cancelled" } else { "" };
    format!(
        "workers: {}; {list}{cancelled}",
        if workers.is_empty() {
            "none".to_owned()
        } else {
            workers.join("; ")
        }
    )
}

impl At {
    /// What the label at this position does, after the thread's name.
    pub fn words(self) -> String {
        match self {
            At::Map(at) => map_words(at),
            At::Prefetch(at) => prefetch_words(at),
            At::Interleave(at) => interleave_words(at),
            At::Function(at) => function_words(at),
            At::Resource(_) => "puts a new iterator into the resource and destroys the old one".to_owned(),
            At::Teardown(at) => teardown_words(at).to_owned(),
        }
    }
}

fn map_words(at: parallel_map::At) -> String {
    use parallel_map::At as M;
    match at {
        M::GetNext(_) => "takes the oldest result of map, or waits for one".to_owned(),
        M::Await(_) => "finds the result that it took complete".to_owned(),
        M::Runner(_) => "starts as many calls as there is room for, or waits for room".to_owned(),
        M::Completed(_, number) => format!("counts call {number} out and wakes all who wait for map"),
        M::Notify(_, number) => format!("notifies who waits for result {number}"),
        M::Destroy(_) => "tells the runner to end and waits for the open calls".to_owned(),
        M::Join(_) => "joins the runner".to_owned(),
    }
}

fn prefetch_words(at: prefetch::At) -> String {
    use prefetch::At as P;
    match at {
        P::GetNext(_) => "takes an element from the buffer of prefetch, or waits for one".to_owned(),
        P::WaitForSlot(_) => "looks for room in the buffer, or waits for it".to_owned(),
        P::Publish(_, Pulled::End) => "has met the end, wakes the consumer and ends".to_owned(),
        P::Publish(_, Pulled::Element(Element::Error)) => "buffers an error and wakes the consumer".to_owned(),
        P::Publish(_, Pulled::Element(Element::Record(record))) => {
            format!(
                "buffers record {} of file {} and wakes the consumer",
                record.index, record.file
            )
        }
        P::Cancel(_) => "tells the thread of prefetch to end".to_owned(),
        P::Join(_) => "joins the thread of prefetch".to_owned(),
    }
}

fn interleave_words(at: parallel_interleave::At) -> String {
    use parallel_interleave::At as I;
    match at {
        I::GetNext(_) => "takes an element of a file whose turn it is, or waits for one".to_owned(),
        I::WaitForInput(..) => "takes the file that it was given, or waits for one".to_owned(),
        I::PublishError(..) => {
            "publishes that its file has no dataset and signals its own condition variable".to_owned()
        }
        I::Publish(_, _, index) => {
            format!("publishes record {index} of its file, or that there is none, or waits for room")
        }
        I::Cancel(_) => "tells the worker threads to end".to_owned(),
        I::Join(_, worker) => format!("joins worker thread {worker}"),
    }
}

fn function_words(at: captured_function::At) -> String {
    use captured_function::At as F;
    match at {
        F::Run(_, Call::File(_)) => "hands the function that opens its file to the pool".to_owned(),
        F::Run(_, Call::Map(number)) => format!("hands the function that parses batch {number} to the pool"),
        F::Finish(..) => "has run the function, whose callback goes to the pool".to_owned(),
        F::Notify(_, worker) => format!("notifies worker thread {worker}"),
        F::Await(..) => "finds the function done".to_owned(),
    }
}

fn teardown_words(at: teardown::At) -> &'static str {
    match at {
        teardown::At::Delete => "takes the mutex of the sessions and destroys its own",
        teardown::At::Deleted => "has destroyed its session and gives the mutex back",
        teardown::At::Closed => "has closed its session",
        teardown::At::OtherRequest => "hands another master's request for a session to the pool",
        teardown::At::Create => "makes a session for another master",
    }
}
