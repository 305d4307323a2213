//! Parts beside complete searches: what is argued of them in `models/tensorflow/import/parts.rs`.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lastbatch::explore::exhaustive::{Options, search};
use lastbatch::explore::{Answer, Shard, Verdict};
use lastbatch::models::tensorflow::import::parts::Parts;
use lastbatch::models::tensorflow::job::builtin::{BatchSource, Edges, builtin};
use lastbatch::scenario::search_parts;

use crate::support::small_jobs::{REFERENCES, SETTINGS, SmallJob};

/// Random jobs of a run of the tests. `LASTBATCH_PARTS_CASES` asks for more.
const CASES: u64 = 10;
/// States within which the complete search of a random job has to end, to be compared.
const STATES: u64 = 150_000;
/// No job of the tests needs as long.
const LONG: Duration = Duration::from_secs(3_600);

fn searched(job: &SmallJob) -> Verdict {
    let options = Options {
        max_states: Some(STATES),
        ..Options::default()
    };
    search(&job.model(&SETTINGS[0]), &options, &AtomicBool::new(false), &mut |_| {})
}

fn searched_in_parts(job: &SmallJob) -> Verdict {
    let options = Options {
        max_states: Some(STATES),
        ..Options::default()
    };
    let whole = job.model(&REFERENCES[0]);
    search_parts(&whole, &options, Shard::ALL, LONG, &AtomicBool::new(false), &mut |_| {})
}

#[test]
fn a_job_hangs_exactly_if_one_of_its_parts_does() {
    let cases = std::env::var("LASTBATCH_PARTS_CASES").map_or(CASES, |cases| cases.parse().expect("a number"));
    let (mut hung, mut returned, mut open) = (0, 0, 0);
    for seed in 0.. {
        let servers = 2 + (seed % 3) as u8;
        let job = SmallJob::random(seed, servers, 2 + usize::from(servers));
        let whole = searched(&job);
        if !whole.complete {
            continue;
        }
        let parts = searched_in_parts(&job);
        match (whole.answer, parts.answer) {
            (Answer::Hang, Answer::Hang) => {
                hung += 1;
                let known = |id: &String| whole.hangs.iter().any(|hang| hang.signature.id() == *id);
                let found: Vec<String> = parts.hangs.iter().map(|hang| hang.signature.id()).collect();
                assert!(found.iter().all(known), "seed {seed}: {found:?} of {job}");
                let done = parts.parts.expect("a search of parts");
                let largest = (done.servers, done.edges) == (usize::from(servers).min(3), 6);
                assert_eq!(
                    done.stopped_at_hang, !largest,
                    "seed {seed}: it ends at the first size that hangs"
                );
            }
            (Answer::NoHang, Answer::NoHangInParts) => returned += 1,
            // The hang of a part that the whole does not have decides nothing.
            (_, Answer::Undecided) => open += 1,
            (whole, parts) => panic!("seed {seed}: whole {whole}, parts {parts}: {job}"),
        }
        if hung + returned + open == cases {
            break;
        }
    }
    println!("{hung} jobs hang, {returned} return, {open} are open by their parts");
    assert!(hung > 0 && returned > 0, "{hung} hang, {returned} return");
}

#[test]
fn parts_that_differ_in_the_names_of_their_servers_only_are_searched_once() {
    let names: Vec<String> = (0..10)
        .flat_map(|server| [format!("worker->ps{server} batch"), format!("ps{server}->worker")])
        .collect();
    let edges = Edges::try_from(names).unwrap();
    let parts = Parts::of(&builtin(10, &edges, &[], BatchSource::Iterator).unwrap());
    let both_ways = parts.with(2, 4);
    assert_eq!(both_ways.len(), 1, "{both_ways:?}");
    assert_eq!(both_ways[0].stands_for, 45, "one for each pair of servers");
    assert_eq!(both_ways[0].servers, ["ps0", "ps1"]);
    assert!(parts.with(1, 3).is_empty(), "a server has two edges");
}

#[test]
fn a_part_has_the_processes_edges_and_nodes_that_it_names_and_no_others() {
    let names = ["worker->ps0 batch", "ps1->ps0", "ps2->worker"].map(str::to_owned);
    let edges = Edges::try_from(names.to_vec()).unwrap();
    let whole = builtin(3, &edges, &[], BatchSource::Iterator).unwrap();
    let parts = Parts::of(&whole).with(2, 2);
    let part = parts
        .iter()
        .find(|part| part.servers == ["ps0", "ps1"])
        .expect("it is one");
    let graph = part.of(&whole);
    let tasks: Vec<String> = graph.partitions.iter().map(|partition| partition.task_name()).collect();
    assert_eq!(tasks, ["worker0", "ps0", "ps1"]);
    assert_eq!(graph.edges.len(), 2);
    for edge in &graph.edges {
        let same = whole.edges.iter().find(|other| other.tensor == edge.tensor);
        assert_eq!(same.map(|same| same.batch_dependent), Some(edge.batch_dependent));
    }
}
