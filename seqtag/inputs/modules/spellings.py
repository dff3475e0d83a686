"""A memory of words' vectors from their characters, for tagging.

Legend: U different words of a batch, W characters of the longest one, M those of them that are
new, F features of a spelling, N spellings that are remembered.
"""

from __future__ import annotations

from collections import deque
from itertools import count, islice
from typing import Any

import torch
from torch import Tensor, nn

# A memory that is full is replaced by an empty one, so that tagging a stream stays bounded.
_BYTES = 32 << 20


class Spellings:
    """The output of an encoder of characters for each spelling, computed once.

    Words come again and again: most spellings of a text were there in the batches before.
    Threads may share it, and an exception, Ctrl-C included, may end a call anywhere. When the
    weights change it starts with an empty memory.

    Args:
        characters: the encoder: from (U, W) to (U, F), each row for itself.
    """

    def __init__(self, characters: nn.Module) -> None:
        self._characters = characters
        self._memory: _Memory | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, and a process that is handed one, begins with an empty memory.
        return Spellings, (self._characters,)

    @torch.inference_mode()
    def __call__(self, characters_UW: Tensor) -> Tensor:
        """Return the encoder's output: (U, F)."""
        keys = _keys(characters_UW)
        memory = self._current()
        row_U = memory.rows_of(keys)
        found_UF = memory.table_NF.index_select(0, row_U.clamp(min=0))
        new_M = (row_U < 0).nonzero().squeeze(1)
        if len(new_M):
            made_MF = self._characters(characters_UW.index_select(0, new_M))
            found_UF.index_copy_(0, new_M, made_MF)
            self._add(memory, [keys[number] for number in new_M.tolist()], made_MF)
        return found_UF

    def _current(self) -> _Memory:
        """Return the memory of the present weights: a new one where they changed."""
        # By value: torch's count of changes misses those of a fused optimizer. They are few.
        weights, memory = list(self._characters.parameters()), self._memory
        if memory is None or not memory.is_of(weights):
            self._memory = memory = _Memory(weights, self._characters.output_size)
        return memory

    def _add(self, memory: _Memory, keys: list[bytes], made_MF: Tensor) -> None:
        if not memory.add(keys, made_MF):
            memory = _Memory(memory.weights, self._characters.output_size)
            room = len(memory.table_NF)
            memory.add(keys[:room], made_MF[:room])
            self._memory = memory


class _Memory:
    """Vectors of spellings for certain weights.

    A row is reserved for one call, in one step that no thread or interrupt divides, is written,
    and only then gets its key. Neither changes afterwards. Rows of a call that was interrupted
    stay without a key.

    Attributes:
        weights: copies of the weights that the vectors are of.
        table_NF: the vectors.
    """

    def __init__(self, weights: list[Tensor], size: int) -> None:
        self.weights = [weight.clone() for weight in weights]
        # Of pages that are never written to, the system gives none.
        self.table_NF = weights[0].new_empty(max(1, _BYTES // (weights[0].itemsize * size)), size)
        self._rows: dict[bytes, int] = {}
        self._free = count()

    def is_of(self, weights: list[Tensor]) -> bool:
        """Return whether the vectors are of these weights."""
        # `equal` alone takes weights in another precision for the same.
        return [weight.dtype for weight in weights] == [
            weight.dtype for weight in self.weights
        ] and all(map(torch.equal, weights, self.weights))

    def rows_of(self, keys: list[bytes]) -> Tensor:
        """Return the row of each key, -1 where it has none."""
        return torch.tensor([self._rows.get(key, -1) for key in keys], dtype=torch.int64)

    def add(self, keys: list[bytes], made_MF: Tensor) -> bool:
        """Add the vectors of new keys, or return False where there is not enough room."""
        rows = list(islice(self._free, len(keys)))
        if rows[-1] >= len(self.table_NF):
            return False
        self.table_NF.index_copy_(0, torch.tensor(rows), made_MF)
        # Another thread may have added a key meanwhile: then its first row stays.
        deque(map(self._rows.setdefault, keys, rows), maxlen=0)
        return True


def _keys(characters_UW: Tensor) -> list[bytes]:
    """Return the characters of each spelling, without the padding."""
    width = characters_UW.shape[1] * characters_UW.itemsize
    data = characters_UW.numpy().tobytes()
    return [data[i : i + width].rstrip(b"\0") for i in range(0, len(data), width)]
