//! Effects of a change on hangs, for people.

use std::fmt::Write;

use super::{counted, grouped, table};
use crate::explore::{HangRecord, Verdict};
use crate::gate::Difference;

/// Writes one row per scenario, then the ways to hang that appear or vanish with their shortest schedules.
pub fn diff_text(base: &str, changed: &str, differences: &[Difference], width: Option<u16>) -> String {
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
    let mut text = table(["scenario", base, changed, ""], &rows, width);
    for one in differences.iter().filter(|one| one.differs()) {
        let _ = writeln!(text, "\n{}", one.scenario);
        ways(&mut text, '+', &one.appear, &one.base, changed);
        ways(&mut text, '-', &one.vanish, &one.changed, base);
    }
    let differing = differences.iter().filter(|one| one.differs()).count();
    let _ = writeln!(
        text,
        "\n{differing} of {} differ",
        counted(differences.len(), "scenario")
    );
    text
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
