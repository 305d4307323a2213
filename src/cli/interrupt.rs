//! Ctrl-C: the first ends the search and keeps what it found, the second ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Failure, Outcome};

/// Returns a flag that is set when the user wants to stop.
pub(super) fn flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if set.swap(true, Ordering::SeqCst) {
            std::process::exit(Outcome::Interrupted as i32);
        }
    })?;
    Ok(flag)
}
