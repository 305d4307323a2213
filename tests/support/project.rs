//! Copies of the project, to be changed and built.

use std::fs;
use std::path::Path;

/// The parts of the project that a copy needs to be built, to run its gate and its tests.
const COPIED: [&str; 15] = [
    "Cargo.toml",
    "Cargo.lock",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "build.rs",
    "probe",
    "rustfmt.toml",
    "src",
    "models",
    "scenarios",
    "tests",
    "benches",
    "examples",
    "docs",
];

/// The project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Copies the project to a directory.
pub(crate) fn copy_to(copy: &Path) {
    for name in COPIED {
        copy_all(&root().join(name), &copy.join(name));
    }
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("made");
        for entry in fs::read_dir(from).expect("a directory") {
            let entry = entry.expect("an entry");
            copy_all(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).expect("copied");
    }
}
