"""Tables of words that grow without changing: a longer one shares the arrays of a shorter one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np


class Column:
    """The first values of an array that has room for more.

    It does not change: `extend` returns a longer one, which may share the array. Of one column at
    most one may be made by `extend`, as both would write to the same place.
    """

    __slots__ = ("_data", "size", "values")

    def __init__(self, data: np.ndarray, size: int) -> None:
        self._data, self.size = data, size
        self.values = data[:size]

    @classmethod
    def empty(cls, dtype: Any = np.int64) -> Column:
        """Return a column without values."""
        return cls(np.empty(1024, dtype), 0)

    def extend(self, values: Sequence[int] | np.ndarray) -> Column:
        """Return this column with values added at the end, in amortised constant time."""
        data, end = self._data, self.size + len(values)
        if end > len(data):
            data = np.empty(max(end, 2 * len(data)), data.dtype)
            data[: self.size] = self.values
        data[self.size : end] = values
        return Column(data, end)

    def copy(self) -> Column:
        """Return a column that shares nothing with this one."""
        return Column(self.values.copy(), self.size)


class Ragged:
    """Rows of different lengths, one after the other; it does not change."""

    __slots__ = ("counts", "flat", "starts")

    def __init__(self, flat: Column, starts: Column, counts: Column) -> None:
        self.flat, self.starts, self.counts = flat, starts, counts

    @classmethod
    def empty(cls) -> Ragged:
        """Return no rows."""
        return cls(*(Column.empty() for _ in range(3)))

    def extend(self, rows: Sequence[Sequence[int]]) -> Ragged:
        """Return these rows with further ones; as with a column, at most once."""
        counts = np.fromiter(map(len, rows), np.int64, len(rows))
        flat = np.fromiter(chain.from_iterable(rows), np.int64, counts.sum())
        starts = self.flat.size + np.cumsum(counts) - counts
        return Ragged(
            self.flat.extend(flat), self.starts.extend(starts), self.counts.extend(counts)
        )

    def copy(self) -> Ragged:
        """Return rows that share nothing with these."""
        return Ragged(self.flat.copy(), self.starts.copy(), self.counts.copy())


@dataclass(frozen=True)
class New:
    """What is known of words that have no number yet, a value each."""

    word_ids: Sequence[int]
    case_ids: Sequence[int]
    spelling: Sequence[Sequence[int]]
    pieces: Sequence[Sequence[int]]


class Table:
    """What is known of words, by their numbers; it does not change."""

    __slots__ = ("_cases", "_pieces", "_spelling", "_words")

    def __init__(self, words: Column, cases: Column, spelling: Ragged, pieces: Ragged) -> None:
        self._words, self._cases, self._spelling, self._pieces = words, cases, spelling, pieces

    @classmethod
    def empty(cls) -> Table:
        """Return a table of no words."""
        return cls(Column.empty(), Column.empty(), Ragged.empty(), Ragged.empty())

    def __len__(self) -> int:
        return self._words.size

    def extend(self, new: New) -> Table:
        """Return a table with further words, at most one of each table."""
        return Table(
            self._words.extend(new.word_ids),
            self._cases.extend(new.case_ids),
            self._spelling.extend(new.spelling),
            self._pieces.extend(new.pieces),
        )

    def copy(self) -> Table:
        """Return a table that shares nothing with this one."""
        parts = (self._words, self._cases, self._spelling, self._pieces)
        return Table(*(part.copy() for part in parts))

    @property
    def word_ids(self) -> np.ndarray:
        """Vocabulary id of each word."""
        return self._words.values

    @property
    def case_ids(self) -> np.ndarray:
        """Letter case of each word, an index into `CASES`."""
        return self._cases.values

    def spellings(self, forms: np.ndarray) -> np.ndarray:
        """Return the character ids of words, padded with 0: (U, W), W at least 1."""
        rows = self._spelling
        starts, counts = rows.starts.values[forms], rows.counts.values[forms]
        width = np.arange(max(1, counts.max(initial=1)))
        inside = width < counts[:, None]
        padded = np.zeros(inside.shape, np.int64)
        padded[inside] = rows.flat.values[(starts[:, None] + width)[inside]]
        return padded

    def pieces(self, forms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of pieces of each word, and all pieces one after the other."""
        rows = self._pieces
        starts, counts = rows.starts.values[forms], rows.counts.values[forms]
        ends = np.cumsum(counts)
        positions = np.arange(ends[-1] if len(ends) else 0)
        return counts, rows.flat.values[positions + np.repeat(starts - (ends - counts), counts)]
