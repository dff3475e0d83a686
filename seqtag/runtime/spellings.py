"""Vectors of the words that the graph has spelled before, since most words recur.

Legend: B sentences, T words, U distinct words of a batch, W characters of the longest one, N of
the U words that are new, F features of a word's vector.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

# A full cache is replaced by an empty one, so that memory stays bounded on endless streams.
_MOST_BYTES = 16 << 20

CHARACTERS, SPELLING = "characters_UW", "spelling_BT"


class SpellingCache:
    """Keeps the vectors of words, by their characters. Threads can share it.

    Args:
        size: F.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._most = _MOST_BYTES // (4 * size)
        self._vectors: dict[bytes, np.ndarray] = {}

    def split(
        self, arrays: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, np.ndarray], np.ndarray, list[bytes]]:
        """Leave out the characters of known words, but for one if all are known.

        Returns:
            The arrays of a batch, in which the new words precede the known ones; the vectors of the
            known ones; and the keys of the new ones, for `add`.
        """
        characters_UW = arrays[CHARACTERS]
        vectors = self._vectors
        keys = _keys(characters_UW)
        known = [vectors.get(key) for key in keys]
        if not any(vector_F is None for vector_F in known):
            known[0] = None  # recurrent layers of onnxruntime crash on a batch without words
        new_N = [u for u, vector_F in enumerate(known) if vector_F is None]
        old = [u for u, vector_F in enumerate(known) if vector_F is not None]
        row_U = np.empty(len(keys), np.int64)
        row_U[[*new_N, *old]] = np.arange(len(keys))
        split = {
            **arrays,
            CHARACTERS: characters_UW[new_N],
            SPELLING: row_U[arrays[SPELLING]],
        }
        known_VF = np.zeros((0, self._size), np.float32)
        if old:
            known_VF = np.stack([known[u] for u in old])
        return split, known_VF, [keys[u] for u in new_N]

    def add(self, keys: list[bytes], vectors_NF: np.ndarray) -> None:
        """Keep the vectors of new words."""
        if len(self._vectors) + len(keys) > self._most:
            self._vectors = {}
        # Copies, because a row would keep the whole array in memory.
        self._vectors.update(
            (key, vector_F.copy()) for key, vector_F in zip(keys, vectors_NF, strict=True)
        )


def _keys(characters_UW: np.ndarray) -> list[bytes]:
    """Return the characters of each word as bytes, without padding."""
    width = characters_UW.shape[1] * characters_UW.itemsize
    data = characters_UW.tobytes()
    return [data[i : i + width].rstrip(b"\0") for i in range(0, len(data), width)]
