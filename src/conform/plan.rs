//! What a trace asks of the model: per trace thread, in order, the labels that ran there, whose they are, and when.
//!
//! # Identities
//! Ids are read in the order of the lines: an id of `CallOptions` or of a call stands for what it was last begun for, until it is
//! begun again (call objects are reused). `register` is for the tensor that the thread's next `recvtensor-issue<` names. The n-th
//! `rungraph-issue<` is for the n-th remote partition, because the master's loop has that order.
//!
//! # What is dropped
//! A trace of one step holds remains of the steps before. An event is dropped if, and only if, it names `CallOptions`, a call or a
//! rendezvous that no event of its process begins: no `recvtensor-issue<`, `recvtensor-handler<`, `rungraph-issue<`,
//! `rungraph-handler<` or client `setcancel<` for the options, no `register` for the call, no `findorcreate` for the rendezvous.
//!
//! # Order
//! A label lies where [`super::mapping::Place`] says, between two times of its own thread: the events of a thread are in the order
//! of their lines, so a label comes after all labels of its thread before it. Of two threads of one process, a label is *before*
//! another only if the end of its interval is before the beginning of the other's. Times of different processes are not compared:
//! there, only messages order.

use std::collections::{BTreeMap, BTreeSet};

use super::mapping::{self, Means, Owner, Place};
use super::trace::{Function, Mark, Trace, TraceEvent};
use crate::machine::ProcessId;
use crate::models::TensorFlow;
use crate::models::cluster::CallKind;
use crate::models::process::{CallId, StepId};

/// The step that the trace shows: the first of the model's.
pub(super) const STEP: StepId = 0;

/// Whose run of a label is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Subject {
    /// Anybody's.
    Any,
    /// That of the worker's own partition.
    Own,
    /// That of a call, on the side that the process is on.
    Call(CallId),
}

/// What must happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// One run of a label.
    Run {
        label: &'static str,
        subject: Subject,
        /// Whether it must run on a timer's thread, where the event tells.
        timer: Option<bool>,
        /// The event carries an error.
        failed: bool,
    },
    /// The thread has left these labels behind.
    Past(&'static [&'static str]),
    /// No model could do it; the reason.
    Impossible(String),
}

/// One thing that must happen on a trace thread.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Slot {
    pub(super) event: usize,
    pub(super) line: usize,
    pub(super) us: f64,
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) place: Place,
    pub(super) action: Action,
}

/// A thread of the trace.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct TraceThread {
    pub(super) process: ProcessId,
    pub(super) name: String,
    pub(super) slots: Vec<Slot>,
    /// Indices of its events that were kept.
    pub(super) events: Vec<usize>,
}

/// The whole trace, resolved.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) threads: Vec<TraceThread>,
    /// Dropped events: line and why.
    pub(super) dropped: Vec<(usize, String)>,
    /// Receives that the trace shows being registered.
    pub(super) registered: BTreeSet<CallId>,
    /// Requests that the trace shows being handled.
    pub(super) handled: BTreeSet<CallId>,
    /// Receives that are answered before their handler returns.
    pub(super) inline: BTreeSet<CallId>,
    /// Requests whose cancellation the trace shows.
    pub(super) cancelled: BTreeSet<CallId>,
}

/// What `CallOptions` stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Options {
    Call(CallId),
    Request(CallId),
    Own,
    Client,
}

impl Options {
    fn owner(self) -> Owner {
        match self {
            Self::Call(_) => Owner::Call,
            Self::Request(_) => Owner::Request,
            Self::Own => Owner::OwnPartition,
            Self::Client => Owner::Client,
        }
    }

    fn subject(self) -> Subject {
        match self {
            Self::Call(id) | Self::Request(id) => Subject::Call(id),
            Self::Own => Subject::Own,
            Self::Client => Subject::Any,
        }
    }
}

/// A function that a thread is in.
struct Open {
    function: Function,
    id: Option<String>,
    site: Option<String>,
    options: Option<Options>,
    aborting: bool,
}

/// What is known of a process while its lines are read.
#[derive(Default)]
struct Known {
    options: BTreeMap<String, Options>,
    calls: BTreeMap<String, CallId>,
    workers: BTreeMap<String, ProcessId>,
    graphs: Option<String>,
    rendezvous: Option<String>,
    cleaned: bool,
    issued: usize,
}

struct Reader<'a> {
    model: &'a TensorFlow,
    trace: &'a Trace,
    plan: Plan,
    known: BTreeMap<ProcessId, Known>,
    open: Vec<Vec<Open>>,
    /// The options of the receive that a thread has registered and not issued yet.
    registering: Vec<Option<String>>,
}

/// Resolves a trace. `Err`: the index of an event of a process that the model does not have.
pub(super) fn plan(model: &TensorFlow, trace: &Trace) -> Result<Plan, usize> {
    let mut reader = Reader {
        model,
        trace,
        plan: Plan::default(),
        known: BTreeMap::new(),
        open: Vec::new(),
        registering: Vec::new(),
    };
    let kept = reader.keep()?;
    for &(index, thread) in &kept {
        reader.plan.threads[thread].events.push(index);
    }
    for &(index, thread) in &kept {
        reader.read(index, thread);
    }
    for thread in &mut reader.plan.threads {
        thread.set_times(&trace.events);
    }
    Ok(reader.plan)
}

impl TraceThread {
    /// The interval of each slot, from the times of the thread's events around it.
    fn set_times(&mut self, events: &[TraceEvent]) {
        let mut latest = f64::NEG_INFINITY;
        let times: Vec<f64> = self
            .events
            .iter()
            .map(|&index| {
                latest = latest.max(events[index].us);
                latest
            })
            .collect();
        for slot in &mut self.slots {
            let place = self.events.iter().position(|&index| index == slot.event);
            let place = place.expect("a slot's event is one of its thread's");
            let before = place.checked_sub(1).map_or(f64::NEG_INFINITY, |index| times[index]);
            let after = times.get(place + 1).copied().unwrap_or(f64::INFINITY);
            slot.us = times[place];
            slot.from = if slot.place == Place::After {
                times[place]
            } else {
                before
            };
            slot.to = if slot.place == Place::Before {
                times[place]
            } else {
                after
            };
        }
    }
}

/// What an event names that only a step's own events can begin, and whether this event begins it.
fn objects(event: &TraceEvent) -> Vec<(&'static str, &str, bool)> {
    let ids = &event.ids;
    let begins_options = event.mark == Mark::Enter
        && match event.function {
            Function::RecvTensorIssue
            | Function::RecvTensorHandler
            | Function::RunGraphIssue
            | Function::RunGraphHandler => true,
            Function::SetCancel => ids.site.as_deref() == Some(CLIENT_SITE),
            _ => false,
        };
    let named = [
        ("opts", &ids.opts, begins_options),
        ("call", &ids.call, event.function == Function::Register),
        ("rz", &ids.rz, event.function == Function::FindOrCreate),
    ];
    let present = named.into_iter();
    present
        .filter_map(|(kind, id, begins)| id.as_deref().map(|id| (kind, id, begins)))
        .collect()
}

/// The only caller of `SetCancelCallback` that is not inside a traced function.
const CLIENT_SITE: &str = "MasterSession::RunPartitionsHelper";

impl Reader<'_> {
    /// Drops what is not of this step and gives each other event its thread.
    fn keep(&mut self) -> Result<Vec<(usize, usize)>, usize> {
        let events = &self.trace.events;
        let begun: BTreeSet<(&str, &str)> = events
            .iter()
            .flat_map(|event| {
                let begun = objects(event).into_iter().filter(|(.., begins)| *begins);
                begun.map(|(_, id, _)| (event.process.as_str(), id))
            })
            .collect();
        let mut kept = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let names = self.model.processes().iter();
            let Some(process) = names.map(|info| &info.name).position(|name| *name == event.process) else {
                return Err(index);
            };
            let stranger = objects(event)
                .into_iter()
                .find(|(_, id, _)| !begun.contains(&(event.process.as_str(), *id)));
            if let Some((_, id, _)) = stranger {
                let process = &event.process;
                let why = format!("{event}: {id} of {process} belongs to an earlier step: nothing begins it here");
                self.plan.dropped.push((event.line, why));
                continue;
            }
            let process = ProcessId(process as u8);
            let threads = &mut self.plan.threads;
            let place = threads
                .iter()
                .position(|thread| thread.process == process && thread.name == event.thread);
            let thread = place.unwrap_or_else(|| {
                threads.push(TraceThread {
                    process,
                    name: event.thread.clone(),
                    slots: Vec::new(),
                    events: Vec::new(),
                });
                self.open.push(Vec::new());
                self.registering.push(None);
                threads.len() - 1
            });
            kept.push((index, thread));
        }
        Ok(kept)
    }

    fn event(&self, index: usize) -> &TraceEvent {
        &self.trace.events[index]
    }

    fn known(&mut self, thread: usize) -> &mut Known {
        self.known.entry(self.plan.threads[thread].process).or_default()
    }

    fn read(&mut self, index: usize, thread: usize) {
        if let Err(reason) = self.try_read(index, thread) {
            self.push(index, thread, Place::Around, Action::Impossible(reason));
        }
    }

    fn push(&mut self, index: usize, thread: usize, place: Place, action: Action) {
        if let Action::Run {
            label,
            subject: Subject::Call(call),
            ..
        } = action
        {
            match label {
                "Recv.register" => drop(self.plan.registered.insert(call)),
                "Worker.install_cancel" => drop(self.plan.handled.insert(call)),
                "Server.request_cancelled" => drop(self.plan.cancelled.insert(call)),
                "Handler.clear_cancel" => {
                    let mut open = self.open[thread].iter();
                    if open.any(|open| open.function == Function::RecvTensorHandler) {
                        self.plan.inline.insert(call);
                    }
                }
                _ => {}
            }
        }
        let line = self.event(index).line;
        self.plan.threads[thread].slots.push(Slot {
            event: index,
            line,
            us: 0.0,
            from: f64::NEG_INFINITY,
            to: f64::INFINITY,
            place,
            action,
        });
    }

    fn try_read(&mut self, index: usize, thread: usize) -> Result<(), String> {
        let event = self.event(index).clone();
        let options = match event.mark {
            Mark::Enter => self.enter(&event, thread)?,
            Mark::Leave => self.leave(&event, thread)?,
            Mark::Point => self.options(&event, thread)?,
        };
        if event.function == Function::StartCancel && self.registering[thread] == event.ids.opts {
            // `RegisterCall` of an aborted rendezvous cancels the call itself: part of that label.
            return Ok(());
        }
        let (owner, subject, failed) = self.subject(index, &event, thread, options)?;
        let Some(row) = mapping::row(event.function, event.mark, owner) else {
            return Ok(());
        };
        let action = match row.means {
            Means::Past(labels) => Action::Past(labels),
            Means::Label(label) => Action::Run {
                label,
                subject,
                timer: timer(&event),
                failed,
            },
        };
        self.push(index, thread, row.place, action);
        Ok(())
    }

    /// What the event's `CallOptions` stand for.
    fn options(&mut self, event: &TraceEvent, thread: usize) -> Result<Option<Options>, String> {
        let Some(id) = &event.ids.opts else { return Ok(None) };
        match self.known(thread).options.get(id) {
            Some(options) => Ok(Some(*options)),
            None => Err(format!("{id} is used before anything begins it")),
        }
    }

    fn enter(&mut self, event: &TraceEvent, thread: usize) -> Result<Option<Options>, String> {
        let process = self.plan.threads[thread].process;
        let worker = self.model.steps()[usize::from(STEP)].worker;
        let begun = match event.function {
            Function::RecvTensorIssue => {
                self.registering[thread] = None;
                let call = self.receive(event, process, true)?;
                self.check_worker(event, thread, call)?;
                Some(Options::Call(call))
            }
            Function::RecvTensorHandler => Some(Options::Request(self.receive(event, process, false)?)),
            Function::RunGraphIssue => {
                let known = self.known(thread);
                known.issued += 1;
                let number = known.issued - 1;
                let call = self.run_graphs(process).nth(number);
                let call = call.ok_or("the step has no further remote partition to start")?;
                self.check_worker(event, thread, call)?;
                Some(Options::Call(call))
            }
            Function::RunGraphHandler if process == worker => Some(Options::Own),
            Function::RunGraphHandler => {
                let call = self
                    .run_graphs(worker)
                    .find(|&call| self.model.call(call).server == process);
                Some(Options::Request(call.ok_or("the step has no partition here")?))
            }
            Function::SetCancel if event.ids.site.as_deref() == Some(CLIENT_SITE) => Some(Options::Client),
            _ => None,
        };
        if let (Some(options), Some(id)) = (begun, &event.ids.opts) {
            self.known(thread).options.insert(id.clone(), options);
        }
        let registering = event.function == Function::StartCancel && self.registering[thread] == event.ids.opts;
        let options = if registering {
            None
        } else {
            self.options(event, thread)?
        };
        if event.function == Function::SetCancel {
            check_site(event, options)?;
        }
        self.open[thread].push(Open {
            function: event.function,
            id: id_of(event),
            site: event.ids.site.clone(),
            options,
            aborting: false,
        });
        Ok(options)
    }

    fn leave(&mut self, event: &TraceEvent, thread: usize) -> Result<Option<Options>, String> {
        match self.open[thread].last() {
            Some(open) if open.function == event.function && open.id == id_of(event) => {}
            Some(open) => {
                let id = open.id.as_deref().unwrap_or_default();
                return Err(format!(
                    "{} is left while the thread is in {} {id}",
                    event.name(),
                    open.function.name()
                ));
            }
            None => return Err(format!("{} without its <", event.name())),
        }
        let open = self.open[thread].pop().expect("it was just looked at");
        debug_assert!(open.site.is_none() || event.function == Function::SetCancel);
        Ok(open.options)
    }

    /// Whose run of the label an event means.
    fn subject(
        &mut self,
        index: usize,
        event: &TraceEvent,
        thread: usize,
        options: Option<Options>,
    ) -> Result<(Owner, Subject, bool), String> {
        match event.function {
            Function::Register => {
                let call = self.registered_call(index, thread)?;
                let id = event.ids.call.clone().unwrap_or_default();
                self.known(thread).calls.insert(id, call);
                self.check_rendezvous(event, thread)?;
                Ok((Owner::Call, Subject::Call(call), false))
            }
            Function::Deregister => {
                self.check_rendezvous(event, thread)?;
                let id = event.ids.call.clone().unwrap_or_default();
                match self.known(thread).calls.get(&id) {
                    Some(&call) => Ok((Owner::Call, Subject::Call(call), false)),
                    None => Err(format!("{id} is taken out before it is registered")),
                }
            }
            Function::AbortStep => match self.open[thread].last_mut() {
                Some(open) if open.function == Function::StartCancel => {
                    open.aborting = true;
                    Ok((Owner::Step, Subject::Any, false))
                }
                _ => Err("AbortStep runs in a cancel function only".to_owned()),
            },
            Function::FindOrCreate => {
                self.note_rendezvous(event, thread)?;
                let subject = self.finder(thread)?;
                Ok((Owner::Step, subject, false))
            }
            Function::Initialize | Function::StartAbort => {
                self.check_rendezvous(event, thread)?;
                Ok((Owner::Step, Subject::Any, false))
            }
            Function::Cleanup => {
                self.known(thread).cleaned = true;
                Ok((Owner::Step, Subject::Any, false))
            }
            Function::WhenDone => self.partition(event, thread),
            _ => {
                let options = options.ok_or("the event does not say whose it is")?;
                Ok((options.owner(), options.subject(), false))
            }
        }
    }

    /// Who asks for the rendezvous: the function that the thread is in.
    fn finder(&self, thread: usize) -> Result<Subject, String> {
        let Some(open) = self.open[thread].last() else {
            return Err("FindOrCreate outside of a handler and of AbortStep".to_owned());
        };
        match (open.function, open.options) {
            (Function::RecvTensorHandler | Function::RunGraphHandler, Some(options)) => Ok(options.subject()),
            (Function::StartCancel, Some(options)) if open.aborting => Ok(options.subject()),
            _ => Err(format!("FindOrCreate inside {}", open.function.name())),
        }
    }

    fn partition(&mut self, event: &TraceEvent, thread: usize) -> Result<(Owner, Subject, bool), String> {
        let graphs = event.ids.mg.clone();
        let known = self
            .known(thread)
            .graphs
            .get_or_insert_with(|| graphs.clone().unwrap_or_default());
        if Some(&*known) != graphs.as_ref() {
            return Err(format!("the step has one set of RunGraph calls, {known}"));
        }
        let partition = event.ids.partition.unwrap_or_default();
        let step = &self.model.steps()[usize::from(STEP)];
        let server = step.process_of.get(usize::from(partition));
        let server = *server.ok_or_else(|| format!("the step has no partition {partition}"))?;
        let subject = self
            .run_graphs(step.worker)
            .find(|&call| self.model.call(call).server == server)
            .map_or(Subject::Own, Subject::Call);
        Ok((Owner::Step, subject, event.ids.code != Some(0)))
    }

    /// The remote partitions' `RunGraph` calls of a process's client, in the order of the master's loop.
    fn run_graphs(&self, client: ProcessId) -> impl Iterator<Item = CallId> + '_ {
        let calls = (0u16..).zip(self.model.calls());
        calls
            .filter(move |(_, info)| {
                info.step == STEP && info.client == client && matches!(info.kind, CallKind::RunGraph { .. })
            })
            .map(|(id, _)| id)
    }

    fn receive(&self, event: &TraceEvent, process: ProcessId, client: bool) -> Result<CallId, String> {
        let (from, to, tensor) = (&event.ids.from, &event.ids.to, &event.ids.tensor);
        let name = |id: ProcessId| Some(&self.model.processes()[id.index()].name);
        let graph = self.model.graph(STEP);
        let found = (0u16..).zip(self.model.calls()).find(|(_, info)| match info.kind {
            CallKind::RecvTensor { edge } => {
                info.step == STEP
                    && name(info.server) == from.as_ref()
                    && name(info.client) == to.as_ref()
                    && Some(&graph.edges[usize::from(edge)].tensor) == tensor.as_ref()
                    && process == if client { info.client } else { info.server }
            }
            _ => false,
        });
        found.map(|(id, _)| id).ok_or_else(|| {
            let text = |id: &Option<String>| id.clone().unwrap_or_default();
            format!(
                "the graph has no tensor {} from {} to {}, with {} on this side",
                text(tensor),
                text(from),
                text(to),
                event.process
            )
        })
    }

    /// What a `register` is for: the tensor of the thread's next `recvtensor-issue<`.
    fn registered_call(&mut self, index: usize, thread: usize) -> Result<CallId, String> {
        let process = self.plan.threads[thread].process;
        let later = self.plan.threads[thread].events.iter().filter(|&&other| other > index);
        let events = later.map(|&other| self.event(other));
        let issue = events
            .take_while(|event| event.function != Function::Register)
            .find(|event| event.function == Function::RecvTensorIssue && event.mark == Mark::Enter)
            .ok_or("no recvtensor-issue< follows on its thread, which would say for which tensor it is")?;
        let call = self.receive(issue, process, true)?;
        self.registering[thread] = issue.ids.opts.clone();
        Ok(call)
    }

    /// A remote worker's id always stands for the same process.
    fn check_worker(&mut self, event: &TraceEvent, thread: usize, call: CallId) -> Result<(), String> {
        let server = self.model.call(call).server;
        let Some(id) = event.ids.wk.clone() else { return Ok(()) };
        let known = *self.known(thread).workers.entry(id.clone()).or_insert(server);
        if known == server {
            return Ok(());
        }
        let name = |id: ProcessId| &self.model.processes()[id.index()].name;
        Err(format!("{id} stands for {} already, not {}", name(known), name(server)))
    }

    /// `findorcreate`: one rendezvous a process, until it is cleaned up.
    fn note_rendezvous(&mut self, event: &TraceEvent, thread: usize) -> Result<(), String> {
        let known = self.known(thread);
        if known.rendezvous.is_none() || known.cleaned {
            known.rendezvous.clone_from(&event.ids.rz);
        }
        self.check_rendezvous(event, thread)
    }

    fn check_rendezvous(&mut self, event: &TraceEvent, thread: usize) -> Result<(), String> {
        let known = self.known(thread);
        if known.cleaned || known.rendezvous == event.ids.rz {
            return Ok(());
        }
        let id = event.ids.rz.as_deref().unwrap_or_default();
        Err(match &known.rendezvous {
            Some(other) => format!("{id} is not the step's rendezvous here, which is {other}"),
            None => format!("{id} is used before FindOrCreate made it"),
        })
    }
}

/// The object that `<` and `>` of a function share.
fn id_of(event: &TraceEvent) -> Option<String> {
    event.ids.opts.clone().or_else(|| event.ids.rz.clone())
}

/// Which thread an abort must be on: that of an `AbortStep`'s delay reports `Aborted`, an executor its own error.
fn timer(event: &TraceEvent) -> Option<bool> {
    const ABORTED: i32 = 10;
    match (event.function, event.ids.code) {
        (Function::StartAbort, Some(ABORTED)) => {
            let message = event.ids.message.as_deref().unwrap_or_default();
            (!message.starts_with("Cleanup")).then_some(true)
        }
        (Function::StartAbort, Some(_)) => Some(false),
        _ => None,
    }
}

fn check_site(event: &TraceEvent, options: Option<Options>) -> Result<(), String> {
    let site = event.ids.site.as_deref().unwrap_or_default();
    let fits = match options {
        Some(Options::Call(_)) => site.starts_with("RPCState<"),
        Some(Options::Request(_)) => site == "GrpcWorker::GrpcRecvTensorAsync" || site == "Worker::DoRunGraph",
        Some(Options::Own) => site == "Worker::DoRunGraph",
        Some(Options::Client) | None => site == CLIENT_SITE,
    };
    if fits {
        Ok(())
    } else {
        let id = event.ids.opts.as_deref().unwrap_or_default();
        Err(format!(
            "{site} does not install a cancel function for {id}, which stands for {options:?}"
        ))
    }
}
