//! Facts about an operation's CPU kernel: whether the executor takes it for expensive, whether it changes a variable, and what it can do
//! to a step.
//!
//! Facts from TensorFlow 1.12, paths relative to `tensorflow/core/`.

mod table;

pub use table::{Class, Kernel, Waiter, beyond_plain, kernel, kernels};

/// Returns true if the executor treats the operation's CPU kernel as expensive, so that it may hand it to the compute pool
/// instead of running it on the thread that made it ready (`common_runtime/executor.cc:2189-2232`).
///
/// Every CPU kernel is expensive (`framework/op_kernel.cc:110`, asynchronous ones too: `framework/op_kernel.h:205`)
/// except where its class overrides `IsExpensive`. `Placeholder`, `VariableV2`, `_Send`, `_Recv` and `StridedSlice`
/// override nothing.
pub fn is_expensive(op: &str) -> bool {
    !matches!(
        op,
        // kernels/constant_op.h:31 and :48, immutable_constant_op.h:32, guarantee_const_op.cc:40
        "Const" | "HostConst" | "ImmutableConst" | "GuaranteeConst"
        // kernels/no_op.h:27, control_flow_ops.h:32
        | "NoOp" | "ControlTrigger"
        // kernels/identity_op.h:35, registered for all of these in identity_op.cc:26-45; identity_n_op.h:39
        | "Identity" | "RefIdentity" | "StopGradient" | "PreventGradient" | "PlaceholderWithDefault"
        | "DebugGradientIdentity" | "DebugGradientRefIdentity" | "IdentityN"
        // kernels/shape_ops.h:73,104,121,145,198,269, shape_ops.cc:490
        | "Shape" | "ShapeN" | "Rank" | "Size" | "ExpandDims" | "Squeeze" | "EnsureShape"
        // kernels/reshape_op.h:90, bitcast_op.cc:68, concat_op.cc:349, bcast_ops.cc:54,104
        | "Reshape" | "Bitcast" | "ConcatOffset" | "BroadcastArgs" | "BroadcastGradientArgs"
        // kernels/control_flow_ops.h:43-94, control_flow_ops.cc:189,598
        | "Switch" | "RefSwitch" | "RefSelect" | "Merge" | "RefMerge" | "Enter" | "RefEnter" | "Exit" | "RefExit"
        | "NextIteration" | "RefNextIteration" | "LoopCond"
        // kernels/stack_ops.cc:319,433,512, mutex_ops.cc:238, function_ops.h:33,48
        | "StackPush" | "StackPushV2" | "StackPop" | "StackPopV2" | "StackClose" | "StackCloseV2"
        | "ConsumeMutexLock" | "_Arg" | "_Retval"
        // framework/resource_mgr.h:377,395, kernels/resource_variable_ops.h:35
        | "VarHandleOp" | "_VarHandlesOp" | "_ReadVariablesOp"
        // kernels/debug_ops.h:111,152, batch_kernels.cc:719
        | "Copy" | "CopyHost" | "DebugIdentity" | "DebugNanCount" | "DebugNumericSummary" | "BatchFunction"
    )
}

/// Returns true if the operation makes a variable, or the handle of one.
pub fn is_variable(op: &str) -> bool {
    matches!(op, "Variable" | "VariableV2" | "VarHandleOp")
}

/// Returns true if the operation changes the variable that its first input refers to.
pub fn changes_variable(op: &str) -> bool {
    let op = op.strip_prefix("Resource").unwrap_or(op);
    let op = op.strip_prefix("Sparse").unwrap_or(op);
    // `ScatterNd` and `ScatterNdNonAliasingAdd` make a new tensor.
    matches!(
        op,
        "Assign"
            | "AssignAdd"
            | "AssignSub"
            | "AssignVariableOp"
            | "AssignAddVariableOp"
            | "AssignSubVariableOp"
            | "CountUpTo"
            | "ScatterAdd"
            | "ScatterSub"
            | "ScatterMul"
            | "ScatterDiv"
            | "ScatterMin"
            | "ScatterMax"
            | "ScatterUpdate"
            | "ScatterNdAdd"
            | "ScatterNdSub"
            | "ScatterNdUpdate"
            | "StridedSliceAssign"
    ) || op.starts_with("Apply")
}

/// Returns true if the operation's output refers to the same variable as its first input.
pub fn passes_variable_on(op: &str) -> bool {
    changes_variable(op)
        || matches!(
            op,
            "Identity" | "RefIdentity" | "Switch" | "RefSwitch" | "Enter" | "RefEnter" | "StopGradient"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_expensive_unless_it_says_otherwise() {
        for op in [
            "_Send",
            "_Recv",
            "VariableV2",
            "MatMul",
            "Placeholder",
            "IteratorV2",
            "StridedSlice",
        ] {
            assert!(is_expensive(op), "{op}");
        }
        for op in [
            "Const",
            "NoOp",
            "Identity",
            "Shape",
            "Reshape",
            "BroadcastGradientArgs",
            "VarHandleOp",
            "Merge",
        ] {
            assert!(!is_expensive(op), "{op}");
        }
    }

    #[test]
    fn only_operations_on_a_reference_change_a_variable() {
        for op in [
            "Assign",
            "AssignSub",
            "ApplyAdam",
            "ResourceSparseApplyAdam",
            "ScatterAdd",
            "ResourceScatterAdd",
        ] {
            assert!(changes_variable(op), "{op}");
        }
        for op in ["ScatterNd", "GatherV2", "Identity", "VariableV2", "SparseAdd"] {
            assert!(!changes_variable(op), "{op}");
        }
    }
}
