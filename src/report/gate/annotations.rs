//! The gate as annotations of GitHub Actions.

use std::fmt::Write;
use std::path::Path;

use crate::gate::GateReport;

/// Writes one `::error` command per reason, for the file that it is about. `root` is the gate's directory as the workflow sees it.
pub fn gate_annotations(report: &GateReport, root: &Path) -> String {
    let mut text = String::new();
    for problem in &report.problems {
        let file = root.join(&problem.subject);
        let _ = writeln!(
            text,
            "::error file={},title={}::{}",
            property(&file.display().to_string()),
            property(&problem.kind.to_string()),
            data(&problem.message)
        );
    }
    text
}

/// Returns a text as the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Returns a text as a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
