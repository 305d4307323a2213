//! Reports of the first format, which had a verdict of their own.

use serde_json::{Map, Value, json};

use crate::explore::FindingKind;

/// Turns a report of the first format into one of the second.
pub(super) fn upgrade(report: &mut Value) {
    report["version"] = 2.into();
    for result in items(&mut report["scenarios"]) {
        for search in items(&mut result["searches"])
            .iter_mut()
            .filter_map(Value::as_object_mut)
        {
            upgrade_search(search);
        }
    }
}

fn upgrade_search(search: &mut Map<String, Value>) {
    let outcomes = search.remove("outcomes").unwrap_or_default();
    let ends = search.remove("ends").unwrap_or_default();
    search.insert("outcomes".to_owned(), ends);
    let count = search.remove("executions").unwrap_or_default();
    if count.is_number() {
        let outcomes = outcomes.as_u64().unwrap_or(0);
        let executions = json!({
            "strategy": "", "seed": null, "count": count, "labels": 0, "outcomes": outcomes, "new_outcomes": 0,
            "first_hang": null, "cut": 0,
        });
        search.insert("executions".to_owned(), executions);
    }
    for hang in search.get_mut("signatures").into_iter().flat_map(items) {
        hang["schedule"] = hang["artifact"].take();
    }
    for finding in search.get_mut("findings").into_iter().flat_map(items) {
        let text = finding.as_str().unwrap_or_default();
        let (kind, message) = text.split_once(": ").unwrap_or(("", text));
        let kinds = [FindingKind::Panic, FindingKind::Contract];
        let kind = kinds.into_iter().find(|known| known.to_string() == kind);
        *finding = json!({ "kind": kind.unwrap_or(FindingKind::Internal), "message": message });
    }
}

fn items(value: &mut Value) -> &mut [Value] {
    value.as_array_mut().map_or(&mut [], Vec::as_mut_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::GateReport;

    #[test]
    fn a_report_of_the_first_format_is_still_read() {
        let search = json!({
            "engine": "shuttle", "scope": "whole", "max_states": null, "verdict": "hang", "complete": false,
            "stopped_by": null, "states": 0, "executions": 7, "outcomes": 3, "transitions": 0, "depth": 9, "reductions": [],
            "reductions_hash": "", "slice": "full", "storage": "", "ends": ["a"], "findings": ["panic in the model: late"],
            "signatures": [{"id": "1a2b3c4d", "client": "c", "waits": "w", "length": 9, "artifact": "new.schedule"}],
            "seconds": 1.0, "peak_bytes": 0,
        });
        let scenario = json!({
            "name": "a.toml", "variant": "tf-1.12", "expect": null, "sibling_problem": null, "searches": [search],
            "identity": {"scenario": "", "graph": "", "slice": ""}, "replays": [], "notes": [],
        });
        let report = json!({
            "version": 1, "model": "", "budgets": {"whole": null, "canary": null, "partial": null}, "max_states": null,
            "shard": {"number": 1, "of": 1}, "names": ["a.toml"], "finished": true, "orphans": [],
            "scenarios": [scenario], "problems": [],
        });
        let report = GateReport::parse(&report.to_string()).unwrap();
        let found = &report.scenarios[0].searches[0].found;
        assert_eq!(found.outcomes, ["a"]);
        assert_eq!(found.hangs[0].schedule.as_deref(), Some("new.schedule"));
        assert_eq!(found.findings[0].to_string(), "panic in the model: late");
        let executions = found.executions.as_ref().unwrap();
        assert_eq!((executions.count, executions.outcomes), (7, 3));
    }
}
