//! The search of a job's parts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::note_left_out;
use crate::explore::exhaustive::{self, Options, Status};
use crate::explore::{Answer, Finding, FoundHang, PartsSearched, Shard, Verdict};
use crate::machine::{Signature, System};
use crate::models::TensorFlow;
use crate::models::tensorflow::import::concretization::{ConcretizeError, concretize_while};
use crate::models::tensorflow::import::parts::{Part, Parts};
use crate::models::tensorflow::import::slice::{SliceOptions, slice};
use crate::models::tensorflow::job::graph::Graph;
use crate::schedule::{End, length, run_event};

/// Servers and edges of the largest parts: a wait-for chain needs no more ([`crate::models::tensorflow::import::parts`]).
const SERVERS: usize = 3;
const EDGES: usize = 6;
/// Hangs of one signature that are tried on the whole job: one that fails, fails for a reason that equal ones share.
const ATTEMPTS: usize = 3;

/// Searches the parts of a job, the smallest first, until some of one size have a hang that is told and replayed on the whole. `options`
/// are those of the search of one part, `time` is for all. A shard searches every COUNTth part. The answer is *hang*, *no hang in parts*, or *undecided* where a bound ended
/// a search or the hang of a part could not be told.
pub fn search_parts(
    whole: &TensorFlow,
    options: &Options,
    shard: Shard,
    time: Duration,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(&Status),
) -> Verdict {
    let started = Instant::now();
    let mut search = PartSearch::new(whole, started + time);
    search.shard = shard;
    search.last = options.max_time.map(|most| started + Duration::from_secs_f64(most));
    let ended = search.run(options, interrupt, progress);
    let verdict = search.into_verdict();
    let parts = verdict.parts.as_ref();
    let open = parts.is_none_or(|parts| parts.undecided > 0 || !parts.not_lifted.is_empty());
    match verdict.answer {
        Answer::Undecided if ended && !open && verdict.findings.is_empty() => Verdict {
            answer: Answer::NoHangInParts,
            ..verdict
        },
        _ => verdict,
    }
}

/// Returns the time until then.
pub(super) fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}

/// The search of a job's parts.
struct PartSearch<'a> {
    /// The whole job with one of its workers: the steps of others share nothing with its own but servers' pool threads.
    whole: Cow<'a, TensorFlow>,
    /// The job with one edge for each pair of processes.
    pairs: TensorFlow,
    end: Instant,
    shard: Shard,
    /// The time by which every hang has to be told.
    last: Option<Instant>,
    done: PartsSearched,
    hangs: Vec<FoundHang>,
    /// Problems with each signature on the whole job.
    not_lifted: BTreeMap<Signature, Vec<String>>,
    findings: Vec<Finding>,
    /// Reductions of the searches, the same for all.
    reductions: Vec<String>,
    started: Instant,
}

impl<'a> PartSearch<'a> {
    fn new(whole: &'a TensorFlow, end: Instant) -> Self {
        let options = SliceOptions {
            keep: 1,
            keep_updates: false,
            pairs: true,
        };
        let fewer = "a job with fewer workers or smaller graphs is a job";
        let whole = match whole.job().workers {
            1 => Cow::Borrowed(whole),
            _ => Cow::Owned(whole.reduced(1, Graph::clone).expect(fewer)),
        };
        Self {
            pairs: whole.reduced(1, |graph| slice(graph, &options).graph).expect(fewer),
            whole,
            end,
            shard: Shard::ALL,
            last: None,
            done: PartsSearched::default(),
            hangs: Vec::new(),
            not_lifted: BTreeMap::new(),
            findings: Vec::new(),
            reductions: Vec::new(),
            started: Instant::now(),
        }
    }

    /// Searches the parts, the smallest first, until some of one size hang; false if it was ended before.
    fn run(&mut self, options: &Options, interrupt: &AtomicBool, progress: &mut dyn FnMut(&Status)) -> bool {
        let steps = self.pairs.job().steps.iter();
        let largest = steps.max_by_key(|step| step.graph.edges.len());
        let Some(largest) = largest.map(|step| Parts::of(&step.graph)) else {
            return false;
        };
        let mut number = 0;
        let most_servers = SERVERS.min(largest.servers());
        for servers in 1..=most_servers {
            for edges in 1..=EDGES {
                let parts = largest.with(servers, edges);
                for part in &parts {
                    number += 1;
                    if !self.shard.has(number - 1) {
                        continue;
                    }
                    let options = Options {
                        max_time: Some(left(self.end).as_secs_f64()),
                        ..options.clone()
                    };
                    if left(self.end).is_zero() || interrupt.load(Ordering::SeqCst) {
                        return false;
                    }
                    self.search(part, &options, interrupt, progress);
                }
                if !parts.is_empty() {
                    (self.done.servers, self.done.edges) = (servers, edges);
                }
                if !self.hangs.is_empty() || !self.findings.is_empty() {
                    self.done.stopped_at_hang = !self.hangs.is_empty() && (servers, edges) != (most_servers, EDGES);
                    return true;
                }
            }
        }
        true
    }

    /// Searches one part, and tells its hangs for the whole.
    fn search(&mut self, part: &Part, options: &Options, interrupt: &AtomicBool, progress: &mut dyn FnMut(&Status)) {
        let model = self.pairs.reduced(1, |graph| part.of(graph));
        let model = model.expect("a part of a job is a job");
        let mut reduced = model.clone();
        reduced.set_cancels_in_order(true);
        reduced.set_cleans_up(false);
        let mut verdict = exhaustive::search(&reduced, options, interrupt, progress);
        note_left_out(&mut verdict, true, false);
        self.reductions = verdict.reductions;
        self.done.states += verdict.states;
        self.done.stand_for += part.stands_for as u64;
        self.findings.extend(verdict.findings);
        match verdict.answer {
            Answer::Hang => self.done.hung += 1,
            Answer::NoHang => self.done.proved += 1,
            _ => self.done.undecided += 1,
        }
        for hang in verdict.hangs {
            let known = |other: &FoundHang| other.signature == hang.signature;
            let tried = self.not_lifted.entry(hang.signature.clone()).or_default();
            if self.hangs.iter().any(known) || tried.len() == ATTEMPTS {
                continue;
            }
            let wanted = || !interrupt.load(Ordering::SeqCst) && self.last.is_none_or(|last| Instant::now() < last);
            match lifted(&self.whole, &model, &hang, &wanted) {
                Ok(hang) => self.hangs.push(hang),
                Err(problem) => tried.push(problem),
            }
        }
    }

    fn into_verdict(mut self) -> Verdict {
        let lifted = |signature: &Signature| self.hangs.iter().any(|hang| hang.signature == *signature);
        let open = self.not_lifted.iter().filter(|(signature, _)| !lifted(signature));
        self.done.not_lifted = open.filter_map(|(_, problems)| problems.first().cloned()).collect();
        self.hangs.sort_by_key(|hang| (hang.length, hang.signature.clone()));
        let answer = if self.hangs.is_empty() {
            Answer::Undecided
        } else {
            Answer::Hang
        };
        Verdict {
            engine: PartsSearched::ENGINE.to_owned(),
            answer,
            states: self.done.states,
            seconds: self.started.elapsed().as_secs_f64(),
            storage: "full states, collapse-compressed".to_owned(),
            reductions: self.reductions,
            hangs: self.hangs,
            findings: self.findings,
            parts: Some(self.done),
            ..Verdict::default()
        }
    }
}

/// Returns the hang of a part as one of the whole job, where it is replayed and must end at rest in the same signature; an error also
/// once that is not `wanted` any more.
fn lifted(
    whole: &TensorFlow,
    part: &TensorFlow,
    hang: &FoundHang,
    wanted: &dyn Fn() -> bool,
) -> Result<FoundHang, String> {
    let id = hang.signature.id();
    let told = concretize_while(part, &hang.events, whole, wanted).map_err(|error| format!("{id}: {error}"))?;
    let mut system = System::initial(whole);
    for event in &told.events {
        if !wanted() {
            return Err(format!("{id}: {}", ConcretizeError::Ended));
        }
        run_event(whole, &mut system, event).map_err(|found| format!("{id}: {found}"))?;
    }
    let end = End::of(whole, &system);
    let found = end.hang_of(&hang.client).filter(|_| end.at_rest());
    let mut as_searched = whole.clone();
    as_searched.set_cleans_up(false);
    match found {
        Some((signature, _)) if *signature == hang.signature => Ok(FoundHang {
            length: length(&as_searched, &told.events).unwrap_or(told.events.len()),
            events: told.events,
            ..hang.clone()
        }),
        Some((signature, _)) => Err(format!("{id}: there it hangs as {}", signature.id())),
        None => Err(format!("{id}: there the client has its answer")),
    }
}
