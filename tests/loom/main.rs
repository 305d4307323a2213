//! The loom engine. A process of its own, since loom and shuttle install panic hooks of their own.

mod agreement;
mod models;
#[path = "../support/mod.rs"]
mod support;
