"""Values that combine the units of a sequence: sums, means, largest values and running sums.

An earlier stage has stored the field that they combine. Each program reads all units of it.
"""

import triton
import triton.language as tl

from seqtag.recurrent.triton.memory import get, load, size, store


@triton.jit
def reduce_units(
    buffers, rows, masks, d, NUMBER: tl.constexpr, PROGRAM: tl.constexpr, SHAPE: tl.constexpr
):
    """Return the sums, means and largest values over all units of a stage, (sequences, 1) each.

    They are combined over tiles of units first, all in one loop, and over a tile at the end.
    """
    STAGE: tl.constexpr = get(PROGRAM, "stages", NUMBER)
    H: tl.constexpr = get(SHAPE, "hidden")
    totals = ()
    for i in tl.static_range(size(STAGE, "reductions")):
        empty = tl.zeros((get(SHAPE, "rows"), get(SHAPE, "units")), tl.float32)
        if get(STAGE, "reductions", i, "op") == "max_units":
            empty += float("-inf")
        totals = totals + (empty,)
    for j in tl.range(0, get(SHAPE, "tiles"), num_stages=1):
        u = j * get(SHAPE, "units") + tl.arange(0, get(SHAPE, "units"))
        combined = ()
        for i in tl.static_range(size(STAGE, "reductions")):
            part = load(
                buffers, rows, masks, d, u, get(STAGE, "reductions", i, "field"), PROGRAM, SHAPE
            )
            if get(STAGE, "reductions", i, "op") == "max_units":
                part = tl.where((u < H)[None, :], part, float("-inf"))
                combined = combined + (tl.maximum(totals[i], part),)
            else:
                combined = combined + (totals[i] + part,)
        totals = combined
    results = ()
    for i in tl.static_range(size(STAGE, "reductions")):
        if get(STAGE, "reductions", i, "op") == "max_units":
            results = results + (tl.max(totals[i], axis=1)[:, None],)
        elif get(STAGE, "reductions", i, "op") == "mean_units":
            results = results + ((tl.sum(totals[i], axis=1) / H)[:, None],)
        else:
            results = results + (tl.sum(totals[i], axis=1)[:, None],)
    return results


@triton.jit
def running_sum(
    buffers, rows, masks, d, REDUCTION: tl.constexpr, PROGRAM: tl.constexpr, SHAPE: tl.constexpr
):
    """Store the running sums over units of a field in another one."""
    total = tl.zeros((get(SHAPE, "rows"), 1), tl.float32)
    for j in tl.range(0, get(SHAPE, "tiles"), num_stages=1):
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
