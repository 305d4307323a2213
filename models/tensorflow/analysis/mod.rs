//! What reductions assume of the model: footprints, inevitability, dead state.

mod dead_state;
mod footprint;
mod inevitability;
