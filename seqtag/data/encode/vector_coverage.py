"""How many words and tokens of a corpus have a vector in a file of word vectors."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple

# Smaller shares than these suggest a file of another language or spelling. Both must be smaller: a
# large vocabulary has many rare words, and punctuation fits any file.
FEW_WORDS, FEW_TOKENS = 0.1, 0.5


class Coverage(NamedTuple):
    """Numbers of distinct words and of tokens, and of those that have a vector.

    Attributes:
        words: number of words.
        words_found: number of words with a vector.
        tokens: number of tokens.
        tokens_found: number of tokens with a vector.
    """

    words: int
    words_found: int
    tokens: int
    tokens_found: int

    @classmethod
    def of(cls, counts: Mapping[str, int], found: Container[str]) -> Coverage:
        """Return the coverage of words, given the count of each and the words with a vector."""
        having = [count for word, count in counts.items() if word in found]
        return cls(len(counts), len(having), sum(counts.values()), sum(having))

    @property
    def is_low(self) -> bool:
        """Whether the file perhaps does not fit the corpus."""
        words = self.words_found < FEW_WORDS * self.words
        return words and self.tokens_found < FEW_TOKENS * self.tokens

    def __str__(self) -> str:
        share = self.words_found / max(1, self.words)
        tokens = self.tokens_found / max(1, self.tokens)
        return f"{self.words_found:,} of {self.words:,} words ({share:.1%}), {tokens:.1%} of tokens"
