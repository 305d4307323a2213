//! Random programs.

use proptest::prelude::*;

use super::{Op, Random};

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0_u8..2).prop_map(Op::Acquire),
        3 => (0_u8..2).prop_map(Op::Release),
        2 => Just(Op::Put),
        2 => Just(Op::Take),
        2 => (0_u8..3).prop_map(Op::Set),
        2 => Just(Op::Test),
        1 => Just(Op::Add),
        1 => Just(Op::Check),
        3 => Just(Op::Send),
        2 => (0_u8..3).prop_map(Op::SendTask),
        3 => Just(Op::Recv),
        1 => Just(Op::Choose),
    ]
}

fn program() -> impl Strategy<Value = Vec<Op>> {
    let plain = prop::collection::vec(op(), 1..=4);
    let closure = prop::collection::vec(op(), 1..=2).prop_map(|body| {
        let mut program = vec![Op::Start];
        program.extend(body);
        program.push(Op::Finish);
        program
    });
    let quick = prop_oneof![
        Just(Op::Put),
        Just(Op::Add),
        Just(Op::Send),
        (0_u8..3).prop_map(Op::Set),
        (0_u8..3).prop_map(Op::SendTask),
    ];
    let quick = prop::collection::vec(quick, 1..=2).prop_map(|body| {
        let mut program = vec![Op::Start];
        program.extend(body);
        program.push(Op::Finish);
        program
    });
    prop_oneof![3 => plain, 1 => closure, 2 => quick]
}

/// Models that come to rest on every schedule.
pub(crate) fn resting() -> impl Strategy<Value = Random> {
    let process = || prop::collection::vec(program(), 1..=3);
    (process(), process()).prop_map(|(first, second)| Random {
        programs: [first, second],
        looping: [false; 2],
    })
}

/// Models in which a thread of each process may loop, over what stays finite.
pub(crate) fn looping() -> impl Strategy<Value = Random> {
    let bounded = prop_oneof![
        (0_u8..2).prop_map(Op::Acquire),
        (0_u8..2).prop_map(Op::Release),
        (0_u8..3).prop_map(Op::Set),
        Just(Op::Test),
        Just(Op::Choose),
    ];
    let last = || prop::collection::vec(bounded.clone(), 1..=3);
    (resting(), last(), last(), any::<[bool; 2]>()).prop_map(|(mut model, first, second, looping)| {
        for (programs, last) in model.programs.iter_mut().zip([first, second]) {
            programs.truncate(2);
            programs.push(last);
        }
        model.looping = looping;
        model
    })
}
