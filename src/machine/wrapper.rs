//! Models that are another model but for little: what they leave as it is, is written once.

use super::{Model, ProcessId};

/// A model around another one: where its processes and their states lie in the inner one. With that, [`delegate!`](crate::delegate) writes
/// the methods that the wrapper leaves as they are. But for
/// [`Model::ready`], which follows from another one, the traits have no default methods, so that none can be forgotten.
pub trait Wrapper: Model<Thread = <Self::Inner as Model>::Thread, Frame = <Self::Inner as Model>::Frame> {
    /// The inner model.
    type Inner: Model;

    /// Returns the inner model.
    fn inner(&self) -> &Self::Inner;

    /// Returns the process of the inner model that a process stands for.
    fn inner_process(&self, process: ProcessId) -> ProcessId {
        process
    }

    /// Returns the state that the inner model knows.
    fn part(state: &Self::Process) -> &<Self::Inner as Model>::Process;

    /// Returns the state that the inner model knows, to be changed.
    fn part_mut(state: &mut Self::Process) -> &mut <Self::Inner as Model>::Process;

    /// Returns the states of a system that the inner model knows.
    fn parts<'a>(system: &[&'a Self::Process]) -> Vec<&'a <Self::Inner as Model>::Process> {
        system.iter().map(|state| Self::part(state)).collect()
    }
}

/// Writes methods of [`Model`], [`Independence`](super::Independence) and [`Guarantees`](super::Guarantees) that call those of the inner
/// model of a [`Wrapper`].
#[macro_export]
macro_rules! delegate {
    ($($method:ident)+) => { $($crate::delegate!(@ $method);)+ };
    (@ process_count) => {
        fn process_count(&self) -> usize {
            self.inner().process_count()
        }
    };
    (@ initial) => {
        fn initial(&self, process: $crate::machine::ProcessId) -> Self::Process {
            self.inner().initial(self.inner_process(process))
        }
    };
    (@ apply) => {
        fn apply(
            &self,
            process: $crate::machine::ProcessId,
            state: &mut Self::Process,
            thread: Self::Thread,
            choice: u32,
            sent: &mut Vec<($crate::machine::ProcessId, Self::Frame)>,
        ) {
            self.inner().apply(self.inner_process(process), Self::part_mut(state), thread, choice, sent);
        }
    };
    (@ deliver) => {
        fn deliver(
            &self,
            to: $crate::machine::ProcessId,
            state: &mut Self::Process,
            from: $crate::machine::ProcessId,
            frame: Self::Frame,
        ) {
            self.inner().deliver(to, Self::part_mut(state), from, frame);
        }
    };
    (@ wait_for) => {
        fn wait_for(
            &self,
            system: &[&Self::Process],
            process: $crate::machine::ProcessId,
            client: usize,
        ) -> $crate::machine::WaitFor {
            self.inner().wait_for(&Self::parts(system), process, client)
        }
    };
    (@ outcome) => {
        fn outcome(&self, system: &[&Self::Process]) -> Option<String> {
            self.inner().outcome(&Self::parts(system))
        }
    };
    (@ leaks) => {
        fn leaks(&self, system: &[&Self::Process]) -> Vec<String> {
            self.inner().leaks(&Self::parts(system))
        }
    };
    (@ frame_set) => {
        fn frame_set(&self, frame: &Self::Frame) -> $crate::machine::FrameSet {
            self.inner().frame_set(frame)
        }
    };
    (@ eliminate_dead) => {
        fn eliminate_dead(&self, process: $crate::machine::ProcessId, state: &mut Self::Process) {
            self.inner().eliminate_dead(self.inner_process(process), Self::part_mut(state));
        }
    };
    (@ process_name) => { $crate::delegate!(@of process process_name() -> String); };
    (@ name) => { $crate::delegate!(@of process name(thread: Self::Thread) -> Option<$crate::machine::ThreadName>); };
    (@ permits_come_back) => {
        $crate::delegate!(@of process permits_come_back(object: $crate::machine::ObjectId) -> bool);
    };
    (@ threads) => { $crate::delegate!(@of state threads() -> Vec<$crate::machine::Pending<Self::Thread>>); };
    (@ thread_name) => { $crate::delegate!(@of state thread_name(thread: Self::Thread) -> String); };
    (@ object_name) => { $crate::delegate!(@of state object_name(object: $crate::machine::ObjectId) -> String); };
    (@ object_values) => { $crate::delegate!(@of state object_values() -> Vec<($crate::machine::ObjectId, u64)>); };
    (@ clients) => { $crate::delegate!(@of state clients() -> Vec<$crate::machine::ClientStatus>); };
    (@ facts) => {
        $crate::delegate!(@of state facts() -> Self::Facts);
    };
    (@ footprint) => {
        $crate::delegate!(@of state footprint(facts: &Self::Facts, thread: Self::Thread)
            -> std::sync::Arc<$crate::machine::Footprint>);
    };
    (@ delivery_footprint) => {
        $crate::delegate!(@of state delivery_footprint(facts: &Self::Facts, frames: &$crate::machine::FrameSet)
            -> std::sync::Arc<$crate::machine::Footprint>);
    };
    (@ may_send) => {
        $crate::delegate!(@of state may_send(to: $crate::machine::ProcessId) -> $crate::machine::FrameSet);
    };
    (@ guarantees) => {
        $crate::delegate!(@of state guarantees(assumed: &$crate::machine::GuaranteeSet) -> $crate::machine::GuaranteeSet);
    };
    (@ is_inevitable) => {
        $crate::delegate!(@of state is_inevitable(assumed: &$crate::machine::GuaranteeSet) -> bool);
    };
    (@of process $method:ident($($name:ident: $type:ty),*) -> $result:ty) => {
        fn $method(&self, process: $crate::machine::ProcessId, $($name: $type),*) -> $result {
            self.inner().$method(self.inner_process(process), $($name),*)
        }
    };
    (@of state $method:ident($($name:ident: $type:ty),*) -> $result:ty) => {
        fn $method(&self, process: $crate::machine::ProcessId, state: &Self::Process, $($name: $type),*) -> $result {
            self.inner().$method(self.inner_process(process), Self::part(state), $($name),*)
        }
    };
}

/// Writes methods of [`Model`], [`Independence`](super::Independence) and [`Guarantees`](super::Guarantees) for a small model that has
/// nothing to say there: nothing changes for good or stays behind, whoever lives may do anything, any frame may come and cause anything,
/// threads share no names, permits need not come back, nothing is dead, nothing is guaranteed, and a return is sure only where it has happened.
/// With `all` it writes the three traits beside `Model` for a type.
#[macro_export]
macro_rules! says_nothing {
    (all $model:ty) => {
        impl $crate::machine::Independence for $model {
            $crate::says_nothing!(facts footprint delivery_footprint may_send frame_set name permits_come_back
                eliminate_dead);
        }
        impl $crate::machine::Guarantees for $model {
            $crate::says_nothing!(guarantees is_inevitable);
        }
        impl $crate::machine::Describe for $model {}
    };
    ($($method:ident)+) => { $($crate::says_nothing!(@ $method);)+ };
    (@ footprint) => {
        $crate::says_nothing!(@of footprint($crate::machine::ProcessId, &Self::Process, &Self::Facts, Self::Thread)
            -> std::sync::Arc<$crate::machine::Footprint> = std::sync::Arc::new($crate::machine::Footprint::everything()));
    };
    (@ delivery_footprint) => {
        $crate::says_nothing!(@of delivery_footprint($crate::machine::ProcessId, &Self::Process, &Self::Facts,
            &$crate::machine::FrameSet)
            -> std::sync::Arc<$crate::machine::Footprint> = std::sync::Arc::new($crate::machine::Footprint::everything()));
    };
    (@ outcome) => { $crate::says_nothing!(@of outcome(&[&Self::Process]) -> Option<String> = None); };
    (@ leaks) => { $crate::says_nothing!(@of leaks(&[&Self::Process]) -> Vec<String> = Vec::new()); };
    (@ facts) => {
        type Facts = ();
        $crate::says_nothing!(@of facts($crate::machine::ProcessId, &Self::Process) -> () = ());
    };
    (@ may_send) => {
        $crate::says_nothing!(@of may_send($crate::machine::ProcessId, &Self::Process, $crate::machine::ProcessId)
            -> $crate::machine::FrameSet = $crate::machine::FrameSet::Any);
    };
    (@ frame_set) => {
        $crate::says_nothing!(@of frame_set(&Self::Frame) -> $crate::machine::FrameSet = $crate::machine::FrameSet::Any);
    };
    (@ name) => {
        $crate::says_nothing!(@of name($crate::machine::ProcessId, Self::Thread)
            -> Option<$crate::machine::ThreadName> = None);
    };
    (@ permits_come_back) => {
        $crate::says_nothing!(@of permits_come_back($crate::machine::ProcessId, $crate::machine::ObjectId)
            -> bool = false);
    };
    (@ eliminate_dead) => {
        $crate::says_nothing!(@of eliminate_dead($crate::machine::ProcessId, &mut Self::Process) -> () = ());
    };
    (@ guarantees) => {
        $crate::says_nothing!(@of guarantees($crate::machine::ProcessId, &Self::Process, &$crate::machine::GuaranteeSet)
            -> $crate::machine::GuaranteeSet = $crate::machine::GuaranteeSet::default());
    };
    (@ is_inevitable) => {
        fn is_inevitable(
            &self,
            process: $crate::machine::ProcessId,
            state: &Self::Process,
            _: &$crate::machine::GuaranteeSet,
        ) -> bool {
            $crate::machine::Model::clients(self, process, state).iter().all(|client| client.returned)
        }
    };
    (@of $method:ident($($type:ty),*) -> $result:ty = $nothing:expr) => {
        fn $method(&self, $(_: $type),*) -> $result {
            $nothing
        }
    };
}
