"""How the work of a layer is divided among the programs of a GPU.

A program that has all units of its sequences reads every recurrent matrix at each step, as fast as
one multiprocessor can. If the matrices are small, or programs for all tiles of sequences occupy
the GPU, nothing is faster. Otherwise programs share the units, and wait for each other.
"""

import torch

from seqtag.recurrent.triton.fields import Shape
from seqtag.recurrent.triton.kernel import is_interpreted, products_precision
from seqtag.recurrent.triton.program import Pass

# Recurrent matrices up to this size are read by one program at a time.
SMALL_BYTES = 150_000
ROWS = 16  # sequences of a tile: the least that tensor cores multiply


def choose_shape(
    of: Pass, batch: int, directions: int, hidden: int, dtype: torch.dtype, device: torch.device
) -> Shape:
    """Return the shape for one pass of a layer.

    Args:
        of: the pass.
        batch: sequences.
        directions: N.
        hidden: H.
        dtype: the dtype of products.
        device: the device.
    """
    precision = products_precision(dtype)
    if is_interpreted():
        return Shape(directions, hidden, ROWS, 16, 16, -(-hidden // 16), "program", precision)
    if not of.program.blocks and len(of.program.stages) == 1:
        # Units are independent too: no program waits for another one.
        units = _tile(hidden, 64)
        return Shape(directions, hidden, ROWS, units, 16, 1, "program", precision)
    processors = torch.cuda.get_device_properties(device).multi_processor_count
    tiles = -(-batch // ROWS) * directions
    units = _tile(hidden, 16)
    matrices = of.program.blocks * hidden * hidden * dtype.itemsize
    group = tiles * -(-hidden // units)
    if matrices > SMALL_BYTES and 2 * tiles < processors and group <= processors:
        return Shape(directions, hidden, ROWS, units, _tile(hidden, 64), 1, "group", precision)
    wide = dtype.itemsize < 4
    units, inner = _tile(hidden, 64), _tile(hidden, 64 if wide else 32)
    share = -(-hidden // units)
    return Shape(directions, hidden, ROWS, units, inner, share, "program", precision, warps=8)


def _tile(size: int, largest: int) -> int:
    """Return the power of 2 from 16 to `largest` that covers a size with the fewest tiles."""
    tile = 16
    while tile < min(size, largest):
        tile *= 2
    return tile
