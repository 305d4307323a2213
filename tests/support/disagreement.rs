//! Differences between the answers of two engines about one system, for people.

use std::fmt::Write as _;

use lastbatch::explore::FoundHang;

use super::state_space::signatures;

/// Returns each kind of hang that only one of two engines knows, with its schedule, and beside it what the other one found. Empty where
/// they agree.
pub(crate) fn differences(one: (&str, &[FoundHang]), other: (&str, &[FoundHang])) -> String {
    let mut text = String::new();
    for ((name, hangs), (without, others)) in [(one, other), (other, one)] {
        let known = signatures(others);
        for hang in hangs.iter().filter(|hang| !known.contains(&hang.signature.to_string())) {
            let _ = writeln!(text, "\nonly {name} finds {}", told(hang));
            let _ = writeln!(text, "{without} finds {} others", others.len());
            for hang in others {
                let _ = writeln!(text, "  {}", told(hang));
            }
        }
    }
    text
}

/// Returns a hang with its schedule.
fn told(hang: &FoundHang) -> String {
    let mut text = format!("{} ({}), by", hang.signature.id(), hang.signature);
    for event in &hang.events {
        let choice = event.choice.map_or_else(String::new, |choice| format!(" = {choice}"));
        let _ = write!(
            text,
            "\n    {} {} {} {}{choice}",
            event.process, event.thread, event.label, event.object
        );
    }
    text
}
