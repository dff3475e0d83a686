"""Tables of words that grow without changing: a longer one shares the arrays of a shorter one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    @property
    def size(self) -> int:
        """Number of rows."""
        return self.starts.size

    def copy(self) -> Ragged:
        """Return rows that share nothing with these."""
        return Ragged(self.flat.copy(), self.starts.copy(), self.counts.copy())


class Table:
    """Ids of words by their numbers, a column for each input; it does not change."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Mapping[str, Column | Ragged]) -> None:
        self._columns = columns

    @classmethod
    def empty(cls, ragged: Mapping[str, bool]) -> Table:
        """Return a table of no words; `ragged` says for each column whether a word has a list."""
        return cls({name: (Ragged if is_so else Column).empty() for name, is_so in ragged.items()})

    def __len__(self) -> int:
        return next(iter(self._columns.values())).size

    def extend(self, new: Mapping[str, Sequence[Any]]) -> Table:
        """Return a table with further words, at most one of each table.

        `new` has the values of the words by column.
        """
        return Table({name: column.extend(new[name]) for name, column in self._columns.items()})

    def copy(self) -> Table:
        """Return a table that shares nothing with this one."""
        return Table({name: column.copy() for name, column in self._columns.items()})

    def values(self, name: str) -> np.ndarray:
        """Return the values of a column, one a word."""
        return self._columns[name].values

    def padded(self, name: str, numbers: np.ndarray) -> np.ndarray:
        """Return the lists of words in a column, padded with 0: (U, W), W at least 1."""
        rows = self._columns[name]
        starts, counts = rows.starts.values[numbers], rows.counts.values[numbers]
        width = np.arange(max(1, counts.max(initial=1)))
        inside = width < counts[:, None]
        padded = np.zeros(inside.shape, np.int64)
        padded[inside] = rows.flat.values[(starts[:, None] + width)[inside]]
        return padded

    def rows(self, name: str, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the length of each word's list in a column, and all lists one after the other."""
        rows = self._columns[name]
        starts, counts = rows.starts.values[numbers], rows.counts.values[numbers]
        ends = np.cumsum(counts)
        positions = np.arange(ends[-1] if len(ends) else 0)
        return counts, rows.flat.values[positions + np.repeat(starts - (ends - counts), counts)]
