"""Sentences and features as callers give them, read once into lists of strings.

Any iterable in an order is read: lists, tuples, pandas Series (by position, whatever the index),
arrays of numpy and pyarrow, columns of `datasets`, generators, views of a dictionary. Every
sentence that is given is returned, in the same order; what cannot be read is an `InputError` that
names its place, counted from 1.
"""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, Set
from itertools import chain
from reprlib import Repr
from typing import Any

from seqtag.errors import InputError
from seqtag.tagging.text import Sentence

_STRINGS = {str}
_EXPECTED = "a list of sentences is expected, each a list of {}"
_REMEDY = "for one sentence of words write [words], for raw text tag(text)"

_short = Repr()
_short.maxstring = _short.maxother = 60


def read_sentences(given: Any, offset: int = 0) -> list[list[str]]:
    """Return sentences as lists of words.

    Args:
        given: an iterable of sentences, each an iterable of strings.
        offset: how many sentences came before these, for messages.

    Raises:
        InputError: for anything else; it names the sentence and the word.
    """
    return _rows(given, None, offset)


def read_tokens(given: Iterable[Sentence]) -> tuple[list[Sentence], list[list[str]]]:
    """Return sentences of tokens as a list, and the words of each.

    Raises:
        InputError: for what is not a `Sentence` of `Token`, and for a token that has no string.
    """
    sentences, words = [], []
    for number, sentence in enumerate(iterate(given, None), 1):
        try:
            tokens = tuple(sentence.tokens)
            words.append([token.text for token in tokens])
        except (AttributeError, TypeError):
            raise InputError(
                f"sentence {number}: a Sentence with a list of Token is expected "
                f"(seqtag.tagging.text), not {_shown(sentence)}; words go to tag(...)"
            ) from None
        sentences.append(Sentence(tokens, sentence.text))
    return sentences, read_sentences(words)


def read_features(
    given: Any, names: Sequence[str], sentences: Sequence[Sequence[str]], offset: int = 0
) -> dict[str, list[list[str]]]:
    """Return a list of strings for each sentence, by the name of the feature.

    Args:
        given: a mapping, or a data frame or data set, with at least these names.
        names: the features that are read.
        sentences: the words, one for each value.
        offset: how many sentences came before these, for messages.

    Raises:
        InputError: if a feature is missing, is not made of strings, or does not have one value
            for each word.
    """
    columns = {}
    for name, values in pick_features(given, names).items():
        column = _rows(values, name, offset)
        if len(column) != len(sentences):
            raise InputError(
                f"features[{name!r}] has {offset + len(column)} sentences, the words "
                f"{offset + len(sentences)}"
            )
        for number, (words, row) in enumerate(zip(sentences, column, strict=True), offset + 1):
            if len(words) != len(row):
                raise InputError(
                    f"sentence {number}: {len(words)} words, but {len(row)} values of {name!r}"
                )
        columns[name] = column
    return columns


def pick_features(given: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return the features that are read out of those that are given, by name.

    Raises:
        InputError: if one is missing, or there is nothing to find it by its name.
    """
    found = {}
    for name in names:
        try:
            found[name] = {}[name] if given is None else given[name]
        except KeyError:
            raise InputError(
                f"this tagger was trained with the column {name!r} as an input beside the "
                f"words, and the input has none: give features={{{name!r}: ...}} with words "
                "that are split already, or train one without it"
            ) from None
        except (TypeError, IndexError, ValueError):
            raise InputError(
                f"features= must be a mapping such as {{{name!r}: [[...], ...]}}, not "
                f"{_shown(given)}"
            ) from None
    return found


def iterate(given: Any, name: str | None, place: str = "") -> Iterator[Any]:
    """Return an iterator over the sentences, or over the words of one at `place`.

    `name` is that of a feature, None for the words themselves.

    Raises:
        InputError: for a string, a mapping, a set, and anything else without items in an order.
    """
    if hasattr(type(given), "as_py"):  # a scalar of pyarrow
        given = given.as_py()
    unordered = isinstance(given, Set) and not isinstance(given, KeysView | ItemsView)
    if not (unordered or isinstance(given, str | bytes | bytearray | memoryview | Mapping)):
        try:
            return iter(given)
        except TypeError:
            pass
    expected = _EXPECTED.format("words" if name is None else "values")
    reason = f", not {_shown(given)}"
    if place:
        expected, reason = f"{place} is {_shown(given)}", f": {expected}"
    if name is not None:
        raise InputError(f"features[{name!r}]: {expected}{reason}")
    raise InputError(f"{expected}{reason}: {_REMEDY}")


def _rows(given: Any, name: str | None, offset: int) -> list[list[str]]:
    # Copies: the caller may change the lists in another thread meanwhile.
    rows = [
        list(row) if type(row) in (list, tuple) else list(iterate(row, name, f"sentence {number}"))
        for number, row in enumerate(iterate(given, name), offset + 1)
    ]
    if set(map(type, chain.from_iterable(rows))) <= _STRINGS:
        return rows
    return [
        [_string(value, name, number, place) for place, value in enumerate(row, 1)]
        for number, row in enumerate(rows, offset + 1)
    ]


def _string(value: Any, name: str | None, sentence: int, word: int) -> str:
    """Return a word or value as a `str` itself, not as a subclass that may compare otherwise."""
    if hasattr(type(value), "as_py"):
        value = value.as_py()
    if isinstance(value, str):
        return str.__str__(value)
    place = f"sentence {sentence}, word {word}"
    hint = ": decode bytes first" if isinstance(value, bytes) else ""
    if name is None:
        raise InputError(f"{place}: words are strings, not {_shown(value)}{hint}")
    raise InputError(f"features[{name!r}], {place}: values are strings, not {_shown(value)}{hint}")


def _shown(value: Any) -> str:
    """Return a value and its type, cut short, for messages."""
    if value is None:
        return "None"
    return f"{_short.repr(value)} ({type(value).__name__})"
