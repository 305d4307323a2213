//! The client's loop of a job with a pipeline.

use std::sync::Arc;

use super::clients::step;
use crate::models::tensorflow::job::graph::Graph;
use crate::models::tensorflow::job::{Data, JobStep};
use crate::models::tensorflow::mechanisms::dataset::graphs;
use crate::scenario::PipelineSection;

/// Returns the user's loop over the epochs. In each it reads until it meets the end (or as often as the section says), and trains on each
/// batch in the same step, or with a decoupled input in the next one. It catches the end of the data and goes on: reads again, or makes a
/// new iterator for the next epoch. A step with several reads takes as many batches.
pub(super) fn steps(section: &PipelineSection, reading: Option<&Arc<Graph>>, training: &Arc<Graph>) -> Vec<JobStep> {
    let each = reading.unwrap_or(training).reads().count().max(1);
    let batches = section.pipeline().batches() / each;
    let to_the_end = batches + 1 + usize::from(section.reads_after_end);
    let reads = section.reads_per_epoch.map_or(to_the_end, usize::from);
    let initializer = Arc::new(graphs::make_iterator());
    let mut steps = Vec::new();
    for epoch in 0..section.epochs {
        if epoch > 0 {
            steps.push(step(&initializer, Data::Pipeline { catches: false }));
        }
        for read in 0..reads {
            let catches = read >= batches;
            steps.push(step(reading.unwrap_or(training), Data::Pipeline { catches }));
            if reading.is_some() && read < batches {
                steps.push(step(training, Data::Batch));
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::tensorflow::job::graph::NodeKind;

    const READ: Data = Data::Pipeline { catches: false };
    const LAST: Data = Data::Pipeline { catches: true };

    fn outline(section: &str, decoupled: bool) -> Vec<Data> {
        let section: PipelineSection = toml::from_str(section).unwrap();
        let graph = Arc::new(graphs::read());
        let steps = steps(&section, decoupled.then_some(&graph), &graph);
        steps.iter().map(|step| step.data).collect()
    }

    #[test]
    fn a_client_reads_every_batch_and_the_end_and_catches_only_the_end() {
        let steps = outline("files = [3]\nbatch_size = 2\nepochs = 2\nreads_after_end = 1", false);
        assert_eq!(steps, [READ, READ, LAST, LAST, READ, READ, READ, LAST, LAST]);
    }

    #[test]
    fn a_decoupled_client_trains_after_each_batch_but_not_after_the_end() {
        let steps = outline("files = [3]\nbatch_size = 2", true);
        assert_eq!(steps, [READ, Data::Batch, READ, Data::Batch, LAST]);
    }

    #[test]
    fn a_step_with_two_reads_takes_two_batches_and_the_last_may_find_one_and_the_end() {
        let section: PipelineSection = toml::from_str("files = [3]\nbatch_size = 1").unwrap();
        let read = graphs::read();
        let twice = read.with_node("worker0", "IteratorGetNext", NodeKind::GetNext).unwrap();
        let steps = steps(&section, None, &Arc::new(twice));
        let data: Vec<Data> = steps.iter().map(|step| step.data).collect();
        assert_eq!(data, [READ, LAST]);
    }

    #[test]
    fn a_client_that_leaves_an_epoch_early_meets_no_end() {
        let steps = outline("files = [9]\nbatch_size = 1\nepochs = 2\nreads_per_epoch = 1", false);
        assert_eq!(steps, [READ, READ, READ]);
    }
}
