//! The table of hooks: which labels have a place in the real runtime at which a thread can be held.

use lastbatch_probe_format::holds::{Point, Site, without_edge};

use crate::diagnose::{RecordedEvent, Recording};
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::cluster::{CallInfo, CallKind};
use crate::models::tensorflow::mechanisms::{rendezvous, rpc};

/// A call, as hooks tell calls apart.
enum Call<'a> {
    /// A receive, by its tensor.
    Receive(&'a str),
    /// A `RunGraph`, by its server.
    RunGraph(&'a str),
}

/// Returns the point at which the thread of an event can be held. `None`: its label has no hook.
pub(super) fn point(model: &TensorFlow, recording: &Recording, index: usize) -> Option<Point> {
    let event = &recording.events[index];
    let process = recording.processes[recording.process_of(event)].clone();
    let label = event.label;
    let (site, subject) = if label == &rendezvous::ABORT_REMOTE {
        (Site::Abort, process.clone())
    } else if label == &rendezvous::VALIDATE || label == &rendezvous::REGISTER {
        let site = if label == &rendezvous::VALIDATE {
            Site::Validate
        } else {
            Site::Register
        };
        (site, without_edge(&tensor_of(model, recording, index)?).to_owned())
    } else {
        of_call(event, call(model, recording, event)?)?
    };
    Some(Point { process, site, subject })
}

/// Returns the site of a label of a call, and its subject.
fn of_call(event: &RecordedEvent, call: Call<'_>) -> Option<(Site, String)> {
    let label = event.label;
    Some(match call {
        Call::Receive(tensor) => {
            let site = [(&rpc::INSTALL, Site::InstallReceive), (&rpc::START, Site::StartReceive)];
            let (_, site) = site.into_iter().find(|(other, _)| *other == label)?;
            (site, without_edge(tensor).to_owned())
        }
        // A server can be kept from reading until both frames are there, and not so that it reads them apart.
        Call::RunGraph(server) if label == &rpc::READ => {
            (event.choice == Some(1)).then(|| (Site::ReadRunGraph, server.to_owned()))?
        }
        Call::RunGraph(server) => {
            let sites = [
                (&rpc::INSTALL, Site::InstallRunGraph),
                (&rpc::START, Site::StartRunGraph),
                (&rpc::CANCEL, Site::CancelRunGraph),
            ];
            let (_, site) = sites.into_iter().find(|(other, _)| *other == label)?;
            (site, server.to_owned())
        }
    })
}

/// Returns the call that an event's object is.
fn call<'a>(model: &'a TensorFlow, recording: &Recording, event: &RecordedEvent) -> Option<Call<'a>> {
    let name = recording.objects[event.object].name.strip_prefix("call:")?;
    let (_, info) = (0..).zip(model.calls()).find(|(id, _)| model.call_name(*id) == name)?;
    kind(model, info)
}

fn kind<'a>(model: &'a TensorFlow, info: &CallInfo) -> Option<Call<'a>> {
    match info.kind {
        CallKind::RecvTensor { edge } => {
            let edge = &model.graph(info.step).edges[usize::from(edge)];
            Some(Call::Receive(&edge.tensor))
        }
        CallKind::RunGraph { .. } => Some(Call::RunGraph(&model.processes()[info.server.index()].name)),
        _ => None,
    }
}

/// Returns the tensor of a receive that is validated or registered: that of the next call of its thread.
fn tensor_of(model: &TensorFlow, recording: &Recording, index: usize) -> Option<String> {
    let thread = recording.events[index].thread;
    let later = recording.events[index + 1..]
        .iter()
        .filter(|event| event.thread == thread);
    let mut own = later.take_while(|event| event.label != &rendezvous::VALIDATE);
    let issued = own.find(|event| event.label == &rpc::INSTALL)?;
    match call(model, recording, issued)? {
        Call::Receive(tensor) => Some(tensor.to_owned()),
        Call::RunGraph(_) => None,
    }
}
