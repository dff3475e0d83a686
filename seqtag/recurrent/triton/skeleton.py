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
from seqtag.recurrent.triton.reductions import reduce_units, running_sum


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
    if size(STAGE, "reductions") > 0:
        reduced = reduce_units(buffers, rows, masks, d, NUMBER, PROGRAM, SHAPE)
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
def add_products(
    sums,
    matrices,
    buffers,
    rows,
    masks,
    d,
    tile,
    i,
    NUMBER: tl.constexpr,
    PROGRAM: tl.constexpr,
    SHAPE: tl.constexpr,
):
    """Return the sums for a tile of units, with the products of tile i of the operands added."""
    STAGE: tl.constexpr = get(PROGRAM, "stages", NUMBER)
    BU: tl.constexpr = get(SHAPE, "units")
    BK: tl.constexpr = get(SHAPE, "inner")
    k = i * BK + tl.arange(0, BK)
    operands = ()
    for p in tl.static_range(size(STAGE, "operands")):
        operand = load(buffers, rows, masks, d, k, get(STAGE, "operands", p), PROGRAM, SHAPE)
        operands = operands + (operand.to(matrices.dtype.element_ty),)
    # In a block of the matrices the units of the operand are contiguous.
    inside = tl.arange(0, BK)[:, None] + tl.arange(0, BU)[None, :] * BK
    tiles = (d * get(SHAPE, "tiles") + tile) * get(SHAPE, "inner_tiles") + i
    blocks = matrices + tiles * get(PROGRAM, "blocks") * BU * BK + inside
    results = ()
    for q in tl.static_range(get(STAGE, "sums")):
        sum = tl.where(i == 0, 0.0, sums[q])
        for p in tl.static_range(size(STAGE, "dots")):
            if get(STAGE, "dots", p, "sum") == q:
                block = tl.load(blocks + get(STAGE, "dots", p, "block") * BU * BK)
                factor = operands[get(STAGE, "dots", p, "operand")]
                sum = multiply(factor, block, sum, get(SHAPE, "precision"))
        results = results + (sum,)
    return results


@triton.jit
def compute_values(
    sums,
    scalars,
    buffers,
    rows,
    masks,
    d,
    tile,
    VALUES: tl.constexpr,
    NUMBER: tl.constexpr,
    PROGRAM: tl.constexpr,
    SHAPE: tl.constexpr,
):
    """Compute and store the values of a stage for a tile of units."""
    STAGE: tl.constexpr = get(PROGRAM, "stages", NUMBER)
    u = tile * get(SHAPE, "units") + tl.arange(0, get(SHAPE, "units"))
    reads = ()
    for p in tl.static_range(size(STAGE, "reads")):
        value = load(buffers, rows, masks, d, u, get(STAGE, "reads", p), PROGRAM, SHAPE)
        reads = reads + (value.to(tl.float32),)
    values = VALUES(sums, reads, scalars, NUMBER)
    for p in tl.static_range(size(STAGE, "writes")):
        store(
            *(values[get(STAGE, "writes", p, "value")], buffers, rows, masks, d, u),
            *(get(STAGE, "writes", p, "field"), PROGRAM, SHAPE),
        )


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
    COUNT: tl.constexpr = get(PROGRAM, "stages", NUMBER, "sums")
    PARTS: tl.constexpr = get(SHAPE, "inner_tiles") if COUNT > 0 else 1
    LOADS: tl.constexpr = get(SHAPE, "loads") if COUNT > 0 else 1
    first = tl.program_id(2) * get(SHAPE, "share")
    tiles = tl.minimum(get(SHAPE, "share"), get(SHAPE, "tiles") - first)
    sums = ()
    for _ in tl.static_range(COUNT):
        sums = sums + (tl.zeros((get(SHAPE, "rows"), get(SHAPE, "units")), tl.float32),)
    for j in tl.range(0, tiles * PARTS, num_stages=LOADS):
        tile = first + j // PARTS
        i = j % PARTS
        if COUNT > 0:
            sums = add_products(
                sums, matrices, buffers, rows, masks, d, tile, i, NUMBER, PROGRAM, SHAPE
            )
        if i == PARTS - 1:
            compute_values(
                sums, scalars, buffers, rows, masks, d, tile, VALUES, NUMBER, PROGRAM, SHAPE
            )


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
            scalars = scalars + (tl.load(saved + at[:, None], mask=masks[0][:, None], other=1),)
        for k in tl.static_range(size(PROGRAM, "stages")):
            scalars = scalars + stage_scalars(
                scalars, saved, buffers, rows, masks, d, SCALARS, k, PROGRAM, SHAPE
            )
            stage_values(scalars, matrices, buffers, rows, masks, d, VALUES, k, PROGRAM, SHAPE)
            wait(counter, (number - first) * size(PROGRAM, "stages") + k + 1, SHAPE)
