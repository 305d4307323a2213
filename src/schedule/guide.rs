//! Running a model by a list of moves, as far as it can follow.
//!
//! A replay stops where a schedule can't be followed. Here that is the point: a schedule in which some moves were left out or put
//! elsewhere is followed as far as possible, and what comes of it is looked at.

use super::Impossible;
use super::replay::{select, threads_of};
use crate::machine::{Event, Independence, Label, Model, ObjectId, Operation, Pending, ProcessId, System};

/// A thread's move: an event, by ids instead of names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Move<T> {
    pub(crate) process: ProcessId,
    pub(crate) thread: T,
    pub(crate) label: &'static Label,
    pub(crate) object: ObjectId,
    pub(crate) choice: u32,
}

impl<T: Copy + Eq> Move<T> {
    pub(crate) fn new(process: ProcessId, pending: &Pending<T>, choice: u32) -> Self {
        let Operation { label, object, .. } = pending.operation;
        Self {
            process,
            thread: pending.thread,
            label,
            object,
            choice,
        }
    }

    /// Returns the process and thread that move.
    pub(crate) fn mover(&self) -> (ProcessId, T) {
        (self.process, self.thread)
    }
}

/// Returns the number of context switches of a run.
pub(crate) fn switches<T: Copy + Eq>(moves: &[Move<T>]) -> usize {
    moves
        .windows(2)
        .filter(|pair| pair[0].mover() != pair[1].mover())
        .count()
}

/// A run of a model, one move at a time.
pub(crate) struct Walk<'a, M: Model> {
    model: &'a M,
    system: System<M::Process>,
    /// Next steps of the threads of each process.
    pending: Vec<Vec<Pending<M::Thread>>>,
    /// Moves that ran.
    moves: Vec<Move<M::Thread>>,
    /// Processes that got frames of the last move.
    receivers: Vec<ProcessId>,
}

impl<M: Model> Clone for Walk<'_, M> {
    fn clone(&self) -> Self {
        Self {
            model: self.model,
            system: self.system.clone(),
            pending: self.pending.clone(),
            moves: self.moves.clone(),
            receivers: self.receivers.clone(),
        }
    }
}

impl<'a, M: Model> Walk<'a, M> {
    /// Returns a run that begins at the beginning.
    pub(crate) fn new(model: &'a M) -> Self {
        Self::from(model, System::initial(model))
    }

    /// Returns a run that begins in some state.
    pub(crate) fn from(model: &'a M, system: System<M::Process>) -> Self {
        let states = system.processes.iter().enumerate();
        let pending = states
            .map(|(id, state)| model.threads(ProcessId::new(id), state))
            .collect();
        Self {
            model,
            system,
            pending,
            moves: Vec::new(),
            receivers: Vec::new(),
        }
    }

    pub(crate) fn system(&self) -> &System<M::Process> {
        &self.system
    }

    pub(crate) fn moves(&self) -> &[Move<M::Thread>] {
        &self.moves
    }

    /// Returns the next steps of the threads of each process.
    pub(crate) fn pending(&self) -> &[Vec<Pending<M::Thread>>] {
        &self.pending
    }

    /// Returns the processes that got frames of the last move.
    pub(crate) fn receivers(&self) -> &[ProcessId] {
        &self.receivers
    }

    /// Returns true if a client has its answer.
    pub(crate) fn has_returned(&self, (process, number): (ProcessId, usize)) -> bool {
        let clients = self.model.clients(process, &self.system.processes[process.index()]);
        clients[number].returned
    }

    /// Returns every thread that can run, in canonical order.
    pub(crate) fn enabled(&self) -> impl Iterator<Item = (ProcessId, &Pending<M::Thread>)> {
        let processes = self.pending.iter().enumerate();
        processes
            .flat_map(|(id, pending)| pending.iter().map(move |pending| (ProcessId::new(id), pending)))
            .filter(|(_, pending)| pending.enabled)
    }

    /// Returns the thread of a move, if it can make it now.
    pub(crate) fn able(&self, wanted: &Move<M::Thread>) -> Option<&Pending<M::Thread>> {
        let pending = self.pending[wanted.process.index()].iter();
        let mut same = pending.filter(|pending| pending.thread == wanted.thread && pending.enabled);
        same.find(|pending| pending.operation.label == wanted.label && pending.operation.object == wanted.object)
    }

    /// Makes a move if it is possible now. An outcome that there is not becomes the first.
    pub(crate) fn attempt(&mut self, wanted: &Move<M::Thread>) -> bool {
        let Some(pending) = self.able(wanted) else {
            return false;
        };
        let choice = if wanted.choice < pending.operation.choices {
            wanted.choice
        } else {
            0
        };
        let pending = pending.clone();
        self.step(wanted.process, &pending, choice);
        true
    }

    /// Runs the next label of a thread.
    pub(crate) fn step(&mut self, id: ProcessId, pending: &Pending<M::Thread>, choice: u32) {
        let model = self.model;
        let processes = &mut self.system.processes;
        let mut sent = Vec::new();
        model.apply(id, &mut processes[id.index()], pending.thread, choice, &mut sent);
        self.pending[id.index()] = model.threads(id, &processes[id.index()]);
        self.receivers.clear();
        for (to, frame) in sent {
            self.receivers.push(to);
            model.deliver(to, &mut processes[to.index()], id, frame);
            self.pending[to.index()] = model.threads(to, &processes[to.index()]);
        }
        self.moves.push(Move::new(id, pending, choice));
    }

    /// Returns how many moves were made.
    pub(crate) fn len(&self) -> usize {
        self.moves.len()
    }

    /// Makes a move, or else whatever its thread does instead by now: the thread takes its turn. False if it can't run.
    fn take_turn(&mut self, wanted: &Move<M::Thread>) -> bool {
        if self.attempt(wanted) {
            return true;
        }
        let pending = self.pending[wanted.process.index()].iter();
        let mut same = pending.filter(|pending| pending.thread == wanted.thread && pending.enabled);
        let Some(pending) = same.next().cloned() else {
            return false;
        };
        let choice = wanted.choice.min(pending.operation.choices - 1);
        self.step(wanted.process, &pending, choice);
        true
    }

    /// Makes moves in their order as far as possible: a move that can't be made yet waits, with those of its thread that follow,
    /// and is made as soon as it can.
    pub(crate) fn follow(&mut self, guide: &[Move<M::Thread>]) {
        self.follow_by(guide, Self::attempt);
    }

    /// Follows the guide by turns: a thread that does something else than its move by now does that in the move's place.
    pub(crate) fn follow_turns(&mut self, guide: &[Move<M::Thread>]) {
        self.follow_by(guide, Self::take_turn);
    }

    fn follow_by(&mut self, guide: &[Move<M::Thread>], make: impl Fn(&mut Self, &Move<M::Thread>) -> bool) {
        let mut waiting: Vec<Move<M::Thread>> = Vec::new();
        for wanted in guide {
            let blocked = waiting.iter().any(|earlier| earlier.mover() == wanted.mover());
            if blocked || !make(self, wanted) {
                waiting.push(*wanted);
            } else {
                self.resume(&mut waiting, &make);
            }
        }
        self.resume(&mut waiting, &make);
    }

    /// Makes those of the waiting moves that are possible by now, first first.
    fn resume(&mut self, waiting: &mut Vec<Move<M::Thread>>, make: &impl Fn(&mut Self, &Move<M::Thread>) -> bool) {
        let mut index = 0;
        while index < waiting.len() {
            let wanted = waiting[index];
            let first_of_thread = waiting[..index].iter().all(|earlier| earlier.mover() != wanted.mover());
            if first_of_thread && make(self, &wanted) {
                waiting.remove(index);
                index = 0;
            } else {
                index += 1;
            }
        }
    }

    /// Runs one more label by a fixed policy: the thread that ran last goes on while it can, then the first that can in canonical
    /// order, always with outcome 0. False if no thread can run.
    pub(crate) fn go_on(&mut self) -> bool {
        let last = self.moves.last().map(Move::mover);
        let is_last = |&(id, pending): &(ProcessId, &Pending<M::Thread>)| Some((id, pending.thread)) == last;
        let next = self.enabled().find(is_last).or_else(|| self.enabled().next());
        let next = next.map(|(id, pending)| (id, pending.clone()));
        let Some((id, pending)) = next else {
            return false;
        };
        self.step(id, &pending, 0);
        true
    }

    /// Goes on until no thread can run. Returns whether that came to an end within `most` labels.
    pub(crate) fn settle(&mut self, most: usize) -> bool {
        (0..=most).any(|_| !self.go_on())
    }
}

impl<M: Independence> Walk<'_, M> {
    /// Removes what can no longer matter from the state of a process.
    pub(crate) fn eliminate_dead(&mut self, id: ProcessId) {
        let state = &mut self.system.processes[id.index()];
        self.model.eliminate_dead(id, state);
        self.pending[id.index()] = self.model.threads(id, state);
    }
}

/// Returns the moves of a schedule, run from some state.
///
/// # Errors
/// When an event can't be done: the first such.
pub(crate) fn moves_of<M: Model>(
    model: &M,
    start: System<M::Process>,
    events: &[Event],
) -> Result<Vec<Move<M::Thread>>, Impossible> {
    let mut walk = Walk::from(model, start);
    for (index, event) in events.iter().enumerate() {
        let threads = threads_of(model, &walk.system, &event.process);
        let number = index + 1;
        let impossible = |found| Impossible { number, found };
        let (id, pending, choice) = select(model, &walk.system, &threads, event).map_err(impossible)?;
        walk.step(id, pending, choice);
    }
    Ok(walk.moves)
}

/// Returns the events of moves that are all possible from the beginning.
pub(crate) fn events_of<M: Model>(model: &M, moves: &[Move<M::Thread>]) -> Vec<Event> {
    let mut walk = Walk::new(model);
    let mut events = Vec::with_capacity(moves.len());
    for wanted in moves {
        let pending = walk.able(wanted).expect("the move was made before").clone();
        events.push(walk.system.event(model, wanted.process, &pending, wanted.choice));
        walk.step(wanted.process, &pending, wanted.choice);
    }
    events
}
