//! `PrefetchDataset` (`tf-data.md` section 3; `kernels/data/prefetch_dataset_op.cc`): one thread fills a buffer.
//!
//! One condition variable serves both directions, so every change wakes all. The thread holds `parent_mu_` while it reads, which
//! nobody else takes but for checkpoints; that mutex is left out (`tf-data.md` 10.D.1).

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{At as Stage, Element, IteratorId, Name, Object, Pulled, Turn, parallel_interleave};
use crate::machine::{Access, Condvar, Label, SpuriousWakeups};
use crate::models::tensorflow::cluster::{Declared, Run, View};
use crate::models::tensorflow::objects::Object as Any;
use crate::models::tensorflow::process::ThreadId;

static GET_NEXT: Label = Label {
    name: "Prefetch.get_next",
    function: "PrefetchDatasetOp::Dataset::Iterator::GetNextInternal",
    site: "prefetch_dataset_op.cc:103",
};
static WAIT_FOR_SLOT: Label = Label {
    name: "Prefetch.wait_for_slot",
    function: "PrefetchDatasetOp::Dataset::Iterator::PrefetchThread",
    site: "prefetch_dataset_op.cc:277",
};
static PUBLISH: Label = Label {
    name: "Prefetch.publish",
    function: "PrefetchDatasetOp::Dataset::Iterator::PrefetchThread",
    site: "prefetch_dataset_op.cc:301",
};
static CANCEL: Label = Label {
    name: "Prefetch.destroy",
    function: "PrefetchDatasetOp::Dataset::Iterator::~Iterator",
    site: "prefetch_dataset_op.cc:83",
};
static JOIN: Label = Label {
    name: "Prefetch.join",
    function: "PrefetchDatasetOp::Dataset::Iterator::~Iterator (prefetch_thread_)",
    site: "env.cc:47",
};

/// Positions in `prefetch`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum At {
    /// The consumer wants an element.
    GetNext(IteratorId),
    /// The thread wants room in the buffer.
    WaitForSlot(IteratorId),
    /// The thread has an element, or the end.
    Publish(IteratorId, Pulled),
    /// The destructor tells the thread to end.
    Cancel(IteratorId),
    /// The destructor waits for that.
    Join(IteratorId),
}

/// What `mu_` guards.
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
    /// The next element for a consumer, or `None`: it is parked.
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

    /// Whether the thread may read another element.
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

impl View<'_> {
    pub(super) fn declare_prefetch(&self, at: At) -> Declared {
        let monitor = |label, id| {
            let object = Any::Dataset(Object::Prefetch(id));
            let condvar = &self.tree(id).prefetch.condvar;
            let awake = condvar.may_wake(self.thread.id, SpuriousWakeups::Never);
            Declared::new(label, object, Access::Write).when(awake)
        };
        match at {
            At::GetNext(id) => monitor(&GET_NEXT, id),
            At::WaitForSlot(id) => monitor(&WAIT_FOR_SLOT, id),
            At::Publish(id, _) => monitor(&PUBLISH, id),
            At::Cancel(id) => monitor(&CANCEL, id),
            // A thread that has ended stays so.
            At::Join(id) => Declared::new(&JOIN, Any::Dataset(Object::Threads(id)), Access::BothMover)
                .when(self.has_ended(Name::Prefetch(id))),
        }
    }
}

impl Run<'_> {
    pub(super) fn apply_prefetch(&mut self, at: At) {
        let (model, thread) = (self.model, self.thread.id);
        match at {
            At::GetNext(id) => {
                let prefetch = &mut self.tree(id).prefetch;
                let starts = !std::mem::replace(&mut prefetch.started, true);
                let pulled = prefetch.get_next(thread);
                if starts {
                    self.start_thread(Name::Prefetch(id), Stage::Prefetch(At::WaitForSlot(id)));
                }
                match pulled {
                    Some(pulled) => self.batch_receives(id, pulled),
                    None => self.goes_to(Stage::Prefetch(At::GetNext(id))),
                }
            }
            At::WaitForSlot(id) => {
                let limit = model.the_pipeline().prefetch;
                match self.tree(id).prefetch.wait_for_slot(limit, thread) {
                    Turn::Done => self.goes_to(Stage::Interleave(parallel_interleave::At::GetNext(id))),
                    Turn::Parked => self.goes_to(Stage::Prefetch(At::WaitForSlot(id))),
                    Turn::Cancelled => {}
                }
            }
            At::Publish(id, pulled) => {
                self.tree(id).prefetch.publish(pulled);
                if pulled != Pulled::End {
                    self.goes_to(Stage::Prefetch(At::WaitForSlot(id)));
                }
            }
            At::Cancel(id) => {
                let prefetch = &mut self.tree(id).prefetch;
                prefetch.cancelled = true;
                prefetch.condvar.notify_all();
                self.goes_to(Stage::Prefetch(At::Join(id)));
            }
            At::Join(id) => self.goes_to(Stage::Interleave(parallel_interleave::At::Cancel(id))),
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
