//! `ParallelInterleaveDataset` (`kernels/data/parallel_interleave_dataset_op.cc`): worker threads read the files, the consumer takes
//! their records in turn.
//!
//! `mu_` guards everything; the consumer holds it but for its wait. A sloppy consumer waits for one condition variable of its own,
//! a strict one for that of the worker whose turn it is. `block_length` is 1, so that no count of a block is kept.

pub mod labels;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{Element, Pipeline, Pulled, Turn};
use crate::machine::Condvar;
use crate::models::tensorflow::job::Variant;
use crate::models::tensorflow::process::ThreadId;

pub(in crate::models) use self::labels::LABELS;
pub use self::labels::{Counter, Object};
pub(super) use self::labels::{cancel, file_is_opened, get_next, next_of_opened};

/// A worker thread's part.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Worker {
    /// `input`: the file that it was given and has not taken.
    pub input: Option<u8>,
    /// `outputs`, oldest first.
    pub outputs: SmallVec<[Element; 2]>,
    /// `is_producing`.
    pub producing: bool,
    /// `cond_var`.
    pub condvar: Condvar<ThreadId>,
    /// The file that its thread reads: on that thread's stack.
    pub file: u8,
    /// The notification that the function has made its dataset, or failed.
    pub opened: bool,
}

impl Worker {
    /// Evaluates `MayHaveElements`.
    pub fn may_have_elements(&self) -> bool {
        self.producing || !self.outputs.is_empty()
    }

    /// Runs `SetInputs`.
    fn assign(&mut self, file: u8) {
        self.input = Some(file);
        self.producing = true;
        notify_only_waiter(&mut self.condvar);
    }
}

/// Runs `notify_one` where at most one thread can wait: there is nothing to choose.
fn notify_only_waiter(condvar: &mut Condvar<ThreadId>) {
    debug_assert_eq!(condvar.outcomes(), 1, "one waiter at most: {condvar:?}");
    condvar.notify_one(0);
}

/// The state behind `mu_`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ParallelInterleave {
    /// Files that the list has handed out.
    pub next_file: u8,
    /// Whether the list has ended, so that `input_impl_` is gone.
    pub input_ended: bool,
    /// `workers_`: as many as threads were started.
    pub workers: SmallVec<[Worker; 2]>,
    /// `interleave_indices_`: the worker of each slot.
    pub slots: SmallVec<[Option<u8>; 2]>,
    /// `staging_indices_`, oldest first.
    pub staging: SmallVec<[u8; 2]>,
    /// `next_index_`.
    pub next: u8,
    /// `cancelled_`.
    pub cancelled: bool,
    /// `sloppy_cond_var_`.
    pub sloppy: Condvar<ThreadId>,
}

impl ParallelInterleave {
    /// Returns the next file of the list.
    fn next_input(&mut self, pipeline: &Pipeline) -> Option<u8> {
        if usize::from(self.next_file) == pipeline.files.len() {
            self.input_ended = true;
            return None;
        }
        self.next_file += 1;
        Some(self.next_file - 1)
    }

    /// Runs `EnsureWorkerThreadsStarted`: a worker for each file, up to `cycle_length + prefetch_input_elements`. Returns the number of
    /// threads that start.
    fn start_workers(&mut self, pipeline: &Pipeline) -> u8 {
        if !self.workers.is_empty() || self.input_ended {
            return 0;
        }
        for number in 0..pipeline.cycle_length + pipeline.prefetch_input_elements {
            let Some(file) = self.next_input(pipeline) else { break };
            let mut worker = Worker::default();
            worker.assign(file);
            self.workers.push(worker);
            if number < pipeline.cycle_length {
                self.slots.push(Some(number));
            } else {
                self.staging.push(number);
            }
        }
        self.workers.len() as u8
    }

    /// Runs `GetNextInternal`: returns the next element for the consumer, or `None`: it is parked.
    fn get_next(&mut self, pipeline: &Pipeline, variant: Variant, consumer: ThreadId) -> Option<Pulled> {
        if self.cancelled {
            return Some(Pulled::Element(Element::Error));
        }
        loop {
            match self.scan(pipeline, variant) {
                Scan::Found(element) => return Some(Pulled::Element(element)),
                Scan::End => return Some(Pulled::End),
                Scan::Again => {}
                Scan::Wait if pipeline.sloppy => {
                    self.sloppy.wait(consumer);
                    return None;
                }
                Scan::Wait => {
                    let turn = self.slots[usize::from(self.next)].expect("a strict consumer waits for a worker");
                    self.workers[usize::from(turn)].condvar.wait(consumer);
                    return None;
                }
            }
        }
    }

    /// Runs one round over the slots.
    fn scan(&mut self, pipeline: &Pipeline, variant: Variant) -> Scan {
        let mut may_produce = false;
        let slots = self.slots.len() as u8;
        for offset in 0..slots {
            let slot = (self.next + offset) % slots;
            let Some(number) = self.slots[usize::from(slot)] else {
                continue;
            };
            let worker = &mut self.workers[usize::from(number)];
            let ends_early = variant == Variant::EndBeforeDrained && !worker.producing;
            may_produce |= worker.may_have_elements() && !ends_early;
            if !worker.outputs.is_empty() && !ends_early {
                let element = worker.outputs.remove(0);
                notify_only_waiter(&mut worker.condvar);
                // One slot may be passed over and the element still counts as in order.
                let out_of_order = pipeline.sloppy && offset > 1;
                self.next = if out_of_order { slot } else { (slot + 1) % slots };
                return Scan::Found(element);
            }
            if worker.producing {
                if pipeline.sloppy {
                    continue;
                }
                self.next = slot;
                break;
            }
            if self.refill(pipeline, slot, number) {
                self.next = (slot + 1) % slots;
                return Scan::Again;
            }
        }
        if may_produce || !self.input_ended {
            Scan::Wait
        } else {
            Scan::End
        }
    }

    /// Refills the slot of an exhausted worker: it gets another file and is staged, and the slot gets the worker that is staged longest.
    /// Returns whether there is one.
    fn refill(&mut self, pipeline: &Pipeline, slot: u8, number: u8) -> bool {
        if !self.input_ended
            && let Some(file) = self.next_input(pipeline)
        {
            self.workers[usize::from(number)].assign(file);
            self.staging.push(number);
        }
        let staged = (!self.staging.is_empty()).then(|| self.staging.remove(0));
        self.slots[usize::from(slot)] = staged;
        staged.is_some()
    }

    /// Lets a worker take the file that it was given.
    fn wait_for_input(&mut self, number: u8, thread: ThreadId) -> Turn {
        let worker = &mut self.workers[usize::from(number)];
        if self.cancelled {
            return Turn::Cancelled;
        }
        if !worker.producing {
            worker.condvar.wait(thread);
            return Turn::Parked;
        }
        worker.file = worker.input.take().expect("a producing worker has a file");
        Turn::Done
    }

    /// Lets a worker wait for room, even with the end of its file.
    fn wait_for_room(&mut self, pipeline: &Pipeline, number: u8, thread: ThreadId) -> Turn {
        let worker = &mut self.workers[usize::from(number)];
        if self.cancelled {
            return Turn::Cancelled;
        }
        if worker.outputs.len() == usize::from(pipeline.buffer_output_elements) {
            worker.condvar.wait(thread);
            return Turn::Parked;
        }
        Turn::Done
    }

    /// Publishes a worker's record, or the end of its file, and wakes the consumer.
    fn publish(&mut self, pipeline: &Pipeline, number: u8, element: Option<Element>) {
        let worker = &mut self.workers[usize::from(number)];
        worker.producing = element.is_some();
        worker.outputs.extend(element);
        if pipeline.sloppy {
            notify_only_waiter(&mut self.sloppy);
        } else {
            notify_only_waiter(&mut worker.condvar);
        }
    }

    /// Publishes that a worker has no dataset. The worker signals its own condition variable, which no sloppy consumer waits for.
    fn publish_error(&mut self, variant: Variant, number: u8) {
        let worker = &mut self.workers[usize::from(number)];
        worker.outputs.push(Element::Error);
        worker.producing = false;
        notify_only_waiter(&mut worker.condvar);
        if variant == Variant::SignalCreationError {
            notify_only_waiter(&mut self.sloppy);
        }
    }

    /// Runs the destructor: every worker is told, the sloppy consumer is not.
    fn cancel(&mut self) {
        self.cancelled = true;
        self.workers.iter_mut().for_each(|worker| worker.condvar.notify_all());
    }
}

/// The result of a round over the slots.
enum Scan {
    Found(Element),
    End,
    Again,
    Wait,
}

#[cfg(test)]
mod tests {
    use super::super::{Name, Record};
    use super::*;

    const CONSUMER: ThreadId = ThreadId::Dataset(Name::Prefetch(0));

    fn worker(number: u8) -> ThreadId {
        ThreadId::Dataset(Name::Worker(0, number))
    }

    fn record(file: u8, index: u16) -> Element {
        Element::Record(Record { file, index })
    }

    fn started(pipeline: &Pipeline) -> ParallelInterleave {
        let mut interleave = ParallelInterleave::default();
        let threads = interleave.start_workers(pipeline);
        for number in 0..threads {
            assert_eq!(interleave.wait_for_input(number, worker(number)), Turn::Done);
        }
        interleave
    }

    fn take(interleave: &mut ParallelInterleave, pipeline: &Pipeline) -> Option<Pulled> {
        interleave.get_next(pipeline, Variant::Tf112, CONSUMER)
    }

    fn two_files(sloppy: bool) -> Pipeline {
        Pipeline {
            cycle_length: 2,
            sloppy,
            ..Pipeline::smallest(&[1, 1], 1)
        }
    }

    #[test]
    fn there_is_a_thread_for_each_file_but_no_more_than_the_cycle_and_what_is_opened_ahead() {
        for (files, threads) in [(1, 1), (3, 3), (5, 3)] {
            let pipeline = Pipeline {
                cycle_length: 2,
                prefetch_input_elements: 1,
                ..Pipeline::smallest(&vec![1; files], 1)
            };
            assert_eq!(started(&pipeline).workers.len(), threads);
        }
    }

    #[test]
    fn a_sloppy_consumer_passes_over_a_file_that_is_not_ready_and_a_strict_one_waits_for_it() {
        for sloppy in [false, true] {
            let pipeline = two_files(sloppy);
            let mut interleave = started(&pipeline);
            interleave.publish(&pipeline, 1, Some(record(1, 0)));
            let expected = sloppy.then_some(Pulled::Element(record(1, 0)));
            assert_eq!(take(&mut interleave, &pipeline), expected);
            assert_eq!(interleave.workers[0].condvar.is_waiting(CONSUMER), !sloppy);
        }
    }

    #[test]
    fn the_end_waits_for_every_worker_and_every_buffer() {
        let pipeline = two_files(true);
        let mut interleave = started(&pipeline);
        interleave.publish(&pipeline, 0, Some(record(0, 0)));
        interleave.publish(&pipeline, 1, None);
        assert_eq!(interleave.wait_for_room(&pipeline, 0, worker(0)), Turn::Parked);
        assert_eq!(take(&mut interleave, &pipeline), Some(Pulled::Element(record(0, 0))));
        assert!(!interleave.workers[0].condvar.is_waiting(worker(0)));
        assert_eq!(take(&mut interleave, &pipeline), None, "file 0 has not ended");
        interleave.publish(&pipeline, 0, None);
        assert!(!interleave.sloppy.is_waiting(CONSUMER));
        assert_eq!(take(&mut interleave, &pipeline), Some(Pulled::End));
    }

    #[test]
    fn an_exhausted_worker_gets_the_next_file_and_the_staged_one_takes_its_slot() {
        let pipeline = Pipeline {
            prefetch_input_elements: 1,
            ..Pipeline::smallest(&[0, 1, 1], 1)
        };
        let mut interleave = started(&pipeline);
        interleave.publish(&pipeline, 0, None);
        interleave.publish(&pipeline, 1, Some(record(1, 0)));
        assert_eq!(take(&mut interleave, &pipeline), Some(Pulled::Element(record(1, 0))));
        assert_eq!(interleave.slots[0], Some(1));
        assert_eq!(
            (&interleave.staging[..], interleave.workers[0].input),
            (&[0][..], Some(2))
        );
    }

    #[test]
    fn the_error_of_a_function_wakes_no_sloppy_consumer_unless_the_runtime_is_changed() {
        for (variant, wakes) in [(Variant::Tf112, false), (Variant::SignalCreationError, true)] {
            let pipeline = Pipeline::smallest(&[1], 1);
            let mut interleave = started(&pipeline);
            assert_eq!(take(&mut interleave, &pipeline), None);
            interleave.publish_error(variant, 0);
            assert_eq!(!interleave.sloppy.is_waiting(CONSUMER), wakes);
        }
    }
}
