//! Models of real runtimes: one folder per runtime, and the small systems that every engine is tested on.

pub mod litmus;
pub mod tensorflow;

pub use tensorflow::TensorFlow;
