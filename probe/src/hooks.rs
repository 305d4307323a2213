//! The functions that stand before those of TensorFlow, and before `recvmsg`.
//!
//! A hook calls what it stands before with the same words; which words those are, and what else is done, is in [`crate::handlers`].
//! All of these functions take at most six words and none on the stack, so one shape fits all of them.

use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::library::{behind, next};
use crate::task::asked;
use crate::{handlers, memory};

/// A call that a hook took: what it stands before, and the words.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    function: usize,
    /// The words: `this` or the place of the result first.
    pub(crate) words: [usize; 6],
}

impl Call {
    /// Calls the real function.
    pub(crate) fn run(self) -> usize {
        // SAFETY: the words are those that the hook was called with, in place of this function.
        unsafe { memory::call(self.function, self.words) }
    }
}

/// Finds the real function of a hook, once.
fn real(known: &AtomicUsize, symbol: &CStr, hook: usize) -> usize {
    let address = known.load(Ordering::Relaxed);
    if address != 0 {
        return address;
    }
    // A hook is only called in place of a function that there is.
    let Some(address) = behind(symbol, hook) else {
        std::process::abort();
    };
    known.store(address, Ordering::Relaxed);
    address
}

macro_rules! hooks {
    ($($handler:ident: $symbol:literal)*) => {
        /// Names of the hooked functions: a library that lacks one of these is refused.
        pub(crate) const SYMBOLS: &[&CStr] = &[$(
            match CStr::from_bytes_with_nul(concat!($symbol, "\0").as_bytes()) {
                Ok(symbol) => symbol,
                Err(_) => panic!("a symbol has no zero within"),
            }
        ),*];

        mod hooked {
            use super::*;
            $(
                #[unsafe(export_name = $symbol)]
                unsafe extern "C" fn $handler(a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> usize {
                    static REAL: AtomicUsize = AtomicUsize::new(0);
                    const SYMBOL: &CStr = match CStr::from_bytes_with_nul(concat!($symbol, "\0").as_bytes()) {
                        Ok(symbol) => symbol,
                        Err(_) => panic!("a symbol has no zero within"),
                    };
                    let call = Call {
                        function: real(&REAL, SYMBOL, $handler as *const () as usize),
                        words: [a, b, c, d, e, f],
                    };
                    match asked() {
                        // SAFETY: the library is a known one, and the words are those of its call.
                        Some(asked) => unsafe { handlers::$handler(asked, call) },
                        None => call.run(),
                    }
                }
            )*
        }
    };
}

hooks! {
    worker_name: "_ZN10tensorflow10SessionMgr23WorkerNameFromServerDefERKNS_9ServerDefE"
    run: "_ZN10tensorflow13MasterSession3RunEPNS_11CallOptionsERKNS_21RunStepRequestWrapperEPNS_29MutableRunStepResponseWrapperE"
    register_graph: "_ZN10tensorflow16GrpcRemoteWorker18RegisterGraphAsyncEPKNS_20RegisterGraphRequestEPNS_21RegisterGraphResponseESt8functionIFvRKNS_6StatusEEE"
    run_graph_call: "_ZN10tensorflow16GrpcRemoteWorker13RunGraphAsyncEPNS_11CallOptionsEPNS_22RunGraphRequestWrapperEPNS_30MutableRunGraphResponseWrapperESt8functionIFvRKNS_6StatusEEE"
    run_graph_handler: "_ZN10tensorflow6Worker10DoRunGraphEPNS_11CallOptionsEPNS_22RunGraphRequestWrapperEPNS_30MutableRunGraphResponseWrapperESt8functionIFvRKNS_6StatusEEE"
    when_done: "_ZN10tensorflow13RunManyGraphs8WhenDoneEiRKNS_6StatusE"
    new_options: "_ZN10tensorflow11CallOptionsC1Ev"
    set_cancel: "_ZN10tensorflow11CallOptions17SetCancelCallbackESt8functionIFvvEE"
    clear_cancel: "_ZN10tensorflow11CallOptions19ClearCancelCallbackEv"
    start_cancel: "_ZN10tensorflow11CallOptions11StartCancelEv"
    receive: "_ZN10tensorflow20BaseRemoteRendezvous9RecvAsyncERKNS_10Rendezvous9ParsedKeyERKNS1_4ArgsESt8functionIFvRKNS_6StatusES7_S7_RKNS_6TensorEbEE"
    send: "_ZN10tensorflow20BaseRemoteRendezvous4SendERKNS_10Rendezvous9ParsedKeyERKNS1_4ArgsERKNS_6TensorEb"
    register: "_ZN10tensorflow20BaseRemoteRendezvous12RegisterCallEPNS_18BaseRecvTensorCallE"
    deregister: "_ZN10tensorflow20BaseRemoteRendezvous14DeregisterCallEPNS_18BaseRecvTensorCallE"
    start_abort: "_ZN10tensorflow20BaseRemoteRendezvous10StartAbortERKNS_6StatusE"
    initialize: "_ZN10tensorflow20BaseRemoteRendezvous10InitializeEPNS_13WorkerSessionE"
    find_or_create: "_ZN10tensorflow17BaseRendezvousMgr12FindOrCreateEx"
    receive_call: "_ZN10tensorflow16GrpcRemoteWorker15RecvTensorAsyncEPNS_11CallOptionsEPKNS_17RecvTensorRequestEPNS_14TensorResponseESt8functionIFvRKNS_6StatusEEE"
    receive_handler: "_ZN10tensorflow10GrpcWorker19GrpcRecvTensorAsyncEPNS_11CallOptionsEPKNS_17RecvTensorRequestEPN4grpc10ByteBufferESt8functionIFvRKNS_6StatusEEE"
    abort_step: "_ZN10tensorflow6Worker9AbortStepEx"
    cleanup: "_ZN10tensorflow6Worker17CleanupGraphAsyncEPKNS_19CleanupGraphRequestEPNS_20CleanupGraphResponseESt8functionIFvRKNS_6StatusEEE"
}

/// Reads from a connection, as the C library does, once no rule keeps this task from reading.
///
/// It is also where a TensorFlow that is not known is met: every build reads, whatever the names of its functions.
#[unsafe(export_name = "recvmsg")]
unsafe extern "C" fn recvmsg(socket: usize, message: usize, flags: usize) -> usize {
    static REAL: AtomicUsize = AtomicUsize::new(0);
    let mut function = REAL.load(Ordering::Relaxed);
    if function == 0 {
        let Some(found) = next(c"recvmsg") else {
            std::process::abort()
        };
        REAL.store(found, Ordering::Relaxed);
        function = found;
    }
    if let Some(holding) = asked().and_then(|asked| asked.task()?.holding.as_ref()) {
        holding.read();
    }
    Call {
        function,
        words: [socket, message, flags, 0, 0, 0],
    }
    .run()
}
