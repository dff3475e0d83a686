"""Values that combine the units of a sequence: sums, means, largest values and running sums.

An earlier stage has stored the field that they combine. Each program reads all units of it.
"""

import triton
import triton.language as tl

from seqtag.recurrent.triton.memory import get, load, store


@triton.jit
def reduction(
    buffers, rows, masks, d, REDUCTION: tl.constexpr, PROGRAM: tl.constexpr, SHAPE: tl.constexpr
):
    """Return the sum, mean or largest value over all units, (sequences, 1)."""
    OP: tl.constexpr = get(REDUCTION, "op")
    H: tl.constexpr = get(SHAPE, "hidden")
    if OP == "max_units":
        total = tl.full((get(SHAPE, "rows"), 1), float("-inf"), tl.float32)
    else:
        total = tl.zeros((get(SHAPE, "rows"), 1), tl.float32)
    for j in tl.range(0, get(SHAPE, "tiles")):
        u = j * get(SHAPE, "units") + tl.arange(0, get(SHAPE, "units"))
        part = load(buffers, rows, masks, d, u, get(REDUCTION, "field"), PROGRAM, SHAPE)
        if OP == "max_units":
            part = tl.where((u < H)[None, :], part, float("-inf"))
            total = tl.maximum(total, tl.max(part, axis=1)[:, None])
        else:
            total += tl.sum(part, axis=1)[:, None]
    if OP == "mean_units":
        total = total / H
    return total


@triton.jit
def running_sum(
    buffers, rows, masks, d, REDUCTION: tl.constexpr, PROGRAM: tl.constexpr, SHAPE: tl.constexpr
):
    """Store the running sums over units of a field in another one."""
    total = tl.zeros((get(SHAPE, "rows"), 1), tl.float32)
    for j in tl.range(0, get(SHAPE, "tiles")):
        if get(REDUCTION, "op") == "running_sum":
            u = j * get(SHAPE, "units") + tl.arange(0, get(SHAPE, "units"))
            part = load(buffers, rows, masks, d, u, get(REDUCTION, "field"), PROGRAM, SHAPE)
            sums = tl.cumsum(part, axis=1)
        else:
            last = get(SHAPE, "tiles") - 1 - j
            u = last * get(SHAPE, "units") + tl.arange(0, get(SHAPE, "units"))
            part = load(buffers, rows, masks, d, u, get(REDUCTION, "field"), PROGRAM, SHAPE)
            sums = tl.cumsum(part, axis=1, reverse=True)
        store(total + sums, buffers, rows, masks, d, u, get(REDUCTION, "to"), PROGRAM, SHAPE)
        total += tl.sum(part, axis=1)[:, None]
