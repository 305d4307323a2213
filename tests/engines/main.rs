//! Every engine but loom: what each finds, where each stops, and that all find the same. (loom has a binary of its own, `tests/loom`: loom
//! and shuttle install panic hooks of their own.)

mod agreement;
mod checkpoint;
mod exhaustive;
mod faults;
mod final_batch;
mod kernels;
mod limits;
mod litmus;
mod names;
mod recorded;
mod reductions;
mod runs;
mod sample;
mod stateright_oracle;
#[path = "../support/mod.rs"]
mod support;
