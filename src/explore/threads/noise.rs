//! Noise that makes the operating system decide differently each time.
//!
//! The recipe is that of rr's chaos mode (O'Callahan 2016): one thread in ten has low priority, and is starved for a while at each label,
//! for times that are spread evenly over orders of magnitude. A pause is a number of yields: nothing sleeps.

use parking_lot::Mutex;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// The probability that a thread has low priority.
const LOW: f64 = 0.1;
/// The probability that another one yields once before a label.
const YIELD: f64 = 0.25;
/// A starved thread yields at most 2 to the power of this many times.
const LONGEST: f64 = 10.0;

/// The noise of one execution.
pub(super) struct Noise {
    seed: u64,
    outcomes: Mutex<Xoshiro256PlusPlus>,
}

/// The noise of one of its threads.
pub(super) struct Own {
    low: bool,
    random: Mutex<Xoshiro256PlusPlus>,
}

impl Noise {
    pub(super) fn of(seed: u64, execution: u64) -> Self {
        let mut own = Xoshiro256PlusPlus::seed_from_u64(seed ^ execution.rotate_left(32));
        Self {
            seed: own.random(),
            outcomes: Mutex::new(own),
        }
    }

    pub(super) fn own(&self, identity: u64) -> Own {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ identity);
        Own {
            low: random.random_bool(LOW),
            random: Mutex::new(random),
        }
    }

    /// Returns the outcome of a label.
    pub(super) fn choose(&self, outcomes: u32) -> u32 {
        self.outcomes.lock().random_range(0..outcomes)
    }
}

impl Own {
    /// Lets others go first, or not.
    pub(super) fn pause(&self) {
        let yields = {
            let mut random = self.random.lock();
            if self.low {
                random.random_range(0.0..LONGEST).exp2() as u32
            } else {
                u32::from(random.random_bool(YIELD))
            }
        };
        for _ in 0..yields {
            std::thread::yield_now();
        }
    }
}
