"""A cell's Triton kernel: generated functions, and launches of the skeleton on tensors.

T time, B batch, N directions, H hidden units.
"""

from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.recurrent.compiler.build import serialized
from seqtag.recurrent.compiler.plan import Plan, plan_of
from seqtag.recurrent.triton.fields import Shape
from seqtag.recurrent.triton.printer import print_module
from seqtag.recurrent.triton.program import Pass, backward_pass, forward_pass
from seqtag.recurrent.triton.source import load_module


class TritonKernel:
    """The kernel of a cell.

    Attributes:
        plan: the cell's plan.
        forward: the forward pass; `inference` is the one without a backward pass.
        backward: the backward pass.
        module: the generated functions.
    """

    def __init__(self, cell: Cell, traces: bool = False):
        self.plan: Plan = plan_of(cell, traces)
        self.forward = forward_pass(self.plan, keep=True)
        self.inference = forward_pass(self.plan, keep=False)
        self.backward = backward_pass(self.plan)
        source = print_module(self.forward.bodies, self.backward.bodies)
        self.module: ModuleType = load_module(source, f"{type(cell).__name__.lower()}_triton")

    def constants(self, of: Pass, shape: Shape) -> dict[str, Any]:
        """Return the constant arguments of the skeleton's kernel for one of the passes."""
        name = "backward" if of.program.backward else "forward"
        return {
            "VALUES": getattr(self.module, f"{name}_values"),
            "SCALARS": getattr(self.module, f"{name}_scalars"),
            "PROGRAM": of.program,
            "SHAPE": shape,
        }

    def launch(
        self,
        of: Pass,
        shape: Shape,
        buffers: Mapping[str, Tensor],
        matrices: Tensor,
        saved: Tensor,
        lengths_B: Tensor,
        time: int,
    ) -> None:
        """Run all steps of a pass.

        Args:
            of: the pass.
            shape: how its work is divided.
            buffers: the buffers by name: see `program.py`.
            matrices: the blocks of recurrent matrices, from `pack`.
            saved: scalars for the backward pass, (T, B, N, columns).
            lengths_B: int32.
            time: T.
        """
        from seqtag.recurrent.triton.skeleton import run_steps

        tensors = tuple(buffers[name] for name in of.buffers)
        batch = len(lengths_B)
        grid = grid_of(shape, batch)
        spans = [(0, time)]
        if shape.wait == "launch":
            if len(of.program.stages) > 1:
                raise ValueError("each launch is a step, but the cell has several stages")
            spans = [(s, s + 1) for s in range(time)]
        constants, options = self.constants(of, shape), launch_options(shape)
        with torch.cuda.device_of(lengths_B):
            for first, last in reversed(spans) if of.program.backward else spans:
                counters = new_counters(lengths_B, grid[0] * grid[1])
                numbers = (time, batch, first, last)
                run_steps[grid](
                    *(tensors, matrices, saved, lengths_B, counters, *numbers),
                    **constants,
                    **options,
                )


@cache
@serialized
def triton_kernel_of(cell: Cell, traces: bool = False) -> TritonKernel:
    """Return the kernel of a cell; with `traces` it also returns all values of the step."""
    return TritonKernel(cell, traces)


def grid_of(shape: Shape, batch: int) -> tuple[int, int, int]:
    """Return the number of tiles of sequences, of directions, and of programs in a group."""
    return -(-batch // shape.rows), shape.directions, shape.group


def new_counters(lengths_B: Tensor, number: int) -> Tensor:
    """Return the counters by which the programs of a group wait for each other."""
    return lengths_B.new_zeros(number)


def launch_options(shape: Shape) -> dict[str, Any]:
    """Return Triton's options for a launch."""
    options = {"num_warps": shape.warps, "num_stages": shape.loads, "enable_fp_fusion": True}
    if shape.warps == 4:
        # All registers: otherwise ptxas may spill some, so that more programs fit.
        options["maxnreg"] = 255
    # Programs that wait for each other must all be running.
    return options | ({"launch_cooperative_grid": True} if shape.wait == "group" else {})


def pack(blocks: Tensor, shape: Shape) -> Tensor:
    """Return blocks (N, count, H out, H in) as the skeleton reads them: in tiles, padded with 0."""
    sides, count, hidden, _ = blocks.shape
    units, inner = shape.tiles * shape.units, shape.inner_tiles * shape.inner
    padded = blocks.new_zeros(sides, count, units, inner)
    padded[:, :, :hidden, :hidden] = blocks
    tiles = padded.view(sides, count, shape.tiles, shape.units, shape.inner_tiles, shape.inner)
    return tiles.permute(0, 2, 4, 1, 3, 5).contiguous()


def is_interpreted() -> bool:
    """Return whether Triton runs kernels in its interpreter, on a CPU."""
    import triton

    from seqtag.recurrent.triton.skeleton import run_steps

    return not isinstance(run_steps, triton.JITFunction)


def products_precision(dtype: torch.dtype) -> str:
    """Return `Shape.precision` for products of this dtype, by torch's own setting."""
    if dtype != torch.float32:
        return "exact" if is_interpreted() else "ieee"
    matmul = torch.backends.cuda.matmul
    setting = getattr(matmul, "fp32_precision", None)
    allowed = setting == "tf32" if isinstance(setting, str) else matmul.allow_tf32
    return "tf32" if allowed else "ieee"
