"""What is known of each different word: computed once, then gathered by number.

Threads may share a memory of words, and an exception, Ctrl-C included, may end a call anywhere:

- A `Table` never changes. A call reads numbers and rows of one table.
- What is known of new words is computed first. Then their rows are written where no table that
  was handed out reads, then a larger table is published by one assignment, and only then are the
  words' numbers. So a number always has its row.
- Only one call at a time may write behind a table: the one that took it from a list. If it never
  puts the larger table back, because it was interrupted or is still at work, the next call
  continues on a copy. There is no lock, so none can be left locked, by a fork either.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqtag.errors import InputError
from seqtag.inputs.base import WordInput
from seqtag.inputs.wordtable import Table

# Beyond this many remembered words the memory is emptied, so that tagging a stream stays bounded.
_MEMORY = 200_000


class _Memory:
    """Words, and the latest table that has rows for all of them.

    Attributes:
        numbers: the words' numbers. A number is added after its row and never changed.
        table: the latest table; replaced by longer ones only.
        extensible: holds the latest table, or nothing where a call has taken it.
    """

    def __init__(self, numbers: dict[str, int], table: Table) -> None:
        self.numbers, self.table, self.extensible = numbers, table, [table]

    def copy(self) -> _Memory:
        """Return a memory of the same words that shares nothing with this one."""
        numbers = dict(self.numbers)  # first, so that the table has a row for each of them
        return _Memory(numbers, self.table.copy())


class WordForms:
    """A memory of words: what each input makes of a word alone."""

    def __init__(self, inputs: Mapping[str, WordInput]) -> None:
        self._inputs = dict(inputs)
        self._memory = self._fresh()

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, and a process that is handed one, begins with an empty memory.
        return WordForms, (self._inputs,)

    def _fresh(self) -> _Memory:
        return _Memory(
            {}, Table.empty({name: input_.ragged for name, input_ in self._inputs.items()})
        )

    def lookup(self, words: Sequence[str]) -> tuple[np.ndarray, Table]:
        """Return the number of each word and the table that they are for; new words are learned."""
        memory = self._memory
        if len(memory.table) > _MEMORY:
            self._memory = memory = self._fresh()
        numbers = memory.numbers
        if new := [word for word in dict.fromkeys(words) if word not in numbers]:
            memory = self._learn(memory, new)
        forms = np.fromiter(map(memory.numbers.__getitem__, words), np.int64, len(words))
        return forms, memory.table  # read after the numbers: it has a row for each

    def _learn(self, memory: _Memory, words: list[str]) -> _Memory:
        """Return a memory that has the words: `memory`, or a copy that takes its place."""
        new = self._describe(words)
        try:
            table = memory.extensible.pop()
        except IndexError:
            self._memory = memory = memory.copy()
            table = memory.extensible.pop()
        longer = table.extend(new)
        memory.table = longer
        memory.extensible.append(longer)
        # Another thread may have added a word meanwhile: then its first number stays.
        numbers = range(len(table), len(longer))
        deque(map(memory.numbers.setdefault, words, numbers), maxlen=0)
        return memory

    def _describe(self, words: list[str]) -> dict[str, Sequence[Any]]:
        new = {name: input_.ids(words) for name, input_ in self._inputs.items()}
        for name, ids in new.items():
            if len(ids) != len(words):
                raise InputError(f"input {name!r}: {len(ids)} ids of {len(words)} words")
        return new
