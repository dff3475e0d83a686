"""Split raw text into sentences and tokens with exact offsets: ``text[start:end]`` is the token.

Every character that is not white space (``str.isspace``) is in exactly one token, in order, in any
script. Offsets count characters (code points), as in Python's strings.

The ends of sentences are found among the tokens of the default tokenizer. So they do not depend on
the tokenizer that splits a sentence into tokens (see `seqtag.data.text.tokenizers`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from seqtag.data.text.tokenizers import (
    DEFAULT_TOKENIZER,
    Span,
    check_tokenizer,
    token_spans,
    token_spans_of,
)
from seqtag.data.text.treebank import TITLES

_SURROGATES = re.compile("[\ud800-\udfff]")


class Token(NamedTuple):
    """A token and its offsets in the text, ``text[start:end]``, in characters.

    `start` and `end` are None if the sentence was given as words.
    """

    text: str
    start: int | None = None
    end: int | None = None


class Sentence(NamedTuple):
    """Tokens, and the text from the first to the last; None if they were given as words."""

    tokens: Sequence[Token]
    text: str | None = None


def split_text(
    text: str, *, wrapped: bool = False, offset: int = 0, tokenizer: str = DEFAULT_TOKENIZER
) -> list[Sentence]:
    """Split raw text into sentences of tokens.

        for sentence in split_text("Dr. Smith left. He didn't say why."):
            print([token.text for token in sentence.tokens])

    A sentence ends after ``.``, ``!``, ``?`` and similar marks of other scripts, with the closing
    quotes or brackets that touch them, unless the next word begins in lower case. The dot of an
    abbreviation ends a sentence only before a word that often begins one (``The``, ``But``).

    Args:
        text: the text.
        wrapped: only an empty line ends a paragraph; other line ends are like spaces. By default
            the end of a line ends a sentence.
        offset: number that is added to all offsets, for text that is read in parts.
        tokenizer: one of `seqtag.data.text.tokenizers.TOKENIZERS`, or a regular expression. It does
            not affect where sentences end.

    Raises:
        InputError: for an unknown tokenizer.
    """
    check_tokenizer(tokenizer, "tokenizer")
    # The replacement character is as long as a surrogate, so offsets do not shift.
    clean = replace_surrogates(text)
    rows = [row for start, end in _paragraphs(text, wrapped) for row in _rows(clean, start, end)]
    if tokenizer != DEFAULT_TOKENIZER:
        parts = [(spans[0][0], spans[-1][1]) for spans in rows]
        rows = token_spans_of(clean, parts, tokenizer)
    return [
        Sentence(
            [Token(text[first:end], first + offset, end + offset) for first, end in spans],
            text[spans[0][0] : spans[-1][1]],
        )
        for spans in rows
    ]


def _rows(text: str, start: int, end: int) -> list[list[Span]]:
    """Return the default tokens of each sentence of a paragraph, as offsets in the text."""
    paragraph = text[start:end]
    spans = token_spans(paragraph)
    words = [paragraph[first:last] for first, last in spans]
    spans = [(start + first, start + last) for first, last in spans]
    return [spans[first:last] for first, last in _sentences(words, spans)]


def _paragraphs(text: str, wrapped: bool) -> Iterator[Span]:
    """Yield start and end of each line or, if `wrapped`, paragraph; no sentence crosses them."""
    start = end = 0
    for line in text.splitlines(keepends=True):
        if wrapped and not line.isspace():
            end += len(line)
            continue
        if wrapped:
            if start < end:
                yield start, end
            end += len(line)
        else:
            end += len(line)
            yield start, end
        start = end
    if start < end:
        yield start, end


def replace_surrogates(text: str) -> str:
    """Return a text with each lone surrogate replaced by U+FFFD.

    Surrogates cannot be encoded in UTF-8, so tokenizers refuse them.
    """
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


# Sentences

_ENDS = frozenset(".!?…‼⁇⁈⁉")
# Marks that end a sentence without a space after them, in scripts without lower case.
_ENDS_ALONE = frozenset("。！？｡।॥؟۔։።")
_CLOSING = frozenset(('"', "'", "''", "”", "’", "»", "›", "」", "』", ")", "]", "}", "）"))
_STARTERS = (
    "The This That These Those A An He She It We They I You There Here In On At But And So If "
    "When While After Before However Although For His Her Its Our Their My What Who Why How"
)
_OPENS_SENTENCE = frozenset(_STARTERS.split())


def _sentences(words: Sequence[str], spans: Sequence[Span]) -> Iterator[Span]:
    """Yield the index of the first token of each sentence and that after its last token."""
    first = position = 0
    last = len(words)
    while position < last:
        word = words[position]
        position += 1
        final = word[-1]
        if final not in _ENDS and final not in _ENDS_ALONE:
            continue
        while position < last and words[position] in _CLOSING and _touch(spans, position):
            position += 1
        if position < last and _ends(word, words[first], words[position], position - first):
            if final not in _ENDS_ALONE and _touch(spans, position):
                continue
            yield first, position
            first = position
    if first < last:
        yield first, last


def _touch(spans: Sequence[Span], position: int) -> bool:
    return spans[position - 1][1] == spans[position][0]


def _ends(word: str, opening: str, following: str, length: int) -> bool:
    """Return whether `word` ends the sentence that began with `opening`, `length` tokens ago."""
    if word[-1] in _ENDS_ALONE:
        return True
    if word[0] not in _ENDS:  # an abbreviation, with its dot
        return following in _OPENS_SENTENCE and word not in TITLES
    if length == 2 and opening.isdigit():  # "1. First item"
        return False
    return not following[0].islower()
