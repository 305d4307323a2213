//! A connection pool that is exhausted: each request holds a connection and takes another one for a query within it. When all connections are
//! held by requests that wait for their second, nobody gives one back.
//!
//! `cargo run --example connection_pool [PAGE.html]`

use lastbatch::machine::ProcessId;
use lastbatch::{SmallModel, Step, check, labels};

labels! {
    BEGIN = "Request.begin" => "takes a connection from the pool";
    QUERY = "Request.query" => "takes another connection for a query";
    NESTED = "Request.nested_query" => "queries on the connection that it has";
    END = "Request.end" => "gives its connections back";
}

const CONNECTIONS: usize = 2;
const REQUESTS: u8 = 2;

/// The pool and its requests, before and after the repair.
#[derive(Clone)]
struct ConnectionPool {
    /// Whether the query within a request uses the connection that the request has.
    reuses: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    Begin,
    Query,
    End,
    Ended,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct State {
    /// The request that holds each connection.
    pool: [Option<u8>; CONNECTIONS],
    at: [At; REQUESTS as usize],
}

impl State {
    fn take(&mut self, request: u8) {
        let free = self.pool.iter_mut().find(|holder| holder.is_none());
        *free.expect("the guard says that one is free") = Some(request);
        // Connections are alike: in this order states that differ in nothing else are equal.
        self.pool.sort_unstable();
    }
}

impl SmallModel for ConnectionPool {
    type State = State;
    type Thread = u8;
    type Frame = ();

    const PROCESSES: &[&str] = &["server"];
    const OBJECTS: &[&str] = &["pool"];

    fn initial(&self, _: ProcessId) -> State {
        State {
            pool: [None; CONNECTIONS],
            at: [At::Begin; REQUESTS as usize],
        }
    }

    fn threads(&self, _: ProcessId) -> Vec<u8> {
        (0..REQUESTS).collect()
    }

    fn next(&self, _: ProcessId, state: &State, request: u8) -> Option<Step<'_, Self>> {
        let own = usize::from(request);
        let free = state.pool.contains(&None);
        let waits = |label| self.step(label).when(free).awaits(state.pool.iter().copied().flatten());
        let go_on = move |state: &mut State, at| state.at[own] = at;
        match state.at[own] {
            At::Begin => Some(waits(&BEGIN).then(move |state| {
                state.take(request);
                go_on(state, At::Query);
            })),
            At::Query if self.reuses => Some(self.step(&NESTED).then(move |state| go_on(state, At::End))),
            At::Query => Some(waits(&QUERY).then(move |state| {
                state.take(request);
                go_on(state, At::End);
            })),
            At::End => Some(self.step(&END).then(move |state| {
                state
                    .pool
                    .iter_mut()
                    .filter(|holder| **holder == Some(request))
                    .for_each(|holder| *holder = None);
                state.pool.sort_unstable();
                go_on(state, At::Ended);
            })),
            At::Ended => None,
        }
    }

    fn objects<'a>(&self, _: ProcessId, state: &'a State) -> Vec<&'a dyn lastbatch::small::Object> {
        vec![&state.pool]
    }
}

fn main() {
    let hanging = check(ConnectionPool { reuses: false });
    if let Some(page) = std::env::args().nth(1) {
        hanging.clone().page(page).run();
    }
    println!("{}\n{}", hanging.run(), check(ConnectionPool { reuses: true }).run());
}

#[test]
fn requests_wait_for_each_other_unless_they_reuse_their_connection() {
    let pool = |reuses| check(ConnectionPool { reuses }).executions(2_000);
    pool(false).assert_hang_under_every_engine("a cycle");
    pool(true).assert_no_hang_under_every_engine();
}
