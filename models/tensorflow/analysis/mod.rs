//! Assumptions of the reductions about the model: footprints, inevitability, dead state. Derived from the rooms, not told.

mod dead_state;
mod footprint;
mod inevitability;
mod may_send;

pub(in crate::models) use footprint::Footprints;
pub use footprint::Outlook;
