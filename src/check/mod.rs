//! A model of one's own under any engine, in one line of a test.
//!
//! [`check`] takes the model and returns a [`Check`], which knows what is wanted of it. [`Check::assert_no_hang`] and
//! [`Check::assert_hang`] run it and panic with a text that says who waits, for what, why nobody answers and what to change.

mod checked;
mod replay;
mod text;

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

pub use checked::Checked;
pub use replay::ReplayError;

use crate::explore::{Answer, Budget, Engine, FoundHang, RunError, Strategy, run};
use crate::file::FileError;
use crate::machine::{Describe, Reducible};

/// The variable that names the folder for what a failed assertion leaves: the schedule of each hang, and its page.
pub const OUT: &str = "LASTBATCH_OUT";

/// A model that can be checked: a [`crate::SmallModel`], or a [`crate::machine::Model`] with the three traits beside it, which
/// [`says_nothing!(all Mine)`](crate::says_nothing) writes for those that have nothing to say there.
pub trait Checkable: Reducible + Describe + Clone + 'static {}

impl<M: Reducible + Describe + Clone + 'static> Checkable for M {}

/// Begins a check of a model: by the exhaustive engine, without a bound.
pub fn check<M: Checkable>(model: M) -> Check<M> {
    let name = std::any::type_name::<M>();
    let name = name.split('<').next().unwrap_or(name);
    Check {
        model,
        name: name.rsplit("::").next().unwrap_or(name).to_owned(),
        engine: Engine::default(),
        budget: Budget::default(),
        schedule: None,
        #[cfg(feature = "page")]
        page: None,
    }
}

/// A check, and what is wanted of it.
#[derive(Clone, Debug)]
#[must_use = "nothing runs before it is told to"]
pub struct Check<M> {
    model: M,
    name: String,
    engine: Engine,
    budget: Budget,
    schedule: Option<PathBuf>,
    #[cfg(feature = "page")]
    page: Option<PathBuf>,
}

/// The reason why a check has no result.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The engine can't run the model.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A schedule or a page can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl<M: Checkable> Check<M> {
    /// Gives the model a name, which texts, schedules and files have; else it is that of its type.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Chooses the engine.
    pub fn engine(mut self, engine: Engine) -> Self {
        self.engine = engine;
        self
    }

    /// Chooses the strategy of the engines that sample ([`Strategy::Portfolio`] unless it is said).
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.budget.strategy = strategy;
        self
    }

    /// Sets the seed of the engines that sample.
    pub fn seed(mut self, seed: u64) -> Self {
        self.budget.seed = seed;
        self
    }

    /// Bounds the executions of the engines that run one after the other.
    pub fn executions(mut self, most: u64) -> Self {
        self.budget.executions = Some(most);
        self
    }

    /// Bounds the states that the exhaustive engine stores.
    pub fn max_states(mut self, most: u64) -> Self {
        self.budget.max_states = Some(most);
        self
    }

    /// Bounds the bytes that the exhaustive engine stores.
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.budget.max_memory = Some(bytes);
        self
    }

    /// Bounds the time. What is found then depends on the machine.
    pub fn max_time(mut self, time: Duration) -> Self {
        self.budget.max_time = Some(time);
        self
    }

    /// Ends the run at the first hang.
    pub fn stop_at_first_hang(mut self) -> Self {
        self.budget.stop_at_first_hang = true;
        self
    }

    /// Sets how many threads the engine itself runs on; all cores unless it is said. It changes no result but the time.
    pub fn threads(mut self, threads: usize) -> Self {
        self.budget.threads = threads.max(1);
        self
    }

    /// Writes the schedule of the first hang there, if there is one.
    pub fn schedule(mut self, path: impl Into<PathBuf>) -> Self {
        self.schedule = Some(path.into());
        self
    }

    /// Writes the first hang there as a page for a browser, if there is one: what happened, which order decided it, every state.
    #[cfg(feature = "page")]
    pub fn page(mut self, path: impl Into<PathBuf>) -> Self {
        self.page = Some(path.into());
        self
    }

    /// Runs the check.
    ///
    /// # Errors
    /// When the engine can't run the model, or a file that was asked for can't be written.
    pub fn try_run(self) -> Result<Checked<M>, CheckError> {
        let verdict = run(&self.model, self.engine, &self.budget)?;
        let checked = Checked::new(self.model, self.name, self.engine, verdict);
        if let (Some(path), Some(hang)) = (&self.schedule, checked.hangs().first()) {
            checked.write_schedule(hang, path)?;
        }
        #[cfg(feature = "page")]
        if let (Some(path), Some(hang)) = (&self.page, checked.hangs().first()) {
            checked.write_page(hang, path)?;
        }
        Ok(checked)
    }

    /// Runs the check.
    ///
    /// # Panics
    /// When the engine can't run the model, or a file that was asked for can't be written.
    #[track_caller]
    pub fn run(self) -> Checked<M> {
        let name = self.name.clone();
        match self.try_run() {
            Ok(checked) => checked,
            Err(error) => panic!("{name}: {error}"),
        }
    }

    /// Runs the check, and expects that no client can hang. An engine that searches has to prove it; one that samples has to come to the end
    /// of its executions without having met a hang.
    ///
    /// # Panics
    /// When a client can hang, the model fails, or the search was not complete. The text says why.
    #[track_caller]
    pub fn assert_no_hang(self) -> Checked<M> {
        let checked = self.run();
        let verdict = checked.verdict();
        let cut = verdict.executions.as_ref().is_some_and(|executions| executions.cut > 0);
        let passes = match verdict.answer {
            Answer::NoHang => true,
            Answer::Undecided => checked.engine().samples() && !cut,
            Answer::Hang | Answer::NoHangInParts => false,
        };
        if !passes || !verdict.findings.is_empty() {
            panic!("{}", checked.failure("no hang"));
        }
        checked
    }

    /// Runs the check, and expects a hang: one whose signature's id is `which`, or in whose client or signature that text stands. Any hang has
    /// the empty text.
    ///
    /// # Panics
    /// When there is no such hang, or the model fails. The text says what there is.
    #[track_caller]
    pub fn assert_hang(self, which: &str) -> Checked<M> {
        let checked = self.run();
        let found = checked.hangs().iter().any(|hang| is(hang, which));
        if !found || !checked.verdict().findings.is_empty() {
            let expected = if which.is_empty() {
                "a hang".to_owned()
            } else {
                format!("a hang \"{which}\"")
            };
            panic!("{}", checked.failure(&expected));
        }
        checked
    }
}

impl<M: Checkable> Check<M> {
    /// Expects no hang of every engine that this build has, as [`Check::assert_no_hang`] does.
    ///
    /// # Panics
    /// When one of them finds a hang, can't run the model, or does not come to its end.
    #[track_caller]
    pub fn assert_no_hang_under_every_engine(self) {
        for &engine in Engine::ALL {
            self.clone().engine(engine).assert_no_hang();
        }
    }

    /// Expects a hang of every engine that this build has, as [`Check::assert_hang`] does. Each also runs the shortest schedule again, real
    /// threads only that: by themselves they may find it or not.
    ///
    /// # Panics
    /// When one of them does not find that hang, can't run the model, or ends the schedule otherwise.
    #[track_caller]
    pub fn assert_hang_under_every_engine(self, which: &str) {
        let found = self.clone().engine(Engine::Exhaustive).assert_hang(which);
        let hang = found.hangs().iter().find(|hang| is(hang, which));
        let schedule = found.schedule(hang.expect("it was asserted"));
        for &engine in Engine::ALL {
            let check = self.clone().engine(engine);
            if engine.is_deterministic() {
                check.clone().assert_hang(which);
            }
            if let Err(error) = check.replay_schedule(&schedule) {
                panic!(
                    "{}: engine {engine} does not run the schedule again: {error}\n{schedule}",
                    self.name
                );
            }
        }
    }
}

/// Returns true if a hang is the one that a text names.
fn is(hang: &FoundHang, which: &str) -> bool {
    hang.signature.id() == which || hang.client.contains(which) || hang.signature.to_string().contains(which)
}

#[cfg(test)]
mod tests;
