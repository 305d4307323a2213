use super::*;
use crate::machine::{Model, System};

labels! {
    TAKE = "Clerk.take" => "takes the pen";
    SIGN = "Clerk.sign" => "signs";
}

/// Two clerks, each with one of two pens, who need both.
struct Pens;

impl SmallModel for Pens {
    type State = [u8; 2];
    type Thread = u8;
    type Frame = ();

    fn initial(&self, _: ProcessId) -> [u8; 2] {
        [0, 0]
    }

    fn threads(&self, _: ProcessId) -> Vec<u8> {
        vec![0, 1]
    }

    fn next(&self, _: ProcessId, pens: &[u8; 2], clerk: u8) -> Option<Step<'_, Self>> {
        let own = usize::from(clerk);
        match pens[own] {
            0 => Some(self.step(&TAKE).then(move |pens| pens[own] = 1)),
            1 => {
                let sign = self.step(&SIGN).when(pens[1 - own] != 1).awaits([1 - clerk]);
                Some(sign.then(move |pens| pens[own] = 2))
            }
            _ => None,
        }
    }
}

#[test]
fn threads_that_wait_for_each_other_are_a_cycle_in_the_signature_and_have_no_ids() {
    let (process, system) = (
        ProcessId(0),
        System {
            processes: vec![[1, 1]],
        },
    );
    let states: Vec<&[u8; 2]> = system.processes.iter().collect();
    let signatures = [0, 1].map(|client| Pens.wait_for(&states, process, client).signature());
    assert_eq!(signatures[0], signatures[1]);
    assert_eq!(
        signatures[0].to_string(),
        "process: Clerk.sign waits for state -> process: Clerk.sign waits for state -> process: Clerk.sign waits for \
         state -> which waits for the above: a cycle"
    );
    assert!(system.enabled(&Pens).is_empty());
}

#[test]
fn a_thread_that_has_no_next_step_has_returned() {
    let clients = Pens.clients(ProcessId(0), &[2, 1]);
    let told: Vec<(&str, bool)> = clients
        .iter()
        .map(|client| (client.name.as_str(), client.returned))
        .collect();
    assert_eq!(told, [("thread0", true), ("thread1", false)]);
}

#[test]
fn a_label_has_its_words_its_name_and_the_place_where_it_is_made() {
    assert_eq!((TAKE.name, TAKE.function), ("Clerk.take", "takes the pen"));
    assert!(SIGN.site.starts_with("src/small/tests.rs:"), "{}", SIGN.site);
}
