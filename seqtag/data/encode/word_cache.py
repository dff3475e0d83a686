"""Cache of the ids that follow from a word alone, looked up by the word's number.

Threads can share a cache, and an exception (Ctrl-C included) can end a call at any point:

- A `Table` never changes. A call reads numbers and rows of a single table.
- The ids of new words are computed first. Then their rows are written after the end of all
  published tables, then a longer table is published by one assignment, and only then the words'
  numbers. So every number has a row.
- Only one call at a time can append to a table: the one that has popped it from a list. If this
  call has not put the longer table back, because it was interrupted or is still running, the next
  call continues on a copy. There are no locks, so neither an interrupt nor a fork can leave one
  locked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqtag.errors import InputError
from seqtag.inputs.base import WordInput
from seqtag.inputs.word_table import Table

# A cache with more words than this is emptied, so that memory stays bounded on endless streams.
_MAX_WORDS = 200_000


class _CachedWords:
    """Words, and the latest table, which has rows for all of them.

    Attributes:
        numbers: the number of each word. It is added after its row and never changed.
        table: the latest table; only replaced by longer ones.
        extensible: holds the latest table; empty while a call extends it.
    """

    def __init__(self, numbers: dict[str, int], table: Table) -> None:
        self.numbers, self.table, self.extensible = numbers, table, [table]

    def copy(self) -> _CachedWords:
        """Return an independent copy."""
        numbers = dict(self.numbers)  # before the table, which then has a row for each number
        return _CachedWords(numbers, self.table.copy())


class WordCache:
    """Cache of the ids that each `WordInput` assigns to words."""

    def __init__(self, inputs: Mapping[str, WordInput]) -> None:
        self._inputs = dict(inputs)
        self._cached = self._empty()

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies and pickles start with an empty cache.
        return WordCache, (self._inputs,)

    def _empty(self) -> _CachedWords:
        return _CachedWords(
            {}, Table.empty({name: input_.ragged for name, input_ in self._inputs.items()})
        )

    def lookup(self, words: Sequence[str]) -> tuple[np.ndarray, Table]:
        """Return the number of each word and the table of rows for them; new words are added."""
        cached = self._cached
        if len(cached.table) > _MAX_WORDS:
            self._cached = cached = self._empty()
        numbers = cached.numbers
        if new := [word for word in dict.fromkeys(words) if word not in numbers]:
            cached = self._add(cached, new)
        rows = np.fromiter(map(cached.numbers.__getitem__, words), np.int64, len(words))
        return rows, cached.table  # read after the numbers, so it has a row for each

    def _add(self, cached: _CachedWords, words: list[str]) -> _CachedWords:
        """Add words to `cached`, or to a copy that replaces it, and return the one used."""
        ids = self._ids(words)
        try:
            table = cached.extensible.pop()
        except IndexError:
            self._cached = cached = cached.copy()
            table = cached.extensible.pop()
        longer = table.extend(ids)
        cached.table = longer
        cached.extensible.append(longer)
        # Another thread may have added a word in the meantime; then its first number stays.
        numbers = range(len(table), len(longer))
        deque(map(cached.numbers.setdefault, words, numbers), maxlen=0)
        return cached

    def _ids(self, words: list[str]) -> dict[str, Sequence[Any]]:
        by_input = {name: input_.ids(words) for name, input_ in self._inputs.items()}
        for name, ids in by_input.items():
            if len(ids) != len(words):
                raise InputError(f"input {name!r}: {len(ids)} ids for {len(words)} words")
        return by_input
