use lastbatch::machine::{Lock, ProcessId};
use lastbatch::{SmallModel, Step, check, labels};

labels! {
    FROM = "Transfer.lock_from" => "locks the account that it takes from";
    TO = "Transfer.lock_to" => "locks the account that it gives to, and moves the money";
}

/// Two transfers between two accounts, one in each direction.
#[derive(Clone)]
struct Transfers {
    /// Whether both lock account 0 first.
    in_order: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct State {
    locks: [Lock<usize>; 2],
    /// Locks that each transfer has taken.
    taken: [u8; 2],
}

impl SmallModel for Transfers {
    type State = State;
    type Thread = usize;
    type Frame = ();

    const OBJECTS: &[&str] = &["accounts"];

    fn initial(&self, _: ProcessId) -> State {
        State::default()
    }

    fn threads(&self, _: ProcessId) -> Vec<usize> {
        vec![0, 1]
    }

    fn next(&self, _: ProcessId, state: &State, me: usize) -> Option<Step<'_, Self>> {
        let (first, second) = if self.in_order { (0, 1) } else { (me, 1 - me) };
        let lock = |label, account: usize| {
            let lock = state.locks[account];
            self.step(label).when(lock.is_free()).awaits(lock.owner())
        };
        match state.taken[me] {
            0 => Some(lock(&FROM, first).then(move |state| {
                state.locks[first].acquire(me);
                state.taken[me] = 1;
            })),
            1 => Some(lock(&TO, second).then(move |state| {
                state.locks[first].release(me);
                state.taken[me] = 2;
            })),
            _ => None,
        }
    }
}

#[test]
fn transfers_in_opposite_directions_wait_for_each_other() {
    check(Transfers { in_order: false }).assert_hang("a cycle");
}

#[test]
fn transfers_that_lock_in_one_order_end() {
    check(Transfers { in_order: true }).assert_no_hang();
}
