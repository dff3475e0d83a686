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
from collections.abc import Sequence
from typing import Any

import numpy as np

from seqtag.data.encode.vocabulary import Vocabulary
from seqtag.data.encode.wordtable import New, Table

# Letter-case classes; 0 is padding.
CASES = ("", "lower", "upper", "title", "mixed", "number", "part_number", "other")
# Beyond this many remembered words the memory is emptied, so that tagging a stream stays bounded.
_MEMORY = 200_000


def letter_case(word: str) -> int:
    """Return the letter-case class of a word, an index into `CASES`."""
    digits = sum(map(str.isdigit, word))
    if digits:
        rest = word.translate(_NUMBER_MARKS)
        return 5 if rest.isdigit() or not rest else 6
    if word.islower():
        return 1
    if word.isupper():
        return 2 if len(word) > 1 else 3
    if word[:1].isupper() and (word[1:].islower()):
        return 3
    return 4 if any(map(str.isupper, word)) else 7


_NUMBER_MARKS = str.maketrans("", "", ".,:-/+")


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
    """A memory of words: vocabulary id, letter case, spelling and subword pieces."""

    def __init__(
        self, words: Vocabulary, characters: Vocabulary, subwords: Any, max_characters: int
    ) -> None:
        self._words, self._characters, self._subwords = words, characters, subwords
        self._max_characters = max_characters
        self._memory = _Memory({}, Table.empty())

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, and a process that is handed one, begins with an empty memory.
        made_of = (self._words, self._characters, self._subwords, self._max_characters)
        return WordForms, made_of

    def lookup(self, words: Sequence[str]) -> tuple[np.ndarray, Table]:
        """Return the number of each word and the table that they are for; new words are learned."""
        memory = self._memory
        if len(memory.table) > _MEMORY:
            self._memory = memory = _Memory({}, Table.empty())
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

    def _describe(self, words: list[str]) -> New:
        pieces: list[list[int]] = []
        if self._subwords is not None:
            encodings = self._subwords.encode_batch(
                [[word] for word in words], is_pretokenized=True, add_special_tokens=False
            )
            # Ids are moved up by one: 0 is padding. A word that the tokenizer's
            # normalisation leaves nothing of is its piece 0.
            pieces = [[piece + 1 for piece in encoding.ids] or [1] for encoding in encodings]
        characters = self._characters
        return New(
            [self._words[word] for word in words],
            [letter_case(word) for word in words],
            [[characters[character] for character in self._shorten(word)] for word in words],
            pieces,
        )

    def _shorten(self, word: str) -> str:
        if len(word) <= self._max_characters:
            return word
        half = self._max_characters // 2
        return word[: self._max_characters - half] + word[len(word) - half :]
