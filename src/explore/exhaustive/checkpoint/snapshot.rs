//! A search as values and words, and back.

use std::io;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::file::{Reader, Writer};
use super::{CheckpointError, Checkpointing};
use crate::explore::exhaustive::Reductions;
use crate::explore::exhaustive::found::Found;
use crate::explore::exhaustive::local_graphs::{Expansion, LocalGraphs};
use crate::explore::exhaustive::search::{Place, Search};
use crate::explore::exhaustive::store::{SHARDS, Shard};
use crate::file::FileError;
use crate::machine::{FrameSet, ProcessId, Reducible};

/// The head of the file, before the tables.
#[derive(Serialize, Deserialize)]
struct Head {
    identity: Vec<(String, String)>,
    /// Those of the pass that is under way: a model with cycles is searched again without partial order.
    reductions: Reductions,
    elapsed: Duration,
    transitions: u64,
    depth: u32,
    peak_bytes: u64,
    /// Depth of the bucket that is expanded, and how many of its states are done.
    place: (u32, u64),
}

pub(super) fn write<M: Reducible>(
    writer: &mut Writer<'_>,
    identity: &[(String, String)],
    elapsed: Duration,
    search: &Search<'_, M>,
    place: &Place,
) -> io::Result<()>
where
    M::Process: Serialize,
    M::Frame: Serialize,
{
    let graphs = &search.graphs;
    writer.value(&Head {
        identity: identity.to_vec(),
        reductions: graphs.reductions,
        elapsed,
        transitions: search.transitions,
        depth: search.depth,
        peak_bytes: search.peak_bytes,
        place: (place.depth, place.done as u64),
    })?;
    writer.words(&place.states)?;
    writer.value(&search.found)?;
    writer.value(&graphs.frames.len())?;
    for id in 0..graphs.frames.len() {
        writer.value(&graphs.frames.get(id).value)?;
    }
    let sets: Vec<&FrameSet> = (0..graphs.frame_sets.len())
        .map(|set| graphs.frame_sets.get(set))
        .collect();
    writer.value(&sets)?;
    for process in 0..graphs.locals.len() {
        let (locals, expansions) = (&graphs.locals[process], &graphs.expansions[process]);
        writer.value(&locals.len())?;
        for id in 0..locals.len() {
            writer.value(&locals.get(id).value)?;
        }
        writer.value(&expansions.len())?;
        for number in 0..expansions.len() {
            let entry = expansions.get(number);
            writer.value(&(entry.value, entry.extra.get()))?;
        }
    }
    let words = search
        .deliveries()
        .flat_map(|(to, id, frame, after)| [u32::from(to.0), id, frame, after]);
    writer.words(&words.collect::<Vec<u32>>())?;
    for shard in &search.store.shards {
        shard.parts().try_for_each(|part| writer.words(part))?;
        writer.words(&[])?;
        writer.value(&shard.frontier)?;
    }
    Ok(())
}

pub(super) fn read<'m, M: Reducible>(
    reader: &mut Reader,
    model: &'m M,
    config: &Checkpointing,
    reductions: Reductions,
) -> Result<(Search<'m, M>, Duration), CheckpointError>
where
    M::Process: DeserializeOwned,
    M::Frame: DeserializeOwned,
{
    let head: Head = reader.value()?;
    is_of(config, &head.identity, reductions)?;
    let mut search = Search::new(model, head.reductions);
    search.transitions = head.transitions;
    search.depth = head.depth;
    search.peak_bytes = head.peak_bytes;
    search.place = Some(Place {
        depth: head.place.0,
        states: reader.words()?,
        done: head.place.1 as usize,
    });
    search.found = reader.value::<Found>()?;
    read_local_graphs(reader, &search.graphs)?;
    let deliveries = reader.words()?;
    let deliveries = deliveries.chunks_exact(4);
    let known = deliveries.map(|of| (ProcessId(of[0] as u16), of[1], of[2], of[3]));
    search.scratches = vec![search.graphs.remembering(known)];
    let width = model.process_count();
    for number in 0..SHARDS {
        let mut shard = Shard::new(number, width);
        loop {
            let part = reader.words()?;
            if part.is_empty() {
                break;
            }
            shard.restore(&part, |tuple| search.graphs.hash_of(tuple));
        }
        shard.frontier = reader.value()?;
        search.store.shards[number] = shard;
    }
    Ok((search, head.elapsed))
}

fn is_of(config: &Checkpointing, identity: &[(String, String)], reductions: Reductions) -> Result<(), CheckpointError> {
    let expected = config.full_identity(reductions);
    for (what, expected) in &expected {
        let found = identity.iter().find(|(other, _)| other == what);
        let found = found.map_or("unknown", |(_, found)| found);
        if found != expected {
            let problem = format!("a checkpoint of another search: its {what} is {found}, expected {expected}");
            return Err(FileError::new(&config.path, problem).into());
        }
    }
    Ok(())
}

/// Fills the tables so that every value has the id that it had.
fn read_local_graphs<M: Reducible>(reader: &mut Reader, graphs: &LocalGraphs<'_, M>) -> Result<(), CheckpointError>
where
    M::Process: DeserializeOwned,
    M::Frame: DeserializeOwned,
{
    for id in 0..reader.value::<u32>()? {
        let frame: (ProcessId, M::Frame) = reader.value()?;
        if graphs.frames.intern(frame).0 != id {
            return Err(reader.damaged());
        }
    }
    for (number, set) in (0..).zip(reader.value::<Vec<FrameSet>>()?) {
        if graphs.frame_sets.number(set) != number {
            return Err(reader.damaged());
        }
    }
    for process in 0..graphs.locals.len() {
        let (locals, expansions) = (&graphs.locals[process], &graphs.expansions[process]);
        for id in 0..reader.value::<u32>()? {
            let state: M::Process = reader.value()?;
            if locals.intern(state).0 != id {
                return Err(reader.damaged());
            }
        }
        for number in 0..reader.value::<u32>()? {
            let (key, expansion): ((u32, u32), Option<Expansion>) = reader.value()?;
            if expansions.intern(key).0 != number {
                return Err(reader.damaged());
            }
            if let Some(expansion) = expansion {
                expansions.account(expansion.bytes());
                let placed = expansions.get(number).extra.set(expansion);
                debug_assert!(placed.is_ok(), "nobody has looked at it yet");
            }
        }
    }
    Ok(())
}
