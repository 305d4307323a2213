#!/usr/bin/env python3
"""Lists the class of the kernels of each op: AsyncOpKernel or OpKernel.

    models/tensorflow/kernels/classes.py models/tensorflow/kernels/ops.txt TENSORFLOW > models/tensorflow/kernels/classes.tsv

TENSORFLOW is a checkout of TensorFlow 1.12, commit 1e6be18. Each source file there that registers kernels goes through the
preprocessor, so that registrations by macro count as well: plain, with CUDA, with MKL and with SYCL. The bases of each registered
class are then followed up to AsyncOpKernel. A class template counts as asynchronous if one of its specialisations is.
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

HEADING = """\
# Kernels of every op of TensorFlow 1.12 (commit 1e6be18), written by classes.py beside this file; its head has the command.
# op	on the CPU	on other devices (async, sync, both, or none in core/ and contrib/)	classes
"""
FOLDERS = ["core/kernels", "core/common_runtime", "core/distributed_runtime", "core/user_ops", "contrib"]
FLAVOURS = [[], ["-DGOOGLE_CUDA=1"], ["-DINTEL_MKL=1"], ["-DTENSORFLOW_USE_SYCL=1"]]
# Headers with macros that register kernels. All others are left out: most need generated code.
HEADERS = re.compile(
    r'#\s*include\s+"(tensorflow/(?:core/kernels/|contrib/|core/framework/(?:register_types|resource_mgr|dataset))[^"]*h)"'
)
DROPPED = re.compile(r"^\s*#\s*(?:include|error|pragma).*$", re.M)
REGISTERS = re.compile(r"REGISTER_(?:SYSTEM_)?KERNEL_BUILDER\s*\(")
NAME = re.compile(r'Name\s*\(\s*((?:"[^"]*"\s*)+|\w+)\)')
# Constants of core/framework/function.h.
NAMES = {"kArgOp": "_Arg", "kRetOp": "_Retval", "kGradientOp": "SymbolicGradient"}
CLASS = re.compile(r"(?:class|struct)\s+(\w+)(?:\s*<[^{};]*?>)?(?:\s+final)?\s*:\s*(?:public|private)?\s*([\w:]+)")
ALIAS = re.compile(r"typedef\s+([\w:]+)(?:<[^;]*>)?\s+(\w+)\s*;|using\s+(\w+)\s*=\s*([\w:]+)")


def inlined(root, path, seen):
    """Returns the text of a file with the headers that matter put in, each once."""
    if path in seen or not path.is_file():
        return ""
    seen.add(path)
    text = HEADERS.sub(lambda found: inlined(root, root / found[1], seen), path.read_text(errors="replace"))
    return DROPPED.sub("", text) + "\n"


def arguments(text, start):
    """Splits the arguments of a call whose parenthesis opens just before `start`."""
    depth, parts, begin, at = 1, [], start, start
    while depth and at < len(text):
        if text[at] == '"':
            at = text.index('"', at + 1)
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if text[at] == "," and depth == 1:
            parts.append(text[begin:at])
            begin = at + 1
        at += 1
    return parts + [text[begin : at - 1]]


def registrations(root, path):
    """Lists op, device and class of every kernel that a file registers."""
    found = set()
    text = inlined(root, path, set())
    for flavour in FLAVOURS:
        command = ["cpp", "-P", "-undef", "-w", "-x", "c++", *flavour, "-"]
        expanded = subprocess.run(command, input=text, capture_output=True, text=True, check=False).stdout
        for start in REGISTERS.finditer(expanded):
            builder, *kernel = arguments(expanded, start.end())
            name = NAME.search(builder)
            kernel = re.match(r"[\w:]+", ",".join(kernel).strip().lstrip("( :"))
            if name and kernel:
                op = NAMES.get(name[1]) or "".join(re.findall(r'"([^"]*)"', name[1]))
                found.add((op, "DEVICE_CPU" in builder, kernel[0].split("::")[-1]))
    return found


def main():
    ops, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    sources = [path for folder in FOLDERS for path in (root / "tensorflow" / folder).rglob("*")]
    sources = [path for path in sources if path.suffix in (".cc", ".h") and "_test" not in path.name]
    bases = {}
    for path in sources:
        text = path.read_text(errors="replace")
        for name, base in CLASS.findall(text):
            bases.setdefault(name, set()).add(base.split("::")[-1])
        for old, new, name, target in ALIAS.findall(text):
            bases.setdefault(new or name, set()).add((old or target).split("::")[-1])

    kernels = {}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        files = [path for path in sources if path.suffix == ".cc"]
        for found in pool.map(lambda path: registrations(root, path), files):
            for op, on_cpu, kernel in found:
                kernels.setdefault((op, on_cpu), set()).add(kernel)

    def is_async(name, below=frozenset()):
        further = bases.get(name, set()) - below
        return name == "AsyncOpKernel" or any(is_async(base, below | {name}) for base in further)

    def kinds(classes):
        found = {is_async(name) for name in classes}
        return {0: "none", 1: "async" if True in found else "sync", 2: "both"}[len(found)]

    print(HEADING, end="")
    for op in ops.read_text().splitlines():
        if not op.startswith("#"):
            cpu, others = (kernels.get((op, on_cpu), set()) for on_cpu in (True, False))
            print(op, kinds(cpu), kinds(others), " ".join(sorted(cpu | others)) or "-", sep="\t")


main()
