"""Read sentences and features from any ordered iterables of strings into lists.

Accepted are lists, tuples, pandas Series (by position, not by index), arrays of numpy and pyarrow,
columns of `datasets`, generators, views of a dictionary. Every sentence is returned, in the same
order; anything else is an `InputError` that names its position, counted from 1.
"""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, Set
from itertools import chain
from reprlib import Repr
from typing import Any

from seqtag.data.text.split import Sentence
from seqtag.errors import InputError

_STRINGS = {str}
_EXPECTED = "expected a list of sentences, each a list of {}"
_REMEDY = "for one sentence of words write [words], for raw text tag(text)"

_short = Repr()
_short.maxstring = _short.maxother = 60


def read_sentences(values: Any, offset: int = 0) -> list[list[str]]:
    """Return sentences as lists of words.

    Args:
        values: an iterable of sentences, each an iterable of strings.
        offset: number of sentences before these, for messages.

    Raises:
        InputError: for anything else; it names the sentence and the word.
    """
    return _rows(values, None, offset)


def read_tokens(values: Iterable[Sentence]) -> tuple[list[Sentence], list[list[str]]]:
    """Return a list of sentences of tokens, and a list of the words of each.

    Raises:
        InputError: for anything but a `Sentence` of `Token`, and for a token without a string.
    """
    sentences, words = [], []
    for number, sentence in enumerate(iterate(values, None), 1):
        try:
            tokens = tuple(sentence.tokens)
            words.append([token.text for token in tokens])
        except (AttributeError, TypeError):
            raise InputError(
                f"sentence {number}: expected a Sentence with a list of Token "
                f"(seqtag.data.text.split), not {_shown(sentence)}; for lists of words use tag(...)"
            ) from None
        sentences.append(Sentence(tokens, sentence.text))
    return sentences, read_sentences(words)


def read_features(
    features: Any, names: Sequence[str], sentences: Sequence[Sequence[str]], offset: int = 0
) -> dict[str, list[list[str]]]:
    """Return the features called `names`: for each sentence a list with one string per word.

    Args:
        features: a mapping, or a data frame or data set, with at least these names.
        names: the features to read.
        sentences: the words of each sentence.
        offset: number of sentences before these, for messages.

    Raises:
        InputError: if a feature is missing, is not made of strings, or does not have one value
            for each word.
    """
    columns = {}
    for name, values in pick_features(features, names).items():
        column = _rows(values, name, offset)
        if len(column) != len(sentences):
            raise InputError(
                f"features[{name!r}] has {offset + len(column)} sentences, but there are "
                f"{offset + len(sentences)} sentences of words"
            )
        for number, (words, row) in enumerate(zip(sentences, column, strict=True), offset + 1):
            if len(words) != len(row):
                raise InputError(
                    f"sentence {number}: {len(words)} words, but {len(row)} values of {name!r}"
                )
        columns[name] = column
    return columns


def pick_features(features: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return the features called `names`, without reading their values.

    Raises:
        InputError: if one is missing, or `features` cannot be indexed by name.
    """
    picked = {}
    for name in names:
        try:
            picked[name] = {}[name] if features is None else features[name]
        except KeyError:
            raise InputError(
                f"this tagger was trained with the column {name!r} in addition to the words, "
                f"which the input does not have: pass features={{{name!r}: ...}} with sentences "
                "of words, or train a tagger without it"
            ) from None
        except (TypeError, IndexError, ValueError):
            raise InputError(
                f"features= must be a mapping such as {{{name!r}: [[...], ...]}}, not "
                f"{_shown(features)}"
            ) from None
    return picked


def iterate(values: Any, name: str | None, place: str = "") -> Iterator[Any]:
    """Return an iterator over sentences, or over the words of the sentence at `place`.

    `name` is the name of a feature, or None for the words themselves.

    Raises:
        InputError: for a string, a mapping, a set, and anything else that is not an ordered
            iterable.
    """
    if hasattr(type(values), "as_py"):  # a scalar of pyarrow
        values = values.as_py()
    unordered = isinstance(values, Set) and not isinstance(values, KeysView | ItemsView)
    if not (unordered or isinstance(values, str | bytes | bytearray | memoryview | Mapping)):
        try:
            return iter(values)
        except TypeError:
            pass
    expected = _EXPECTED.format("words" if name is None else "values")
    reason = f", not {_shown(values)}"
    if place:
        expected, reason = f"{place} is {_shown(values)}", f": {expected}"
    if name is not None:
        raise InputError(f"features[{name!r}]: {expected}{reason}")
    raise InputError(f"{expected}{reason}: {_REMEDY}")


def _rows(values: Any, name: str | None, offset: int) -> list[list[str]]:
    # Copied, since the caller may change the lists in another thread.
    rows = [
        list(row) if type(row) in (list, tuple) else list(iterate(row, name, f"sentence {number}"))
        for number, row in enumerate(iterate(values, name), offset + 1)
    ]
    if set(map(type, chain.from_iterable(rows))) <= _STRINGS:
        return rows
    return [
        [_string(value, name, number, place) for place, value in enumerate(row, 1)]
        for number, row in enumerate(rows, offset + 1)
    ]


def _string(value: Any, name: str | None, sentence: int, word: int) -> str:
    """Return a word or value as exactly `str`; subclasses may compare differently."""
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
    """Return a value, cut short, and its type for an error message."""
    if value is None:
        return "None"
    return f"{_short.repr(value)} ({type(value).__name__})"
