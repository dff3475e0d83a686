"""Triton kernels compiled ahead of time, for a GPU that need not exist.

`compile_layer` runs in a process of its own, without Triton's interpreter: `compiling_process`.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

# Shared memory of a program, in bytes, and multiprocessors, by compute capability.
SHARED_LIMITS = {80: 163 << 10, 90: 227 << 10}
PROCESSORS = {80: 108, 90: 132}


class Compiled(NamedTuple):
    """What a compiled kernel uses.

    kernel: which pass, and how programs wait.
    spills: instructions that store a register to local memory.
    """

    kernel: str
    registers: int
    spills: int
    shared: int


@contextmanager
def compiling_process() -> Iterator[ProcessPoolExecutor]:
    """Return a process that compiles; this process may run Triton's interpreter."""
    before = os.environ.get("TRITON_INTERPRET")
    os.environ["TRITON_INTERPRET"] = "0"  # Triton reads it when it is imported
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            pool.submit(os.getpid).result()
        finally:
            os.environ.pop("TRITON_INTERPRET")
            if before is not None:
                os.environ["TRITON_INTERPRET"] = before
        yield pool


def compile_layer(
    cell: str, capability: int, hidden: int, batch: int, dtype: str, tf32: bool
) -> list[Compiled]:
    """Compile the kernels that training a bidirectional layer launches, for an Nvidia GPU.

    The layer runs on the CPU; its launches are recorded instead of run.
    """
    import torch

    from seqtag.recurrent import Recurrent
    from seqtag.recurrent.engines.triton import Triton
    from seqtag.recurrent.triton import kernel, shapes, skeleton

    launches: list[tuple[tuple, dict]] = []
    run_steps = skeleton.run_steps
    properties = SimpleNamespace(
        multi_processor_count=PROCESSORS[capability],
        shared_memory_per_block_optin=SHARED_LIMITS[capability],
    )
    torch.backends.cuda.matmul.allow_tf32 = tf32
    Triton.refuses = lambda *arguments: None
    kernel.is_interpreted = shapes.is_interpreted = lambda: False
    torch.cuda.get_device_properties = lambda device: properties
    skeleton.run_steps = _Recorder(launches)
    try:
        layer = Recurrent(cell, 8, hidden, bidirectional=True, engine="triton")
        layer = layer.to(getattr(torch, dtype))
        x = torch.zeros(batch, 2, 8, dtype=getattr(torch, dtype))
        layer(x)[0].sum().backward()
    finally:
        skeleton.run_steps = run_steps
    return [_compile(run_steps, capability, *launch) for launch in launches]


class _Recorder:
    """Stands for a Triton function: records the arguments of its launches."""

    def __init__(self, launches: list):
        self.launches = launches

    def __getitem__(self, grid):
        return lambda *arguments, **options: self.launches.append((arguments, options))


def _compile(function: Any, capability: int, arguments: tuple, options: dict) -> Compiled:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    names = function.arg_names
    constants = {name: options.pop(name) for name in names if name in options}
    given = dict(zip(names, arguments, strict=False))
    signature = {name: _type(given[name]) if name in given else "constexpr" for name in names}
    aligned = [["tt.divisibility", 16]]
    attributes = {}
    for i, name in enumerate(names):
        value = given.get(name)
        if isinstance(value, tuple):
            attributes |= {(i, j): aligned for j in range(len(value))}
        elif hasattr(value, "dtype"):
            attributes[i,] = aligned
    source = ASTSource(function, signature, constants, attributes)
    done = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    shape, program = constants["SHAPE"], constants["PROGRAM"]
    name = f"{'backward' if program.backward else 'forward'}, {shape.wait}"
    return Compiled(name, *_used(done.asm["cubin"]), done.metadata.shared)


def _type(value: Any) -> Any:
    """Return an argument's type as Triton writes it."""
    import torch

    if isinstance(value, tuple):
        return tuple(map(_type, value))
    if isinstance(value, int):
        return "i32"
    short = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
    return "*" + short.get(value.dtype, "i32")


def _used(cubin: bytes) -> tuple[int, int]:
    """Return the number of registers of a kernel, and of instructions that spill them."""
    import triton

    program = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"

    def read(what: str) -> str:
        command = [str(program), what, file.name]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        registers = int(re.findall(r"REG:(\d+)", read("-res-usage"))[0])
        return registers, len(re.findall(r"\bSTL\b", read("-sass")))
