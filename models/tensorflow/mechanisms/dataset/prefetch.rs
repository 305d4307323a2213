//! `PrefetchDataset` (`kernels/data/prefetch_dataset_op.cc`): one thread fills a buffer.
//!
//! One condition variable serves both directions, so every change wakes all. The thread holds `parent_mu_` while it reads, which
//! nobody else takes but for checkpoints; that mutex is left out (`prefetch_dataset_op.cc:296`).

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::parallel_map::Object as MapObject;
use super::{Element, IteratorId, Name, Pulled, Turn, batch, parallel_interleave, tree};
use crate::machine::{Access, Condvar, ProcessId, SpuriousWakeups};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::Pc as AnyPc;
use crate::models::tensorflow::mechanisms::context::{Context, Declared, Inventory, Next, Run, View, Waits};
use crate::models::tensorflow::mechanisms::room::Mechanism;
use crate::models::tensorflow::process::{Process, ThreadId};

labels! {
    GET_NEXT = "Prefetch.get_next", "PrefetchDatasetOp::Dataset::Iterator::GetNextInternal", "prefetch_dataset_op.cc:103";
    WAIT_FOR_SLOT = "Prefetch.wait_for_slot", "PrefetchDatasetOp::Dataset::Iterator::PrefetchThread", "prefetch_dataset_op.cc:277";
    PUBLISH = "Prefetch.publish", "PrefetchDatasetOp::Dataset::Iterator::PrefetchThread", "prefetch_dataset_op.cc:301";
    CANCEL = "Prefetch.destroy", "PrefetchDatasetOp::Dataset::Iterator::~Iterator", "prefetch_dataset_op.cc:83";
    JOIN = "Prefetch.join", "PrefetchDatasetOp::Dataset::Iterator::~Iterator (prefetch_thread_)", "env.cc:47";
}

program_counter! { Prefetch;
    /// The consumer wants an element.
    GetNext(id: IteratorId) => GET_NEXT,
    /// The thread wants room in the buffer.
    WaitForSlot(id: IteratorId) => WAIT_FOR_SLOT,
    /// The thread has an element, or the end.
    Publish(id: IteratorId, pulled: Pulled) => PUBLISH,
    /// The destructor tells the thread to end.
    Cancel(id: IteratorId) => CANCEL,
    /// The destructor waits for that.
    Join(id: IteratorId) => JOIN,
}

objects! { Prefetch;
    /// The mutex of the iterator of `PrefetchDataset` and what it guards.
    Prefetch(IteratorId) = "prefetch" per Iterator,
}

/// The state behind `mu_`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Prefetch {
    /// Whether `prefetch_thread_` was started.
    pub started: bool,
    /// `cancelled_`.
    pub cancelled: bool,
    /// `prefetch_thread_finished_`.
    pub finished: bool,
    /// `buffer_`, oldest first.
    pub buffer: SmallVec<[Element; 1]>,
    /// `cond_var_`.
    pub condvar: Condvar<ThreadId>,
}

impl Prefetch {
    /// Returns the next element for a consumer, or `None`: it is parked.
    fn get_next(&mut self, consumer: ThreadId) -> Option<Pulled> {
        if self.cancelled {
            return Some(Pulled::Element(Element::Error));
        }
        if !self.buffer.is_empty() {
            let element = self.buffer.remove(0);
            self.condvar.notify_all();
            return Some(Pulled::Element(element));
        }
        if self.finished {
            return Some(Pulled::End);
        }
        self.condvar.wait(consumer);
        None
    }

    /// Says how the thread's wish to read another element comes out.
    fn wait_for_slot(&mut self, limit: u8, thread: ThreadId) -> Turn {
        if self.cancelled {
            return Turn::Cancelled;
        }
        if self.buffer.len() >= usize::from(limit) {
            self.condvar.wait(thread);
            return Turn::Parked;
        }
        Turn::Done
    }

    /// Takes what the thread has read.
    fn publish(&mut self, pulled: Pulled) {
        match pulled {
            Pulled::Element(element) => self.buffer.push(element),
            Pulled::End => self.finished = true,
        }
        self.condvar.notify_all();
    }
}

/// Asks for an element for the consumer.
pub(super) fn get_next(id: IteratorId) -> AnyPc {
    Pc::GetNext(id).into()
}

/// Publishes an element, or the end.
pub(super) fn publish(id: IteratorId, pulled: Pulled) -> AnyPc {
    Pc::Publish(id, pulled).into()
}

/// Destroys `prefetch` and all below.
pub(super) fn cancel(id: IteratorId) -> AnyPc {
    Pc::Cancel(id).into()
}

impl Mechanism for Counter {
    type Facts = ();

    fn objects(_model: &TensorFlow, _id: ProcessId, process: &Process, inventory: &mut Inventory<'_>) {
        // What is destroyed is reset by whoever has joined its threads.
        for tree in super::trees(process).filter(|tree| tree.has_input) {
            let prefetch = &tree.prefetch;
            inventory.add(Object::Prefetch(tree.id), prefetch, || {
                let ended = if prefetch.finished {
                    "; its thread has met the end"
                } else {
                    ""
                };
                let cancelled = if prefetch.cancelled { "; cancelled" } else { "" };
                format!("{} buffered{ended}{cancelled}", prefetch.buffer.len())
            });
        }
    }

    fn declare<'a>(self, context: &Context<'a>) -> Declared<'a> {
        match self.0 {
            Pc::GetNext(id) | Pc::WaitForSlot(id) | Pc::Publish(id, _) | Pc::Cancel(id) => {
                let monitor = context.uses(Object::Prefetch(id), Access::Write);
                monitor.when(|view| {
                    view.tree(id)
                        .prefetch
                        .condvar
                        .may_wake(view.thread.id, SpuriousWakeups::Never)
                })
            }
            // A thread that has ended stays so.
            Pc::Join(id) => {
                let threads = context.uses(MapObject::Threads(id), Access::BothMover);
                threads.when(|view| view.has_ended(Name::Prefetch(id)))
            }
        }
    }

    fn next(self, next: &mut Next<'_>) {
        match self.0 {
            Pc::GetNext(id) => {
                if !next.facts.iterator_resource.tree(id).prefetches {
                    next.spawn(ThreadId::Dataset(Name::Prefetch(id)), [Pc::WaitForSlot(id)]);
                }
                next.then([Pc::GetNext(id)]);
                batch::next_of_receive(next, id);
            }
            Pc::WaitForSlot(id) => next.then([parallel_interleave::get_next(id), Pc::WaitForSlot(id).into()]),
            Pc::Publish(id, _) => next.then([Pc::WaitForSlot(id)]),
            Pc::Cancel(id) => next.then([Pc::Join(id)]),
            Pc::Join(id) => next.then([parallel_interleave::cancel(id)]),
        }
    }

    fn apply(self, run: &mut Run<'_>) {
        let (model, thread) = (run.model, run.thread.id);
        match self.0 {
            Pc::GetNext(id) => {
                let prefetch = &mut tree(run, id).prefetch;
                let starts = !std::mem::replace(&mut prefetch.started, true);
                let pulled = prefetch.get_next(thread);
                if starts {
                    run.spawn(ThreadId::Dataset(Name::Prefetch(id)), [Pc::WaitForSlot(id)]);
                }
                match pulled {
                    Some(pulled) => batch::receive(run, id, pulled),
                    None => run.then([Pc::GetNext(id)]),
                }
            }
            Pc::WaitForSlot(id) => {
                let limit = model.the_pipeline().prefetch;
                match tree(run, id).prefetch.wait_for_slot(limit, thread) {
                    Turn::Done => run.then([parallel_interleave::get_next(id)]),
                    Turn::Parked => run.then([Pc::WaitForSlot(id)]),
                    Turn::Cancelled => {}
                }
            }
            Pc::Publish(id, pulled) => {
                tree(run, id).prefetch.publish(pulled);
                run.then((pulled != Pulled::End).then_some(Pc::WaitForSlot(id)));
            }
            Pc::Cancel(id) => {
                let prefetch = &mut tree(run, id).prefetch;
                prefetch.cancelled = true;
                prefetch.condvar.notify_all();
                run.then([Pc::Join(id)]);
            }
            Pc::Join(id) => run.then([parallel_interleave::cancel(id)]),
        }
    }

    fn words(self, _view: &View<'_>, _choice: u32) -> String {
        let text = match self.0 {
            Pc::GetNext(_) => "takes an element from the buffer of prefetch, or waits for one",
            Pc::WaitForSlot(_) => "looks for room in the buffer, or waits for it",
            Pc::Publish(_, Pulled::End) => "has met the end, wakes the consumer and ends",
            Pc::Publish(_, Pulled::Element(Element::Error)) => "buffers an error and wakes the consumer",
            Pc::Publish(_, Pulled::Element(Element::Record(record))) => {
                let (index, file) = (record.index, record.file);
                return format!("buffers record {index} of file {file} and wakes the consumer");
            }
            Pc::Cancel(_) => "tells the thread of prefetch to end",
            Pc::Join(_) => "joins the thread of prefetch",
        };
        text.to_owned()
    }

    fn waits(self, _view: &View<'_>) -> Waits {
        match self.0 {
            Pc::GetNext(id) | Pc::Join(id) => Waits::one(Name::Prefetch(id)),
            Pc::WaitForSlot(_) => Waits::InVain("its buffer is full, and nobody takes from it"),
            Pc::Publish(..) | Pc::Cancel(_) => Waits::HELD,
        }
    }

    fn erased(self) -> Self {
        match self.0 {
            Pc::Publish(id, _) => Self(Pc::Publish(id, Pulled::End)),
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Record;
    use super::*;

    const CONSUMER: ThreadId = ThreadId::Client;
    const THREAD: ThreadId = ThreadId::Dataset(Name::Prefetch(0));

    fn element(index: u16) -> Element {
        Element::Record(Record { file: 0, index })
    }

    #[test]
    fn elements_come_out_in_order_and_then_the_end_for_ever() {
        let mut prefetch = Prefetch::default();
        for index in 0..2 {
            prefetch.publish(Pulled::Element(element(index)));
        }
        prefetch.publish(Pulled::End);
        for expected in [
            Pulled::Element(element(0)),
            Pulled::Element(element(1)),
            Pulled::End,
            Pulled::End,
        ] {
            assert_eq!(prefetch.get_next(CONSUMER), Some(expected));
        }
    }

    #[test]
    fn the_consumer_waits_for_an_element_and_the_thread_for_room() {
        let mut prefetch = Prefetch::default();
        assert_eq!(prefetch.get_next(CONSUMER), None);
        assert_eq!(prefetch.wait_for_slot(1, THREAD), Turn::Done);
        prefetch.publish(Pulled::Element(element(0)));
        assert!(!prefetch.condvar.is_waiting(CONSUMER));
        assert_eq!(prefetch.wait_for_slot(1, THREAD), Turn::Parked);
        assert_eq!(prefetch.get_next(CONSUMER), Some(Pulled::Element(element(0))));
        assert!(!prefetch.condvar.is_waiting(THREAD));
    }
}
