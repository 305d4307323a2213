//! Comparing dumps with known hangs.

use super::symptom::Evidence;
use super::{Dump, KNOWN, Known, Place, Role, Seen, Symptom};

/// The assessment of a set of dumps.
#[derive(Debug)]
pub struct Assessment {
    /// Every known hang that is not ruled out, for the worker whose dump fits it best; the best fit first.
    pub fits: Vec<Fit>,
    /// Hangs that are ruled out, with the first sign that does so.
    pub ruled_out: Vec<(&'static Known, &'static Symptom)>,
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
    /// Whether every sign that it needs is there. Dumps never prove more than that.
    pub likely: bool,
    /// Its signs, needed ones first.
    pub signs: Vec<Sign>,
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
    let workers: Vec<Option<&Dump>> = match dumps.iter().filter(|dump| dump.role() == Role::Worker) {
        found if dumps.iter().any(|dump| dump.role() == Role::Worker) => found.map(Some).collect(),
        _ => vec![None],
    };
    let mut fits = Vec::new();
    let mut ruled_out = Vec::new();
    for known in KNOWN {
        let cases = workers.iter().map(|&worker| Evidence { worker, all: dumps });
        let mut compared: Vec<Result<Fit, &'static Symptom>> = cases.map(|evidence| compare(known, evidence)).collect();
        compared.sort_by_key(|fit| fit.as_ref().map_or(0, |fit| 1 + fit.shown()));
        match compared.pop() {
            // A hang of which nothing, or hardly anything, can be seen is not worth a line.
            Some(Ok(fit)) if enough(&fit) => fits.push(fit),
            Some(Err(symptom)) => ruled_out.push((known, symptom)),
            _ => {}
        }
    }
    fits.sort_by_key(|fit| (!fit.likely, usize::MAX - fit.shown()));
    Assessment {
        next: next(dumps, &fits),
        fits,
        ruled_out,
    }
}

/// Returns true if half of the signs that a hang needs are there.
fn enough(fit: &Fit) -> bool {
    let needed = || fit.signs.iter().filter(|sign| sign.needed);
    let shown = needed().filter(|sign| sign.seen == Seen::Yes).count();
    2 * shown >= needed().count()
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
    Ok(Fit {
        known,
        worker: evidence.worker.map(|dump| dump.task.clone()),
        likely: signs.iter().all(|sign| !sign.needed || sign.seen == Seen::Yes),
        signs,
    })
}

/// Lists the dumps that would tell more.
fn next(dumps: &[Dump], fits: &[Fit]) -> Vec<String> {
    let of = |role| dumps.iter().filter(move |dump| dump.role() == role);
    let mut next = Vec::new();
    if of(Role::Worker).next().is_none() {
        next.push(
            "the worker whose sess.run does not return: a server's stacks show nothing of a client that waits"
                .to_owned(),
        );
        return next;
    }
    if fits.is_empty() {
        return next;
    }
    if of(Role::Server).next().is_none() {
        next.push("every parameter server: one that is in a node or a handler may still answer".to_owned());
    }
    let at_work = [Place::PoolNode, Place::PoolHandler, Place::QueueCallback];
    for server in of(Role::Server).filter(|server| server.has(&at_work)) {
        next.push(format!(
            "{} again in ten seconds: it was at work, for this step or another worker's",
            server.task
        ));
    }
    for fit in fits {
        if let Some(worker) = &fit.worker {
            let again = format!("{worker} again in ten seconds: a thread that has moved means slow, not hung");
            if !next.contains(&again) {
                next.push(again);
            }
        }
    }
    next
}
