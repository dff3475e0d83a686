"""Immutable tables of word ids; an extended table shares its arrays with the original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np


class Column:
    """An immutable sequence of values, stored at the beginning of an array with room for more.

    `extend` returns a longer column, which may share the array. It must be called at most once on
    each column, since two longer columns would write to the same memory.
    """

    __slots__ = ("_data", "size", "values")

    def __init__(self, data: np.ndarray, size: int) -> None:
        self._data, self.size = data, size
        self.values = data[:size]

    @classmethod
    def empty(cls, dtype: Any = np.int64) -> Column:
        """Return an empty column."""
        return cls(np.empty(1024, dtype), 0)

    def extend(self, values: Sequence[int] | np.ndarray) -> Column:
        """Return a longer column with `values` appended, in amortised constant time per value."""
        data, end = self._data, self.size + len(values)
        if end > len(data):
            data = np.empty(max(end, 2 * len(data)), data.dtype)
            data[: self.size] = self.values
        data[self.size : end] = values
        return Column(data, end)

    def copy(self) -> Column:
        """Return an independent copy."""
        return Column(self.values.copy(), self.size)


class Ragged:
    """An immutable sequence of rows of different lengths, stored one after the other."""

    __slots__ = ("counts", "flat", "starts")

    def __init__(self, flat: Column, starts: Column, counts: Column) -> None:
        self.flat, self.starts, self.counts = flat, starts, counts

    @classmethod
    def empty(cls) -> Ragged:
        """Return an empty sequence."""
        return cls(*(Column.empty() for _ in range(3)))

    def extend(self, rows: Sequence[Sequence[int]]) -> Ragged:
        """Return these rows with further rows appended; call it at most once, as with `Column`."""
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
        """Return an independent copy."""
        return Ragged(self.flat.copy(), self.starts.copy(), self.counts.copy())


class Table:
    """An immutable table of word ids: a row for each word number, a column for each input."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Mapping[str, Column | Ragged]) -> None:
        self._columns = columns

    @classmethod
    def empty(cls, ragged: Mapping[str, bool]) -> Table:
        """Return an empty table; `ragged` says for each column whether a word has a list of ids."""
        return cls(
            {name: (Ragged if is_ragged else Column).empty() for name, is_ragged in ragged.items()}
        )

    def __len__(self) -> int:
        return next(iter(self._columns.values())).size

    def extend(self, new: Mapping[str, Sequence[Any]]) -> Table:
        """Return a longer table with the values of further words, by column.

        It must be called at most once on each table.
        """
        return Table({name: column.extend(new[name]) for name, column in self._columns.items()})

    def copy(self) -> Table:
        """Return an independent copy."""
        return Table({name: column.copy() for name, column in self._columns.items()})

    def values(self, name: str) -> np.ndarray:
        """Return the values of a column, one per word."""
        return self._columns[name].values

    def padded(self, name: str, numbers: np.ndarray) -> np.ndarray:
        """Return the lists of the given words in a column, padded with 0: (U, W), W at least 1."""
        rows = self._columns[name]
        starts, counts = rows.starts.values[numbers], rows.counts.values[numbers]
        width = np.arange(max(1, counts.max(initial=1)))
        inside = width < counts[:, None]
        padded = np.zeros(inside.shape, np.int64)
        padded[inside] = rows.flat.values[(starts[:, None] + width)[inside]]
        return padded

    def rows(self, name: str, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the lengths of the given words' lists in a column, and the lists concatenated."""
        rows = self._columns[name]
        starts, counts = rows.starts.values[numbers], rows.counts.values[numbers]
        ends = np.cumsum(counts)
        positions = np.arange(ends[-1] if len(ends) else 0)
        return counts, rows.flat.values[positions + np.repeat(starts - (ends - counts), counts)]
