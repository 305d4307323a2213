//! Comparing what a run found with what is expected and with the baseline.

use super::task::SECOND_LOOK;
use super::{
    Baseline, BaselineEngine, BaselineEntry, GateReport, MODEL_HASH, Problem, ProblemKind, ReplayEnd, Replayed,
    ScenarioResult, Scope, SearchResult,
};
use crate::explore::{Answer, Finding};

/// Fills in why a report is red, and what is worth noting.
pub fn judge(report: &mut GateReport, baseline: &Baseline) {
    let same_model = report.model == baseline.model;
    let mut problems = Vec::new();
    for orphan in &report.orphans {
        let message = "its scenario is not beside it".to_owned();
        problems.push(problem(ProblemKind::ForeignSchedule, orphan, message));
    }
    for scenario in &report.unreachable {
        let because = &scenario.because;
        let message = format!("the model cannot get to its kernel, so it was not run: {because}");
        problems.push(problem(ProblemKind::BrokenModel, &scenario.name, message));
    }
    for name in baseline.scenarios.keys().filter(|name| !report.names.contains(name)) {
        let message = "the baseline has this scenario, but it is no longer there".to_owned();
        problems.push(problem(ProblemKind::Vanished, name, message));
    }
    for result in &mut report.scenarios {
        let (found, notes) = about(result, baseline, same_model);
        problems.extend(found);
        result.notes = notes;
    }
    report.problems = problems;
}

/// Tells why one scenario would turn the gate red.
pub fn judge_scenario(result: &ScenarioResult, baseline: &Baseline) -> Vec<Problem> {
    about(result, baseline, baseline.model == MODEL_HASH).0
}

/// Returns the problems and the notes of a scenario.
fn about(result: &ScenarioResult, baseline: &Baseline, same_model: bool) -> (Vec<Problem>, Vec<String>) {
    let mut about = About {
        entry: baseline.scenarios.get(&result.name),
        same_model,
        result,
        problems: Vec::new(),
        notes: Vec::new(),
    };
    about.scenario();
    (about.problems, about.notes)
}

/// Returns true if a search is a brief second opinion, which need not find anything.
fn is_brief(search: &SearchResult) -> bool {
    search.scope == Scope::Brief
}

fn problem(kind: ProblemKind, subject: &str, message: String) -> Problem {
    Problem {
        kind,
        subject: subject.to_owned(),
        message,
    }
}

/// One scenario's result with what it is compared with.
struct About<'a> {
    result: &'a ScenarioResult,
    entry: Option<&'a BaselineEntry>,
    same_model: bool,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

impl About<'_> {
    fn add(&mut self, kind: ProblemKind, message: String) {
        self.problems.push(problem(kind, &self.result.name, message));
    }

    fn scenario(&mut self) {
        if let Some(message) = &self.result.sibling_problem {
            self.add(ProblemKind::NoSibling, message.clone());
        }
        let Some(entry) = self.entry else {
            let message = format!(
                "the baseline does not know it; `lastbatch gate --only {} --update-baseline` adds it",
                self.result.name
            );
            self.add(ProblemKind::NotInBaseline, message);
            self.result.searches.iter().for_each(|search| self.search(search, None));
            return self.replays();
        };
        let proof = self
            .result
            .expect
            .as_ref()
            .is_some_and(|expect| expect.verdict == Answer::NoHang);
        // A second look is taken only where that is asked for.
        let looked = entry.engines.keys().filter(|name| !(proof && *name == SECOND_LOOK));
        for name in looked {
            if !self.result.searches.iter().any(|search| search.found.engine == *name) {
                let message = format!("the baseline has it under {name}, but it is no longer run so");
                self.add(ProblemKind::Vanished, message);
            }
        }
        for search in &self.result.searches {
            match entry.engines.get(&search.found.engine) {
                // What an engine that samples finds is a part, and not always the same one.
                Some(_) if search.found.executions.is_some() => self.search(search, None),
                Some(known) => {
                    self.search(search, Some(known));
                    self.figures(search, entry, known);
                    self.lengths(search, known);
                }
                None if is_brief(search) || proof && search.found.engine == SECOND_LOOK => self.search(search, None),
                None => {
                    let message = format!("the baseline does not know it under {}", search.found.engine);
                    self.add(ProblemKind::NotInBaseline, message);
                    self.search(search, None);
                }
            }
        }
        self.replays();
    }

    /// Checks what must hold of a search's answer.
    fn search(&mut self, search: &SearchResult, known: Option<&BaselineEngine>) {
        let wanted = self.result.expect.as_ref().and_then(|expect| expect.finding.clone());
        let engine = &search.found.engine;
        if let Some(part) = wanted
            .as_ref()
            .filter(|_| search.found.findings.is_empty() && !is_brief(search))
        {
            let message = format!("{engine} must find that \"{part}\", and found nothing wrong");
            self.add(ProblemKind::LostCanary, message);
        }
        let expected = |finding: &&Finding| wanted.as_ref().is_some_and(|part| finding.message.contains(part));
        for finding in search.found.findings.iter().filter(|finding| !expected(finding)) {
            self.add(ProblemKind::BrokenModel, format!("{engine}: {finding}"));
        }
        let before = self.problems.len();
        self.new_signatures(search, known);
        self.lost(search, known);
        self.outcomes(search, known);
        self.no_longer_complete(search, known);
        if self.problems.len() == before && search.found.findings.is_empty() {
            self.other_verdict(search, known);
        }
    }

    fn new_signatures(&mut self, search: &SearchResult, known: Option<&BaselineEngine>) {
        for signature in &search.found.hangs {
            let id = &signature.id;
            let expect = self.result.expect.as_ref();
            let expect = expect.filter(|expect| expect.verdict == Answer::Hang);
            let listed = |expected: &Vec<String>| expected.contains(id);
            let expected = expect.is_some_and(|expect| expect.signatures.as_ref().is_none_or(listed));
            let recorded = known.is_none_or(|known| known.signatures.contains(id));
            // Where nothing is expected to be decided, a second opinion may find what there is.
            let open = is_brief(search)
                && self
                    .result
                    .expect
                    .as_ref()
                    .is_some_and(|e| e.verdict == Answer::Undecided);
            if expected && recorded || open {
                continue;
            }
            let place = if expected { "the baseline" } else { "the expectation" };
            let artifact = signature.schedule.as_ref();
            let saved = artifact.map_or_else(String::new, |file| format!("; saved as {file}"));
            let message = format!(
                "{} found {id}, which {place} does not have: {} never returns, {} events{saved}: {}",
                search.found.engine, signature.client, signature.length, signature.waits
            );
            self.add(ProblemKind::NewSignature, message);
        }
    }

    fn lost(&mut self, search: &SearchResult, known: Option<&BaselineEngine>) {
        let expect = self.result.expect.as_ref();
        let must_hang = expect.is_some_and(|expect| expect.verdict == Answer::Hang) && !is_brief(search);
        if must_hang && search.found.hangs.is_empty() {
            let (engine, states) = (&search.found.engine, search.found.states);
            let end = match &search.found.stopped_by {
                None => format!("{engine} saw every state and found no hang"),
                Some(reason) => format!("{engine} found no hang in {states} states, stopped by {reason}"),
            };
            return self.add(ProblemKind::LostCanary, format!("it must hang, but {end}"));
        }
        if search.scope != Scope::Whole {
            return;
        }
        let mut must = expect.and_then(|expect| expect.signatures.clone()).unwrap_or_default();
        must.extend(known.map(|known| known.signatures.clone()).unwrap_or_default());
        must.sort();
        must.dedup();
        let found = search.found.signatures();
        for id in must.into_iter().filter(|id| !found.contains(id)) {
            let complete = search.found.complete;
            let end = if complete { "saw every state" } else { "stopped" };
            let message = format!("{} {end} and did not find {id} any more", search.found.engine);
            self.add(ProblemKind::LostSignature, message);
        }
    }

    /// Checks how the clients end, where the scenario asks for that.
    fn outcomes(&mut self, search: &SearchResult, known: Option<&BaselineEngine>) {
        let expect = self.result.expect.as_ref();
        let Some(expected) = expect.and_then(|expect| expect.outcomes.clone()) else {
            return;
        };
        let recorded = known.map_or_else(|| expected.clone(), |known| known.outcomes.clone());
        for end in &search.found.outcomes {
            if !expected.contains(end) || !recorded.contains(end) {
                let message = format!("{} found an end that was not known: {end}", search.found.engine);
                self.add(ProblemKind::NewOutcome, message);
            }
        }
        if search.scope != Scope::Whole {
            return;
        }
        for end in expected.iter().filter(|end| !search.found.outcomes.contains(end)) {
            let message = format!("{} did not find an end any more: {end}", search.found.engine);
            self.add(ProblemKind::LostOutcome, message);
        }
    }

    fn no_longer_complete(&mut self, search: &SearchResult, known: Option<&BaselineEngine>) {
        let expect = self.result.expect.as_ref();
        let must_end =
            expect.is_some_and(|expect| expect.complete == Some(true)) || known.is_some_and(|known| known.complete);
        if search.scope == Scope::Whole && must_end && !search.found.complete && search.found.findings.is_empty() {
            let reason = search.found.stopped_by.as_deref().unwrap_or("nothing that it knows");
            let (engine, states) = (&search.found.engine, search.found.states);
            let message =
                format!("{engine} saw {states} states and was stopped by {reason}; it ended by itself before");
            self.add(ProblemKind::NoLongerComplete, message);
        }
    }

    /// Notes an answer that none of the other reasons explains.
    fn other_verdict(&mut self, search: &SearchResult, known: Option<&BaselineEngine>) {
        if search.scope != Scope::Whole {
            return;
        }
        let (engine, found, expect) = (&search.found.engine, search.found.answer, self.result.expect.as_ref());
        let expected = expect
            .map(|expect| expect.verdict)
            .filter(|expected| *expected != found);
        let never_ends = expect.is_some_and(|expect| expect.complete == Some(false));
        let known = known.map(|known| known.verdict).filter(|known| *known != found);
        let message = match (expected, known) {
            (Some(expected), _) => {
                let because = search.found.depends_on().map(|reason| format!(": {reason}"));
                let because = because.unwrap_or_default();
                format!("{engine} found {}, expected {}{because}", found.name(), expected.name())
            }
            _ if never_ends && search.found.complete => {
                format!("{engine} ended by itself, expected a search that does not")
            }
            (None, Some(known)) => format!("{engine} found {}; the baseline has {}", found.name(), known.name()),
            (None, None) => return,
        };
        self.add(ProblemKind::OtherVerdict, message);
    }

    /// Notes the size of a whole search beside that of the baseline.
    fn figures(&mut self, search: &SearchResult, entry: &BaselineEntry, known: &BaselineEngine) {
        if search.scope != Scope::Whole || search.found.states == known.states {
            return;
        }
        let identity = &self.result.identity;
        let changed = [
            (!self.same_model, "the model's code"),
            (identity.scenario != entry.scenario, "job or runtime"),
            (identity.graph != entry.graph, "the graph"),
            (identity.slice != entry.slice, "the slice"),
            (search.reductions_hash != known.reductions, "the reductions"),
        ];
        let changed = changed.into_iter().filter(|(is, _)| *is);
        let changed: Vec<&str> = changed.map(|(_, what)| what).collect();
        let states = format!(
            "{}: {} states -> {}",
            search.found.engine, known.states, search.found.states
        );
        if !changed.is_empty() {
            self.notes.push(format!("{states}; changed: {}", changed.join(", ")));
        } else if search.found.states < known.states && (search.found.complete || !known.complete) {
            let message = format!("{states}, though model, slice and reductions are unchanged");
            self.add(ProblemKind::FewerStates, message);
        } else {
            self.notes.push(format!("{states}, with the same code"));
        }
    }

    /// Notes the shortest schedule of each signature beside that of the baseline.
    fn lengths(&mut self, search: &SearchResult, known: &BaselineEngine) {
        if search.scope != Scope::Whole || !search.found.complete {
            return;
        }
        for hang in &search.found.hangs {
            let Some(length) = known.length(&hang.id).filter(|length| *length != hang.length) else {
                continue;
            };
            let (engine, id, now) = (&search.found.engine, &hang.id, hang.length);
            let note = format!("{engine}: the shortest schedule of {id}: {length} events -> {now}");
            self.notes.push(note);
        }
    }

    fn replays(&mut self) {
        for replayed in &self.result.replays {
            let (kind, because) = match &replayed.end {
                ReplayEnd::Kept => continue,
                ReplayEnd::EndsOtherwise(because) => (ProblemKind::HangGone, because),
                ReplayEnd::Differs(because) => (ProblemKind::ScheduleDiffers, because),
                ReplayEnd::Foreign(because) => (ProblemKind::ForeignSchedule, because),
            };
            let message = match kind {
                ProblemKind::ScheduleDiffers => {
                    format!("{}{because}; {}", self.whose_fault(), self.still_there(replayed))
                }
                ProblemKind::HangGone => format!("every event runs; {because}; {}", self.still_there(replayed)),
                _ => format!("{because}; record it again"),
            };
            self.problems.push(problem(kind, &replayed.schedule, message));
        }
    }

    fn whose_fault(&self) -> &'static str {
        if self.same_model {
            "though the model's code is that of the baseline, "
        } else {
            "the model changed under it: "
        }
    }

    /// Returns true if the searches still find the hang of a schedule that does not replay.
    fn still_there(&self, replayed: &Replayed) -> String {
        let Some(signature) = &replayed.signature else {
            return "record it again".to_owned();
        };
        let searches = &self.result.searches;
        let found = |search: &&SearchResult| search.found.hangs.iter().any(|found| found.id == *signature);
        if let Some(search) = searches.iter().find(found) {
            return format!("{} still finds {signature}: record it again", search.found.engine);
        }
        if let Some(search) = searches.iter().find(|search| search.found.complete) {
            let engine = &search.found.engine;
            return format!("the hang is gone: {engine} saw every state without {signature}");
        }
        format!("no search found {signature}, and none saw every state")
    }
}
