use super::*;
use crate::models::tensorflow::job::builtin::{BatchSource, Edges, builtin};

/// Returns a job whose worker sends what it reads, with `op` beside that on the server.
fn job(op: &str, kind: NodeKind) -> Graph {
    let edges = Edges::try_from(vec!["worker->ps0 batch".to_owned()]).unwrap();
    let graph = builtin(1, &edges, &["ps0 v".to_owned()], BatchSource::Iterator).unwrap();
    graph.with_node("ps0", op, kind).unwrap()
}

#[test]
fn only_kernels_that_the_model_has_no_kind_for_are_unmodelled() {
    let named = |op, kind| {
        let found = job(op, kind).unmodelled();
        found.iter().map(Unmodelled::named).collect::<Vec<_>>()
    };
    assert_eq!(
        named("QueueDequeueV2", NodeKind::Other),
        ["QueueDequeueV2 (ps0:added_QueueDequeueV2)"]
    );
    assert_eq!(named("QueueDequeueV2", NodeKind::Dequeue), [""; 0]);
    assert_eq!(named("MatMul", NodeKind::Other), [""; 0]);
}

#[test]
fn what_is_not_the_input_is_a_node_like_any_other_and_nothing_depends_on_it() {
    let graph = job("QueueDequeueV2", NodeKind::Dequeue);
    let inputs = |graph: &Graph| graph.reads().map(|id| graph.place(id)).collect::<Vec<_>>();
    assert_eq!(inputs(&graph), ["worker0:IteratorGetNext", "ps0:added_QueueDequeueV2"]);
    let coupled = graph.reading(Some(NodeKind::GetNext));
    assert_eq!(inputs(&coupled), ["worker0:IteratorGetNext"]);
    assert!(coupled.edges[0].batch_dependent);
    assert!(!graph.reading(None).edges[0].batch_dependent);
}

#[test]
fn many_places_are_told_as_a_few_and_their_number() {
    let places = (0..9).map(|number| format!("ps0:n{number}")).collect();
    let (what, why) = ("PyFunc".to_owned(), String::new());
    let named = Unmodelled { what, places, why }.named();
    assert_eq!(named, "PyFunc (ps0:n0, ps0:n1, ps0:n2, ps0:n3 and 5 more)");
}

#[test]
fn a_device_is_a_cpu_unless_its_name_has_another_type() {
    for device in [
        "/job:ps/replica:0/task:1/device:CPU:0",
        "/job:ps/replica:0/task:1/cpu:0",
        "/job:ps/task:0",
    ] {
        assert!(runs_on_cpu(device), "{device}");
    }
    for device in ["/job:worker/replica:0/task:0/device:GPU:0", "/job:worker/task:0/gpu:1"] {
        assert!(!runs_on_cpu(device), "{device}");
    }
}
