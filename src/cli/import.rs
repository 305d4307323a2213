//! `lastbatch import`.

use std::path::{Path, PathBuf};

use clap::Args;
use lastbatch::file::{FileError, write_whole};
use lastbatch::models::tensorflow::import::read;
use lastbatch::models::tensorflow::import::slice::{SliceOptions, slice};
use lastbatch::models::tensorflow::job::graph::{Graph, NodeKind};
use lastbatch::report::import_text;
use lastbatch::scenario::Input;

use super::screen::{print_more, shown};
use super::{Ended, Failure, Outcome, help, print, writable};

/// Show the graph of a RunMetadata file and write a scenario for it
///
/// Exit code 0 if that is done, 2 for bad input.
#[derive(Args)]
#[command(after_long_help = help::IMPORT)]
pub(super) struct Import {
    /// A serialized tensorflow.RunMetadata with partition graphs
    file: PathBuf,
    /// Write a scenario that runs it
    #[arg(short, long, alias = "output", value_name = "SCENARIO.toml")]
    out: Option<PathBuf>,
    /// The step that reads the batch, where FILE is fed with it (decoupled input)
    #[arg(long, value_name = "FILE")]
    read_graph: Option<PathBuf>,
    /// Replace an older scenario file
    #[arg(long, requires = "out")]
    force: bool,
    /// How many equal receives the slice keeps of each class
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    keep: u8,
}

impl Import {
    pub(super) fn run(self) -> Ended {
        let graph = read(&self.file)?;
        let graph = graph.reading(Self::source(&graph));
        let reading = self.read_graph.as_deref().map(read).transpose()?;
        let reading = reading.map(|graph| graph.reading(Self::source(&graph)));
        let scenario = match &self.out {
            Some(output) => Some((output, self.scenario(output, &graph, reading.as_ref())?)),
            None => None,
        };
        for (file, graph) in self.read_graph.iter().zip(&reading).chain([(&self.file, &graph)]) {
            let options = SliceOptions {
                keep: usize::from(self.keep),
                ..SliceOptions::default()
            };
            let name = file.display().to_string();
            print(&shown(import_text(&name, graph, &slice(graph, &options))));
        }
        if let Some((output, text)) = scenario {
            write_whole(output, text.as_bytes()).map_err(FileError::cannot("write the scenario", output))?;
            print_more(&format!("scenario written to {}\n", output.display()));
        }
        Ok(Outcome::Holds)
    }

    /// Returns the text of a scenario that runs the graph.
    fn scenario(&self, output: &Path, graph: &Graph, reading: Option<&Graph>) -> Result<String, Failure> {
        if output.exists() && !self.force {
            return Err(FileError::new(output, "exists already; --force replaces it").into());
        }
        let input = match reading {
            Some(_) => Input::Decoupled,
            None => Self::input(graph),
        };
        // Python reads the batch of a step that is fed, and no other step meets the end of the data.
        let fed = input == Input::Decoupled && reading.is_none();
        let turn = if fed { "batch" } else { "end" };
        let meets = if fed { "is fed" } else { "meets the end of the data" };
        let from = output.parent().unwrap_or(Path::new(""));
        if !from.as_os_str().is_empty() {
            writable(from)?;
        }
        let reading = match &self.read_graph {
            Some(file) => format!("read_graph = {}\n", quoted(&relative(file, from)?)),
            None => String::new(),
        };
        let name = self.file.file_stem().unwrap_or_default().to_string_lossy();
        Ok(format!(
            "description = {description}\n\n[job]\ngraph = {graph}\n{reading}input = \"{input}\"\nworkers = 1\n\
             inter_op_parallelism_threads = 2\nintra_op_parallelism_threads = 1\npartition_order = \"recorded\"\n\
             data = [\"{turn}\"]\nslice = \"merged\"\nslice_keep = {keep}\n\n[runtime]\nvariant = \"tf-1.12\"\n\n\
             [engine]\nname = \"auto\"\n",
            description = quoted(&format!("{name}: the sess.run that {meets}")),
            graph = quoted(&relative(&self.file, from)?),
            keep = self.keep,
        ))
    }

    /// Tells what brings the batch into a step, as the graph shows it: an iterator comes before a queue.
    fn source(graph: &Graph) -> Option<NodeKind> {
        graph.reads().map(|id| graph.node(id).kind).min()
    }

    /// Tells how the batch gets into the step: what the graph itself shows. Without a node that reads it, it is fed.
    fn input(graph: &Graph) -> Input {
        match Self::source(graph) {
            Some(NodeKind::GetNext) => Input::Coupled,
            Some(_) => Input::Queue,
            None => Input::Decoupled,
        }
    }
}

/// Returns a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Returns the path that leads to `file` from the directory `from`.
fn relative(file: &Path, from: &Path) -> Result<String, Failure> {
    let absolute = |path: &Path| {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        path.canonicalize().map_err(|error| FileError::new(path, error))
    };
    let (file, from) = (absolute(file)?, absolute(from)?);
    let common = file
        .components()
        .zip(from.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.components().skip(common).map(|_| Path::new("..").as_os_str());
    let down = file.components().skip(common).map(|component| component.as_os_str());
    let path: PathBuf = up.chain(down).collect();
    Ok(path.to_string_lossy().into_owned())
}
