//! Hashes of the sources that decide what a search may find, for the gate: whether a figure may have changed because the model did.
//!
//! What is hashed is the token stream without comments, documentation and layout, so that a better comment makes no model foreign.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use xxhash_rust::xxh3::xxh3_64;

/// Each hash, and the files and folders that it is of.
const HASHES: [(&str, &[&str]); 2] = [
    ("LASTBATCH_MODEL_HASH", &["models", "src/machine"]),
    (
        "LASTBATCH_REDUCTIONS_HASH",
        &[
            "src/explore/exhaustive/reduction.rs",
            "src/explore/exhaustive/reduction",
            "src/explore/exhaustive/cycles.rs",
        ],
    ),
];

/// Folders that read jobs and recordings, and so decide nothing about what the model does with them.
const TOOLS: [&str; 2] = ["models/tensorflow/evidence", "models/tensorflow/import"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    for (name, places) in HASHES {
        let mut code = String::new();
        for place in places {
            println!("cargo:rerun-if-changed={place}");
            collect(&root, Path::new(place), &mut code)?;
        }
        println!("cargo:rustc-env={name}=xxh3:{:016x}", xxh3_64(code.as_bytes()));
    }
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}

/// Adds the code of a file, or of the files below a folder in order of their names.
fn collect(root: &Path, place: &Path, code: &mut String) -> Result<(), Box<dyn Error>> {
    let path = root.join(place);
    if path.is_dir() && !TOOLS.iter().any(|tool| place == Path::new(tool)) {
        let names = fs::read_dir(&path)?.map(|entry| Ok(entry?.file_name()));
        let mut names = names.collect::<std::io::Result<Vec<_>>>()?;
        names.sort();
        return names.iter().try_for_each(|name| collect(root, &place.join(name), code));
    }
    if path.extension().is_some_and(|extension| extension == "rs") {
        let text = fs::read_to_string(&path)?;
        let tokens: TokenStream = text.parse().map_err(|error| format!("{}: {error}", place.display()))?;
        code.push_str(&place.to_string_lossy().replace('\\', "/"));
        code.push('\n');
        write(tokens, code);
    }
    Ok(())
}

/// Writes one token per line, but for documentation.
fn write(tokens: TokenStream, code: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                // The mark of `#![...]` is dropped: an attribute of a file and one of an item cannot stand in the same place.
                tokens.next_if(|next| matches!(next, TokenTree::Punct(sign) if sign.as_char() == '!'));
                if tokens.next_if(is_documentation).is_none() {
                    code.push_str("#\n");
                }
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(\n", ")\n"),
                    Delimiter::Brace => ("{\n", "}\n"),
                    Delimiter::Bracket => ("[\n", "]\n"),
                    Delimiter::None => ("", ""),
                };
                code.push_str(open);
                write(group.stream(), code);
                code.push_str(close);
            }
            other => {
                code.push_str(&other.to_string());
                code.push('\n');
            }
        }
    }
}

fn is_documentation(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let first = group.stream().into_iter().next();
    matches!(first, Some(TokenTree::Ident(name)) if name == "doc")
}
