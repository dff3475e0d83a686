"""Run a layer by a group of three programs, each of them a process, and compare the results.

usage: group_of_processes.py CELL

Prints "equal" if the results are those of one program with all units, then "differs" if they are
not when programs do not wait for each other.
"""

import os
import sys

os.environ["TRITON_INTERPRET"] = "1"

import time
from dataclasses import replace

import torch
import torch.multiprocessing as processes
from triton.runtime import interpreter

from seqtag.recurrent import Recurrent
from seqtag.recurrent.triton import function, kernel
from seqtag.recurrent.triton.shapes import choose_shape

LENGTHS = torch.tensor([4, 0, 2, 4])
launch, grid_of = kernel.TritonKernel.launch, kernel.grid_of


def run_program(number: int, arguments: tuple) -> None:
    """Run the program with this number of each group, and only that one."""
    torch.set_num_threads(1)
    builder = type(interpreter.interpreter_builder)
    builder.set_grid_idx = lambda self, x, y, z: setattr(self, "grid_idx", (x, y, number))
    kernel.grid_of = lambda shape, batch: (*grid_of(shape, batch)[:2], 1)
    time.sleep(0.3 * number)
    launch(*arguments)


def launch_processes(own, of, shape, buffers, *others) -> None:
    counters = torch.zeros(shape.directions, dtype=torch.int32)
    kernel.new_counters = lambda *_: counters
    for tensor in (*buffers.values(), *others[:2], counters):
        if tensor.numel():
            tensor.share_memory_()
    arguments = (own, of, shape, buffers, *others)
    context = processes.get_context("fork")
    started = [
        context.Process(target=run_program, args=(number, arguments), daemon=True)
        for number in range(shape.group)
    ]
    assert len(started) == 3
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    codes = [process.exitcode for process in started]
    assert codes == [0, 0, 0], f"exit codes {codes}; None: still waiting"


def results(layer: Recurrent) -> list[torch.Tensor]:
    torch.manual_seed(1)
    layer.zero_grad()
    x = torch.randn(4, 4, 4).requires_grad_()
    y, _ = layer(x, LENGTHS)
    (y * torch.randn(y.shape)).sum().backward()
    return [y.detach(), x.grad, *(p.grad.clone() for p in layer.parameters())]


def main() -> None:
    """Compare."""
    torch.set_num_threads(1)
    layer = Recurrent(sys.argv[1], 4, 40, bidirectional=True, engine="triton")
    expected = results(layer)
    kernel.TritonKernel.launch = launch_processes
    for wait in ("group", "none"):
        own = {"wait": wait, "share": 1}
        function.choose_shape = lambda *sizes, own=own: replace(choose_shape(*sizes), **own)
        pairs = zip(results(layer), expected, strict=True)
        same = all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in pairs)
        print("equal" if same else "differs", flush=True)


main()
