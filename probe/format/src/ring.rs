//! The events of a task: a ring in a file that the task maps, so that a task which is killed leaves all that it wrote.
//!
//! A head of [`HEAD`] bytes, [`TEXTS`] bytes of texts (keys of tensors, messages), then the records. Numbers are little-endian. Event
//! number n, from 0, stands at place n modulo the number of places; its first field is n + 1, written last, so that a record that is
//! being overwritten is seen to be torn.

/// The newest version of the format, and the only one that is read.
pub const VERSION: u64 = 1;
/// The first bytes of a file.
pub const MAGIC: u64 = u64::from_le_bytes(*b"lastring");
/// Bytes of the head.
pub const HEAD: usize = 4096;
/// Bytes for texts.
pub const TEXTS: usize = 1 << 20;
/// Bytes of a record.
pub const RECORD: usize = 64;
/// Number of events that a ring keeps if nobody asks for another.
pub const PLACES: usize = 1 << 16;

/// Head: [`MAGIC`].
pub const AT_MAGIC: usize = 0;
/// Head: [`VERSION`].
pub const AT_VERSION: usize = 8;
/// Head: the number of places.
pub const AT_PLACES: usize = 16;
/// Head: the number of events so far.
pub const AT_EVENTS: usize = 24;
/// Head: bytes of texts that are used.
pub const AT_TEXTS: usize = 32;
/// Head: nanoseconds of the monotonic clock when the file was made.
pub const AT_MONOTONIC: usize = 40;
/// Head: nanoseconds of the wall clock at the same time.
pub const AT_WALL: usize = 48;
/// Head: the process's id.
pub const AT_PID: usize = 56;
/// Head: the task's name, padded with zeros.
pub const AT_TASK: usize = 64;
/// Head: the longest name of a task.
pub const TASK: usize = 64;

/// Writes the functions whose events are recorded, each with its name in traces.
macro_rules! functions {
    ($($(#[$doc:meta])* $function:ident = $name:literal)*) => {
        /// A function whose events are recorded.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Function { $($(#[$doc])* $function),* }

        impl Function {
            const ALL: &[(Self, &str)] = &[$((Self::$function, $name)),*];
        }
    };
}

functions! {
    /// `GrpcRemoteWorker::RunGraphAsync`; its other address is the remote worker.
    RunGraphCall = "rungraph-issue"
    /// `Worker::DoRunGraph`.
    RunGraphHandler = "rungraph-handler"
    /// `GrpcRemoteWorker::RecvTensorAsync`; its other address is the remote worker.
    ReceiveCall = "recvtensor-issue"
    /// `GrpcWorker::GrpcRecvTensorAsync`.
    ReceiveHandler = "recvtensor-handler"
    /// `CallOptions::SetCancelCallback`; its number is a site.
    SetCancel = "setcancel"
    /// `CallOptions::ClearCancelCallback`.
    ClearCancel = "clearcancel"
    /// `CallOptions::StartCancel`.
    StartCancel = "startcancel"
    /// `BaseRemoteRendezvous::RegisterCall`; its other address is the call.
    Register = "register"
    /// `BaseRemoteRendezvous::DeregisterCall`; its other address is the call.
    Deregister = "deregister"
    /// `BaseRendezvousMgr::FindOrCreate`.
    FindOrCreate = "findorcreate"
    /// `BaseRemoteRendezvous::Initialize`.
    Initialize = "initialize"
    /// `BaseRemoteRendezvous::StartAbort`.
    StartAbort = "startabort"
    /// `Worker::CleanupGraphAsync`.
    Cleanup = "cleanup"
    /// `Worker::AbortStep`.
    AbortStep = "abortstep"
    /// `RunManyGraphs::WhenDone`; its number is the partition.
    WhenDone = "whendone"
    /// `MasterSession::Run`; no event of traces.
    Run = "run"
    /// A cancel that the mend carries out; no event of traces.
    Mended = "mended"
}

impl Function {
    /// Returns its name in traces.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Returns the function with a number.
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).map(|(function, _)| *function)
    }
}

/// The functions that install a cancel function, by the number that `setcancel` has.
pub const SITES: [&str; 5] = [
    "MasterSession::RunPartitionsHelper",
    "RPCState<TensorResponse>",
    "RPCState<Message>",
    "Worker::DoRunGraph",
    "GrpcWorker::GrpcRecvTensorAsync",
];

/// An event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Record {
    /// Nanoseconds of the machine's monotonic clock.
    pub time: u64,
    /// The step, if the event tells it; 0 if not.
    pub step: u64,
    /// The thread.
    pub thread: u32,
    /// The number of its [`Function`].
    pub function: u8,
    /// 0: entered, 1: left, 2: a point.
    pub mark: u8,
    /// The address of `CallOptions`, a rendezvous or the calls of one step, whichever the function is about.
    pub one: u64,
    /// The address of a remote worker or of a receive's call.
    pub other: u64,
    /// The place of a text: a key or a message.
    pub text: u32,
    /// A site of [`SITES`], or a partition.
    pub number: i32,
    /// A status code.
    pub code: i32,
}

impl Record {
    /// Writes the record, without its first field.
    pub fn encode(&self) -> [u8; RECORD - 8] {
        let mut bytes = [0; RECORD - 8];
        let mut at = 0;
        let mut put = |field: &[u8]| {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        };
        put(&self.time.to_le_bytes());
        put(&self.step.to_le_bytes());
        put(&self.one.to_le_bytes());
        put(&self.other.to_le_bytes());
        put(&self.thread.to_le_bytes());
        put(&self.text.to_le_bytes());
        put(&self.number.to_le_bytes());
        put(&self.code.to_le_bytes());
        put(&[self.function, self.mark]);
        bytes
    }

    /// Reads a record, without its first field.
    pub fn decode(bytes: &[u8; RECORD - 8]) -> Self {
        let long = |at: usize| number(bytes, at);
        let half = |at: usize| {
            let field = bytes.get(at..at + 4).and_then(|field| field.try_into().ok());
            field.map_or(0, u32::from_le_bytes)
        };
        Self {
            time: long(0),
            step: long(8),
            one: long(16),
            other: long(24),
            thread: half(32),
            text: half(36),
            number: half(40).cast_signed(),
            code: half(44).cast_signed(),
            function: bytes[48],
            mark: bytes[49],
        }
    }
}

fn number(bytes: &[u8], at: usize) -> u64 {
    let field = bytes.get(at..at + 8).and_then(|field| field.try_into().ok());
    field.map_or(0, u64::from_le_bytes)
}

/// The events that a task wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ring {
    /// The task, as in `worker0`.
    pub task: String,
    /// Nanoseconds by which the wall clock was ahead of the monotonic one.
    pub wall_ahead: i128,
    /// Its events, the oldest first.
    pub records: Vec<Record>,
    /// Number of events that are lost: overwritten, or torn as the task died.
    pub lost: u64,
    texts: Vec<u8>,
}

impl Ring {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is none: what was expected.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let head = |at| number(bytes, at);
        if head(AT_MAGIC) != MAGIC {
            return Err("no ring of events: it does not begin with \"lastring\"".to_owned());
        }
        if head(AT_VERSION) != VERSION {
            return Err(format!("format {}, expected {VERSION}", head(AT_VERSION)));
        }
        let places = usize::try_from(head(AT_PLACES)).unwrap_or(usize::MAX);
        let expected = places
            .checked_mul(RECORD)
            .and_then(|bytes| bytes.checked_add(HEAD + TEXTS));
        if places == 0 || expected != Some(bytes.len()) {
            return Err(format!("cut off: {} bytes for {places} events", bytes.len()));
        }
        let name = bytes[AT_TASK..AT_TASK + TASK]
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default();
        let events = head(AT_EVENTS);
        let first = events.saturating_sub(places as u64);
        let mut records = Vec::new();
        for event in first..events {
            let at = HEAD + TEXTS + (event as usize % places) * RECORD;
            let body = bytes[at + 8..at + RECORD].first_chunk();
            match body {
                Some(body) if number(bytes, at) == event + 1 => records.push(Record::decode(body)),
                _ => {}
            }
        }
        Ok(Self {
            task: String::from_utf8_lossy(name).into_owned(),
            wall_ahead: i128::from(head(AT_WALL)) - i128::from(head(AT_MONOTONIC)),
            lost: events - records.len() as u64,
            records,
            texts: bytes[HEAD..HEAD + TEXTS].to_vec(),
        })
    }

    /// Returns the text of a record; empty if it has none.
    pub fn text(&self, record: &Record) -> String {
        let at = record.text as usize;
        let length = self.texts.get(at..at + 2).and_then(|field| field.try_into().ok());
        let length = usize::from(length.map_or(0, u16::from_le_bytes));
        let text = self.texts.get(at + 2..at + 2 + length).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let record = Record {
            time: 1,
            step: u64::MAX,
            thread: 3,
            function: 4,
            mark: 2,
            one: 6,
            other: 7,
            text: 8,
            number: -9,
            code: -10,
        };
        assert_eq!(Record::decode(&record.encode()), record);
    }

    /// Makes a file of two places in which these events, counted from 1, stand at their places.
    fn file(events: u64, stand: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0; HEAD + TEXTS + 2 * RECORD];
        for (at, number) in [
            (AT_MAGIC, MAGIC),
            (AT_VERSION, VERSION),
            (AT_PLACES, 2),
            (AT_EVENTS, events),
        ] {
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        for event in stand {
            let at = HEAD + TEXTS + ((event - 1) as usize % 2) * RECORD;
            bytes[at..at + 8].copy_from_slice(&event.to_le_bytes());
            let record = Record {
                time: *event,
                ..Record::default()
            };
            bytes[at + 8..at + RECORD].copy_from_slice(&record.encode());
        }
        bytes
    }

    #[test]
    fn what_was_overwritten_or_torn_is_counted_as_lost() {
        let times = |events, stand: &[u64]| {
            let ring = Ring::read(&file(events, stand)).expect("a ring");
            (
                ring.records.iter().map(|record| record.time).collect::<Vec<_>>(),
                ring.lost,
            )
        };
        assert_eq!(times(2, &[1, 2]), (vec![1, 2], 0));
        assert_eq!(times(5, &[4, 5]), (vec![4, 5], 3));
        assert_eq!(times(3, &[2]), (vec![2], 2), "event 3 was begun and not finished");
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        assert!(Ring::read(b"nothing").is_err());
        let mut cut = file(1, &[1]);
        cut.pop();
        assert_eq!(
            Ring::read(&cut),
            Err(format!("cut off: {} bytes for 2 events", cut.len()))
        );
    }
}
