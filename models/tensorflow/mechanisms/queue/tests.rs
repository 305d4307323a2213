use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::{Attempt, AttemptKind, Queue};

fn attempt(node: u16, kind: AttemptKind) -> Attempt {
    Attempt {
        step: 0,
        node,
        kind,
        cancelled: false,
    }
}

/// Adds and flushes; the nodes that are complete then, and whether well.
fn run(queue: &mut Queue, node: u16, kind: AttemptKind) -> Vec<(u16, bool)> {
    queue.append(attempt(node, kind));
    let completed = queue.flush().into_iter();
    completed.map(|(attempt, ok)| (attempt.node, ok)).collect()
}

#[test]
fn a_dequeue_waits_for_an_element_and_fails_once_the_queue_is_closed_and_empty() {
    let mut queue = Queue::new(1);
    assert_eq!(run(&mut queue, 0, AttemptKind::Dequeue), []);
    assert_eq!(run(&mut queue, 1, AttemptKind::Enqueue), [(1, true), (0, true)]);
    assert_eq!(run(&mut queue, 2, AttemptKind::Enqueue), [(2, true)]);
    assert_eq!(run(&mut queue, 3, AttemptKind::Close), [(3, true)]);
    assert_eq!(run(&mut queue, 4, AttemptKind::Dequeue), [(4, true)]);
    assert_eq!(run(&mut queue, 5, AttemptKind::Dequeue), [(5, false)]);
    assert_eq!(run(&mut queue, 6, AttemptKind::Enqueue), [(6, false)]);
}

#[test]
fn a_close_lets_the_enqueues_before_it_go_first() {
    let mut queue = Queue::new(1);
    assert_eq!(run(&mut queue, 0, AttemptKind::Enqueue), [(0, true)]);
    assert_eq!(run(&mut queue, 1, AttemptKind::Enqueue), []);
    assert_eq!(run(&mut queue, 2, AttemptKind::Close), []);
    assert!(!queue.closed);
    assert_eq!(
        run(&mut queue, 3, AttemptKind::Dequeue),
        [(3, true), (1, true), (2, true)]
    );
    assert!(queue.closed);
}

#[test]
fn what_is_cancelled_is_cancelled_once_and_makes_room_for_those_behind_it() {
    let mut queue = Queue::new(1);
    run(&mut queue, 0, AttemptKind::Dequeue);
    run(&mut queue, 1, AttemptKind::Dequeue);
    assert!(queue.cancel(0, 0) && !queue.cancel(0, 0));
    assert!(!queue.cancel(0, 7));
    assert_eq!(run(&mut queue, 2, AttemptKind::Enqueue), [(2, true), (1, true)]);
    assert_eq!(queue.waiting(0).count(), 0);
}

/// An operation on a queue.
#[derive(Clone, Debug)]
enum Step {
    Add(AttemptKind),
    /// Cancels the attempt with this number, if it waits.
    Cancel(u16),
}

/// The sequential reference: a list of elements, and of those who wait, served one at a time, whoever takes an element out first.
#[derive(Clone, Debug)]
struct Reference {
    capacity: usize,
    elements: VecDeque<u16>,
    closed: bool,
    producers: VecDeque<(u16, AttemptKind)>,
    consumers: VecDeque<u16>,
    next: u16,
    /// Outcome of each attempt.
    ended: BTreeMap<u16, bool>,
}

impl Reference {
    /// Serves one of those who wait, if one can be served.
    fn serve(&mut self) -> bool {
        if let Some(&consumer) = self.consumers.front()
            && (self.closed || !self.elements.is_empty())
        {
            self.consumers.pop_front();
            let taken = self.elements.pop_front().is_some();
            self.ended.insert(consumer, taken);
            return true;
        }
        let Some(&(producer, kind)) = self.producers.front() else {
            return false;
        };
        let room = self.elements.len() < self.capacity;
        let ok = match kind {
            AttemptKind::Close => !std::mem::replace(&mut self.closed, true),
            _ if self.closed => false,
            _ if room => {
                self.elements.push_back(producer);
                true
            }
            _ => return false,
        };
        self.producers.pop_front();
        self.ended.insert(producer, ok);
        true
    }
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let new = |capacity| Self {
            capacity,
            elements: VecDeque::new(),
            closed: false,
            producers: VecDeque::new(),
            consumers: VecDeque::new(),
            next: 0,
            ended: BTreeMap::new(),
        };
        (1_usize..4).prop_map(new).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        prop_oneof![
            4 => Just(Step::Add(AttemptKind::Enqueue)),
            4 => Just(Step::Add(AttemptKind::Dequeue)),
            1 => Just(Step::Add(AttemptKind::Close)),
            2 => (0..=state.next).prop_map(Step::Cancel),
        ]
        .boxed()
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        match *step {
            Step::Add(kind) => {
                let number = state.next;
                state.next += 1;
                match kind {
                    AttemptKind::Dequeue => state.consumers.push_back(number),
                    _ => state.producers.push_back((number, kind)),
                }
            }
            Step::Cancel(number) => {
                let before = state.producers.len() + state.consumers.len();
                state.producers.retain(|(other, _)| *other != number);
                state.consumers.retain(|other| *other != number);
                if state.producers.len() + state.consumers.len() < before {
                    state.ended.insert(number, false);
                }
            }
        }
        while state.serve() {}
        state
    }
}

/// The queue of the model, with how each attempt ended.
struct Tested {
    queue: Queue,
    next: u16,
    ended: BTreeMap<u16, bool>,
}

impl StateMachineTest for Tested {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(reference: &Reference) -> Self {
        Self {
            queue: Queue::new(reference.capacity as u8),
            next: 0,
            ended: BTreeMap::new(),
        }
    }

    fn apply(mut tested: Self, reference: &Reference, step: Step) -> Self {
        match step {
            Step::Add(kind) => {
                tested.queue.append(attempt(tested.next, kind));
                tested.next += 1;
            }
            Step::Cancel(number) => {
                if tested.queue.cancel(0, number) {
                    tested.ended.insert(number, false);
                }
            }
        }
        for (attempt, ok) in tested.queue.flush() {
            assert_eq!(tested.ended.insert(attempt.node, ok), None, "{attempt:?} ended twice");
        }
        assert_eq!(tested.ended, reference.ended);
        assert_eq!(usize::from(tested.queue.size), reference.elements.len());
        assert_eq!(tested.queue.closed, reference.closed);
        tested
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn whatever_is_done_to_a_queue_every_attempt_ends_as_in_the_sequential_reference(sequential 1..40 => Tested);
}
