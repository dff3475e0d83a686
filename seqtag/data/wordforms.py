"""What is known of each different word: computed once, then gathered by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqtag.data.vocabulary import Vocabulary

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


class Column:
    """A growing array: rows are added at the end in amortised constant time."""

    def __init__(self, dtype: Any) -> None:
        self._data = np.zeros(1024, dtype)
        self.size = 0

    def extend(self, values: Sequence[int] | np.ndarray) -> None:
        """Add values at the end."""
        end = self.size + len(values)
        if end > len(self._data):
            grown = np.zeros(max(end, 2 * len(self._data)), self._data.dtype)
            grown[: self.size] = self._data[: self.size]
            self._data = grown
        self._data[self.size : end] = values
        self.size = end

    @property
    def values(self) -> np.ndarray:
        """The values so far (a view)."""
        return self._data[: self.size]


class WordForms:
    """A memory of words: vocabulary id, letter case, spelling and subword pieces."""

    def __init__(
        self, words: Vocabulary, characters: Vocabulary, subwords: Any, max_characters: int
    ) -> None:
        self._words, self._characters, self._subwords = words, characters, subwords
        self._max_characters = max_characters
        self._empty()

    def _empty(self) -> None:
        self._numbers: dict[str, int] = {}
        self._word_ids, self._case_ids = Column(np.int64), Column(np.int64)
        self._spelling = _Ragged()
        self._pieces = _Ragged()

    @property
    def word_ids(self) -> np.ndarray:
        """Vocabulary id of each remembered word."""
        return self._word_ids.values

    @property
    def case_ids(self) -> np.ndarray:
        """Letter case of each remembered word, an index into `CASES`."""
        return self._case_ids.values

    def lookup(self, words: Sequence[str]) -> np.ndarray:
        """Return the number of each word in this memory, learning those that are new."""
        if len(self._numbers) > _MEMORY:
            self._empty()
        numbers = self._numbers
        if new := [word for word in dict.fromkeys(words) if word not in numbers]:
            self._learn(new)
        return np.fromiter((numbers[word] for word in words), np.int64, len(words))

    def _learn(self, words: list[str]) -> None:
        for word in words:
            self._numbers[word] = len(self._numbers)
            self._spelling.append([self._characters[c] for c in self._shorten(word)])
        self._word_ids.extend([self._words[word] for word in words])
        self._case_ids.extend([letter_case(word) for word in words])
        if self._subwords is not None:
            encodings = self._subwords.encode_batch(
                [[word] for word in words], is_pretokenized=True, add_special_tokens=False
            )
            for encoding in encodings:
                # Ids are moved up by one: 0 is padding. A word that the tokenizer's
                # normalisation leaves nothing of is its piece 0.
                self._pieces.append([piece + 1 for piece in encoding.ids] or [1])

    def _shorten(self, word: str) -> str:
        if len(word) <= self._max_characters:
            return word
        half = self._max_characters // 2
        return word[: self._max_characters - half] + word[len(word) - half :]

    def spellings(self, forms: np.ndarray) -> np.ndarray:
        """Return the character ids of words, padded with 0: (U, W), W at least 1."""
        starts, counts = self._spelling.starts[forms], self._spelling.counts[forms]
        width = np.arange(max(1, counts.max(initial=1)))
        inside = width < counts[:, None]
        padded = np.zeros(inside.shape, np.int64)
        padded[inside] = self._spelling.flat[(starts[:, None] + width)[inside]]
        return padded

    def pieces(self, forms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of pieces of each word, and all pieces one after the other."""
        starts, counts = self._pieces.starts[forms], self._pieces.counts[forms]
        ends = np.cumsum(counts)
        positions = np.arange(ends[-1] if len(ends) else 0)
        return counts, self._pieces.flat[positions + np.repeat(starts - (ends - counts), counts)]


class _Ragged:
    """Rows of different lengths, one after the other."""

    def __init__(self) -> None:
        self._flat, self._starts, self._counts = (Column(np.int64) for _ in range(3))

    def append(self, row: Sequence[int]) -> None:
        self._starts.extend([self._flat.size])
        self._counts.extend([len(row)])
        self._flat.extend(row)

    @property
    def flat(self) -> np.ndarray:
        return self._flat.values

    @property
    def starts(self) -> np.ndarray:
        return self._starts.values

    @property
    def counts(self) -> np.ndarray:
        return self._counts.values
