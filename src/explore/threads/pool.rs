//! Threads of the operating system that are used again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam::channel::{Receiver, Sender, unbounded};

type Job = Box<dyn FnOnce() + Send>;

/// A pool of as many threads as jobs ever ran at once. They end when the last handle is dropped.
#[derive(Clone)]
pub(super) struct ThreadPool {
    jobs: Sender<Job>,
    taken: Receiver<Job>,
    /// Threads that wait for a job, less the jobs that wait for them.
    idle: Arc<AtomicUsize>,
}

impl ThreadPool {
    pub(super) fn new() -> Self {
        let (jobs, taken) = unbounded();
        Self {
            jobs,
            taken,
            idle: Arc::default(),
        }
    }

    /// Runs a job on a thread that has nothing else to do: jobs wait for each other, so none may wait for a thread.
    pub(super) fn run(&self, job: Job) {
        let reserve = |idle: usize| idle.checked_sub(1);
        if self
            .idle
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, reserve)
            .is_ok()
        {
            self.jobs.send(job).expect("this handle holds a receiver");
            return;
        }
        let (taken, idle) = (self.taken.clone(), Arc::downgrade(&self.idle));
        std::thread::spawn(move || {
            let mut next = Some(job);
            while let Some(job) = next {
                job();
                // Without a pool nobody will send another job.
                let Some(idle) = idle.upgrade() else { return };
                idle.fetch_add(1, Ordering::SeqCst);
                drop(idle);
                next = taken.recv().ok();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam::channel::bounded;

    #[test]
    fn jobs_that_wait_for_each_other_all_run() {
        let pool = ThreadPool::new();
        for _ in 0..3 {
            let (sender, receiver) = bounded::<()>(0);
            let (done, all_done) = bounded::<()>(0);
            for job in 0..8 {
                let (sender, receiver, done) = (sender.clone(), receiver.clone(), done.clone());
                let body = move || {
                    // Each first job hands over to a later one, which may start after it only if it gets a thread of its own.
                    let _ = if job % 2 == 0 {
                        sender.send(())
                    } else {
                        receiver.recv().map_err(|_| unreachable!())
                    };
                    drop(done);
                };
                pool.run(Box::new(body));
            }
            drop(done);
            assert!(all_done.recv().is_err(), "every job dropped its end");
        }
    }
}
