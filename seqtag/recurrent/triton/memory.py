"""How the Triton kernel reads and writes the fields of `fields.py`.

T time, B batch, N directions, H hidden units. `rows` holds the row of each place, `masks` which
sequences run at this step, run at the next one, and end here; u are the units of a tile.
"""

from typing import Any

import triton
import triton.language as tl

from seqtag.recurrent.triton import fields

AFTER = tl.constexpr(fields.AFTER)
END = tl.constexpr(fields.END)
UNIT = tl.constexpr(fields.UNIT)
TOTAL = tl.constexpr(fields.TOTAL)


# Triton compiles a function only if all that it calls is marked for it too.
@triton.constexpr_function
def get(thing: Any, *path: str | int) -> Any:
    """Return a part of a constant, by names of attributes and numbers of elements."""
    for name in path:
        thing = getattr(thing, name) if isinstance(name, str) else thing[name]
    return thing


@triton.constexpr_function
def size(thing: Any, name: str) -> int:
    """Return the number of elements of an attribute of a constant."""
    return len(getattr(thing, name))


@triton.jit
def time_of(s, length, d):
    """Return the time of step s: the second direction starts at the sequence's end."""
    return tl.where(d == 0, s, length - 1 - s)


@triton.jit
def rows_of(s, length, row, d, time, batch, SHAPE: tl.constexpr):
    """Return the row of each place in the order of `fields.py`, up to the last that has one."""
    N: tl.constexpr = get(SHAPE, "directions")
    sequence = row.to(tl.int64) * N + d
    stride = batch.to(tl.int64) * N
    now = time_of(s, length, d) * stride + sequence
    before = tl.where(s == 0, time, time_of(s - 1, length, d)) * stride + sequence
    after = time_of(s + 1, length, d) * stride + sequence
    even = (s % 2) * stride + sequence
    odd = ((s + 1) % 2) * stride + sequence
    return now, before, after, sequence, sequence, sequence, even, odd


@triton.jit
def pointers(buffers, rows, d, u, FIELD: tl.constexpr, PROGRAM: tl.constexpr, SHAPE: tl.constexpr):
    """Return the addresses of a field's values: (sequences, units), of a vector (1, units)."""
    buffer: tl.constexpr = get(FIELD, "buffer")
    column: tl.constexpr = get(FIELD, "column")
    width: tl.constexpr = get(PROGRAM, "widths", buffer)
    H: tl.constexpr = get(SHAPE, "hidden")
    if get(FIELD, "place") == UNIT:
        at = (d * width + column) * H + u[None, :]
    else:
        at = (rows[get(FIELD, "place")] * width + column)[:, None] * H + u[None, :]
    return buffers[buffer] + at


@triton.jit
def mask_of(masks, u, FIELD: tl.constexpr, SHAPE: tl.constexpr):
    """Return which of a field's values exist."""
    inside = (u < get(SHAPE, "hidden"))[None, :]
    if get(FIELD, "place") == AFTER:
        inside = masks[1][:, None] & inside
    elif get(FIELD, "place") == END:
        inside = masks[2][:, None] & inside
    elif get(FIELD, "place") != UNIT:
        inside = masks[0][:, None] & inside
    return inside


@triton.jit
def load(
    buffers, rows, masks, d, u, FIELD: tl.constexpr, PROGRAM: tl.constexpr, SHAPE: tl.constexpr
):
    """Return a field's values, 0 where there are none."""
    at = pointers(buffers, rows, d, u, FIELD, PROGRAM, SHAPE)
    return tl.load(at, mask=mask_of(masks, u, FIELD, SHAPE), other=0)


@triton.jit
def store(
    value,
    buffers,
    rows,
    masks,
    d,
    u,
    FIELD: tl.constexpr,
    PROGRAM: tl.constexpr,
    SHAPE: tl.constexpr,
):
    """Store a field's values, or add their sum over the sequences to a total."""
    mask = mask_of(masks, u, FIELD, SHAPE)
    if get(FIELD, "place") == TOTAL:
        buffer: tl.constexpr = get(FIELD, "buffer")
        row = tl.program_id(0) * get(SHAPE, "directions") + d
        column = row * get(PROGRAM, "widths", buffer) + get(FIELD, "column")
        at = buffers[buffer] + column * get(SHAPE, "hidden") + u
        inside = u < get(SHAPE, "hidden")
        total = tl.sum(tl.where(mask, value, 0.0), axis=0)
        tl.store(at, tl.load(at, mask=inside, other=0) + total, mask=inside)
    else:
        tl.store(pointers(buffers, rows, d, u, FIELD, PROGRAM, SHAPE), value, mask=mask)
