//! The frame of a checkpoint file: a name, a version, values and words, and a hash of all that.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use super::{CHECKPOINT_VERSION, CheckpointError};
use crate::file::FileError;

const NAME: &[u8; 20] = b"lastbatch-checkpoint";
/// Bytes of the hash at the end.
const HASH: u64 = 16;
/// Bytes read or written at a time.
const BUFFER: usize = 1 << 16;

/// Writes the values and words of a checkpoint.
pub(super) struct Writer<'a> {
    inner: BufWriter<&'a File>,
    hash: Xxh3,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.inner.write_all(bytes)
    }

    pub(super) fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> io::Result<()> {
        let bytes = postcard::to_stdvec(value).map_err(io::Error::other)?;
        self.bytes(&(bytes.len() as u64).to_le_bytes())?;
        self.bytes(&bytes)
    }

    pub(super) fn words(&mut self, words: &[u32]) -> io::Result<()> {
        self.bytes(&(words.len() as u64).to_le_bytes())?;
        let mut buffer = Vec::with_capacity(BUFFER);
        for chunk in words.chunks(BUFFER / 4) {
            buffer.clear();
            chunk
                .iter()
                .for_each(|word| buffer.extend_from_slice(&word.to_le_bytes()));
            self.bytes(&buffer)?;
        }
        Ok(())
    }
}

/// Writes a checkpoint whole or not at all: what a killed process leaves is under another name, and the next one overwrites it.
pub(super) fn write(path: &Path, content: impl FnOnce(&mut Writer<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let file = File::create(&unfinished)?;
    let mut writer = Writer {
        inner: BufWriter::with_capacity(BUFFER, &file),
        hash: Xxh3::new(),
    };
    writer.bytes(NAME)?;
    writer.bytes(&CHECKPOINT_VERSION.to_le_bytes())?;
    content(&mut writer)?;
    let hash = writer.hash.digest128();
    writer.inner.write_all(&hash.to_le_bytes())?;
    writer.inner.flush()?;
    drop(writer);
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}

/// Reads back what was written, in the same order.
pub(super) struct Reader {
    inner: BufReader<File>,
    path: PathBuf,
}

impl Reader {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).map_err(|error| self.io(error))?;
        Ok(bytes)
    }

    fn io(&self, error: io::Error) -> CheckpointError {
        FileError::new(&self.path, error).into()
    }

    fn length(&mut self) -> Result<usize, CheckpointError> {
        Ok(u64::from_le_bytes(self.bytes()?) as usize)
    }

    /// Returns the error of a value that does not have the expected form: the same program wrote the same bytes, so the file was made by
    /// hand.
    pub(super) fn damaged(&self) -> CheckpointError {
        CheckpointError::Damaged(self.path.clone())
    }

    pub(super) fn value<T: DeserializeOwned>(&mut self) -> Result<T, CheckpointError> {
        let length = self.length()?;
        let mut bytes = vec![0; length];
        self.inner.read_exact(&mut bytes).map_err(|error| self.io(error))?;
        postcard::from_bytes(&bytes).map_err(|_| self.damaged())
    }

    pub(super) fn words(&mut self) -> Result<Vec<u32>, CheckpointError> {
        let length = self.length()?;
        let mut words = Vec::with_capacity(length);
        let mut buffer = vec![0; BUFFER];
        while words.len() < length {
            let part = &mut buffer[..((length - words.len()) * 4).min(BUFFER)];
            self.inner.read_exact(part).map_err(|error| self.io(error))?;
            let parts = part.chunks_exact(4);
            words.extend(parts.map(|part| u32::from_le_bytes([part[0], part[1], part[2], part[3]])));
        }
        Ok(words)
    }
}

/// Opens a checkpoint whose name, version and hash are right.
pub(super) fn open(path: &Path) -> Result<Reader, CheckpointError> {
    let io = |error: io::Error| FileError::new(path, error);
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let head = NAME.len() as u64 + 4;
    let mut name = [0; NAME.len()];
    if length < head + HASH || file.read_exact(&mut name).is_err() || name != *NAME {
        return Err(CheckpointError::NotACheckpoint(path.to_owned()));
    }
    let mut version = [0; 4];
    file.read_exact(&mut version).map_err(io)?;
    let found = u32::from_le_bytes(version);
    if found != CHECKPOINT_VERSION {
        return Err(CheckpointError::Version {
            path: path.to_owned(),
            found,
        });
    }
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let (mut hash, mut left, mut buffer) = (Xxh3::new(), length - HASH, vec![0; BUFFER]);
    while left > 0 {
        let part = &mut buffer[..BUFFER.min(left as usize)];
        file.read_exact(part).map_err(io)?;
        hash.update(part);
        left -= part.len() as u64;
    }
    let mut expected = [0; HASH as usize];
    file.read_exact(&mut expected).map_err(io)?;
    if hash.digest128() != u128::from_le_bytes(expected) {
        return Err(CheckpointError::Damaged(path.to_owned()));
    }
    file.seek(SeekFrom::Start(head)).map_err(io)?;
    Ok(Reader {
        inner: BufReader::with_capacity(BUFFER, file),
        path: path.to_owned(),
    })
}
