//! The objects of a process and their numbers. Which objects there are is said in the rooms of [`super::mechanisms`].

use std::hash::{Hash, Hasher};

use super::TensorFlow;
pub use super::mechanisms::Object;
use super::mechanisms::dataset::IteratorId;
use crate::machine::{ObjectId, ProcessId};

/// The things of which each has one object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Space {
    /// Of the process itself.
    Process,
    /// Of each process that it speaks to.
    Peer,
    /// Of each step.
    Step,
    /// Of each iterator of a pipeline.
    Iterator,
    /// Of each call.
    Call,
}

/// An index that tells the objects of one kind apart.
pub(in crate::models) trait Index {
    /// Returns the index as a number.
    fn number(self) -> u16;
    /// Returns the index with a number.
    fn of(number: u16) -> Self;
}

impl Index for u16 {
    fn number(self) -> u16 {
        self
    }

    fn of(number: u16) -> Self {
        number
    }
}

impl Index for IteratorId {
    fn number(self) -> u16 {
        u16::from(self)
    }

    fn of(number: u16) -> Self {
        number as Self
    }
}

impl Index for ProcessId {
    fn number(self) -> u16 {
        self.index() as u16
    }

    fn of(number: u16) -> Self {
        ProcessId::new(usize::from(number))
    }
}

/// The numbers at which those of each kind of objects begin, and last, where they end.
#[derive(Clone, Debug, Default)]
pub(in crate::models) struct Numbering(Vec<u32>);

impl Numbering {
    /// Numbers the objects of a job.
    pub(in crate::models) fn of(model: &TensorFlow) -> Self {
        let count = |space| match space {
            Space::Process => 1,
            Space::Peer => model.processes().len(),
            Space::Step => model.steps().len(),
            Space::Iterator => usize::from(model.iterators()),
            Space::Call => model.calls().len(),
        };
        let mut first = vec![0];
        for (_, space) in Object::KINDS.iter().copied().flatten() {
            first.push(first[first.len() - 1] + count(*space) as u32);
        }
        Self(first)
    }
}

impl TensorFlow {
    /// Returns the number of an object.
    pub fn object(&self, object: impl Into<Object>) -> ObjectId {
        let (kind, place) = object.into().place();
        ObjectId(self.numbering.0[kind] + u32::from(place))
    }

    /// Returns the object with a number.
    pub fn object_of(&self, id: ObjectId) -> Object {
        let kind = self.numbering.0.partition_point(|first| *first <= id.0) - 1;
        Object::of(kind, (id.0 - self.numbering.0[kind]) as u16)
    }

    /// Returns the name of an object for people and schedules; unique within a process.
    pub fn describe_object(&self, object: impl Into<Object>) -> String {
        let (kind, place) = object.into().place();
        let (name, space) = Object::KINDS.iter().copied().flatten().nth(kind).expect("a kind");
        match space {
            Space::Process => (*name).to_owned(),
            Space::Peer => format!("{name}:{}", self.processes()[usize::from(place)].name),
            Space::Step => format!("{name}:{}", self.step_name(place)),
            Space::Iterator => format!("{name}:iterator{place}"),
            Space::Call => format!("{name}:{}", self.call_name(place)),
        }
    }
}

/// Returns the hash of a value, for the machine's check of labels.
pub(in crate::models) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::models::tensorflow::job::builtin::{BatchSource, Edges, builtin};
    use crate::models::tensorflow::job::{Data, Job, JobStep, Order, Variant};

    #[test]
    fn every_number_belongs_to_one_object_and_every_object_has_a_name_of_its_own() {
        let edges = Edges::try_from(vec!["worker->ps0 batch".to_owned(), "ps0->ps1 x2".to_owned()]).unwrap();
        let graph = std::sync::Arc::new(builtin(2, &edges, &[], BatchSource::Iterator).unwrap());
        let step = JobStep { graph, data: Data::End };
        let model = TensorFlow::new(Job {
            workers: 2,
            steps: vec![step.clone(), step],
            inter_op: 2,
            intra_op: 2,
            variant: Variant::Tf112,
            partition_order: Order::Recorded,
            root_order: Order::All,
            pipeline: None,
        });
        let model = model.unwrap();
        let mut names = BTreeSet::new();
        for number in 0..*model.numbering.0.last().expect("an end") {
            let object = model.object_of(ObjectId(number));
            assert_eq!(model.object(object), ObjectId(number));
            assert!(names.insert(model.describe_object(object)), "{object:?}");
        }
    }
}
