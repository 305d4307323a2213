//! The owners of the objects that the ids of a trace mean: see [`super::plan`].

use std::collections::{BTreeMap, BTreeSet};

use super::keep::CLIENT_SITE;
use super::mapping::{self, Means, Owner, Place};
use super::plan::{Action, Plan, Slot, Subject};
use super::trace::{Function, Mark, Trace, TraceEvent};
use crate::machine::ProcessId;
use crate::models::tensorflow::TensorFlow;
use crate::models::tensorflow::mechanisms::{master, rendezvous, rpc, worker};
use crate::models::tensorflow::process::CallId;

/// The call or step that `CallOptions` stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Options {
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
pub(super) struct Open {
    pub(super) function: Function,
    pub(super) id: Option<String>,
    pub(super) site: Option<String>,
    pub(super) options: Option<Options>,
    pub(super) aborting: bool,
    pub(super) busy: bool,
}

/// Knowledge of a process while its lines are read.
#[derive(Default)]
pub(super) struct Known {
    pub(super) options: BTreeMap<String, Options>,
    /// Options whose call is complete: the object may be begun again.
    pub(super) ended: BTreeSet<String>,
    pub(super) calls: BTreeMap<String, CallId>,
    pub(super) workers: BTreeMap<String, ProcessId>,
    pub(super) graphs: Option<String>,
    pub(super) rendezvous: Option<String>,
    pub(super) cleaned: bool,
    pub(super) issued: usize,
}

pub(super) struct Reader<'a> {
    pub(super) model: &'a TensorFlow,
    pub(super) trace: &'a Trace,
    pub(super) plan: Plan,
    pub(super) known: BTreeMap<ProcessId, Known>,
    pub(super) open: Vec<Vec<Open>>,
    /// The options of the receive that a thread has registered and not issued yet.
    pub(super) registering: Vec<Option<String>>,
    /// Threads inside a cancellation that finds nothing.
    pub(super) in_vain: BTreeSet<usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(model: &'a TensorFlow, trace: &'a Trace) -> Self {
        Self {
            model,
            trace,
            plan: Plan::default(),
            known: BTreeMap::new(),
            open: Vec::new(),
            registering: Vec::new(),
            in_vain: BTreeSet::new(),
        }
    }

    pub(super) fn event(&self, index: usize) -> &TraceEvent {
        &self.trace.events[index]
    }

    pub(super) fn known(&mut self, thread: usize) -> &mut Known {
        self.known.entry(self.plan.threads[thread].process).or_default()
    }

    pub(super) fn read(&mut self, index: usize, thread: usize) {
        if let Err(reason) = self.try_read(index, thread) {
            self.push(index, thread, Place::Around, Action::Impossible(reason));
        }
    }

    fn push(&mut self, index: usize, thread: usize, place: Place, action: Action) {
        if let Some((label, call)) = action.of_call() {
            if label == &rendezvous::REGISTER {
                self.plan.registered.insert(call);
            } else if label == &worker::INSTALL {
                self.plan.handled.insert(call);
            } else if label == &rpc::REQUEST_CANCELLED {
                self.plan.cancelled.insert(call);
            } else if label == &rpc::SERVE_CLEAR {
                let mut open = self.open[thread].iter();
                if open.any(|open| open.function == Function::RecvTensorHandler) {
                    self.plan.inline.insert(call);
                }
            }
        }
        self.plan.client |= action.is(&master::OPTIONS);
        let line = self.event(index).line;
        let inside = self.open[thread].iter().any(|open| open.busy);
        for open in &mut self.open[thread] {
            open.busy = true;
        }
        self.plan.threads[thread].slots.push(Slot {
            event: index,
            line,
            us: 0.0,
            from: f64::NEG_INFINITY,
            to: f64::INFINITY,
            place,
            inside,
            action,
        });
    }

    fn try_read(&mut self, index: usize, thread: usize) -> Result<(), String> {
        let event = self.event(index).clone();
        if self.is_told(index, thread) {
            return Ok(());
        }
        if event.function == Function::ClearCancel && self.is_stale(&event, thread) {
            let why = format!("{event}: what it clears belongs to an earlier step: it is begun here later");
            self.plan.dropped.push((event.line, why));
            return Ok(());
        }
        if self.finds_nothing(&event, thread) {
            let why = format!("{event}: the request was over before, so there is nothing to cancel");
            self.plan.dropped.push((event.line, why));
            return Ok(());
        }
        let options = match event.mark {
            Mark::Enter => self.enter(index, &event, thread)?,
            Mark::Leave => self.leave(&event, thread)?,
            Mark::Point => self.options(&event, thread)?,
        };
        if event.function == Function::ClearCancel {
            let ended = event.ids.opts.clone();
            self.known(thread).ended.extend(ended);
        }
        if event.function == Function::StartCancel && self.registering[thread] == event.ids.opts {
            // `RegisterCall` of an aborted rendezvous cancels the call itself: part of that label.
            return Ok(());
        }
        if self.receives_outputs(index, thread) {
            return self.note_rendezvous(&event, thread);
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

    /// Finds what the event's `CallOptions` stand for.
    fn options(&mut self, event: &TraceEvent, thread: usize) -> Result<Option<Options>, String> {
        let Some(id) = &event.ids.opts else { return Ok(None) };
        match self.known(thread).options.get(id) {
            Some(options) => Ok(Some(*options)),
            None => Err(format!("{id} is used before anything begins it")),
        }
    }

    fn enter(&mut self, index: usize, event: &TraceEvent, thread: usize) -> Result<Option<Options>, String> {
        let process = self.plan.threads[thread].process;
        let issued = self.known(thread).issued;
        let begun = self.begun(event, process, issued)?;
        let handles = matches!(event.function, Function::RecvTensorHandler | Function::RunGraphHandler);
        if let Some(open) = self.open[thread].last().filter(|_| handles) {
            return Err(format!("no request is handled inside {}", open.function.name()));
        }
        match event.function {
            Function::RecvTensorIssue => self.registering[thread] = None,
            Function::RunGraphIssue => self.known(thread).issued += 1,
            _ => {}
        }
        if let (Some(Options::Call(call)), true) = (begun, event.mark == Mark::Enter) {
            self.check_worker(event, thread, call)?;
        }
        if let (Some(options), Some(id)) = (begun, &event.ids.opts) {
            self.known(thread).options.insert(id.clone(), options);
            self.known(thread).ended.remove(id);
        }
        if event.function == Function::StartCancel {
            self.cancelled(index, event, thread)?;
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
            busy: false,
        });
        Ok(options)
    }

    /// Returns what an event begins `CallOptions` for; `issued`: the number of `RunGraph` calls that were issued before it.
    pub(super) fn begun(
        &self,
        event: &TraceEvent,
        process: ProcessId,
        issued: usize,
    ) -> Result<Option<Options>, String> {
        let worker = self.model.steps()[usize::from(self.plan.step)].worker;
        Ok(match event.function {
            _ if event.mark != Mark::Enter => None,
            Function::RecvTensorIssue => Some(Options::Call(self.receive(event, process, true)?)),
            Function::RecvTensorHandler => Some(Options::Request(self.receive(event, process, false)?)),
            Function::RunGraphIssue => {
                let call = self.run_graphs(process).nth(issued);
                Some(Options::Call(
                    call.ok_or("the step has no further remote partition to start")?,
                ))
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
        })
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

    /// Tells whose run of the label an event means.
    fn subject(
        &mut self,
        index: usize,
        event: &TraceEvent,
        thread: usize,
        options: Option<Options>,
    ) -> Result<(Owner, Subject, bool), String> {
        match event.function {
            Function::Register => {
                if let Some(open) = self.open[thread].last() {
                    return Err(format!(
                        "a receive begins on a pool thread of its own, not in {}",
                        open.function.name()
                    ));
                }
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
                if let (Subject::Call(call), true) = (subject, self.known(thread).cleaned) {
                    self.plan.late.insert(call);
                }
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

    /// Finds out on whose behalf the rendezvous is looked up: the function that the thread is in.
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
}

/// Returns the object that `<` and `>` of a function share.
fn id_of(event: &TraceEvent) -> Option<String> {
    event.ids.opts.clone().or_else(|| event.ids.rz.clone())
}

/// Tells which thread an abort must be on. The delay of an `AbortStep` reports `Aborted`, and so does an executor that met that in its
/// rendezvous; any other code is an executor's own error.
fn timer(event: &TraceEvent) -> Option<bool> {
    const ABORTED: i32 = 10;
    match (event.function, event.ids.code) {
        (Function::StartAbort, Some(code)) if code != ABORTED => Some(false),
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
