//! Loops of clients that differ from each other, and from what their queue runner has.

use lastbatch::scenario::{Budget, EngineName, Experiment};

use crate::support::program::directory;
use crate::support::scenario::{load, run};

fn experiment(keys: &str) -> Experiment {
    let text = format!(
        "description = \"a loop\"\n[job]\nservers = 1\ninter_op_parallelism_threads = 1\nslice = \"full\"\n{keys}\n"
    );
    let folder = directory(&[("job.toml", &text)]);
    Experiment::new(load(folder.path().join("job.toml"))).unwrap_or_else(|error| panic!("{error}"))
}

/// Signatures of the hangs, of a complete search.
fn hangs(keys: &str) -> Vec<String> {
    let verdict = run(&experiment(keys), EngineName::Exhaustive, &Budget::default());
    assert!(verdict.complete, "{keys}");
    verdict.hangs.iter().map(|hang| hang.signature.id()).collect()
}

fn queue(elements: u8) -> String {
    format!("edges = []\ninput = \"queue\"\ndata = [\"batch\"]\n[job.queue]\ncapacity = 1\nelements = {elements}")
}

#[test]
fn a_client_that_leaves_its_loop_early_leaves_a_runner_with_more_elements_than_room_alone() {
    assert_eq!(hangs(&queue(3)), ["f69a2f25"]);
    assert_eq!(
        hangs(&queue(2)),
        Vec::<String>::new(),
        "the queue has room for one more"
    );
    assert_eq!(hangs(&queue(1)), Vec::<String>::new());
}

fn workers(data: &str) -> String {
    format!("edges = [\"worker->ps0 batch\"]\ninput = \"coupled\"\nworkers = 2\ndata = {data}")
}

/// Names of the steps, and the calls that may be made.
fn laid_out(data: &str) -> (Vec<String>, String) {
    let experiment = experiment(&workers(data));
    let model = experiment.model();
    let names = model.steps().iter().map(|step| step.name.clone());
    (names.collect(), format!("{:?}", model.calls()))
}

#[test]
fn each_worker_runs_the_steps_of_its_own_data() {
    let (names, _) = laid_out("[[\"batch\", \"batch\"], [\"end\"]]");
    assert_eq!(names, ["worker0/step0", "worker0/step1", "worker1/step0"]);
}

#[test]
fn lists_that_are_equal_are_one_list_for_all() {
    assert_eq!(laid_out("[[\"end\"], [\"end\"]]"), laid_out("[\"end\"]"));
}
