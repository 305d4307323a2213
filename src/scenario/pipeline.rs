//! `[job.pipeline]`: the `tf.data` pipeline behind the iterator.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::document::{one, two};
use super::rules::{Contradiction, LEAST, check, rules};
use crate::models::tensorflow::mechanisms::dataset::{InputFile, Pipeline};

/// `[job.pipeline]`: what the pipeline of each worker is made of, and what the client does with it. What is not said is as in the
/// program that TensorFlow's users write: `parallel_interleave(cycle_length=4, sloppy=True)`, `prefetch` of two batches,
/// `map(num_parallel_calls=4)`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSection {
    /// Records of each file, in the order of `list_files`.
    pub files: Vec<u16>,
    /// Indices of the files for which the function that makes their dataset fails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub function_fails: Vec<u8>,
    /// Files that `parallel_interleave` reads in turn.
    #[serde(default = "four")]
    pub cycle_length: u8,
    /// Files that it opens ahead; twice the cycle length if not given.
    pub prefetch_input_elements: Option<u8>,
    /// Records of each file that it reads ahead.
    #[serde(default = "two")]
    pub buffer_output_elements: u8,
    /// Whether it passes over a file that is not ready.
    #[serde(default = "yes")]
    pub sloppy: bool,
    /// Records that `prefetch` holds; twice the batch size if not given.
    pub prefetch: Option<u8>,
    /// Records of a batch.
    pub batch_size: u8,
    /// Whether a last batch that is not full is dropped.
    #[serde(default)]
    pub drop_remainder: bool,
    /// Batches that `map` parses at once.
    #[serde(default = "four")]
    pub num_parallel_calls: u8,
    /// Number of times that the client reads the data; it makes a new iterator before each time but the first.
    #[serde(default = "one")]
    pub epochs: u8,
    /// Reads of each epoch, if the client does not read to the end.
    pub reads_per_epoch: Option<u8>,
    /// Number of times that the client reads again after it met the end.
    #[serde(default)]
    pub reads_after_end: u8,
    /// Whether the client closes its session in the end.
    #[serde(default)]
    pub close_session: bool,
    /// Number of other masters that make a session on the worker meanwhile, and delete it again; `true` is one.
    #[serde(default, deserialize_with = "number", serialize_with = "switch")]
    pub other_master: u8,
}

fn four() -> u8 {
    4
}

/// A switch, or a number where one is not enough.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected true, false or a number up to 255")]
enum Number {
    Switch(bool),
    Count(u8),
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    Ok(match Number::deserialize(deserializer)? {
        Number::Switch(on) => u8::from(on),
        Number::Count(count) => count,
    })
}

fn switch<S: Serializer>(count: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    let number = match count {
        0 | 1 => Number::Switch(*count == 1),
        _ => Number::Count(*count),
    };
    number.serialize(serializer)
}

fn yes() -> bool {
    true
}

impl PipelineSection {
    /// Returns the pipeline that it describes.
    pub fn pipeline(&self) -> Pipeline {
        let file = |(index, &records): (usize, &u16)| InputFile {
            records,
            function_fails: self.function_fails.iter().any(|&fails| usize::from(fails) == index),
        };
        Pipeline {
            files: self.files.iter().enumerate().map(file).collect(),
            cycle_length: self.cycle_length,
            prefetch_input_elements: self
                .prefetch_input_elements
                .unwrap_or(self.cycle_length.saturating_mul(2)),
            buffer_output_elements: self.buffer_output_elements,
            sloppy: self.sloppy,
            prefetch: self.prefetch.unwrap_or(self.batch_size.saturating_mul(2)),
            batch_size: self.batch_size,
            drop_remainder: self.drop_remainder,
            num_parallel_calls: self.num_parallel_calls,
            closes_session: self.close_session,
            other_masters: self.other_master,
        }
    }

    pub(super) fn check(&self) -> Result<(), Contradiction> {
        let threads = u16::from(self.cycle_length) + u16::from(self.pipeline().prefetch_input_elements);
        let unknown = |&file: &u8| usize::from(file) >= self.files.len();
        let fails = !self.function_fails.is_empty();
        let goes_on = self.epochs > 1 || self.reads_after_end > 0;
        let stops = "the client stops at such an error; expected one epoch and no `reads_after_end`";
        let to_the_end = "only goes with a client that reads to the end, not with `reads_per_epoch`";
        let rules = rules![
            self.files.len() > 255 => "files": "more than 255 files",
            self.function_fails.iter().any(unknown) => "function_fails": "expected indices of `files`",
            fails && goes_on => "function_fails": stops,
            self.cycle_length == 0 => "cycle_length": LEAST,
            threads > 255 => "prefetch_input_elements": "more than 255 worker threads",
            self.buffer_output_elements == 0 => "buffer_output_elements": LEAST,
            self.prefetch == Some(0) => "prefetch": LEAST,
            self.batch_size == 0 => "batch_size": LEAST,
            self.num_parallel_calls == 0 => "num_parallel_calls": LEAST,
            self.epochs == 0 => "epochs": LEAST,
            self.reads_per_epoch == Some(0) => "reads_per_epoch": LEAST,
            self.reads_per_epoch.is_some() && self.reads_after_end > 0 => "reads_after_end": to_the_end,
        ];
        check("job.pipeline", rules)
    }
}
