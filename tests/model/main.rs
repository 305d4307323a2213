//! The model of TensorFlow: its mechanisms, the graphs that it reads, and the traces and stack dumps that it is held against.

mod closed_world;
mod concretization;
mod conform;
mod conform_random;
mod conform_recorded;
mod dataset;
mod dump_forms;
mod final_batch;
mod forcing;
mod import;
mod import_refused;
mod labels;
mod loops;
mod match_dumps;
mod mechanism_walkthrough;
mod mutants;
mod other_ends;
mod parts;
mod queue;
mod recording;
mod rooms;
mod slice;
#[path = "../support/mod.rs"]
mod support;
mod variant_walkthrough;
mod walkthrough;
