//! The program: its commands, what they print and write, and what the documentation says of them.

mod check;
mod check_shards;
mod cli;
mod collect;
mod docs;
mod docs_numbers;
mod explain;
mod explain_files;
mod gate;
mod gate_walkthrough;
mod matrix;
mod minimise;
mod own_model;
mod real_jobs;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod worker;
