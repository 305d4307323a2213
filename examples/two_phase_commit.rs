//! A two-phase commit with a timer: the coordinator gives up when votes take too long, and tells those who have voted. Whose vote was still
//! on its way is not told, and waits for the decision for ever.
//!
//! `cargo run --example two_phase_commit [PAGE.html]`

use lastbatch::machine::ProcessId;
use lastbatch::{SmallModel, Step, check, labels};

labels! {
    PREPARE = "Coordinator.prepare" => "asks a participant to prepare";
    COLLECT = "Coordinator.collect" => "takes a vote";
    TELL = "Coordinator.tell" => "tells a participant the decision";
    FIRE = "Timer.fire" => "decides to abort, since the votes take too long";
    VOTE = "Participant.vote" => "prepares and votes yes";
    LEARN = "Participant.learn" => "learns the decision";
}

const COORDINATOR: ProcessId = ProcessId(0);
const PARTICIPANTS: u16 = 2;

/// The protocol, before and after its repair.
#[derive(Clone)]
struct TwoPhaseCommit {
    /// Whether the decision goes to every participant, and not only to those who have voted.
    tells_all: bool,
}

/// A process: the messages that it has received, how many it has sent, and what it knows.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Site {
    inbox: Vec<(ProcessId, &'static str)>,
    sent: u16,
    voted: Vec<ProcessId>,
    decision: Option<&'static str>,
}

impl TwoPhaseCommit {
    fn coordinator(&self, site: &Site) -> Option<Step<'_, Self>> {
        if site.sent < PARTICIPANTS {
            return Some(self.step(&PREPARE).send(|site| {
                site.sent += 1;
                (ProcessId(site.sent), "prepare")
            }));
        }
        let Some(decision) = site.decision else {
            return Some(self.step(&COLLECT).when(!site.inbox.is_empty()).then(|site| {
                site.voted.push(site.inbox.remove(0).0);
                site.voted.sort_unstable();
                site.decision = (site.voted.len() == usize::from(PARTICIPANTS)).then_some("commit");
            }));
        };
        let mut others = (site.sent - PARTICIPANTS + 1..=PARTICIPANTS).map(ProcessId);
        let to = others.find(|other| self.tells_all || site.voted.contains(other))?;
        Some(self.step(&TELL).send(move |site| {
            site.sent = PARTICIPANTS + to.0;
            (to, decision)
        }))
    }

    fn participant(&self, site: &Site) -> Option<Step<'_, Self>> {
        let step = |label| self.step(label).when(!site.inbox.is_empty());
        if site.sent == 0 {
            return Some(step(&VOTE).awaits_of(COORDINATOR, "main").send(|site| {
                site.inbox.remove(0);
                site.sent = 1;
                (COORDINATOR, "yes")
            }));
        }
        let learn = step(&LEARN).because("its vote came after the decision");
        let told = |site: &mut Site| site.decision = site.inbox.pop().map(|(_, decision)| decision);
        site.decision.is_none().then(|| learn.then(told))
    }
}

impl SmallModel for TwoPhaseCommit {
    type State = Site;
    type Thread = &'static str;
    type Frame = &'static str;

    const PROCESSES: &[&str] = &["coordinator", "participant1", "participant2"];

    fn initial(&self, _: ProcessId) -> Site {
        Site::default()
    }

    fn threads(&self, _: ProcessId) -> Vec<&'static str> {
        vec!["main", "timer"]
    }

    fn next(&self, process: ProcessId, site: &Site, thread: &'static str) -> Option<Step<'_, Self>> {
        match (thread, process) {
            ("main", COORDINATOR) => self.coordinator(site),
            ("main", _) => self.participant(site),
            // It runs while the coordinator collects votes; no participant has one.
            _ if site.sent < PARTICIPANTS || site.decision.is_some() => None,
            _ => Some(self.step(&FIRE).then(|site| site.decision = Some("abort"))),
        }
    }

    fn deliver(&self, _: ProcessId, site: &mut Site, from: ProcessId, message: &'static str) {
        site.inbox.push((from, message));
    }
}

fn main() {
    let hanging = check(TwoPhaseCommit { tells_all: false });
    if let Some(page) = std::env::args().nth(1) {
        hanging.clone().page(page).run();
    }
    println!("{}\n{}", hanging.run(), check(TwoPhaseCommit { tells_all: true }).run());
}

#[test]
fn who_votes_after_the_timer_is_told_nothing_unless_everybody_is_told() {
    let protocol = |tells_all| check(TwoPhaseCommit { tells_all }).executions(2_000);
    protocol(false).assert_hang_under_every_engine("its vote came after the decision");
    protocol(true).assert_no_hang_under_every_engine();
}
