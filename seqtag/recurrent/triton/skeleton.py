"""The Triton kernel of a layer, the same for every cell and for both passes.

It handles time, lengths, directions, products and memory. The part of a cell are two generated
functions: `VALUES` computes a stage of a step for a tile of sequences and units, and `SCALARS`
what is the same for all units of a sequence. `PROGRAM` and `SHAPE` are constants: `fields.py`.

A program owns a tile of sequences in one direction, and some tiles of units. Sequences are
independent of each other, so a step waits for the same sequences' previous step only. How:

    program  a program has all units, and waits for its own threads
    group    programs share the units, and wait for each other by a counter in memory; all of them
             must run at the same time (a cooperative launch)
    launch   programs share the units, and each launch is one step of a cell with one stage

T time, B batch, N directions, H hidden units.
"""

import triton
import triton.language as tl

from seqtag.recurrent.triton.memory import get, load, rows_of, size, store
from seqtag.recurrent.triton.reductions import reduction, running_sum


@triton.jit
def wait(counter, times, SHAPE: tl.constexpr):
    """Wait until what this stage has written can be read by the next one."""
    if get(SHAPE, "wait") == "program":
        tl.debug_barrier()
    if get(SHAPE, "wait") == "group":
        tl.debug_barrier()
        tl.atomic_add(counter, 1, sem="release", scope="gpu")
        expected = times * get(SHAPE, "group")
        while tl.atomic_add(counter, 0, sem="acquire", scope="gpu") < expected:
            pass
        tl.debug_barrier()


@triton.jit
def multiply(a, b, sum, PRECISION: tl.constexpr):
    """Return sum + a b; "exact": in float32 whatever the type of a and b."""
    if PRECISION == "exact":
        sum = tl.dot(a.to(tl.float32), b.to(tl.float32), sum, input_precision="ieee")
    else:
        sum = tl.dot(a, b, sum, input_precision=PRECISION)
    return sum


@triton.jit
def stage_scalars(
    scalars,
    saved,
    buffers,
    rows,
    masks,
    d,
    SCALARS: tl.constexpr,
    NUMBER: tl.constexpr,
    PROGRAM: tl.constexpr,
    SHAPE: tl.constexpr,
):
    """Return what a stage needs that is the same for all units; store running sums."""
    STAGE: tl.constexpr = get(PROGRAM, "stages", NUMBER)
    reduced = ()
    for i in tl.static_range(size(STAGE, "reductions")):
        of: tl.constexpr = get(STAGE, "reductions", i)
        reduced = reduced + (reduction(buffers, rows, masks, d, of, PROGRAM, SHAPE),)
    values = SCALARS(reduced, scalars, NUMBER)
    for i in tl.static_range(size(STAGE, "saved")):
        at = rows[0] * get(PROGRAM, "saved") + get(STAGE, "saved", i, "column")
        value = values[get(STAGE, "saved", i, "value")]
        tl.store(saved + at[:, None], value, mask=masks[0][:, None])
    for i in tl.static_range(size(STAGE, "running")):
        running_sum(buffers, rows, masks, d, get(STAGE, "running", i), PROGRAM, SHAPE)
    if size(STAGE, "running") > 0:
        tl.debug_barrier()
    return values


@triton.jit
def stage_values(
    scalars,
    matrices,
    buffers,
    rows,
    masks,
    d,
    VALUES: tl.constexpr,
    NUMBER: tl.constexpr,
    PROGRAM: tl.constexpr,
    SHAPE: tl.constexpr,
):
    """Compute a stage for all tiles of units of this program.

    The tiles of units, and for each of them the tiles of the operands, are one loop: so the
    matrices of the next tile are on their way while the values of a tile are computed.
    """
    STAGE: tl.constexpr = get(PROGRAM, "stages", NUMBER)
    BU: tl.constexpr = get(SHAPE, "units")
    BK: tl.constexpr = get(SHAPE, "inner")
    BLOCK: tl.constexpr = BU * BK
    parts: tl.constexpr = get(SHAPE, "inner_tiles") if get(STAGE, "sums") > 0 else 1
    first = tl.program_id(2) * get(SHAPE, "share")
    tiles = tl.minimum(get(SHAPE, "share"), get(SHAPE, "tiles") - first)
    # In a block of the matrices the units of the operand are contiguous.
    inside = tl.arange(0, BK)[:, None] + tl.arange(0, BU)[None, :] * BK
    sums = ()
    for q in tl.static_range(get(STAGE, "sums")):
        sums = sums + (tl.zeros((get(SHAPE, "rows"), BU), tl.float32),)
    for j in tl.range(0, tiles * parts, num_stages=get(SHAPE, "loads")):
        tile = first + j // parts
        i = j % parts
        if get(STAGE, "sums") > 0:
            operands = ()
            for p in tl.static_range(size(STAGE, "operands")):
                k = i * BK + tl.arange(0, BK)
                part = load(buffers, rows, masks, d, k, get(STAGE, "operands", p), PROGRAM, SHAPE)
                operands = operands + (part.to(matrices.dtype.element_ty),)
            start = ((d * get(SHAPE, "tiles") + tile) * parts + i) * get(PROGRAM, "blocks")
            added = ()
            for q in tl.static_range(get(STAGE, "sums")):
                sum = tl.where(i == 0, 0.0, sums[q])
                for p in tl.static_range(size(STAGE, "dots")):
                    if get(STAGE, "dots", p, "sum") == q:
                        at = (start + get(STAGE, "dots", p, "block")) * BLOCK + inside
                        operand = operands[get(STAGE, "dots", p, "operand")]
                        block = tl.load(matrices + at)
                        sum = multiply(operand, block, sum, get(SHAPE, "precision"))
                added = added + (sum,)
            sums = added
        if i == parts - 1:
            u = tile * BU + tl.arange(0, BU)
            reads = ()
            for p in tl.static_range(size(STAGE, "reads")):
                part = load(buffers, rows, masks, d, u, get(STAGE, "reads", p), PROGRAM, SHAPE)
                reads = reads + (part.to(tl.float32),)
            values = VALUES(sums, reads, scalars, NUMBER)
            for p in tl.static_range(size(STAGE, "writes")):
                value = values[get(STAGE, "writes", p, "value")]
                to: tl.constexpr = get(STAGE, "writes", p, "field")
                store(value, buffers, rows, masks, d, u, to, PROGRAM, SHAPE)


@triton.jit(do_not_specialize=["time", "batch", "first", "last"])
def run_steps(
    buffers,  # see `program.py`
    matrices,  # packed: (N, tiles of units, tiles of operands, blocks, units, units of operands)
    saved,  # (T, B, N, saved): scalars that the forward pass writes and the backward pass reads
    lengths,  # (B), int32
    counters,  # (tiles of sequences, N), int32, zeros
    time,
    batch,
    first,  # the steps of this launch: first to last - 1
    last,
    VALUES: tl.constexpr,
    SCALARS: tl.constexpr,
    PROGRAM: tl.constexpr,
    SHAPE: tl.constexpr,
):
    """Run some steps of all sequences."""
    row = tl.program_id(0) * get(SHAPE, "rows") + tl.arange(0, get(SHAPE, "rows"))
    d = tl.program_id(1)
    length = tl.load(lengths + row, mask=row < batch, other=0)
    counter = counters + tl.program_id(0) * get(SHAPE, "directions") + d
    stop = tl.minimum(last, tl.max(length))
    for number in range(first, stop):
        s = number
        if get(PROGRAM, "backward"):
            s = stop - 1 - (number - first)
        rows = rows_of(s, length, row, d, time, batch, SHAPE)
        masks = (s < length, s + 1 < length, s == length - 1)
        scalars = ()
        for i in tl.static_range(size(PROGRAM, "given")):
            at = rows[0] * get(PROGRAM, "saved") + get(PROGRAM, "given", i)
            scalars = scalars + (tl.load(saved + at[:, None], mask=masks[0][:, None], other=0),)
        for k in tl.static_range(size(PROGRAM, "stages")):
            scalars = scalars + stage_scalars(
                scalars, saved, buffers, rows, masks, d, SCALARS, k, PROGRAM, SHAPE
            )
            stage_values(scalars, matrices, buffers, rows, masks, d, VALUES, k, PROGRAM, SHAPE)
            wait(counter, (number - first) * size(PROGRAM, "stages") + k + 1, SHAPE)
