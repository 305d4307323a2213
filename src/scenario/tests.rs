use super::*;
use crate::explore::{Answer, Finding, FindingKind, FoundHang, Verdict};
use crate::machine::{WaitFor, WaitNode};
use crate::models::tensorflow::job::{Order, Variant};

const SMALL: &str = r#"description = "small"
[job]
servers = 2
edges = ["worker->ps0", "ps0->worker batch"]
input = "coupled"
inter_op_parallelism_threads = 2
[runtime]
variant = "sticky-cancel"
[expect]
verdict = "hang"
signatures = ["1a2b3c4d"]
"#;

fn parse(text: &str) -> Result<Scenario, String> {
    Scenario::parse(Path::new("dir/a.toml"), text).map_err(|error| error.to_string())
}

fn refused(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from}");
    let error = parse(&SMALL.replace(from, to)).expect_err(to);
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

#[test]
fn what_a_scenario_leaves_out_has_the_documented_default() {
    let scenario = parse(SMALL).expect("a scenario");
    let job = &scenario.document.job;
    assert_eq!(
        (job.workers, job.intra_op_parallelism_threads, job.slice_keep),
        (1, 1, 2)
    );
    assert_eq!((job.partition_order, job.slice), (Order::Recorded, SliceKind::Merged));
    assert_eq!(job.root_order, Order::All, "what nobody can rely on is a choice");
    assert_eq!(job.data, Turns::Equal(vec![Turn::End]));
    assert_eq!(scenario.document.engine, EngineSection::default());
    assert_eq!(scenario.document.runtime.variant, Variant::StickyCancel);
    let bare = SMALL.replace("[runtime]\nvariant = \"sticky-cancel\"\n", "");
    assert_eq!(
        parse(&bare).expect("a scenario").document.runtime.variant,
        Variant::Tf112
    );
}

#[test]
fn files_are_looked_for_beside_the_scenario() {
    let text = SMALL.replace(
        "servers = 2\nedges = [\"worker->ps0\", \"ps0->worker batch\"]",
        "graph = \"../g.pb\"",
    );
    let scenario = parse(&text).expect("a scenario");
    assert_eq!(scenario.graph(), GraphSource::File(PathBuf::from("dir/../g.pb")));
    assert_eq!(scenario.file_name(), "a.toml");
    assert!(matches!(Scenario::built_in().graph(), GraphSource::Embedded(..)));
}

#[test]
fn the_hash_is_that_of_job_and_runtime_and_of_nothing_else() {
    let hash = |text: &str| parse(text).expect("a scenario").hash();
    let same = SMALL
        .replace("small", "tiny")
        .replace("[expect]", "# why\n[engine]\nmax_states = 5\n[expect]");
    assert_eq!(hash(&same), hash(SMALL));
    for (from, to) in [
        ("ps0->worker batch", "ps0->worker"),
        ("threads = 2", "threads = 1"),
        ("sticky-cancel", "tf-1.12"),
    ] {
        assert_ne!(hash(&SMALL.replace(from, to)), hash(SMALL), "{to}");
    }
}

#[test]
fn an_unknown_key_or_name_is_refused_with_those_that_are_known() {
    assert_eq!(
        refused("variant = \"sticky-cancel\"", "variants = \"x\""),
        "dir/a.toml:8: unknown field `variants`, expected `variant`"
    );
    let error = refused("input =", "inputs =");
    assert!(
        error.starts_with("dir/a.toml:5: unknown field `inputs`, expected one of `graph`, `read_graph`,"),
        "{error}"
    );
    let variants: Vec<&str> = Variant::all().map(Variant::name).collect();
    let variants = variants.join(", ");
    assert_eq!(
        refused("sticky-cancel", "sticky"),
        format!("dir/a.toml:8: runtime.variant: unknown runtime variant `sticky`, expected one of {variants}")
    );
    assert_eq!(
        refused("\"coupled\"", "\"joined\""),
        "dir/a.toml:5: job.input: unknown variant `joined`, expected one of `coupled`, `decoupled`, `queue`, `read`"
    );
    assert_eq!(
        refused("[expect]", "[engine]\nname = \"genmc\"\n[expect]"),
        "dir/a.toml:10: engine.name: unknown variant `genmc`, expected one of `auto`, `exhaustive`, `sample`, `shuttle`, `threads`, `loom`"
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_with_its_line_and_key() {
    assert_eq!(
        refused("threads = 2", "threads = \"two\""),
        "dir/a.toml:6: job.inter_op_parallelism_threads: invalid type: string \"two\", expected u8"
    );
    assert_eq!(
        refused("servers = 2", "servers = 300"),
        "dir/a.toml:3: job.servers: invalid value: integer `300`, expected u8"
    );
    assert_eq!(
        refused("[expect]", "[engine]\nmax_memory = \"8\"\n[expect]"),
        "dir/a.toml:10: engine.max_memory: size \"8\", expected a number and a unit, as in \"8GiB\""
    );
    let error = refused("input = \"coupled\"\n", "");
    assert!(
        error.starts_with("dir/a.toml:2: ") && error.contains("missing field `input`"),
        "{error}"
    );
    let error = refused("servers = 2", "servers = ");
    assert!(error.starts_with("dir/a.toml:3: "), "{error}");
    let error = parse("").expect_err("empty");
    assert_eq!(error, "dir/a.toml:1: missing field `description`");
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let cases = [
        (
            "servers = 2",
            "servers = 2\ngraph = \"g.pb\"",
            "3: job.servers: expected either this or `graph`, not both",
        ),
        (
            "servers = 2\n",
            "",
            "3: job.graph: missing; expected a RunMetadata file, or `servers`",
        ),
        ("servers = 2", "servers = 0", "3: job.servers: 0, expected at least 1"),
        (
            "\"coupled\"",
            "\"decoupled\"",
            "2: job.data: no batch, so no step runs; expected a batch, or `read_graph`: the step that reads it",
        ),
        (
            "servers = 2",
            "servers = 2\ndata = []",
            "4: job.data: empty, expected one entry for each turn of the client's loop",
        ),
        (
            "threads = 2",
            "threads = 0",
            "6: job.inter_op_parallelism_threads: 0, expected at least 1",
        ),
        (
            "1a2b3c4d",
            "1A2B",
            "11: expect.signatures: \"1A2B\", expected eight hexadecimal digits",
        ),
        (
            "\"hang\"",
            "\"no_hang\"",
            "11: expect.signatures: only verdict \"hang\" has any, not \"no_hang\"",
        ),
    ];
    for (from, to, expected) in cases {
        let error = refused(from, to);
        let line = if expected.starts_with("3: job.graph") {
            expected.replacen('3', "2", 1)
        } else {
            expected.to_owned()
        };
        assert_eq!(error, format!("dir/a.toml:{line}"));
    }
}

#[test]
fn a_slice_is_read_back_as_it_was_written() {
    let mut job = parse(SMALL).expect("a scenario").document.job;
    for text in ["merged keep=3", "full"] {
        assert_eq!(job.set_slice_text(text), Ok(()));
        assert_eq!(job.slice_text(), text);
    }
    assert!(job.set_slice_text("merged keep=0").is_err());
}

fn verdict(answer: Answer, complete: bool) -> Verdict {
    let mut wait_for = WaitFor::default();
    wait_for.push(
        None,
        WaitNode {
            role: "worker".into(),
            label: "Step.wait".into(),
            object: "counter".into(),
            cause: None,
            detail: String::new(),
        },
    );
    let hang = FoundHang {
        client: "worker0 sess.run".to_owned(),
        signature: wait_for.signature(),
        wait_for,
        events: Vec::new(),
        length: 0,
    };
    Verdict {
        engine: "exhaustive".to_owned(),
        answer,
        complete,
        states: 1,
        transitions: 0,
        depth: 0,
        seconds: 0.0,
        peak_bytes: 0,
        reductions: Vec::new(),
        storage: String::new(),
        stopped_by: (!complete).then(|| "max_states".to_owned()),
        executions: None,
        hangs: if answer == Answer::Hang { vec![hang] } else { Vec::new() },
        leaks: Vec::new(),
        outcomes: Vec::new(),
        findings: Vec::new(),
        unmodelled: Vec::new(),
        assumptions: Vec::new(),
        parts: None,
        verification: None,
    }
}

#[test]
fn without_an_expectation_nothing_may_hang() {
    let judged = |answer, complete| Judgement::of(None, &verdict(answer, complete));
    assert_eq!(judged(Answer::NoHang, true), Judgement::Holds);
    assert!(matches!(judged(Answer::Hang, false), Judgement::Fails(_)));
    assert!(matches!(judged(Answer::Undecided, false), Judgement::Undecided(_)));
}

#[test]
fn an_expectation_is_met_missed_or_left_open_by_a_search_that_was_stopped() {
    let found = verdict(Answer::Hang, true).hangs[0].signature.id();
    let expect = |verdict, complete, signatures: &[&str]| Expect {
        verdict,
        complete,
        signatures: (!signatures.is_empty()).then(|| signatures.iter().map(|&id| id.to_owned()).collect()),
        outcomes: None,
        finding: None,
    };
    let judged = |expect: &Expect, answer, complete| Judgement::of(Some(expect), &verdict(answer, complete));
    let hang = |complete, signatures: &[&str]| expect(Answer::Hang, complete, signatures);

    assert_eq!(
        judged(&hang(Some(true), &[&found]), Answer::Hang, true),
        Judgement::Holds
    );
    assert_eq!(judged(&hang(None, &[]), Answer::Hang, false), Judgement::Holds);
    assert!(matches!(
        judged(&hang(None, &[]), Answer::NoHang, true),
        Judgement::Fails(_)
    ));
    assert!(matches!(
        judged(&hang(None, &[]), Answer::Undecided, false),
        Judgement::Undecided(_)
    ));
    assert!(matches!(
        judged(&hang(Some(true), &[]), Answer::Hang, false),
        Judgement::Undecided(_)
    ));
    assert!(matches!(
        judged(&hang(None, &["00000000"]), Answer::Hang, false),
        Judgement::Fails(_)
    ));
    assert!(matches!(
        judged(&hang(None, &[&found, "00000000"]), Answer::Hang, false),
        Judgement::Undecided(_)
    ));
    assert!(matches!(
        judged(&hang(None, &[&found, "00000000"]), Answer::Hang, true),
        Judgement::Fails(_)
    ));
    let none = expect(Answer::NoHang, Some(true), &[]);
    assert!(matches!(judged(&none, Answer::Hang, false), Judgement::Fails(_)));
}

#[test]
fn a_model_that_fails_meets_no_expectation() {
    let mut verdict = verdict(Answer::NoHang, true);
    verdict.findings.push(Finding {
        kind: FindingKind::Panic,
        message: "index out of bounds".to_owned(),
        events: Vec::new(),
    });
    assert!(matches!(Judgement::of(None, &verdict), Judgement::Fails(_)));
}
