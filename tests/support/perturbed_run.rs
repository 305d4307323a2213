//! Random runs, from seeds.

use lastbatch::machine::{Event, Model, System};
use lastbatch::schedule::{ClientEnd, End};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Returns a run to rest that follows a schedule, but for detours: with a chance of `detours` in 100 a thread that is drawn runs instead,
/// and what the schedule has next waits. Many of the runs that come of a hang still hang, the longer way. Returns how its clients ended,
/// too.
pub(crate) fn perturbed_run<M: Model>(
    model: &M,
    schedule: &[Event],
    seed: u64,
    detours: u32,
) -> (Vec<Event>, Vec<ClientEnd>) {
    let mut draw = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut system = System::initial(model);
    let mut left = schedule.to_vec();
    let mut events = Vec::new();
    loop {
        let enabled = system.enabled(model);
        if enabled.is_empty() {
            return (events, End::of(model, &system).clients);
        }
        let named = enabled.iter().map(|(id, pending)| system.event(model, *id, pending, 0));
        let named: Vec<Event> = named.collect();
        let place = |wanted: &Event| named.iter().position(|event| same(event, wanted));
        let next = left.iter().position(|wanted| place(wanted).is_some());
        let (index, choice) = match next.filter(|_| draw.random_range(0..100) >= detours) {
            Some(next) => {
                let wanted = left.remove(next);
                (place(&wanted).expect("it was found"), wanted.choice.unwrap_or(0))
            }
            None => (draw.random_range(0..enabled.len()), 0),
        };
        let (id, pending) = &enabled[index];
        let choice = choice.min(pending.operation.choices - 1);
        events.push(system.event(model, *id, pending, choice));
        system.step(model, *id, pending, choice).unwrap();
    }
}

fn same(one: &Event, other: &Event) -> bool {
    one.process == other.process && one.thread == other.thread && one.label == other.label && one.object == other.object
}
