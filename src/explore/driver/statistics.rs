//! Statistics over executions.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::drive::guarded;
use super::{Ended, Execution};
use crate::explore::{Answer, Executions, Finding, FindingKind, FoundHang, Verdict, fingerprint};
use crate::machine::{ClientStatus, Event, Model, ProcessId, Signature, System};
use crate::schedule::Found;

/// Over how many executions the saturation is measured.
const WINDOW: u64 = 1_000;

/// Most findings that a verdict lists.
const MOST_FINDINGS: usize = 64;

/// Counts executions, and keeps what is new in them.
pub struct Statistics<M: Model> {
    model: Arc<M>,
    started: Instant,
    count: u64,
    labels: u64,
    longest: u64,
    cut: u64,
    first_hang: Option<u64>,
    /// The hangs in each state in which an execution came to rest, by a 128-bit fingerprint; looked up only.
    outcomes: HashMap<u128, Vec<Signature>>,
    /// The executions of the last window that ended in a new state.
    fresh: VecDeque<u64>,
    hangs: BTreeMap<Signature, FoundHang>,
    leaks: BTreeSet<String>,
    findings: BTreeMap<(FindingKind, String), Finding>,
}

/// The progress of an exploration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatisticsStatus {
    /// Executions so far.
    pub executions: u64,
    /// Different states in which they came to rest.
    pub outcomes: u64,
    /// Different signatures of hangs.
    pub hangs: usize,
    /// Whether something is wrong with the model.
    pub broken: bool,
    /// Since the first began.
    pub elapsed: Duration,
}

impl<M: Model> Statistics<M> {
    /// Returns statistics of no execution yet. A model that can't begin is a finding.
    pub fn new(model: Arc<M>) -> Self {
        let begins = guarded(|| Ok(System::initial(&*model).threads(&*model).len()));
        let mut statistics = Self {
            model,
            started: Instant::now(),
            count: 0,
            labels: 0,
            longest: 0,
            cut: 0,
            first_hang: None,
            outcomes: HashMap::new(),
            fresh: VecDeque::new(),
            hangs: BTreeMap::new(),
            leaks: BTreeSet::new(),
            findings: BTreeMap::new(),
        };
        if let Err(found) = begins {
            statistics.failed(&found, Vec::new());
        }
        statistics
    }

    /// Tells how far it is.
    pub fn status(&self) -> StatisticsStatus {
        StatisticsStatus {
            executions: self.count,
            outcomes: self.outcomes.len() as u64,
            hangs: self.hangs.len(),
            broken: !self.findings.is_empty(),
            elapsed: self.started.elapsed(),
        }
    }

    /// Returns the fingerprints of the states in which executions came to rest, sorted.
    pub fn outcomes(&self) -> Vec<u128> {
        let mut outcomes: Vec<u128> = self.outcomes.keys().copied().collect();
        outcomes.sort_unstable();
        outcomes
    }

    /// Adds one.
    pub fn add(&mut self, execution: &Execution<M>) {
        let fingerprint = (execution.ended == Ended::AtRest).then(|| fingerprint(&execution.system));
        self.add_known(execution, fingerprint.unwrap_or_default());
    }

    /// Adds one whose fingerprint is known, if it came to rest.
    pub(crate) fn add_known(&mut self, execution: &Execution<M>, fingerprint: u128) {
        self.add_unseen(execution.taken.len());
        match &execution.ended {
            Ended::AtRest => self.at_rest(execution, fingerprint),
            Ended::Cut => self.cut += 1,
            Ended::Failed(found) => {
                let events = execution.events(&self.model).unwrap_or_default();
                self.failed(found, events);
            }
        }
    }

    /// Adds one that brings nothing new ([`Statistics::is_new`]).
    pub(crate) fn add_unseen(&mut self, labels: usize) {
        self.count += 1;
        self.labels += labels as u64;
        self.longest = self.longest.max(labels as u64);
    }

    /// Returns true if an execution that came to rest in this state after this many labels brings something new: the state, or a shorter
    /// schedule of a hang.
    pub(crate) fn is_new(&self, fingerprint: u128, labels: usize) -> bool {
        let shorter = |signature| {
            let known = self.hangs.get(signature);
            known.is_some_and(|hang: &FoundHang| labels < hang.length)
        };
        let known = self.outcomes.get(&fingerprint);
        known.is_none_or(|signatures| signatures.iter().any(shorter))
    }

    fn at_rest(&mut self, execution: &Execution<M>, fingerprint: u128) {
        if self.outcomes.contains_key(&fingerprint) {
            if self.is_new(fingerprint, execution.taken.len()) {
                self.look_guarded(execution);
            }
            return;
        }
        let found = self.look_guarded(execution);
        if !found.is_empty() {
            self.first_hang.get_or_insert(self.count);
        }
        self.outcomes.insert(fingerprint, found);
        self.fresh.push_back(self.count);
        while self.fresh.front().is_some_and(|number| number + WINDOW <= self.count) {
            self.fresh.pop_front();
        }
    }

    fn look_guarded(&mut self, execution: &Execution<M>) -> Vec<Signature> {
        guarded(|| Ok(self.look(execution))).unwrap_or_else(|found| {
            let events = execution.events(&self.model).unwrap_or_default();
            self.failed(&found, events);
            Vec::new()
        })
    }

    /// Looks at a state in which nobody can run: the signatures of its hangs.
    fn look(&mut self, execution: &Execution<M>) -> Vec<Signature> {
        let model = Arc::clone(&self.model);
        let states: Vec<&M::Process> = execution.system.processes.iter().collect();
        let clients = execution.system.clients(&*model);
        if clients.iter().all(|(.., status)| status.returned) {
            self.leaks.extend(model.leaks(&states));
            return Vec::new();
        }
        let waiting = clients.into_iter().filter(|(.., status)| !status.returned);
        let hang = |(process, client, status): (ProcessId, usize, ClientStatus)| {
            let wait_for = model.wait_for(&states, process, client);
            FoundHang {
                client: status.name,
                signature: wait_for.signature(),
                wait_for,
                length: execution.taken.len(),
                events: Vec::new(),
            }
        };
        let hangs: Vec<FoundHang> = waiting.map(hang).collect();
        let signatures: Vec<Signature> = hangs.iter().map(|hang| hang.signature.clone()).collect();
        // A record that is not kept is replayed only in builds that check labels as well.
        if !cfg!(debug_assertions) && !hangs.iter().any(|hang| self.is_shorter(hang)) {
            return signatures;
        }
        match execution.events(&model) {
            Ok(events) => self.keep(hangs, &events),
            Err(message) => {
                self.finding(FindingKind::Internal, message, Vec::new());
                return Vec::new();
            }
        }
        signatures
    }

    /// Returns true if no schedule of such a hang is known, or only longer ones.
    fn is_shorter(&self, hang: &FoundHang) -> bool {
        let known = self.hangs.get(&hang.signature);
        known.is_none_or(|known| hang.length < known.length)
    }

    fn keep(&mut self, hangs: Vec<FoundHang>, events: &[Event]) {
        for mut hang in hangs {
            if self.is_shorter(&hang) {
                hang.events = events.to_vec();
                self.hangs.insert(hang.signature.clone(), hang);
            }
        }
    }

    fn failed(&mut self, found: &Found, events: Vec<Event>) {
        let (kind, message) = match found {
            Found::Panic { message } => (FindingKind::Panic, message.clone()),
            Found::Contract(violation) => (FindingKind::Contract, violation.to_string()),
            other => (FindingKind::Internal, other.to_string()),
        };
        self.finding(kind, message, events);
    }

    /// Notes that something is wrong, with a schedule that shows it.
    pub fn finding(&mut self, kind: FindingKind, message: String, events: Vec<Event>) {
        let known = self.findings.entry((kind, message.clone()));
        let found = known.or_insert_with(|| Finding {
            kind,
            message,
            events: events.clone(),
        });
        if events.len() < found.events.len() {
            found.events = events;
        }
    }

    /// Returns the verdict of an engine. `ended` says that every schedule was run; `stopped_by` what prevented that.
    pub fn verdict(
        self,
        engine: &str,
        strategy: String,
        seed: Option<u64>,
        ended: bool,
        mut stopped_by: Option<String>,
    ) -> Verdict {
        if ended && self.cut > 0 {
            stopped_by = Some("the limit of labels of one execution".to_owned());
        }
        let findings: Vec<Finding> = self.findings.into_values().take(MOST_FINDINGS).collect();
        let complete = ended && stopped_by.is_none() && findings.is_empty();
        let mut hangs: Vec<FoundHang> = self.hangs.into_values().collect();
        hangs.sort_by(FoundHang::by_length);
        let recent = self.count.saturating_sub(WINDOW);
        Verdict {
            engine: engine.to_owned(),
            answer: Answer::of(&hangs, complete),
            complete,
            depth: self.longest,
            seconds: self.started.elapsed().as_secs_f64(),
            storage: "states at rest, by 128-bit fingerprints".to_owned(),
            stopped_by,
            executions: Some(Executions {
                strategy,
                seed,
                count: self.count,
                labels: self.labels,
                outcomes: self.outcomes.len() as u64,
                new_outcomes: self.fresh.iter().filter(|number| **number > recent).count() as u64,
                first_hang: self.first_hang,
                cut: self.cut,
            }),
            hangs,
            leaks: self.leaks.into_iter().collect(),
            findings,
            ..Verdict::default()
        }
    }
}
