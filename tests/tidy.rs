//! The parts of the house style that can be held: how long files and functions are, and phrases that have a better word.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Lines of a file of Rust.
const FILE: usize = 400;
/// Lines of a function, from its `fn` to its closing brace.
const FUNCTION: usize = 70;

/// The place where code of the project stands; folders that are not there yet are passed over.
const CODE: [&str; 7] = ["src", "models", "tests", "benches", "examples", "probe", "build.rs"];
/// The place where its documentation stands.
const PAGES: [&str; 2] = ["docs", "README.md"];

/// Files that are still too long. Each must be: what was shortened leaves the list.
const LONG_FILES: [&str; 0] = [];
/// Functions that are still too long, behind their file.
const LONG_FUNCTIONS: [(&str, &str); 1] = [(
    "src/schedule/tests.rs",
    "a_file_that_is_no_schedule_is_refused_with_its_line_and_what_was_expected",
)];

/// A phrase, a word of [`COUNTED`] in place of each `#`; what to write instead; and how often it still stands, which only gets less.
const PHRASES: [(&str, &str, usize); 13] = [
    ("so many", "N states", 0),
    ("one a #", "one per process", 0),
    ("one an #", "one per event", 0),
    ("a # a #", "one line per change", 0),
    ("a # an #", "one row per event", 0),
    ("one # a #", "one file per task", 0),
    ("one # an #", "one row per event", 0),
    ("runs end as promised", "runs reproduced the hang", 0),
    ("found the thread not live", "but that thread is not running", 0),
    (
        "its cancel found no function",
        "cancelled before its callback was installed",
        0,
    ),
    ("and in no other", "the search is complete", 0),
    ("tf-step.md", "the file of TensorFlow that says so", 0),
    ("tf-data.md", "the file of TensorFlow that says so", 0),
];

/// Things that are counted out: "one per" such a thing.
const COUNTED: &str = "change column core event file hang job label lane line mechanism node process record row run \
    scenario search seed server session signature step task test thread track turn variable variant verdict";

/// First words of a comment that begins with no noun and no verb, and how many such comments are left.
const OPENINGS: [(&str, usize); 4] = [("Who", 0), ("Which", 0), ("What", 0), ("The same", 0)];

/// A thing that breaks a rule: file, line, and what.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Place {
    file: String,
    line: usize,
    what: String,
}

/// A file with its path in the project.
struct Source {
    name: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Adds the files below a path that have this extension.
fn collect(path: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            collect(&entry.expect("readable").path(), extension, found);
        }
    } else if path.is_file() && path.extension().is_some_and(|other| other == extension) {
        found.push(path.to_owned());
    }
}

fn sources(places: &[&str], extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    for place in places {
        collect(&root().join(place), extension, &mut found);
    }
    found.sort();
    let source = |path: PathBuf| Source {
        name: path.strip_prefix(root()).expect("below the root").display().to_string(),
        text: fs::read_to_string(&path).expect("text"),
    };
    found.into_iter().map(source).collect()
}

/// Collects the functions of a file, with the lines that each takes.
fn functions(tokens: TokenStream, found: &mut Vec<(String, usize, usize)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            functions(group.stream(), found);
        }
        let (TokenTree::Ident(word), Some(TokenTree::Ident(name))) = (token, tokens.get(index + 1)) else {
            continue;
        };
        if word != "fn" {
            continue;
        }
        let body = tokens[index..].iter().find_map(|token| match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(Some(group)),
            TokenTree::Punct(punct) if punct.as_char() == ';' => Some(None),
            _ => None,
        });
        if let Some(Some(body)) = body {
            let (first, last) = (word.span().start().line, body.span_close().end().line);
            found.push((name.to_string(), first, last + 1 - first));
        }
    }
}

fn long_files(source: &Source) -> Option<Place> {
    let lines = source.text.lines().count();
    (lines > FILE).then(|| Place {
        file: source.name.clone(),
        line: lines,
        what: format!("{lines} lines, expected at most {FILE}"),
    })
}

fn long_functions(source: &Source) -> Vec<(String, Place)> {
    let tokens: TokenStream = source
        .text
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", source.name));
    let mut found = Vec::new();
    functions(tokens, &mut found);
    found.retain(|(_, _, lines)| *lines > FUNCTION);
    let place = |(name, line, lines)| {
        let what = format!("fn {name} has {lines} lines, expected at most {FUNCTION}");
        let file = source.name.clone();
        (name, Place { file, line, what })
    };
    found.into_iter().map(place).collect()
}

/// Returns the part of a line that is a comment.
fn comment(line: &str) -> Option<&str> {
    let quotes = |end: usize| line[..end].matches('"').count();
    let starts = line.match_indices("//").map(|(start, _)| start);
    let start = starts.into_iter().find(|start| quotes(*start).is_multiple_of(2));
    start.map(|start| line[start..].trim_start_matches(['/', '!']).trim())
}

/// Returns the words of a file's prose, each with its line. An empty word stands where one text ends.
fn prose(source: &Source) -> Vec<(usize, String)> {
    let code = source.name.ends_with(".rs");
    let mut words = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let text = if code { comment(line) } else { Some(line) };
        let text = text.unwrap_or_default();
        if text.is_empty() {
            words.push((index + 1, String::new()));
        }
        let plain = |word: &str| word.trim_matches(|mark: char| !mark.is_alphanumeric()).to_owned();
        words.extend(text.split_whitespace().map(|word| (index + 1, plain(word))));
    }
    words
}

/// Finds where a phrase stands, across the ends of lines.
fn phrase(pattern: &str, name: &str, words: &[(usize, String)]) -> Vec<Place> {
    let pattern: Vec<&str> = pattern.split(' ').collect();
    let fits = |wanted: &str, word: &str| match wanted {
        "#" => COUNTED.split(' ').any(|counted| counted == word),
        _ => wanted.eq_ignore_ascii_case(word),
    };
    let places = words.windows(pattern.len()).filter(|window| {
        let mut pairs = pattern.iter().zip(*window);
        pairs.all(|(wanted, (_, word))| fits(wanted, word))
    });
    let place = |window: &[(usize, String)]| Place {
        file: name.to_owned(),
        line: window[0].0,
        what: window
            .iter()
            .map(|(_, word)| word.as_str())
            .collect::<Vec<_>>()
            .join(" "),
    };
    places.map(place).collect()
}

/// Comments of items that begin with these words.
fn openings(opening: &str, source: &Source) -> Vec<Place> {
    let mut before = false;
    let mut found = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let text = line.trim_start().strip_prefix("/// ");
        let begins = text
            .and_then(|text| text.strip_prefix(opening))
            .is_some_and(|rest| rest.starts_with(' '));
        if begins && !before {
            found.push(Place {
                file: source.name.clone(),
                line: index + 1,
                what: text.unwrap_or_default().to_owned(),
            });
        }
        before = line.trim_start().starts_with("///");
    }
    found
}

/// Fails with a line per place.
fn nothing<'a>(places: impl IntoIterator<Item = &'a Place>, advice: &str) {
    let lines = places
        .into_iter()
        .map(|place| format!("{}:{}: {}", place.file, place.line, place.what));
    let lines: Vec<String> = lines.collect();
    assert!(lines.is_empty(), "{advice}\n{}", lines.join("\n"));
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let found: Vec<Place> = sources(&CODE, "rs").iter().filter_map(long_files).collect();
    let fresh = found.iter().filter(|place| !LONG_FILES.contains(&place.file.as_str()));
    nothing(fresh, "split these files:");
    let long: BTreeSet<&str> = found.iter().map(|place| place.file.as_str()).collect();
    let short: Vec<_> = LONG_FILES.iter().filter(|name| !long.contains(*name)).collect();
    assert!(
        short.is_empty(),
        "no longer too long, so no longer on the list: {short:?}"
    );
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let found: Vec<_> = sources(&CODE, "rs").iter().flat_map(long_functions).collect();
    let known = |name: &str, place: &Place| LONG_FUNCTIONS.contains(&(place.file.as_str(), name));
    let fresh = found.iter().filter(|(name, place)| !known(name, place));
    nothing(fresh.map(|(_, place)| place), "split these functions:");
    let long: BTreeSet<_> = found
        .iter()
        .map(|(name, place)| (place.file.as_str(), name.as_str()))
        .collect();
    let short: Vec<_> = LONG_FUNCTIONS
        .iter()
        .filter(|function| !long.contains(*function))
        .collect();
    assert!(
        short.is_empty(),
        "no longer too long, so no longer on the list: {short:?}"
    );
}

/// Fails where there are more places than are left over from earlier.
fn at_most(left: usize, places: &[Place], advice: &str) {
    if places.len() > left {
        nothing(
            places,
            &format!("{advice}; {} places, where {left} are left over:", places.len()),
        );
    }
}

#[test]
fn no_phrase_is_used_that_has_a_better_word() {
    let mut texts = sources(&CODE, "rs");
    texts.retain(|source| source.name != "tests/tidy.rs");
    texts.extend(sources(&PAGES, "md"));
    let texts: Vec<_> = texts.iter().map(|source| (&source.name, prose(source))).collect();
    for (pattern, instead, left) in PHRASES {
        let places = texts.iter().flat_map(|(name, words)| phrase(pattern, name, words));
        let found: Vec<Place> = places.collect();
        at_most(left, &found, &format!("for \"{pattern}\" write \"{instead}\""));
    }
}

#[test]
fn a_comment_begins_with_a_noun_or_a_verb() {
    let texts = sources(&CODE, "rs");
    for (opening, left) in OPENINGS {
        let found: Vec<Place> = texts.iter().flat_map(|source| openings(opening, source)).collect();
        at_most(
            left,
            &found,
            &format!("begin with a noun (a type) or a verb (a function), not with \"{opening}\""),
        );
    }
}

fn sample(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn a_file_and_a_function_that_are_a_line_too_long_are_found() {
    let lines = |count: usize| "    step();\n".repeat(count);
    assert_eq!(long_files(&sample("a.rs", &lines(FILE))), None);
    assert!(long_files(&sample("a.rs", &lines(FILE + 1))).is_some());
    let function = |count| {
        format!(
            "type Of = fn(u8);\nimpl A {{\n  fn short();\n  fn long<T>() -> u8 where T: A {{\n{}  }}\n}}\n",
            lines(count)
        )
    };
    let found = |count| long_functions(&sample("a.rs", &function(count)));
    assert_eq!(found(FUNCTION - 2), []);
    let [(name, place)] = &found(FUNCTION - 1)[..] else {
        panic!("one is too long")
    };
    assert_eq!((name.as_str(), place.line), ("long", 4));
}

#[test]
fn a_phrase_is_found_in_comments_and_pages_across_lines_and_nowhere_else() {
    let lines = |name, text| {
        phrase("so many", name, &prose(&sample(name, text)))
            .iter()
            .map(|place| place.line)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        lines("a.rs", "let so_many = \"// so many\"; // not so\n// many states\n"),
        [1]
    );
    assert_eq!(
        lines("a.rs", "/// Not so\n\n/// many.\nfn so() {} // So many, really\n"),
        [4]
    );
    assert_eq!(lines("a.md", "so many\n"), [1]);
    let counted = |text| phrase("a # a #", "a.md", &prose(&sample("a.md", text))).len();
    assert_eq!(
        [
            counted("a row a search"),
            counted("a row per search"),
            counted("a search")
        ],
        [1, 0, 0]
    );
    let which = |text| openings("Which", &sample("a.rs", text)).len();
    assert_eq!(
        [
            which("/// Which it is.\n"),
            which("/// A key.\n/// Which it is.\n"),
            which("/// Whichever.\n")
        ],
        [1, 0, 0]
    );
}
