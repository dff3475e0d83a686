"""Convert words to a Unicode normalization form, for the network only.

The same character can be written with different code points: é is one (NFC) or two (NFD). Corpora
and output keep the original words; the vocabularies and the network see the converted ones.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from unicodedata import normalize

from seqtag.inputs.options import NormalForm


def normalized(form: NormalForm, words: Iterable[str]) -> list[str]:
    """Return words in a normalization form."""
    return [word if word.isascii() else normalize(form, word) for word in words]


def normalized_counts(form: NormalForm, counts: Counter[str]) -> Counter[str]:
    """Return the counts of words after normalization, in order of the first one of each."""
    merged: Counter[str] = Counter()
    for word, count in zip(normalized(form, counts), counts.values(), strict=True):
        merged[word] += count
    return merged


def normalized_lists(
    form: NormalForm, sentences: Callable[[], Iterable[Sequence[str]]]
) -> Iterator[list[str]]:
    """Yield the words of each sentence in a normalization form."""
    for sentence in sentences():
        yield normalized(form, sentence)
