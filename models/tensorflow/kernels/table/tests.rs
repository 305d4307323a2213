use super::*;

const OPS: &str = include_str!("../ops.txt");
const CLASSES: &str = include_str!("../classes.tsv");

/// Returns op and class of its kernels on a CPU.
fn classes() -> impl Iterator<Item = (&'static str, &'static str)> {
    rows(CLASSES).map(|row| {
        let cells: Vec<&str> = row.split('\t').collect();
        (cells[0], cells[1])
    })
}

fn count(class: Class) -> usize {
    kernels().filter(|(_, kernel)| kernel.class == class).count()
}

#[test]
fn every_op_has_exactly_one_row_in_the_table_and_one_class() {
    let ops: Vec<&str> = rows(OPS).collect();
    let rowed: Vec<&str> = rows(TABLE).map(|row| row.split('\t').next().unwrap()).collect();
    let classed: Vec<&str> = classes().map(|(op, _)| op).collect();
    assert_eq!(rowed, ops);
    assert_eq!(classed, ops);
    assert!(ops.is_sorted_by(|a, b| a < b), "a name stands twice");
    assert_eq!(ops.len(), 1_122);
}

#[test]
fn an_asynchronous_kernel_is_plain_only_for_a_reason_and_one_that_is_not_there_is_unknown() {
    for (op, class) in classes() {
        let kernel = kernel(op).unwrap();
        match class {
            "async" | "both" => assert!(
                kernel.class != Class::Plain || !kernel.what.is_empty(),
                "{op}: asynchronous and plain, without a reason"
            ),
            // Python's ops have their kernels elsewhere.
            "none" => assert!(
                kernel.class == Class::Unknown || kernel.site.starts_with("../python/"),
                "{op}: the source has no kernel of it"
            ),
            _ => assert_ne!(kernel.class, Class::Unknown, "{op}: the source has a kernel of it"),
        }
    }
}

#[test]
fn a_row_says_what_it_must_and_nothing_else() {
    for (op, kernel) in kernels() {
        let waits = matches!(kernel.class, Class::Waits | Class::RunsFunctions);
        assert!(!waits || kernel.waiter.is_some(), "{op}: who waits?");
        let may_be_silent = kernel.class == Class::Plain;
        assert!(may_be_silent || !kernel.what.is_empty(), "{op}: why?");
        assert!(kernel.waiter.is_none() || !kernel.site.is_empty(), "{op}: where?");
        assert_eq!(
            kernel.site.is_empty(),
            !kernel.site.contains(".cc") && !kernel.site.contains(".h"),
            "{op}"
        );
    }
}

#[test]
fn the_classes_have_these_sizes() {
    let classes = [
        Class::Plain,
        Class::Waits,
        Class::RunsFunctions,
        Class::Modelled,
        Class::Exits,
        Class::Unknown,
    ];
    assert_eq!(classes.map(count), [890, 65, 16, 16, 1, 134]);
}

#[test]
fn a_kernel_says_what_it_waits_for_on_which_thread_and_whether_a_cancellation_ends_that() {
    let told = [
        "Unstage",
        "AccumulatorTakeGradient",
        "OneShotIterator",
        "Abort",
        "XlaLaunch",
        "QueueDequeueV2",
        "HorovodAllreduce",
    ];
    let told = told.map(|op| format!("{op} {}", beyond_plain(op).unwrap()));
    insta::assert_snapshot!(told.join("\n"), @"
    Unstage waits for an element that a Stage puts there, on a pool thread; no cancellation ends that (kernels/stage_op.cc:93)
    AccumulatorTakeGradient waits for gradients that other steps apply, for a callback; a cancellation ends that (kernels/conditional_accumulator_base.cc:64)
    OneShotIterator runs functions, and waits for the function that makes its dataset, on its first run, on a thread of its own; no cancellation ends that (kernels/data/iterator_ops.cc:812)
    Abort it ends its process (kernels/control_flow_ops.cc:629)
    XlaLaunch has a kernel that is not known: its kernel, if it has one, is in compiler/
    QueueDequeueV2 is not the job's input here, and waits for an element of the queue, or its end, for a callback; a cancellation ends that (kernels/fifo_queue.cc:155)
    HorovodAllreduce no op of TensorFlow 1.12, so nothing is known of its kernel
    ");
    assert_eq!(beyond_plain("MatMul"), None);
}
