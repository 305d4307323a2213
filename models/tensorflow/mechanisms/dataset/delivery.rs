//! The delivery that an epoch owes, whatever the interleaving: every record once, the partial batch last, then the end for ever.
//!
//! Several reads of one step take their results in order and may tell them in another: each is looked at when all before it are told.
//!
//! A pipeline looks at no record, so it is enough to know which record of which file an element is. Records of one file stay in
//! their order all the way (every stage is first in, first out, and one thread reads each file), which makes "once" a number per file.

use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};
use thiserror::Error;

use super::Pipeline;

/// A record of an input file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Index of its file.
    pub file: u8,
    /// Its place in the file.
    pub index: u16,
}

/// The records of a batch, sorted: in which order they lie in it is of no consequence.
pub type Batch = SmallVec<[Record; 2]>;

/// The outcome of a read of the iterator.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// A batch.
    Batch(Batch),
    /// The end of the data.
    End,
    /// Another error.
    Error,
}

/// The records that one iterator has delivered so far.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Number of records per file.
    records: SmallVec<[u16; 2]>,
    /// Whether a batch was not full.
    partial: bool,
    /// Whether the end was reported.
    ended: bool,
    /// Number of the result that comes next.
    next: u16,
    /// Results that were told before one that was taken earlier, by number.
    early: SmallVec<[(u16, Outcome); 1]>,
}

/// A delivery that no schedule may lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum WrongDelivery {
    /// A record that was delivered before.
    #[error("record {} of file {} is delivered twice", .0.index, .0.file)]
    Twice(Record),
    /// A record before its predecessor, which is lost or late.
    #[error("record {} of file {} is delivered before record {due}", record.index, record.file)]
    Early {
        /// The record.
        record: Record,
        /// The one whose turn it was.
        due: u16,
    },
    /// A batch without records, or with more than a batch holds.
    #[error("a batch of {0} records is delivered")]
    Size(usize),
    /// A batch after the partial one.
    #[error("a batch is delivered after the partial one")]
    AfterPartial,
    /// A batch after the end.
    #[error("a batch is delivered after the end")]
    AfterEnd,
    /// The end before all records.
    #[error("the end is reported after {delivered} of {records} records")]
    Missing {
        /// Records that were delivered.
        delivered: usize,
        /// Records that there are.
        records: usize,
    },
}

impl Delivery {
    /// Returns the state before the first read.
    pub fn new(pipeline: &Pipeline) -> Self {
        Self {
            records: smallvec![0; pipeline.files.len()],
            partial: false,
            ended: false,
            next: 0,
            early: SmallVec::new(),
        }
    }

    /// Returns how many records were delivered.
    pub fn delivered(&self) -> usize {
        self.records.iter().copied().map(usize::from).sum()
    }

    /// Notes what the result with this number has brought, counted from 0. An error is no delivery: the batch that it fell into is lost,
    /// and nothing is said of what comes after it.
    ///
    /// # Errors
    /// When no epoch of this pipeline may deliver that, or a later result that was told before, in its place.
    pub fn note(&mut self, pipeline: &Pipeline, number: u16, outcome: Outcome) -> Result<(), WrongDelivery> {
        self.early.push((number, outcome));
        self.early.sort_unstable_by_key(|(number, _)| *number);
        while self.early.first().is_some_and(|(number, _)| *number == self.next) {
            let (_, outcome) = self.early.remove(0);
            self.next += 1;
            self.note_next(pipeline, &outcome)?;
        }
        Ok(())
    }

    fn note_next(&mut self, pipeline: &Pipeline, outcome: &Outcome) -> Result<(), WrongDelivery> {
        match outcome {
            Outcome::Batch(batch) => self.batch(pipeline, batch),
            Outcome::End => self.end(pipeline),
            Outcome::Error => Ok(()),
        }
    }

    fn batch(&mut self, pipeline: &Pipeline, batch: &Batch) -> Result<(), WrongDelivery> {
        let full = usize::from(pipeline.batch_size);
        if self.ended {
            return Err(WrongDelivery::AfterEnd);
        }
        if self.partial {
            return Err(WrongDelivery::AfterPartial);
        }
        if batch.is_empty() || batch.len() > full {
            return Err(WrongDelivery::Size(batch.len()));
        }
        for &record in batch {
            let due = &mut self.records[usize::from(record.file)];
            if record.index < *due {
                return Err(WrongDelivery::Twice(record));
            }
            if record.index > *due {
                return Err(WrongDelivery::Early { record, due: *due });
            }
            *due += 1;
        }
        self.partial = batch.len() < full;
        Ok(())
    }

    fn end(&mut self, pipeline: &Pipeline) -> Result<(), WrongDelivery> {
        let (delivered, records) = (self.delivered(), pipeline.records());
        // What does not fill a batch is dropped where the pipeline was told so.
        let complete = if pipeline.drop_remainder {
            records - delivered < usize::from(pipeline.batch_size)
        } else {
            delivered == records
        };
        self.ended = true;
        if complete {
            Ok(())
        } else {
            Err(WrongDelivery::Missing { delivered, records })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(drop_remainder: bool) -> Pipeline {
        Pipeline {
            drop_remainder,
            ..Pipeline::smallest(&[2, 1], 2)
        }
    }

    fn batch(records: &[(u8, u16)]) -> Outcome {
        Outcome::Batch(records.iter().map(|&(file, index)| Record { file, index }).collect())
    }

    /// Notes one outcome after the other and returns what the last one came to.
    fn after(drop_remainder: bool, outcomes: &[Outcome]) -> Result<(), WrongDelivery> {
        let pipeline = pipeline(drop_remainder);
        let mut delivery = Delivery::new(&pipeline);
        let (last, before) = outcomes.split_last().unwrap();
        for (number, outcome) in (0..).zip(before) {
            delivery.note(&pipeline, number, outcome.clone()).unwrap();
        }
        delivery.note(&pipeline, before.len() as u16, last.clone())
    }

    #[test]
    fn results_that_are_told_in_another_order_are_noted_in_that_in_which_they_were_taken() {
        let pipeline = pipeline(false);
        let results = [batch(&[(0, 0), (0, 1)]), batch(&[(1, 0)]), Outcome::End];
        let mut delivery = Delivery::new(&pipeline);
        for number in [2_u16, 0, 1] {
            assert_eq!(
                delivery.note(&pipeline, number, results[usize::from(number)].clone()),
                Ok(())
            );
        }
        assert_eq!(delivery.delivered(), 3);
        let mut delivery = Delivery::new(&pipeline);
        delivery.note(&pipeline, 1, Outcome::End).unwrap();
        let missing = WrongDelivery::Missing {
            delivered: 2,
            records: 3,
        };
        assert_eq!(delivery.note(&pipeline, 0, results[0].clone()), Err(missing));
    }

    #[test]
    fn every_record_once_then_the_partial_batch_then_the_end_again_and_again() {
        for first in [[(0, 0), (0, 1)], [(0, 0), (1, 0)]] {
            let rest = if first[1] == (0, 1) { (1, 0) } else { (0, 1) };
            let all = [batch(&first), batch(&[rest]), Outcome::End, Outcome::End];
            assert_eq!(after(false, &all), Ok(()));
        }
    }

    #[test]
    fn a_record_is_delivered_neither_twice_nor_before_its_predecessor() {
        let record = Record { file: 0, index: 0 };
        let twice = [batch(&[(0, 0), (0, 1)]), batch(&[(0, 0)])];
        assert_eq!(after(false, &twice), Err(WrongDelivery::Twice(record)));
        let early = Record { file: 0, index: 1 };
        let wrong = WrongDelivery::Early { record: early, due: 0 };
        assert_eq!(after(false, &[batch(&[(0, 1)])]), Err(wrong));
    }

    #[test]
    fn nothing_follows_the_partial_batch_or_the_end() {
        let partial = [batch(&[(0, 0)]), batch(&[(0, 1), (1, 0)])];
        assert_eq!(after(false, &partial), Err(WrongDelivery::AfterPartial));
        let all = [
            batch(&[(0, 0), (0, 1)]),
            batch(&[(1, 0)]),
            Outcome::End,
            batch(&[(1, 0)]),
        ];
        assert_eq!(after(false, &all), Err(WrongDelivery::AfterEnd));
    }

    #[test]
    fn a_batch_holds_a_record_and_no_more_than_fit() {
        assert_eq!(after(false, &[batch(&[])]), Err(WrongDelivery::Size(0)));
        let three = batch(&[(0, 0), (0, 1), (1, 0)]);
        assert_eq!(after(false, &[three]), Err(WrongDelivery::Size(3)));
    }

    #[test]
    fn the_end_comes_after_all_records_but_for_a_remainder_that_is_dropped() {
        let full = batch(&[(0, 0), (0, 1)]);
        let missing = WrongDelivery::Missing {
            delivered: 2,
            records: 3,
        };
        assert_eq!(after(false, &[full.clone(), Outcome::End]), Err(missing));
        assert_eq!(after(true, &[full, Outcome::End]), Ok(()));
        let missing = WrongDelivery::Missing {
            delivered: 0,
            records: 3,
        };
        assert_eq!(after(true, &[Outcome::End]), Err(missing));
    }
}
