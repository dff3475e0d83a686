"""Cache of the character-based vectors of words, for tagging.

Legend: U distinct words of a batch, W characters of the longest one, M new ones among the U
words, F features of a spelling, N spellings in the cache.
"""

from __future__ import annotations

from collections import deque
from itertools import count, islice
from typing import Any

import torch
from torch import Tensor, nn

# A full cache is replaced by an empty one, so that memory stays bounded on endless streams.
_BYTES = 32 << 20


class SpellingCache:
    """Caches the output of a character encoder for each spelling, since most words recur.

        spelled_UF = SpellingCache(characters)(characters_UW)

    Threads can share it, and an exception (Ctrl-C included) can end a call at any point. If the
    weights change, it starts with an empty table.

    Args:
        characters: the encoder from (U, W) to (U, F), which encodes each row independently.
    """

    def __init__(self, characters: nn.Module) -> None:
        self._characters = characters
        self._table: _Table | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies and pickles start with an empty cache.
        return SpellingCache, (self._characters,)

    @torch.inference_mode()
    def __call__(self, characters_UW: Tensor) -> Tensor:
        """Return the encoder's output: (U, F)."""
        keys = _keys(characters_UW)
        table = self._current()
        row_U = table.rows_of(keys)
        output_UF = table.vectors_NF.index_select(0, row_U.clamp(min=0))
        new_M = (row_U < 0).nonzero().squeeze(1)
        if len(new_M):
            new_MF = self._characters(characters_UW.index_select(0, new_M))
            output_UF.index_copy_(0, new_M, new_MF)
            self._add(table, [keys[number] for number in new_M.tolist()], new_MF)
        return output_UF

    def _current(self) -> _Table:
        """Return the table for the current weights, a new one if they have changed."""
        # Compare values: torch's version counter misses updates by a fused optimizer. The weights
        # are few.
        weights, table = list(self._characters.parameters()), self._table
        if table is None or not table.is_for(weights):
            self._table = table = _Table(weights, self._characters.output_size)
        return table

    def _add(self, table: _Table, keys: list[bytes], new_MF: Tensor) -> None:
        if not table.add(keys, new_MF):
            table = _Table(table.weights, self._characters.output_size)
            capacity = len(table.vectors_NF)
            table.add(keys[:capacity], new_MF[:capacity])
            self._table = table


class _Table:
    """Vectors of spellings, computed with certain weights.

    A call first reserves rows, in one step that neither threads nor interrupts can split, then
    writes them, and only then adds their keys. Rows and keys never change afterwards. Rows of an
    interrupted call stay without a key.

    Attributes:
        weights: copies of the weights.
        vectors_NF: the vectors.
    """

    def __init__(self, weights: list[Tensor], size: int) -> None:
        self.weights = [weight.clone() for weight in weights]
        # The system only allocates pages that are written to.
        capacity = max(1, _BYTES // (weights[0].itemsize * size))
        self.vectors_NF = weights[0].new_empty(capacity, size)
        self._rows: dict[bytes, int] = {}
        self._free = count()

    def is_for(self, weights: list[Tensor]) -> bool:
        """Return whether the vectors were computed with these weights."""
        # `torch.equal` ignores the dtype.
        return [weight.dtype for weight in weights] == [
            weight.dtype for weight in self.weights
        ] and all(map(torch.equal, weights, self.weights))

    def rows_of(self, keys: list[bytes]) -> Tensor:
        """Return the row of each key, -1 if it has none."""
        return torch.tensor([self._rows.get(key, -1) for key in keys], dtype=torch.int64)

    def add(self, keys: list[bytes], new_MF: Tensor) -> bool:
        """Add the vectors of new keys; return False if there is not enough room."""
        rows = list(islice(self._free, len(keys)))
        if rows[-1] >= len(self.vectors_NF):
            return False
        self.vectors_NF.index_copy_(0, torch.tensor(rows), new_MF)
        # Another thread may have added a key in the meantime; then its first row stays.
        deque(map(self._rows.setdefault, keys, rows), maxlen=0)
        return True


def _keys(characters_UW: Tensor) -> list[bytes]:
    """Return the characters of each spelling as bytes, without padding."""
    width = characters_UW.shape[1] * characters_UW.itemsize
    data = characters_UW.numpy().tobytes()
    return [data[i : i + width].rstrip(b"\0") for i in range(0, len(data), width)]
