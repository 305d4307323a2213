//! Who waits for whom in a small model, from what its steps say of their waits.

use super::SmallModel;
use super::lift::thread_name;
use crate::machine::{ProcessId, Term, WaitFor, WaitNode};

/// Returns the wait-for closure from a thread.
pub(super) fn closure<M: SmallModel>(
    model: &M,
    system: &[&M::State],
    process: ProcessId,
    thread: M::Thread,
) -> WaitFor {
    let mut walk = Walk {
        model,
        system,
        seen: Vec::new(),
        closure: WaitFor::default(),
    };
    walk.visit(None, process, thread);
    walk.closure
}

struct Walk<'a, M: SmallModel> {
    model: &'a M,
    system: &'a [&'a M::State],
    /// The thread of each node.
    seen: Vec<(ProcessId, M::Thread)>,
    closure: WaitFor,
}

impl<M: SmallModel> Walk<'_, M> {
    fn visit(&mut self, from: Option<usize>, process: ProcessId, thread: M::Thread) {
        let Some(step) = self.model.next(process, self.system[process.index()], thread) else {
            return;
        };
        if let Some(index) = self.seen.iter().position(|known| *known == (process, thread)) {
            self.closure.edges.extend(from.map(|from| (from, index)));
            return;
        }
        let name = M::PROCESSES[process.index()];
        let (label, object) = (step.operation.label, M::OBJECTS[step.operation.object.index()]);
        let awaited: Vec<(ProcessId, M::Thread)> = (step.awaited.iter())
            .map(|(other, thread)| (other.unwrap_or(process), *thread))
            .collect();
        let ended = |(process, thread): &&(ProcessId, M::Thread)| {
            let state = self.system[process.index()];
            self.model.next(*process, state, *thread).is_none()
        };
        let because = match awaited.iter().find(ended) {
            _ if step.because.is_some() => step.because,
            Some((_, thread)) => Some(format!("{} has ended", kind(&thread_name::<M>(*thread)))),
            None if awaited.is_empty() => Some(self.nobody(process, thread).to_owned()),
            None => None,
        };
        let node = WaitNode {
            role: kind(name).into(),
            label: label.name.into(),
            object: object.into(),
            cause: because.map(Term::from),
            detail: format!(
                "{} is before {}, and waits for {object}",
                self.told(process, thread),
                label.name
            ),
        };
        let index = self.closure.push(from, node);
        self.seen.push((process, thread));
        for (process, thread) in awaited {
            self.visit(Some(index), process, thread);
        }
    }

    fn told(&self, process: ProcessId, thread: M::Thread) -> String {
        let thread = thread_name::<M>(thread);
        match M::PROCESSES {
            [_] => thread,
            several => format!("{} {thread}", several[process.index()]),
        }
    }

    /// Tells what the others do, where the model does not say who could end a wait.
    fn nobody(&self, process: ProcessId, thread: M::Thread) -> &'static str {
        let mut live = false;
        for (other, state) in ProcessId::all(M::PROCESSES.len()).zip(self.system) {
            for candidate in self.model.threads(other) {
                let step = self.model.next(other, state, candidate);
                match step.filter(|_| (other, candidate) != (process, thread)) {
                    Some(step) if step.enabled => return "whoever still runs does not end this wait",
                    Some(_) => live = true,
                    None => {}
                }
            }
        }
        if live {
            "everybody else waits, too"
        } else {
            "everybody else has ended"
        }
    }
}

/// Returns a name without its number: what is part of a signature has no ids.
fn kind(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
}
