//! The gate as a JUnit report: a test case a search and a recorded schedule.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{answer, headline};
use crate::gate::{GateReport, Problem};

/// Returns the report as XML.
///
/// # Errors
/// When a text in it cannot be written as XML.
pub fn gate_junit(report: &GateReport) -> Result<String, SerializeError> {
    let mut out = Report::new("lastbatch gate");
    for result in &report.scenarios {
        let mut suite = TestSuite::new(result.name.clone());
        let own: Vec<&Problem> = report
            .problems
            .iter()
            .filter(|problem| problem.subject == result.name)
            .collect();
        for search in &result.searches {
            let mut case = TestCase::new(search.found.engine.clone(), status(&own));
            case.set_classname(result.name.clone());
            case.set_time(Duration::from_secs_f64(search.found.seconds));
            case.set_system_out(format!(
                "{}, {} states, {}",
                answer(search),
                search.found.states,
                search.slice
            ));
            suite.add_test_case(case);
        }
        for replayed in &result.replays {
            let own: Vec<&Problem> = report
                .problems
                .iter()
                .filter(|problem| problem.subject == replayed.schedule)
                .collect();
            let mut case = TestCase::new(format!("replay {}", replayed.schedule), status(&own));
            case.set_classname(result.name.clone());
            suite.add_test_case(case);
        }
        out.add_test_suite(suite);
    }
    out.add_test_suite(rest(report));
    out.to_string()
}

/// Collects what is about no scenario that ran.
fn rest(report: &GateReport) -> TestSuite {
    let known = |subject: &String| {
        let replays =
            |result: &crate::gate::ScenarioResult| result.replays.iter().any(|replayed| replayed.schedule == *subject);
        report
            .scenarios
            .iter()
            .any(|result| result.name == *subject || replays(result))
    };
    let own: Vec<&Problem> = report
        .problems
        .iter()
        .filter(|problem| !known(&problem.subject))
        .collect();
    let mut suite = TestSuite::new("baseline");
    let mut case = TestCase::new("every scenario of the baseline is there", status(&own));
    case.set_classname("baseline");
    case.set_system_out(headline(report));
    suite.add_test_case(case);
    suite
}

fn status(problems: &[&Problem]) -> TestCaseStatus {
    let Some(first) = problems.first() else {
        return TestCaseStatus::success();
    };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(first.kind.name());
    status.set_message(first.message.clone());
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {}: {}", problem.kind, problem.subject, problem.message))
        .collect();
    status.set_description(lines.join("\n"));
    status
}
