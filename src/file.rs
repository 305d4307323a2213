//! Files: the one line that says what is wrong with one, and how they are written.

use std::fmt::{self, Display};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

/// A file that cannot be used. The text names the file, the line where it is about one, and what was expected.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub struct FileError {
    path: PathBuf,
    line: Option<usize>,
    problem: String,
}

impl FileError {
    /// Returns the problem of a file.
    pub fn new(path: impl AsRef<Path>, problem: impl Display) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            line: None,
            problem: problem.to_string(),
        }
    }

    /// Returns the problem of one of its lines, counted from 1.
    pub fn at(path: impl AsRef<Path>, line: usize, problem: impl Display) -> Self {
        Self {
            line: Some(line),
            ..Self::new(path, problem)
        }
    }

    /// Returns what an action that failed makes of its cause, as in `cannot read the scenario: permission denied`.
    pub fn cannot<E: Display>(action: &str, path: impl AsRef<Path>) -> impl Fn(E) -> Self {
        move |cause| Self::new(&path, format!("cannot {action}: {cause}"))
    }

    /// Returns what is wrong, without the file.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, problem) = (self.path.display(), &self.problem);
        match self.line {
            Some(line) => write!(f, "{path}:{line}: {problem}"),
            None => write!(f, "{path}: {problem}"),
        }
    }
}

/// Writes a file whole or not at all, by way of a temporary one beside it; replaces an older one, and makes the directory unless it is
/// there.
///
/// # Errors
/// When the directory cannot be written to.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Staged::new(path, bytes)?.publish()
}

/// A file that is written, but not yet under its name: so that several can be written all or none.
#[derive(Debug)]
pub struct Staged {
    file: NamedTempFile,
    path: PathBuf,
}

impl Staged {
    /// Writes the contents of a file beside where it will be.
    ///
    /// # Errors
    /// When the directory cannot be written to, or the path is that of a directory.
    pub fn new(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(directory)?;
        // An error would name the temporary file, which nobody knows.
        let mut file = NamedTempFile::new_in(directory).map_err(|error| error.kind())?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        share(file.as_file())?;
        let path = path.to_owned();
        Ok(Self { file, path })
    }

    /// Gives the file its name; replaces an older one.
    ///
    /// # Errors
    /// When the directory has changed meanwhile.
    pub fn publish(self) -> io::Result<()> {
        self.file.persist(self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Gives a temporary file, which only its owner may read, the rights of an ordinary one.
#[cfg(unix)]
fn share(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn share(_file: &fs::File) -> io::Result<()> {
    Ok(())
}
