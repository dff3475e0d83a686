"""How the work of a layer is divided among the programs of a GPU.

A program that has all units of its sequences reads all recurrent matrices at each step, as fast as
one multiprocessor can. Nothing is faster if the matrices are small, or if there are programs for
most of the multiprocessors. Otherwise programs share the units, and wait for each other.
"""

from dataclasses import replace
from typing import NamedTuple

import torch

from seqtag.recurrent.triton.fields import Program, Shape
from seqtag.recurrent.triton.kernel import is_interpreted, products_precision

# Recurrent matrices up to this size are read by one program at a time.
SMALL_BYTES = 150_000
ROWS = 16  # sequences in a tile: the fewest that tensor cores multiply
# Shared memory of a program on the smallest GPUs that Triton supports, and what a kernel uses
# of it for other things than tiles of matrices and operands.
SHARED_BYTES = 99 << 10
RESERVED_BYTES = 16 << 10
# With more products for each unit, and without tensor cores, 4 warps would spill registers. So
# would they where a step combines units: each thread holds what is the same for all units.
MOST_DOTS = 8


class Gpu(NamedTuple):
    """The multiprocessors of a GPU, and the shared memory that a program can have."""

    processors: int
    shared_bytes: int


def choose_shape(
    program: Program,
    batch: int,
    directions: int,
    hidden: int,
    dtype: torch.dtype,
    device: torch.device,
) -> Shape:
    """Return the shape of a pass for B, N, H, the dtype of products, and a device."""
    precision = products_precision(dtype)
    if is_interpreted():
        return Shape(directions, hidden, ROWS, 16, 16, -(-hidden // 16), "program", precision)
    properties = torch.cuda.get_device_properties(device)
    shared = getattr(properties, "shared_memory_per_block_optin", SHARED_BYTES)
    gpu = Gpu(properties.multi_processor_count, shared)
    return shape_on(gpu, program, batch, directions, hidden, dtype.itemsize, precision)


def shape_on(
    gpu: Gpu,
    program: Program,
    batch: int,
    directions: int,
    hidden: int,
    itemsize: int,
    precision: str,
) -> Shape:
    """Return the shape of a pass for B, N, H, and the bytes of an element of the matrices."""
    if not program.blocks and len(program.stages) == 1:
        # Units are independent of each other too: no program waits for another one.
        return Shape(directions, hidden, ROWS, _tile(hidden, 64), 16, 1, "program", precision)
    programs = -(-batch // ROWS) * directions
    units = _tile(hidden, 16)
    group = programs * -(-hidden // units)
    matrices = program.blocks * hidden * hidden * itemsize
    if matrices > SMALL_BYTES and 2 * programs < gpu.processors and group <= gpu.processors:
        inner = _tile(hidden, 64)
        many_dots = precision != "tf32" and _dots(program) > MOST_DOTS
        warps = 8 if many_dots or any(stage.reductions for stage in program.stages) else 4
        sizes = (directions, hidden, ROWS, units, inner, 1)
        shape = Shape(*sizes, "group", precision, warps=warps)
    else:
        units, inner = _tile(hidden, 64), _tile(hidden, 128 // itemsize)
        shape = Shape(directions, hidden, ROWS, units, inner, 1, "program", precision, warps=8)
    while _shared_bytes(program, shape, itemsize) > gpu.shared_bytes - RESERVED_BYTES:
        smaller = _smaller(shape)
        if smaller == shape:
            break
        shape = smaller
    return replace(shape, share=shape.tiles) if shape.wait == "program" else shape


def _smaller(shape: Shape) -> Shape:
    """Return a shape with smaller tiles, in the end with fewer of them at a time."""
    if shape.inner > 32:
        return replace(shape, inner=shape.inner // 2)
    if shape.units > 16:
        return replace(shape, units=shape.units // 2)
    if shape.inner > 16:
        return replace(shape, inner=shape.inner // 2)
    return replace(shape, loads=2)


def _shared_bytes(program: Program, shape: Shape, itemsize: int) -> int:
    """Return the size of the tiles of matrices and operands that are on their way."""
    elements = max(
        len(stage.dots) * shape.units * shape.inner + len(stage.operands) * shape.rows * shape.inner
        for stage in program.stages
    )
    return (shape.loads - 1) * elements * itemsize


def _dots(program: Program) -> int:
    return max(len(stage.dots) for stage in program.stages)


def _tile(size: int, largest: int) -> int:
    """Return the smallest power of 2 from 16 on that covers a size, at most `largest`."""
    tile = 16
    while tile < min(size, largest):
        tile *= 2
    return tile
