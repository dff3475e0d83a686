"""A memory of words' vectors from their characters, for tagging.

Legend: U different words of a batch, W characters of the longest one, M those of them that are
new, F features of a spelling, N spellings that are remembered.
"""

from __future__ import annotations

from threading import Lock

import torch
from torch import Tensor, nn

# When it is full the memory is emptied, so that tagging a stream stays bounded.
_BYTES = 32 << 20


class Spellings:
    """What an encoder of characters makes of each spelling, worked out once.

    Words come again and again: most spellings of a text were there in the batches before.
    Threads may share a memory. When the weights are no longer the same it begins anew.

    Args:
        characters: the encoder: from (U, W) to (U, F), each row for itself.
    """

    def __init__(self, characters: nn.Module) -> None:
        self._characters = characters
        self._lock = Lock()
        self._weights: list[Tensor] = []

    @torch.inference_mode()
    def __call__(self, characters_UW: Tensor) -> Tensor:
        """Return what the encoder does: (U, F)."""
        keys = _keys(characters_UW)
        with self._lock:
            self._look_at_weights()
            row_U = torch.tensor([self._rows.get(key, -1) for key in keys], dtype=torch.int64)
            # A copy: whatever other threads add or empty from here on.
            found_UF = self._table_NF.index_select(0, row_U.clamp(min=0))
        new_M = (row_U < 0).nonzero().squeeze(1)
        if len(new_M):
            made_MF = self._characters(characters_UW.index_select(0, new_M))
            found_UF.index_copy_(0, new_M, made_MF)
            with self._lock:
                self._add([keys[number] for number in new_M.tolist()], made_MF)
        return found_UF

    def _look_at_weights(self) -> None:
        # By value: torch's count of changes misses those of a fused optimizer. They are few.
        weights = list(self._characters.parameters())
        if len(weights) == len(self._weights) and all(map(torch.equal, weights, self._weights)):
            return
        self._weights = [weight.clone() for weight in weights]
        self._empty()
        size = self._characters.output_size
        # Of pages that are never written to, the system gives none.
        self._table_NF = weights[0].new_empty(max(1, _BYTES // (weights[0].itemsize * size)), size)

    def _empty(self) -> None:
        self._rows: dict[bytes, int] = {}
        self._used = 0

    def _add(self, keys: list[bytes], made_MF: Tensor) -> None:
        room = len(self._table_NF)
        if self._used + len(keys) > room:
            self._empty()
            keys = keys[:room]
        first, self._used = self._used, self._used + len(keys)
        self._table_NF[first : self._used] = made_MF[: len(keys)]
        # Two threads may have met the same word: then it has two rows.
        self._rows.update(zip(keys, range(first, self._used), strict=True))


def _keys(characters_UW: Tensor) -> list[bytes]:
    """Return the characters of each spelling, without the padding."""
    width = characters_UW.shape[1] * characters_UW.itemsize
    data = characters_UW.numpy().tobytes()
    return [data[i : i + width].rstrip(b"\0") for i in range(0, len(data), width)]
