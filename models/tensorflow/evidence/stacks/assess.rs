//! Comparing dumps with known hangs.

use super::symptom::Evidence;
use super::waiting::{Waiting, runs_for_others, waiting};
use super::{Dump, KNOWN, Known, Place, Role, Seen, Symptom, next};

/// The assessment of a set of dumps.
#[derive(Debug)]
pub struct Assessment {
    /// Every known hang that is not ruled out, for the worker whose dump fits it best; the best fit first.
    pub fits: Vec<Fit>,
    /// Hangs that are ruled out, with the first sign that does so.
    pub ruled_out: Vec<(&'static Known, &'static Symptom)>,
    /// Whether no hang fits, and one may be there all the same: the dumps do not show enough to rule it out.
    pub open: bool,
    /// Chains of who waits for whom.
    pub waiting: Vec<Waiting>,
    /// Dumps to take next, one line each.
    pub next: Vec<String>,
}

/// A known hang that the dumps do not contradict.
#[derive(Debug)]
pub struct Fit {
    /// The known cause.
    pub known: &'static Known,
    /// The worker that hangs.
    pub worker: Option<String>,
    /// Whether every sign that it needs is there, and no doubt. Dumps never prove more than that.
    pub likely: bool,
    /// Its signs, needed ones first.
    pub signs: Vec<Sign>,
    /// Signs that a job without the hang would show, too; with one of them it is not likely.
    pub doubts: Vec<&'static Symptom>,
}

/// A sign and whether it is there.
#[derive(Debug)]
pub struct Sign {
    /// The sign.
    pub symptom: &'static Symptom,
    /// Presence of the symptom: [`Seen::Yes`] or [`Seen::NotShown`].
    pub seen: Seen,
    /// Whether the hang cannot be without it.
    pub needed: bool,
}

impl Fit {
    /// Returns how many of its signs are there.
    pub fn shown(&self) -> usize {
        self.signs.iter().filter(|sign| sign.seen == Seen::Yes).count()
    }
}

/// Compares the dumps of one job with every known hang.
pub fn assess(dumps: &[Dump]) -> Assessment {
    let of = |role| dumps.iter().filter(move |dump| dump.role() == role).map(Some);
    let mut workers: Vec<Option<&Dump>> = of(Role::Worker).collect();
    // The step of a client without a master is another task's.
    let masters = dumps.iter().any(runs_for_others);
    workers.retain(|worker| {
        !(masters && worker.is_some_and(|dump| dump.has(&[Place::RemoteClient]) && !runs_for_others(dump)))
    });
    if workers.is_empty() {
        workers.extend(of(Role::Unknown));
    }
    if workers.is_empty() {
        workers.push(None);
    }
    let mut fits = Vec::new();
    let mut ruled_out = Vec::new();
    for known in KNOWN {
        let cases = workers.iter().map(|&worker| Evidence { worker, all: dumps });
        let mut compared: Vec<Result<Fit, &'static Symptom>> = cases.map(|evidence| compare(known, evidence)).collect();
        compared.sort_by_key(|fit| fit.as_ref().map_or(0, |fit| 1 + fit.shown()));
        match compared.pop() {
            // A hang of which nothing, or hardly anything, can be seen is not worth a line.
            Some(Ok(fit)) if enough(&fit, dumps) => fits.push(fit),
            Some(Err(symptom)) => ruled_out.push((known, symptom)),
            _ => {}
        }
    }
    fits.sort_by_key(|fit| (!fit.likely, usize::MAX - fit.shown()));
    let hidden = dumps.iter().any(|dump| !dump.is_whole()) || next::master(dumps).is_some();
    Assessment {
        open: fits.is_empty() && ruled_out.len() < KNOWN.len() && hidden,
        waiting: waiting(dumps),
        next: next::next(dumps, &fits),
        fits,
        ruled_out,
    }
}

/// Returns true if half of the signs that a hang needs are there; one, if the worker's dump is not whole and may hide the others.
fn enough(fit: &Fit, dumps: &[Dump]) -> bool {
    let needed = || fit.signs.iter().filter(|sign| sign.needed);
    let shown = needed().filter(|sign| sign.seen == Seen::Yes).count();
    let partial = |dump: &Dump| fit.worker.as_ref() == Some(&dump.task) && !dump.is_whole();
    2 * shown >= needed().count() || shown > 0 && dumps.iter().any(partial)
}

/// Returns the signs of a hang, or the first one that rules it out.
fn compare(known: &'static Known, evidence: Evidence<'_>) -> Result<Fit, &'static Symptom> {
    let mut signs = Vec::new();
    for (symptoms, needed) in [(known.needs, true), (known.supports, false)] {
        for &symptom in symptoms {
            let seen = symptom.seen(evidence);
            if needed && seen == Seen::No {
                return Err(symptom);
            }
            signs.push(Sign { symptom, seen, needed });
        }
    }
    let doubts = known.doubts.iter().copied();
    let doubts: Vec<_> = doubts.filter(|doubt| doubt.seen(evidence) == Seen::Yes).collect();
    Ok(Fit {
        known,
        worker: evidence.worker.map(|dump| dump.task.clone()),
        likely: doubts.is_empty() && signs.iter().all(|sign| !sign.needed || sign.seen == Seen::Yes),
        signs,
        doubts,
    })
}
