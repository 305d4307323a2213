//! Reads under random schedules against a sequential pipeline, which knows no threads.

use std::sync::Arc;

use lastbatch::machine::System;
use lastbatch::models::TensorFlow;
use lastbatch::models::tensorflow::job::{Data, JobStep, Variant};
use lastbatch::models::tensorflow::mechanisms::dataset::{Pipeline, graphs};
use lastbatch::models::tensorflow::process::Process;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use crate::support::rng::Numbers;

/// An operation of the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operation {
    Read,
    MakeIterator,
}

/// The client's program, and the pipeline as one loop over records.
#[derive(Clone, Debug)]
struct Sequential {
    pipeline: Pipeline,
    program: Vec<Operation>,
    /// Operations that are done.
    done: usize,
    /// Records of this epoch that were read.
    read: usize,
    /// End of the last operation: with N records.
    last: usize,
}

/// The next operation of the program runs, under the schedule with this number.
#[derive(Clone, Copy, Debug)]
struct Run(u64);

fn pipelines() -> impl Strategy<Value = Pipeline> {
    let files = prop::collection::vec(0_u16..4, 1..4);
    let interleave = (1_u8..3, 0_u8..2, 1_u8..3, any::<bool>());
    let rest = (1_u8..3, 1_u8..4, any::<bool>(), 1_u8..4);
    (files, interleave, rest).prop_map(
        |(files, (cycle, ahead, buffer, sloppy), (prefetch, batch, drop, calls))| Pipeline {
            cycle_length: cycle,
            prefetch_input_elements: ahead,
            buffer_output_elements: buffer,
            sloppy,
            prefetch,
            drop_remainder: drop,
            num_parallel_calls: calls,
            ..Pipeline::smallest(&files, batch)
        },
    )
}

impl ReferenceStateMachine for Sequential {
    type State = Sequential;
    type Transition = Run;

    fn init_state() -> BoxedStrategy<Sequential> {
        let operation = prop_oneof![4 => Just(Operation::Read), 1 => Just(Operation::MakeIterator)];
        let program = prop::collection::vec(operation, 12);
        let start = |(pipeline, program)| Sequential {
            pipeline,
            program,
            done: 0,
            read: 0,
            last: 0,
        };
        (pipelines(), program).prop_map(start).boxed()
    }

    fn transitions(_: &Sequential) -> BoxedStrategy<Run> {
        any::<u64>().prop_map(Run).boxed()
    }

    fn preconditions(state: &Sequential, _: &Run) -> bool {
        state.done < state.program.len()
    }

    fn apply(mut state: Sequential, _: &Run) -> Sequential {
        let operation = state.program[state.done];
        state.done += 1;
        state.last = 0;
        if operation == Operation::MakeIterator {
            state.read = 0;
            return state;
        }
        let left = state.pipeline.records() - state.read;
        let size = usize::from(state.pipeline.batch_size);
        if left >= size || !state.pipeline.drop_remainder {
            state.last = left.min(size);
        }
        state.read += state.last;
        state
    }
}

/// The model of the program, as far as it has run. The client goes on after every step, whatever came of it.
struct Concurrent {
    model: TensorFlow,
    system: System<Process>,
    delivered: usize,
}

impl Concurrent {
    /// Runs until the client has the answer of its step.
    fn run_step(&mut self, numbers: &mut Numbers) {
        loop {
            let enabled = self.system.enabled(&self.model);
            assert!(!enabled.is_empty(), "the client waits and nothing can happen");
            let (id, pending) = &enabled[numbers.below(enabled.len())];
            let returns = pending.operation.label.name == "Client.return";
            let stepped = self.system.step(&self.model, *id, pending, 0);
            stepped.unwrap_or_else(|broken| panic!("{broken}"));
            if returns {
                return;
            }
        }
    }

    /// Records that the iterator of this epoch has delivered.
    fn delivered(&self) -> usize {
        let datasets = self.system.processes[0].datasets.as_deref().expect("a pipeline");
        datasets
            .tree(datasets.current)
            .expect("the iterator is there")
            .delivery
            .delivered()
    }
}

impl StateMachineTest for Concurrent {
    type SystemUnderTest = Concurrent;
    type Reference = Sequential;

    fn init_test(state: &Sequential) -> Concurrent {
        let step = |operation: &Operation| JobStep {
            graph: Arc::new(match operation {
                Operation::Read => graphs::read(),
                Operation::MakeIterator => graphs::make_iterator(),
            }),
            data: Data::Pipeline { catches: true },
        };
        let steps = state.program.iter().map(step).collect();
        // With two threads a new iterator in the middle of an epoch is safe.
        let model = super::job(steps, 2, Variant::Tf112, Some(state.pipeline.clone()));
        let system = System::initial(&model);
        Concurrent {
            model,
            system,
            delivered: 0,
        }
    }

    fn apply(mut run: Concurrent, state: &Sequential, Run(seed): Run) -> Concurrent {
        run.run_step(&mut Numbers(seed));
        let before = if state.program[state.done - 1] == Operation::Read {
            run.delivered
        } else {
            0
        };
        run.delivered = run.delivered();
        assert_eq!(run.delivered, before + state.last, "{state:?}");
        assert_eq!(run.delivered, state.read, "{state:?}");
        run
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        rng_seed: RngSeed::Fixed(12_012),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn under_any_schedule_reads_bring_what_a_sequential_pipeline_would(sequential 1..13 => Concurrent);
}
