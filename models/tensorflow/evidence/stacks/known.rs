//! The hangs that are known, and what dumps show of each.

use super::Symptom;
use super::symptom as signs;

/// A known hang.
#[derive(Debug)]
pub struct Known {
    /// Short name.
    pub name: &'static str,
    /// Name of the cause, in a line.
    pub title: &'static str,
    /// Signs that it cannot be without. One of which the dumps show the opposite rules it out.
    pub needs: &'static [&'static Symptom],
    /// Signs that make it more likely; another task's work can hide them.
    pub supports: &'static [&'static Symptom],
    /// Signs that make it no more than possible: the same job without the hang would show them, too.
    pub doubts: &'static [&'static Symptom],
    /// The part that stacks cannot show.
    pub hidden: &'static str,
    /// The signatures that the model finds for it.
    pub signatures: &'static [&'static str],
    /// Remedies for today, without a change of the runtime.
    pub today: &'static [&'static str],
    /// Versions, with the fix that each has.
    pub versions: &'static [&'static str],
    /// The place where it is explained.
    pub explained: &'static str,
}

/// Every known hang.
pub static KNOWN: &[Known] = &[
    Known {
        name: "final-batch",
        title: "the last batch: a receive is parked on a server that never starts the step",
        needs: &[
            &signs::STEP_WAITS,
            &signs::NO_NODE_RUNS,
            &signs::INPUT_ANSWERED,
            &signs::DATA_ENDED,
        ],
        supports: &[&signs::CLIENT_WAITS, &signs::NO_CALLBACK_RUNS, &signs::SERVERS_REST],
        doubts: &[&signs::SERVER_COMPUTES],
        hidden: "the receive that never ends is a callback, and a parked receive is an entry of a list: neither holds a thread. \
                 So a server that is merely slow looks the same, and which server it is, and whose receive (the worker's or a \
                 server's), stays open",
        signatures: &["7a624761", "72eaa422", "7de6dade", "c33d79b5", "78fe6d66", "d9f8c03f"],
        today: &[
            "restart the worker from its last checkpoint: the step that hangs had no data, so nothing is lost",
            "read the batch in a step of its own (sess.run(get_next), then sess.run(train_op, feed_dict)): no hang, proved on \
             the model of the same job (scenarios/final_batch/ps2_decoupled.toml)",
            "inter_op_parallelism_threads=1 in the config of the worker's tf.train.Server makes it rare, not impossible",
        ],
        versions: &[
            "1.13 (variant tf-1.13) has pull request 23580: the window is narrower, the hang stays",
            "1.15 (variant tf-1.15): the worker's receive no longer hangs, a server's does (7de6dade, c33d79b5); forced on the real one it hung \
             in 22 of 22 runs",
            "2.x (variant tf-2) checks again after sending, and the step's cancellation manager cancels what an abort missed: no hang of the \
             small job, proved; with three servers one is left (78fe6d66)",
            "variants sticky-cancel and remember-cancelled-steps: no hang with two servers, proved; no release has them",
        ],
        explained: "docs/root_cause.md",
    },
    Known {
        name: "interleave-creation-error",
        title: "a lost wake-up in ParallelInterleave: the function of a file failed while the consumer slept",
        needs: &[
            &signs::INPUT_WAITED_FOR,
            &signs::CONSUMER_SLEEPS,
            &signs::PRODUCERS_SLEEP,
        ],
        supports: &[&signs::CLIENT_WAITS],
        doubts: &[],
        hidden: "that the function failed; its error waits in a buffer that nobody looks at",
        signatures: &["3031ccb9"],
        today: &[
            "make the interleave strict (sloppy=False): its consumer waits on the condition variable that is signalled",
            "let the function of a file not fail: a missing or corrupt file that fails while it is read does no harm",
        ],
        versions: &["1.12 and 1.15 have it in sloppy mode"],
        explained: "docs/pipeline.md",
    },
    Known {
        name: "reinitialize-on-a-full-pool",
        title: "iterator.initializer in the middle of an epoch: the pool destroys a pipeline that needs the pool",
        needs: &[&signs::MAP_DESTROYED, &signs::POOL_HAS_NO_OTHER],
        supports: &[&signs::CLIENT_WAITS],
        doubts: &[],
        hidden: "how many threads the pool has: with a free one the parse functions end, and so does this",
        signatures: &["8fcecaf5", "7f7fbc8b"],
        today: &[
            "run the initializer only after OutOfRange",
            "give the worker's tf.train.Server more than one inter-op thread",
        ],
        versions: &["no release changes it up to 1.15"],
        explained: "docs/pipeline.md",
    },
    Known {
        name: "queue-cancels-itself",
        title: "two dequeues of one step on one queue: the cancellation waits for itself",
        needs: &[&signs::DEREGISTERS_ITSELF],
        supports: &[&signs::CLIENT_WAITS],
        doubts: &[],
        hidden: "which queue it is",
        signatures: &["070c5fe5"],
        today: &["dequeue once a step (dequeue_many), or from two queues"],
        versions: &["no release changes it up to 1.15"],
        explained: "docs/pipeline.md",
    },
    Known {
        name: "sync-get-next",
        title: "a GetNext on the pool waits for functions that only the pool can run",
        needs: &[
            &signs::GET_NEXT_ON_POOL,
            &signs::PIPELINE_NEEDS_POOL,
            &signs::POOL_COMES_FREE,
        ],
        supports: &[&signs::CLIENT_WAITS],
        doubts: &[],
        hidden: "how many threads the pool has, and which of those that rest belong to it",
        signatures: &["2fbd5b18"],
        today: &["give the worker's pool more threads than steps that may run at once"],
        versions: &["TensorFlow 1.2 has it (issue 10369); later ones read on a thread of their own"],
        explained: "docs/pipeline.md",
    },
    Known {
        name: "close-after-a-server-died",
        title: "sess.close() waits for the answer of a server that is gone",
        needs: &[&signs::SESSION_CLOSES, &signs::SERVER_GONE],
        supports: &[&signs::CLIENT_CLOSES],
        doubts: &[],
        hidden: "which server does not answer: one that is slow looks the same",
        signatures: &["133a2571"],
        today: &[
            "end the process of the worker: nothing is lost, its last step has returned",
            "leave out sess.close() at the end of a job whose servers may be gone before it",
        ],
        versions: &["1.12 has no timeout for DeleteWorkerSession; a public report is issue 21745"],
        explained: "docs/other_ends.md",
    },
];
