//! Observations of the real runtimes, to stand beside the verdicts.
//!
//! A *trial* is one `sess.run` that meets the end of the data, on one machine with two cores, over loopback. The delays are two points of
//! TensorFlow that were held up with probability 0.3 by up to 3 ms, as if the thread had been preempted there: a `_Recv` between
//! registering its call and installing its cancel function, and the master between installing the cancel function of a `RunGraph`
//! and starting that call.
//!
//! A *forced* trial is one in which threads were held so that a receive's abort came just before its cancel function was installed, and so that
//! the `RunGraph` of its server was cancelled before it was sent, or dropped with its reset. What is called *a server's* or *the worker's* is
//! that receive; with one pool thread the worker's is the order of `72eaa422`. What is called `sticky-cancel` is 1.12.0 with the mend of the probe:
//! an order that needs the loss of a `RunGraph`'s cancel counts where it was in force until the mend carried that out. On 2.15.1 it was held before it registered, and the order of a server's receive was not reached.

use crate::models::tensorflow::job::Variant;
use crate::scenario::Input;

/// The place where an observation is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The author of the report says so.
    Report,
    /// Counted.
    Measured,
    /// Counted, with the two delays.
    MeasuredWithDelays,
    /// Counted, with the order of a hang forced on a receive of the worker.
    ForcedOnWorker,
    /// Counted, with the order of a hang forced on a receive of a server.
    ForcedOnServer,
}

/// One observation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Observation {
    /// The place where it is from.
    pub source: Source,
    /// The release that ran.
    pub variant: Variant,
    /// Parameter servers.
    pub servers: usize,
    /// Workers.
    pub workers: u8,
    /// Inter-op threads.
    pub inter_op: u8,
    /// Way by which the batch got into the step.
    pub input: Input,
    /// Number of trials, where they were counted.
    pub trials: Option<u32>,
    /// Number of those that hung; of the report, whether any did.
    pub hung: u32,
}

const fn row(
    source: Source,
    (servers, workers, inter_op): (usize, u8, u8),
    input: Input,
    trials: Option<u32>,
    hung: u32,
) -> Observation {
    of(
        Variant::Tf112,
        source,
        (servers, workers, inter_op),
        input,
        trials,
        hung,
    )
}

/// The coupled job on 1.12.0 with the probe's mend.
const fn mended(source: Source, size: (usize, u8, u8), trials: Option<u32>, hung: u32) -> Observation {
    of(Variant::StickyCancel, source, size, Input::Coupled, trials, hung)
}

const fn of(
    variant: Variant,
    source: Source,
    (servers, workers, inter_op): (usize, u8, u8),
    input: Input,
    trials: Option<u32>,
    hung: u32,
) -> Observation {
    Observation {
        source,
        variant,
        servers,
        workers,
        inter_op,
        input,
        trials,
        hung,
    }
}

/// All of them. Rows that differ only in the number of intra-op threads are one.
pub const OBSERVATIONS: &[Observation] = &[
    row(Source::Report, (2, 2, 2), Input::Coupled, None, 1),
    row(Source::Report, (2, 2, 1), Input::Coupled, None, 0),
    row(Source::Report, (1, 2, 2), Input::Coupled, None, 0),
    row(Source::Report, (2, 2, 2), Input::Queue, None, 0),
    row(Source::Report, (2, 2, 2), Input::Decoupled, None, 0),
    row(Source::Measured, (12, 2, 8), Input::Coupled, Some(11_998), 4),
    row(Source::Measured, (12, 2, 1), Input::Coupled, Some(28_554), 0),
    row(Source::Measured, (1, 2, 8), Input::Coupled, Some(116_262), 0),
    row(Source::Measured, (12, 2, 8), Input::Decoupled, Some(771_832), 0),
    row(Source::MeasuredWithDelays, (2, 1, 2), Input::Coupled, Some(200), 2),
    row(Source::MeasuredWithDelays, (2, 1, 4), Input::Coupled, Some(50), 1),
    row(Source::MeasuredWithDelays, (2, 1, 1), Input::Coupled, Some(120_000), 2),
    row(Source::MeasuredWithDelays, (1, 1, 4), Input::Coupled, Some(30_750), 0),
    row(Source::MeasuredWithDelays, (1, 1, 1), Input::Coupled, Some(20_400), 0),
    row(Source::MeasuredWithDelays, (2, 1, 4), Input::Decoupled, Some(40_000), 0),
    row(Source::ForcedOnWorker, (2, 1, 1), Input::Coupled, Some(95), 1),
    row(Source::ForcedOnServer, (2, 1, 1), Input::Coupled, Some(20), 20),
    row(Source::ForcedOnWorker, (2, 1, 2), Input::Coupled, Some(20), 20),
    row(Source::ForcedOnServer, (2, 1, 2), Input::Coupled, Some(20), 20),
    row(Source::ForcedOnWorker, (2, 1, 4), Input::Coupled, Some(20), 20),
    row(Source::ForcedOnServer, (2, 1, 4), Input::Coupled, Some(20), 20),
    row(Source::ForcedOnServer, (2, 1, 1), Input::Queue, Some(20), 20),
    row(Source::ForcedOnWorker, (2, 1, 2), Input::Queue, Some(20), 20),
    row(Source::ForcedOnServer, (2, 1, 2), Input::Queue, Some(20), 20),
    mended(Source::ForcedOnWorker, (2, 1, 2), Some(197), 0),
    mended(Source::ForcedOnServer, (2, 1, 2), Some(195), 0),
    mended(Source::ForcedOnWorker, (2, 1, 4), Some(198), 0),
    mended(Source::ForcedOnServer, (2, 1, 4), Some(193), 0),
    of(
        Variant::Tf115,
        Source::ForcedOnWorker,
        (2, 1, 2),
        Input::Coupled,
        Some(24),
        0,
    ),
    of(
        Variant::Tf115,
        Source::ForcedOnServer,
        (2, 1, 2),
        Input::Coupled,
        Some(22),
        22,
    ),
    of(
        Variant::Tf2,
        Source::ForcedOnWorker,
        (2, 1, 2),
        Input::Coupled,
        Some(40),
        0,
    ),
    of(
        Variant::Tf2,
        Source::ForcedOnServer,
        (2, 1, 2),
        Input::Coupled,
        Some(40),
        0,
    ),
];
