//! Models of real runtimes, one mechanism a file, named as the original names it.

pub mod graph;
pub mod kernels;
