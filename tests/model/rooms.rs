//! A mechanism of TensorFlow is one room: nobody else names a place in it, and nobody compares a label by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use crate::support::project::root;

const ROOMS: &str = "models/tensorflow/mechanisms";

/// A file of the project, in tokens.
struct Source {
    path: String,
    tokens: Vec<TokenTree>,
}

impl Source {
    fn parse(path: &str, text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        Self {
            path: path.to_owned(),
            tokens: tokens.into_iter().collect(),
        }
    }

    /// The file without its extension: the room of everything in the folder of that name.
    fn stem(&self) -> &str {
        self.path.strip_suffix(".rs").expect("a file of Rust")
    }

    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        matches!(name, "tests.rs" | "bench.rs") || self.path.contains("/tests/")
    }
}

/// Adds the files of Rust below a path.
fn collect(path: &Path, found: &mut Vec<Source>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            collect(&entry.expect("readable").path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        found.push(Source::parse(&name, &fs::read_to_string(path).expect("text")));
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    ["src", "models"]
        .into_iter()
        .for_each(|folder| collect(&root().join(folder), &mut found));
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn is_ident(token: Option<&TokenTree>, text: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == text)
}

fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// The tokens of each call of a macro.
fn calls_of(name: &str, tokens: &[TokenTree]) -> Vec<Vec<TokenTree>> {
    let mut found = Vec::new();
    for window in tokens.windows(3) {
        if let [first, mark, TokenTree::Group(group)] = window
            && is_ident(Some(first), name)
            && is_punct(Some(mark), '!')
        {
            found.push(group.stream().into_iter().collect());
        }
    }
    found
}

/// The places of a room: what stands in its program counter before `=>`, with or without fields.
fn places(table: &[TokenTree]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (index, _) in table
        .iter()
        .enumerate()
        .filter(|(index, _)| is_punct(table.get(*index), '=') && is_punct(table.get(index + 1), '>'))
    {
        let before = table[..index]
            .iter()
            .rev()
            .find(|token| !matches!(token, TokenTree::Group(_)));
        found.extend(before.map(ToString::to_string));
    }
    found
}

/// Everything that is named as `Pc::Name`.
fn named(tokens: &[TokenTree], found: &mut BTreeSet<String>) {
    for (index, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            named(&group.stream().into_iter().collect::<Vec<_>>(), found);
        }
        if is_ident(Some(token), "Pc") && is_punct(tokens.get(index + 1), ':') && is_punct(tokens.get(index + 2), ':') {
            found.extend(tokens.get(index + 3).map(ToString::to_string));
        }
    }
}

/// Says if a program counter of its own is declared in these tokens.
fn declares_its_own(tokens: &[TokenTree]) -> bool {
    tokens
        .windows(2)
        .any(|window| is_ident(window.first(), "enum") && is_ident(window.get(1), "Pc"))
}

/// The places that a file names though they are not its own.
fn foreign(source: &Source, rooms: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    if declares_its_own(&source.tokens) {
        return Vec::new();
    }
    let own = |stem: &str| source.stem() == stem || source.path.starts_with(&format!("{stem}/"));
    let room = rooms
        .iter()
        .filter(|(stem, _)| own(stem))
        .map(|(_, places)| places)
        .next();
    let mut names = BTreeSet::new();
    named(&source.tokens, &mut names);
    let is_place = |name: &String| rooms.values().any(|places| places.contains(name));
    names.retain(|name| is_place(name) && room.is_none_or(|room| !room.contains(name)));
    names
        .into_iter()
        .map(|name| format!("{}: Pc::{name}", source.path))
        .collect()
}

/// The rooms with their places, by the files without extension.
fn rooms(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let mut rooms = BTreeMap::new();
    for source in sources.iter().filter(|source| source.path.starts_with(ROOMS)) {
        for table in calls_of("program_counter", &source.tokens) {
            rooms.insert(source.stem().to_owned(), places(&table));
        }
    }
    rooms
}

#[test]
fn no_place_in_a_mechanism_is_named_outside_its_room() {
    let sources = sources();
    let rooms = rooms(&sources);
    let list = sources
        .iter()
        .find(|source| source.path == format!("{ROOMS}/mod.rs"))
        .expect("the list of rooms");
    let listed = calls_of("mechanisms", &list.tokens).concat();
    let count = listed.iter().filter(|token| is_punct(Some(token), ';')).count();
    assert_eq!(rooms.len(), count, "every room has a program counter");
    let found: Vec<String> = sources.iter().flat_map(|source| foreign(source, &rooms)).collect();
    assert!(found.is_empty(), "another room's verbs do that:\n{}", found.join("\n"));
}

#[test]
fn the_program_counter_of_a_room_is_private_to_it() {
    let room = fs::read_to_string(root().join(ROOMS).join("room.rs")).expect("the macros of a room");
    let lines: Vec<&str> = room.lines().map(str::trim).collect();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.ends_with("enum Pc {"))
            .collect::<Vec<_>>(),
        [&"enum Pc {"]
    );
    assert!(
        lines.contains(&"pub struct Counter(Pc);"),
        "what is within is the room's own"
    );
    let sources = sources();
    let own = sources
        .iter()
        .filter(|source| source.path.starts_with(ROOMS) && declares_its_own(&source.tokens));
    let own: Vec<&String> = own.map(|source| &source.path).collect();
    assert!(own.is_empty(), "written by program_counter!, not by hand: {own:?}");
}

/// The names of labels in a table of them: what stands behind `=`.
fn label_names(table: &[TokenTree]) -> Vec<String> {
    let behind = table.windows(2).filter(|window| is_punct(window.first(), '='));
    behind.map(|window| window[1].to_string()).collect()
}

/// The literals of a file, but for those in tables of labels and in tests.
fn literals(tokens: &[TokenTree], found: &mut Vec<(usize, String)>) {
    let mut skip = 0;
    for (index, token) in tokens.iter().enumerate() {
        if index < skip {
            continue;
        }
        let follows = |place: usize, text: &str| is_ident(tokens.get(index + place), text);
        let table = is_ident(Some(token), "labels") && is_punct(tokens.get(index + 1), '!');
        if table || is_ident(Some(token), "mod") && follows(1, "tests") {
            skip = index + 3;
        } else if let TokenTree::Literal(literal) = token {
            found.push((literal.span().start().line, literal.to_string()));
        } else if let TokenTree::Group(group) = token {
            literals(&group.stream().into_iter().collect::<Vec<_>>(), found);
        }
    }
}

#[test]
fn no_label_is_compared_by_its_name() {
    let sources = sources();
    let tables = sources
        .iter()
        .filter(|source| source.path.starts_with(ROOMS))
        .flat_map(|source| calls_of("labels", &source.tokens));
    let names: BTreeSet<String> = tables.flat_map(|table| label_names(&table)).collect();
    let known = lastbatch::models::tensorflow::mechanisms::labels().map(|label| format!("{:?}", label.name));
    assert_eq!(
        known.filter(|name| !names.contains(name)).collect::<Vec<_>>(),
        [] as [String; 0]
    );
    let mut found = Vec::new();
    // The small models have labels of their own.
    let others = |source: &&Source| source.path.starts_with("models/litmus/");
    for source in sources.iter().filter(|source| !source.is_test() && !others(source)) {
        let mut texts = Vec::new();
        literals(&source.tokens, &mut texts);
        let texts = texts.into_iter().filter(|(_, text)| names.contains(text));
        found.extend(texts.map(|(line, text)| format!("{}:{line}: {text}", source.path)));
    }
    assert!(found.is_empty(), "compare with the label itself:\n{}", found.join("\n"));
}

#[test]
fn a_place_that_is_named_elsewhere_and_a_name_outside_its_table_are_found() {
    let room =
        "program_counter! { A;\n  Here(step, ok: bool) => HERE,\n  There => THERE,\n}\nfn f() { Pc::Here(0, true); }";
    let room = Source::parse("models/tensorflow/mechanisms/a.rs", room);
    let rooms = rooms(std::slice::from_ref(&room));
    assert_eq!(
        rooms[room.stem()],
        BTreeSet::from(["Here".to_owned(), "There".to_owned()])
    );
    assert!(foreign(&room, &rooms).is_empty());
    let inside = Source::parse("models/tensorflow/mechanisms/a/b.rs", "fn f() { super::Pc::There; }");
    assert!(foreign(&inside, &rooms).is_empty());
    let outside = Source::parse(
        "models/tensorflow/mechanisms/c.rs",
        "fn f() { match x { Pc::There | Pc::A(_) => {} } }",
    );
    assert_eq!(
        foreign(&outside, &rooms),
        ["models/tensorflow/mechanisms/c.rs: Pc::There"]
    );
    let text = "labels! { A = \"A.b\", \"f\", \"g:1\"; }\nfn f() { x(\"A.b\"); }\n#[cfg(test)]\nmod tests { fn g() { x(\"A.b\"); } }";
    let source = Source::parse("src/a.rs", text);
    let mut found = Vec::new();
    literals(&source.tokens, &mut found);
    assert_eq!(found, [(2, "\"A.b\"".to_owned())]);
    assert_eq!(label_names(&calls_of("labels", &source.tokens)[0]), ["\"A.b\""]);
}
