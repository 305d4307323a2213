use super::*;

fn edges(lines: &[&str]) -> Result<Edges, BuiltinError> {
    Edges::try_from(lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
}

fn job(servers: u8, lines: &[&str]) -> Result<Graph, BuiltinError> {
    builtin(servers, &edges(lines)?, &[], BatchSource::Iterator)
}

#[test]
fn a_description_becomes_one_worker_its_servers_and_their_tensors() {
    let graph = job(
        2,
        &["ps0->worker batch", "worker->ps0 batch", "ps0->worker", "ps1->ps0 x2"],
    )
    .unwrap();
    insta::assert_snapshot!(graph.to_string(), @r"
    worker0 (/job:worker/replica:0/task:0/device:CPU:0, 4 nodes)
        0 get_next IteratorGetNext
        1 send edge_0_worker_ps0 -> ps0  [batch]  after 0
        2 recv edge_1_ps0_worker <- ps0  [batch]
        3 recv edge_2_ps0_worker <- ps0
    ps0 (/job:ps/replica:0/task:0/device:CPU:0, 5 nodes)
        0 recv edge_0_worker_ps0 <- worker0  [batch]
        1 send edge_1_ps0_worker -> worker0  [batch]  after 0
        2 send edge_2_ps0_worker -> worker0
        3 recv edge_3_ps1_ps0 <- ps1
        4 recv edge_4_ps1_ps0 <- ps1
    ps1 (/job:ps/replica:0/task:1/device:CPU:0, 2 nodes)
        0 send edge_3_ps1_ps0 -> ps0
        1 send edge_4_ps1_ps0 -> ps0
    ");
}

#[test]
fn an_edge_to_the_client_is_a_fetched_value() {
    let graph = job(1, &["worker->ps0 batch", "ps0->client batch", "ps0->client"]).unwrap();
    let fetched: Vec<(NodeKind, &[u16])> = graph.partitions[1]
        .nodes
        .iter()
        .map(|node| (node.kind, &node.inputs[..]))
        .collect();
    assert_eq!(
        fetched[1..],
        [(NodeKind::Fetch, &[0][..]), (NodeKind::Fetch, &[][..])],
        "{graph}"
    );
    assert_eq!(graph.edges.len(), 1, "no task receives it");
}

#[test]
fn a_batch_tensor_between_servers_needs_one_that_reaches_the_sender() {
    let graph = job(2, &["worker->ps0 batch", "ps0->ps1 batch", "ps1->worker batch"]).unwrap();
    assert!(graph.edges.iter().all(|edge| edge.batch_dependent));
    let error = job(2, &["worker->ps0 batch", "ps1->worker batch"]).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @r#"edge "ps1->worker batch": nothing that depends on the batch reaches ps1; expected a batch edge to it in front of this one"#);
}

#[test]
fn a_description_that_means_nothing_is_refused_with_what_was_expected() {
    let refused = [
        "worker ps0",
        "worker->master",
        "client->worker",
        "worker->ps",
        "worker->ps+1",
        "ps0->ps0",
        "worker->ps0 x0",
        "worker->ps0 x",
        "worker->ps0 batch batch",
        "worker->ps0 x2 batch",
        "worker->ps7",
    ];
    let messages: Vec<String> = refused
        .iter()
        .map(|line| job(2, &[line]).unwrap_err().to_string())
        .collect();
    insta::assert_snapshot!(messages.join("\n"), @r#"
    edge "worker ps0": no ->; expected FROM->TO [batch] [xN], as in "ps0->worker batch x2"
    edge "worker->master": "master" is neither worker nor psN; expected FROM->TO [batch] [xN], as in "ps0->worker batch x2"
    edge "client->worker": "client" is neither worker nor psN; expected FROM->TO [batch] [xN], as in "ps0->worker batch x2"
    edge "worker->ps": "ps" is neither worker nor psN; expected FROM->TO [batch] [xN], as in "ps0->worker batch x2"
    edge "worker->ps+1": "ps+1" is neither worker nor psN; expected FROM->TO [batch] [xN], as in "ps0->worker batch x2"
    edge "ps0->ps0": ps0 sends to itself; expected FROM->TO [batch] [xN], as in "ps0->worker batch x2"
    edge "worker->ps0 x0": "x0" is no count from x1 to x255; expected FROM->TO [batch] [xN], as in "ps0->worker batch x2"
    edge "worker->ps0 x": "x" is no count from x1 to x255; expected FROM->TO [batch] [xN], as in "ps0->worker batch x2"
    edge "worker->ps0 batch batch": "batch" is not expected here; expected FROM->TO [batch] [xN], as in "ps0->worker batch x2"
    edge "worker->ps0 x2 batch": "batch" is not expected here; expected FROM->TO [batch] [xN], as in "ps0->worker batch x2"
    edge "worker->ps7": the job has 2 servers, numbered from ps0
    "#);
}

#[test]
fn a_list_of_descriptions_is_read_from_toml() {
    #[derive(Deserialize)]
    struct Job {
        edges: Edges,
    }
    let job: Job = toml::from_str("edges = [\"worker->ps0 batch x2\"]").unwrap();
    assert_eq!(job.edges.0, ["worker->ps0 batch x2".parse().unwrap()]);
    let error = toml::from_str::<Job>("edges = [\"worker->ps0 often\"]").err().unwrap();
    assert!(error.message().contains("\"often\" is not expected here"), "{error}");
}

#[test]
fn an_edge_is_written_as_it_is_read() {
    for line in ["worker->ps0", "ps12->worker batch x3", "ps0->ps1 x2"] {
        assert_eq!(line.parse::<EdgeGroup>().unwrap().to_string(), line);
    }
}
