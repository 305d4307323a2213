//! The servers of `RunGraph` calls: remote workers have no name, but the graphs that are registered with them have devices.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::context::Context;

/// The most steps whose partitions are kept.
const MOST_STEPS: usize = 64;

/// A master's knowledge of its partitions.
#[derive(Default)]
struct Partitions {
    /// The task behind each remote worker, by its address.
    servers: Option<HashMap<usize, &'static str>>,
    /// The step of the options of each call.
    options: Option<HashMap<usize, u64>>,
    /// Tasks of the calls of each step so far, in the master's order.
    steps: Vec<(u64, Vec<&'static str>)>,
    /// All tasks of the last step that got a batch.
    order: Vec<&'static str>,
}

static PARTITIONS: Mutex<Partitions> = Mutex::new(Partitions {
    servers: None,
    options: None,
    steps: Vec::new(),
    order: Vec::new(),
});

fn with<T>(by: impl FnOnce(&mut Partitions) -> T) -> T {
    by(&mut PARTITIONS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Returns the task of a device: `/job:ps/replica:0/task:1/device:CPU:0` is `ps1`.
pub(crate) fn task_of(device: &str) -> Option<String> {
    let part = |name: &str| device.split('/').find_map(|part| part.strip_prefix(name));
    Some(format!("{}{}", part("job:")?, part("task:")?))
}

/// Notes which task a remote worker is.
pub(crate) fn registers(worker: usize, graph: &[u8]) {
    if let Some(task) = first_device(graph).as_deref().and_then(task_of) {
        with(|all| {
            let known = all.servers.get_or_insert_default();
            if known.get(&worker).is_none_or(|before| **before != *task) {
                known.insert(worker, Box::leak(task.into_boxed_str()));
            }
        });
    }
}

/// Notes a call of a step, in the master's order; returns its server. `worker`: the remote worker, or the task itself.
pub(crate) fn issues(
    context: &Context,
    step: u64,
    options: usize,
    worker: Result<usize, &'static str>,
) -> Option<&'static str> {
    context.run.set(step);
    with(|all| {
        let remote = |worker| all.servers.as_ref().and_then(|servers| servers.get(&worker).copied());
        let server = worker.map_or_else(Some, remote);
        all.options.get_or_insert_default().insert(options, step);
        let found = all.steps.iter().position(|(other, _)| *other == step);
        let index = found.unwrap_or_else(|| {
            if all.steps.len() == MOST_STEPS {
                all.steps.remove(0);
            }
            all.steps.push((step, Vec::new()));
            all.steps.len() - 1
        });
        all.steps[index].1.push(server.unwrap_or("?"));
        server
    })
}

/// Returns the step of the options of a call.
pub(crate) fn step_of(options: usize) -> Option<u64> {
    with(|all| all.options.as_ref()?.get(&options).copied())
}

/// Returns the server of a partition, also of one whose call was not issued yet: the order is that of the last step with a batch.
pub(crate) fn server(step: u64, partition: usize) -> Option<&'static str> {
    with(|all| {
        let issued = all.steps.iter().find(|(other, _)| *other == step);
        let issued = issued.map_or([].as_slice(), |(_, servers)| servers);
        let other = || {
            all.order
                .starts_with(issued)
                .then(|| all.order.get(partition))
                .flatten()
        };
        issued.get(partition).or_else(other).copied()
    })
}

/// Ends a step; one that got a batch shows the order of partitions.
pub(crate) fn ends(step: u64, batch: bool) {
    with(|all| {
        if let Some(index) = all.steps.iter().position(|(other, _)| *other == step) {
            let (_, servers) = all.steps.remove(index);
            if batch {
                all.order = servers;
            }
        }
        if let Some(options) = &mut all.options {
            options.retain(|_, other| *other != step);
        }
    });
}

/// Finds the device of the first node in a serialized `RegisterGraphRequest`: `graph_def` is field 2, `node` 1, `device` 4.
fn first_device(request: &[u8]) -> Option<String> {
    let node = field(field(request, 2)?, 1)?;
    String::from_utf8(field(node, 4)?.to_vec()).ok()
}

/// Returns the contents of the first field with this number that has a length.
fn field(mut message: &[u8], wanted: u64) -> Option<&[u8]> {
    loop {
        let key = varint(&mut message)?;
        match key & 7 {
            0 => drop(varint(&mut message)?),
            1 => message = message.get(8..)?,
            5 => message = message.get(4..)?,
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let contents = message.get(..length)?;
                if key >> 3 == wanted {
                    return Some(contents);
                }
                message = &message[length..];
            }
            _ => return None,
        }
    }
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_length(number: u8, contents: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, contents.len() as u8], contents].concat()
    }

    #[test]
    fn the_server_of_a_graph_is_that_of_its_first_node() {
        let device = with_length(4, b"/job:ps/replica:0/task:1/device:CPU:0");
        let node = [with_length(1, b"w"), device].concat();
        let request = [
            with_length(1, b"session"),
            vec![6 << 3, 1],
            with_length(2, &with_length(1, &node)),
        ]
        .concat();
        assert_eq!(
            first_device(&request).as_deref().and_then(task_of).as_deref(),
            Some("ps1")
        );
        assert_eq!(first_device(&request[..20]), None);
    }
}
