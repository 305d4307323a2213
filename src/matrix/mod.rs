//! The matrix: which jobs can hang, over the number of inter-op threads and servers, the input design and the runtime's variant.
//!
//! A *cell* is one combination of the axes. Its job is a scenario with the cell's threads and variant ([`plan`]). Cells whose models are
//! equal are searched once: the number of intra-op threads is in no model, and a decoupled job meets the end of the data in a step that
//! no server takes part in. What was found is kept in a file that is written whole after every search ([`Results`]), beside what was
//! observed of the real runtime ([`observed`]).

pub mod observed;
mod plan;
mod results;

pub use plan::{Axes, Cell, Plan, PlanError, Search, plan};
pub use results::{Record, Results, Sampled};
