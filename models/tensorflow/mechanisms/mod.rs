//! The mechanisms of the runtime, one room each, named as the original names them.

pub mod cancellation;
pub mod crash;
pub mod dataset;
pub mod executor;
pub mod iterator;
pub mod master;
pub mod pool;
pub mod queue;
pub mod rendezvous;
pub mod rpc;
pub mod worker;
