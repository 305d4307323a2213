//! `lastbatch import`.

use std::path::{Path, PathBuf};

use clap::Args;
use lastbatch::file::{FileError, write_whole};
use lastbatch::models::tensorflow::import::read;
use lastbatch::models::tensorflow::import::slice::{SliceOptions, slice};
use lastbatch::models::tensorflow::job::graph::{Graph, NodeKind};
use lastbatch::report::import_text;
use lastbatch::scenario::Input;

use super::{Ended, Failure, Outcome, print};

/// Show the graph of a RunMetadata file and write a scenario for it.
#[derive(Args)]
pub(super) struct Import {
    /// A serialized tensorflow.RunMetadata with partition graphs
    file: PathBuf,
    /// Write a scenario that runs it
    #[arg(short, long, value_name = "SCENARIO.toml")]
    output: Option<PathBuf>,
    /// The step that reads the batch, where FILE is fed with it (decoupled input)
    #[arg(long, value_name = "FILE")]
    read_graph: Option<PathBuf>,
    /// Replace an older scenario file
    #[arg(long, requires = "output")]
    force: bool,
    /// How many equal receives the slice keeps of each class
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    keep: u8,
}

impl Import {
    pub(super) fn run(self) -> Ended {
        let graph = read(&self.file)?;
        let reading = self.read_graph.as_deref().map(read).transpose()?;
        let scenario = match &self.output {
            Some(output) => Some((output, self.scenario(output, &graph, reading.as_ref())?)),
            None => None,
        };
        for (file, graph) in self.read_graph.iter().zip(&reading).chain([(&self.file, &graph)]) {
            let options = SliceOptions {
                keep: usize::from(self.keep),
                ..SliceOptions::default()
            };
            print(&import_text(
                &file.display().to_string(),
                graph,
                &slice(graph, &options),
            ));
        }
        if let Some((output, text)) = scenario {
            write_whole(output, text.as_bytes()).map_err(FileError::cannot("write the scenario", output))?;
            print(&format!("scenario written to {}\n", output.display()));
        }
        Ok(Outcome::Holds)
    }

    /// Returns the text of a scenario that runs the graph.
    fn scenario(&self, output: &Path, graph: &Graph, reading: Option<&Graph>) -> Result<String, Failure> {
        if output.exists() && !self.force {
            return Err(FileError::new(output, "exists already; --force replaces it").into());
        }
        let input = self.input(graph, reading)?;
        let from = output.parent().unwrap_or(Path::new(""));
        let reading = match &self.read_graph {
            Some(file) => format!("read_graph = {}\n", quoted(&relative(file, from)?)),
            None => String::new(),
        };
        let name = self.file.file_stem().unwrap_or_default().to_string_lossy();
        Ok(format!(
            "description = {description}\n\n[job]\ngraph = {graph}\n{reading}input = \"{input}\"\nworkers = 1\n\
             inter_op_parallelism_threads = 2\nintra_op_parallelism_threads = 1\npartition_order = \"recorded\"\n\
             data = [\"end\"]\nslice = \"merged\"\nslice_keep = {keep}\n\n[runtime]\nvariant = \"tf-1.12\"\n\n\
             [engine]\nname = \"exhaustive\"\n",
            description = quoted(&format!("{name}: the sess.run that meets the end of the data")),
            graph = quoted(&relative(&self.file, from)?),
            keep = self.keep,
        ))
    }

    /// Tells how the batch gets into the step: what the graph itself shows.
    fn input(&self, graph: &Graph, reading: Option<&Graph>) -> Result<Input, Failure> {
        if reading.is_some() {
            return Ok(Input::Decoupled);
        }
        let has = |kind: NodeKind| graph.node_ids().any(|id| graph.node(id).kind == kind);
        if has(NodeKind::GetNext) {
            Ok(Input::Coupled)
        } else if has(NodeKind::Dequeue) {
            Ok(Input::Queue)
        } else {
            let problem = "no node takes a batch; name the step that reads it with --read-graph";
            Err(FileError::new(&self.file, problem).into())
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
