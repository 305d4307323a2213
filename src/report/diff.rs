//! Effects of a change on hangs, for people.

use std::fmt::Write;

use super::{View, counted, grouped, table};
use crate::explore::{HangRecord, Verdict};
use crate::gate::Difference;

/// Tells how many scenarios differ, in one line.
pub fn diff_line(differences: &[Difference]) -> String {
    let differing = differences.iter().filter(|one| one.differs()).count();
    format!("{differing} of {} differ\n", counted(differences.len(), "scenario"))
}

/// Writes one row per scenario, then the ways to hang that appear or vanish with their shortest schedules. Verbose: also those that both
/// sides have.
pub fn diff_text(base: &str, changed: &str, differences: &[Difference], view: &View) -> String {
    let row = |one: &Difference| {
        let what = match (one.differs(), one.is_open()) {
            (true, _) => "differs",
            (false, true) => "no difference found, but a bound stopped a search",
            (false, false) => "same",
        };
        [
            one.scenario.clone(),
            side(&one.base),
            side(&one.changed),
            what.to_owned(),
        ]
    };
    let rows: Vec<_> = differences.iter().map(row).collect();
    let mut text = table(["scenario", base, changed, ""], &rows, view.width);
    for one in differences.iter().filter(|one| one.differs() || view.verbose) {
        let _ = writeln!(text, "\n{}", one.scenario);
        ways(&mut text, '+', &one.appear, &one.base, changed);
        ways(&mut text, '-', &one.vanish, &one.changed, base);
        if view.verbose {
            ways_of_both(&mut text, one);
        }
    }
    text + "\n" + &diff_line(differences)
}

/// Writes the ways to hang that both sides have, with the lengths on each.
fn ways_of_both(text: &mut String, one: &Difference) {
    for after in &one.changed.hangs {
        let Some(before) = one.base.hangs.iter().find(|before| before.id == after.id) else {
            continue;
        };
        let (client, lengths) = (&after.client, (before.length, counted(after.length, "event")));
        let _ = writeln!(
            text,
            "  = {} {client} never returns on both, shortest schedules {} and {}",
            after.id, lengths.0, lengths.1
        );
    }
}

fn side(side: &Verdict<HangRecord>) -> String {
    let end = if side.complete { "complete" } else { "not complete" };
    format!("{}, {end}, {} states", side.answer.name(), grouped(side.states))
}

/// Writes the ways to hang of one side that `other` has not.
fn ways(text: &mut String, sign: char, ways: &[HangRecord], other: &Verdict<HangRecord>, on: &str) {
    // What an unfinished search did not find may be there all the same.
    let sure = if other.complete {
        ""
    } else {
        " (the other side did not see every state)"
    };
    for way in ways {
        let _ = write!(
            text,
            "  {sign} {} {} never returns on {on}, shortest schedule {}{sure}",
            way.id,
            way.client,
            counted(way.length, "event")
        );
        match &way.schedule {
            Some(path) => {
                let _ = writeln!(text, ": {path}");
            }
            None => text.push('\n'),
        }
    }
}
