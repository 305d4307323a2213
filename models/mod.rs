//! Models of real runtimes: one folder per runtime, and the small systems that every engine is tested on.

pub mod litmus;
#[cfg(feature = "tensorflow")]
pub mod tensorflow;

#[cfg(feature = "tensorflow")]
pub use tensorflow::TensorFlow;
