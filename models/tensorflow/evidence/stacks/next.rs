//! Dumps that would tell more.

use super::waiting::runs_for_others;
use super::{Dump, Fit, Place, Role};

/// Lists the dumps to take next, one line each: never one that was given whole, but to see whether it moves.
pub(super) fn next(dumps: &[Dump], fits: &[Fit]) -> Vec<String> {
    let of = |role| dumps.iter().filter(move |dump| dump.role() == role);
    let mut next: Vec<String> = of(Role::Worker).chain(of(Role::Unknown)).filter_map(whole).collect();
    next.extend(master(dumps));
    if of(Role::Worker).next().is_none() {
        // A part of a dump without a client may be of that worker.
        let client = "the worker whose sess.run does not return: a server's stacks show nothing of a client that waits";
        next.extend(next.is_empty().then(|| client.to_owned()));
        return next;
    }
    let waits = of(Role::Worker).any(|worker| {
        let reads = worker.has(&[Place::GetNextBusy, Place::SyncGetNext]);
        let others = [
            Place::StepWaits,
            Place::FindsDevices,
            Place::OpensSessions,
            Place::Registers,
            Place::DeletesSessions,
        ];
        worker.has(&others) && !reads
    });
    let open = !fits.is_empty() || waits;
    if open && of(Role::Server).next().is_none() && !only_local(dumps) {
        next.push("every parameter server: one that is in a node or a handler may still answer".to_owned());
    }
    if fits.is_empty() {
        return next;
    }
    next.extend(of(Role::Server).filter_map(whole));
    let at_work = |server: &&Dump| server.has(&Place::AT_WORK) || server.has(&Place::NODES);
    for server in of(Role::Server).filter(at_work) {
        next.push(format!(
            "{} again in ten seconds: it was at work, for this step or another worker's",
            server.task
        ));
    }
    for fit in fits.iter().filter_map(|fit| fit.worker.as_ref()) {
        let again = format!("{fit} again in ten seconds: a thread that has moved means slow, not hung");
        let partial = dumps.iter().any(|dump| dump.task == *fit && !dump.is_whole());
        if !partial && !next.contains(&again) {
            next.push(again);
        }
    }
    next
}

/// Asks for the rest of a dump.
fn whole(dump: &Dump) -> Option<String> {
    let gap = dump.gaps.first()?;
    Some(format!(
        "{} again, every thread of it (gdb -p PID -batch -ex 'thread apply all bt'): {gap}",
        dump.task
    ))
}

/// Asks for the master of a client that has none in its own task.
pub(super) fn master(dumps: &[Dump]) -> Option<String> {
    let client = dumps.iter().find(|dump| dump.has(&[Place::RemoteClient]))?;
    let found = dumps.iter().any(runs_for_others);
    (!found).then(|| {
        format!(
            "the task that the session of {} was opened on, as tf.Session(target) names it: its master runs the step",
            client.task
        )
    })
}

/// Returns true if every client runs without a cluster.
fn only_local(dumps: &[Dump]) -> bool {
    let clients = || dumps.iter().filter(|dump| dump.has(&Place::CLIENTS));
    clients().next().is_some() && clients().all(|dump| dump.has(&[Place::DirectClient]))
}
