//! Models of this project as models of the crate `stateright`.

use lastbatch::machine::{Model, ProcessId, System};
use stateright::Property;

/// A model of this project that Stateright can check.
#[derive(Clone)]
pub(crate) struct Adapter<M>(pub(crate) M);

pub(crate) const HANG: &str = "at rest every client has returned";

impl<M: Model + 'static> stateright::Model for Adapter<M> {
    type State = System<M::Process>;
    type Action = (ProcessId, M::Thread, u32);

    fn init_states(&self) -> Vec<Self::State> {
        vec![System::initial(&self.0)]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        for (id, pending) in state.enabled(&self.0) {
            actions.extend((0..pending.operation.choices).map(|choice| (id, pending.thread, choice)));
        }
    }

    fn next_state(&self, state: &Self::State, (id, thread, choice): Self::Action) -> Option<Self::State> {
        let enabled = state.enabled(&self.0);
        let (_, pending) = enabled
            .iter()
            .find(|(other, pending)| *other == id && pending.thread == thread)?;
        let mut next = state.clone();
        next.step(&self.0, id, pending, choice).unwrap();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(HANG, |model: &Self, state: &Self::State| {
                let returned = state.clients(&model.0).iter().all(|(_, _, status)| status.returned);
                returned || !state.enabled(&model.0).is_empty()
            }),
            // Never found to be false, so that the search does not stop early.
            Property::always("the search goes on", |_, _| true),
        ]
    }
}
