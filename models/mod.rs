//! Models of real runtimes, one mechanism a file, named as the original names it.
//!
//! [`TensorFlow`] is one distributed training step of TensorFlow 1.12: read [`cluster`] for what it is made of, then one file a
//! mechanism, each with its state, its operations and its labels: [`master`] issues the step, [`worker`] runs a partition,
//! [`executor`] its nodes on the [`compute_pool`], [`rendezvous`] and [`rpc`] what passes between processes, [`iterator`] the input, [`dataset`] the pipeline behind it.

pub mod builtin;
mod certain;
pub mod circumstances;
pub mod cluster;
pub mod compute_pool;
pub mod dataset;
pub mod death;
mod describe;
mod diagnosis;
pub mod executor;
mod forget;
mod future;
pub mod graph;
pub mod iterator;
pub mod job;
pub mod kernels;
pub mod litmus;
pub mod master;
pub mod objects;
pub mod process;
pub mod queue;
pub mod rendezvous;
pub mod rpc;
pub mod session;
pub mod worker;

pub use cluster::TensorFlow;
