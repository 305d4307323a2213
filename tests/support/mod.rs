//! Support that several test binaries share. Each takes the file in by its path, and uses a part of it.

#![allow(dead_code, unused_imports, unused_macros, reason = "no test binary uses all of it")]

pub(crate) mod chromium;
pub(crate) mod disagreement;
pub(crate) mod fault_injection;
pub(crate) mod perturbed_run;
pub(crate) mod program;
pub(crate) mod project;
pub(crate) mod random_model;
pub(crate) mod recorder;
pub(crate) mod rng;
pub(crate) mod run_metadata;
pub(crate) mod scenario;
pub(crate) mod scenario_search;
pub(crate) mod shipped_schedules;
pub(crate) mod small_jobs;
pub(crate) mod state_space;
pub(crate) mod stateright_adapter;
pub(crate) mod systems;
