//! All reading of TensorFlow's memory, and files that are mapped.
//!
//! The offsets hold for the builds that [`crate::library`] knows, and for no other: that is why it refuses the rest.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// `BaseRemoteRendezvous::step_id_`.
const STEP_OF_RENDEZVOUS: usize = 0x18;
/// `RecvTensorRequest::step_id_`.
const STEP_OF_RECEIVE: usize = 48;
/// `RecvTensorRequest::rendezvous_key_`.
const KEY_OF_RECEIVE: usize = 16;
/// `CleanupGraphRequest::step_id_`.
const STEP_OF_CLEANUP: usize = 16;
/// The entry of `RunGraphRequestWrapper::step_id` in its table of virtual functions, in bytes.
const STEP_OF_RUN_GRAPH: usize = 40;
/// The longest text that is read.
const LONGEST: usize = 400;

/// Reads a word.
///
/// # Safety
/// `address` is that of a word of a live object.
unsafe fn word(address: usize) -> usize {
    unsafe { *(address as *const usize) }
}

/// Reads a text that ends with a zero, up to a length.
///
/// # Safety
/// `address` is zero, or that of such a text.
unsafe fn text<'a>(address: usize) -> &'a [u8] {
    if address == 0 {
        return &[];
    }
    let bytes = unsafe { CStr::from_ptr(address as *const c_char) }.to_bytes();
    &bytes[..bytes.len().min(LONGEST)]
}

/// Returns the step of a `BaseRemoteRendezvous`.
///
/// # Safety
/// `rendezvous` is the address of a live one.
pub(crate) unsafe fn step_of_rendezvous(rendezvous: usize) -> u64 {
    unsafe { word(rendezvous + STEP_OF_RENDEZVOUS) as u64 }
}

/// Returns the key that a `Rendezvous::ParsedKey` was parsed from.
///
/// # Safety
/// `key` is the address of a live one, which the caller does not outlive.
pub(crate) unsafe fn parsed_key<'a>(key: usize) -> &'a [u8] {
    unsafe { text(word(key)) }
}

/// Returns the step and the key of a `RecvTensorRequest`.
///
/// # Safety
/// `request` is the address of a live one, which the caller does not outlive.
pub(crate) unsafe fn receive<'a>(request: usize) -> (u64, &'a [u8]) {
    unsafe {
        let step = word(request + STEP_OF_RECEIVE) as u64;
        (step, string(word(request + KEY_OF_RECEIVE)))
    }
}

/// Returns a `std::string` of the ABI that the known builds have: one pointer to its characters.
///
/// # Safety
/// `address` is that of a live one, which the caller does not outlive.
pub(crate) unsafe fn string<'a>(address: usize) -> &'a [u8] {
    unsafe { text(word(address)) }
}

/// Returns the step of a `CleanupGraphRequest`.
///
/// # Safety
/// `request` is the address of a live one.
pub(crate) unsafe fn step_of_cleanup(request: usize) -> u64 {
    unsafe { word(request + STEP_OF_CLEANUP) as u64 }
}

/// Asks a `RunGraphRequestWrapper` for its step.
///
/// # Safety
/// `request` is the address of a live one.
pub(crate) unsafe fn step_of_run_graph(request: usize) -> u64 {
    unsafe {
        let step_id: extern "C" fn(usize) -> i64 = std::mem::transmute(word(word(request) + STEP_OF_RUN_GRAPH));
        step_id(request).cast_unsigned()
    }
}

/// Returns the code and message of a `Status`.
///
/// # Safety
/// `status` is the address of a live one, which the caller does not outlive.
pub(crate) unsafe fn status<'a>(status: usize) -> (i32, &'a [u8]) {
    unsafe {
        match word(status) {
            0 => (0, b"OK"),
            state => (*(state as *const c_int), string(state + 8)),
        }
    }
}

/// A file that is mapped for as long as the process lives.
#[derive(Clone, Copy)]
pub(crate) struct Mapped {
    base: usize,
    bytes: usize,
}

impl Mapped {
    /// Maps a file, which is made as long as asked for.
    pub(crate) fn open(path: &Path, bytes: usize) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        file.set_len(bytes as u64)?;
        let (all, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping of a file that is as long; nothing else is touched.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, all, shared, file.as_raw_fd(), 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            base: base as usize,
            bytes,
        })
    }

    /// Returns a number of the file.
    pub(crate) fn number(&self, at: usize) -> &'static AtomicU64 {
        assert!(at.is_multiple_of(8) && at + 8 <= self.bytes);
        // SAFETY: within a mapping that is never taken away, and aligned as the mapping is; all access to it is atomic.
        unsafe { &*((self.base + at) as *const AtomicU64) }
    }

    /// Writes bytes to a place that no other thread writes to at this time.
    pub(crate) fn write(&self, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= self.bytes);
        // SAFETY: within the mapping. Readers are other processes, which tell a torn record by its number.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), (self.base + at) as *mut u8, bytes.len()) }
    }
}

/// Returns the nanoseconds of a clock.
fn clock(id: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to `time` and nothing else.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Returns the nanoseconds of the monotonic clock, which all processes of a machine share.
pub(crate) fn monotonic() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// Returns the nanoseconds of the wall clock.
pub(crate) fn wall() -> u64 {
    clock(libc::CLOCK_REALTIME)
}

/// Returns the number of this thread.
pub(crate) fn thread() -> u32 {
    // SAFETY: has no arguments and can't fail.
    unsafe { libc::syscall(libc::SYS_gettid) as u32 }
}

/// A lock that many hold together or one alone, and that may be held across calls of TensorFlow.
pub(crate) struct SharedLock(std::cell::UnsafeCell<libc::pthread_rwlock_t>);

// SAFETY: the lock is made to be used by several threads.
unsafe impl Sync for SharedLock {}

impl SharedLock {
    pub(crate) const fn new() -> Self {
        Self(std::cell::UnsafeCell::new(libc::PTHREAD_RWLOCK_INITIALIZER))
    }

    pub(crate) fn share(&self) {
        // SAFETY: an initialised lock that never moves: it is only ever a static.
        unsafe { libc::pthread_rwlock_rdlock(self.0.get()) };
    }

    pub(crate) fn take(&self) {
        // SAFETY: as above.
        unsafe { libc::pthread_rwlock_wrlock(self.0.get()) };
    }

    /// Gives back what this thread shared or took.
    pub(crate) fn release(&self) {
        // SAFETY: as above; the thread holds it.
        unsafe { libc::pthread_rwlock_unlock(self.0.get()) };
    }
}

/// Calls a function of six words, of which it may need fewer, and gives back its result, if it has one.
///
/// # Safety
/// `function` is the address of one that takes at most these, and they are what it expects.
pub(crate) unsafe fn call(function: usize, [a, b, c, d, e, f]: [usize; 6]) -> usize {
    type Function = unsafe extern "C-unwind" fn(usize, usize, usize, usize, usize, usize) -> usize;
    unsafe {
        let function: Function = std::mem::transmute::<*const c_void, Function>(function as *const c_void);
        function(a, b, c, d, e, f)
    }
}
