"""Matches of a sentence in gazetteers, i.e. lists of names, as an input.

Legend: B sentences, T words, G gazetteers, N words of all sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from seqtag.checks import checked
from seqtag.errors import InputError, shown
from seqtag.inputs.base import Batch, Training, WordInput, scatter
from seqtag.inputs.name_trie import MOST_TOKENS, NameTrie
from seqtag.inputs.options import MOST_GAZETTEERS, EncodeConfig, SizeOptions
from seqtag.inputs.registry import register

# Position of a word in a match. Each gazetteer has ids of its own for them; id 0 is padding.
OUTSIDE, BEGIN, INSIDE, END, SINGLE = range(5)
_CODES = 5


@register("gazetteers")
class Gazetteers(WordInput):
    """For each gazetteer, the position of a word in a match: outside, begin, inside, end, single.

        gazetteers = Gazetteers({"city": ["New York", "Rome"]})

    In each gazetteer, matches are found from left to right; the longest name that begins at a word
    is chosen, and matches do not overlap. All names are in the model folder.

    Args:
        names: by gazetteer, its names; their tokens are separated by single spaces.
        ignore_case: ignore upper and lower case.
    """

    Options = SizeOptions
    key = "gazetteer_size"
    order = 5
    optional: ClassVar[bool] = True
    context_free: ClassVar[bool] = False

    def __init__(self, names: Mapping[str, Iterable[str]], ignore_case: bool = False) -> None:
        self.names, self.ignore_case = tuple(names), ignore_case
        self._trie = NameTrie.build([map(self._fold, listed) for listed in names.values()])
        self.size = 1 + _CODES * len(self.names)

    @classmethod
    def options(cls, value: int) -> SizeOptions:
        """Return the options from ``model.gazetteer_size``."""
        return SizeOptions(value)

    @classmethod
    def fit(cls, training: Training, options: None) -> Gazetteers:
        """Return the input without a gazetteer; they are not built from the training split."""
        return cls({})

    @classmethod
    def from_plain(cls, plain: Any, encode: EncodeConfig, options: None) -> Gazetteers:
        """Read the names."""
        if plain is None:
            return cls({})
        lists = {name: checked(names, list, name) for name, names in plain["lists"].items()}
        if len(lists) > MOST_GAZETTEERS:
            raise InputError(f"{len(lists):,} gazetteers; at most {MOST_GAZETTEERS} are possible")
        for name, names in lists.items():
            for one in names:
                if not isinstance(one, str) or one.count(" ") >= MOST_TOKENS:
                    raise InputError(f"the gazetteer {shown(name)} has the name {shown(one)}")
        return cls(lists, checked(plain["ignore_case"], bool, "ignore_case"))

    def to_plain(self) -> Any:
        """Return the names of each gazetteer, or None if there is no gazetteer."""
        if not self.names:
            return None
        lists = {name: list(self._trie.names(g)) for g, name in enumerate(self.names)}
        return {"ignore_case": self.ignore_case, "lists": lists}

    def ordered(self, names: Sequence[str]) -> Gazetteers:
        """Return the same gazetteers in the order of `names`."""
        lists = dict(zip(self.names, map(self._trie.names, range(len(self.names))), strict=True))
        return Gazetteers({name: lists[name] for name in names}, self.ignore_case)

    def _fold(self, text: str) -> str:
        return text.casefold() if self.ignore_case else text

    def ids(self, words: Sequence[str]) -> Sequence[int]:
        """Return the id of each word among the words of all names; 0 for other words."""
        return self._trie.token_ids(map(self._fold, words))

    def encode(self, batch: Batch) -> dict[str, np.ndarray]:
        """Return ``gazetteers_BTG``: an id for each gazetteer and position in a match."""
        if not self.names:
            return {}
        ids_N = batch.table.values(self.name)[batch.numbers]
        ends_N = np.repeat(np.cumsum(batch.lengths), batch.lengths)
        lengths_NG = self._trie.longest(ids_N, ends_N)
        codes_NG = np.stack([_positions(lengths_N) for lengths_N in lengths_NG.T], axis=1)
        first_G = 1 + _CODES * np.arange(len(self.names))
        return {"gazetteers_BTG": scatter(codes_NG + first_G, batch.mask_BT)}

    def matches(self, words: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Yield the matches in a sentence: the gazetteer, the first word, and the word after."""
        ids_N = np.asarray(self.ids(words), np.int64)
        lengths_NG = self._trie.longest(ids_N, np.full(len(ids_N), len(ids_N)))
        for name, lengths_N in zip(self.names, lengths_NG.T, strict=True):
            codes_N = _positions(lengths_N)
            for start in np.flatnonzero((codes_N == BEGIN) | (codes_N == SINGLE)).tolist():
                yield name, start, start + int(lengths_N[start])

    def output_size(self, options: SizeOptions) -> int:
        """Return the total length of the vectors of all gazetteers."""
        return options.size * len(self.names)

    @classmethod
    def vectors(cls, module: Any, arrays: Mapping[str, Any]) -> Any:
        """Return the vectors of all gazetteers, concatenated."""
        return module(arrays["gazetteers_BTG"]).flatten(2)

    def titles(self) -> Sequence[str]:
        """Return the names of the gazetteers."""
        return tuple(f"the gazetteer {name}" for name in self.names)


def _positions(lengths_N: np.ndarray) -> np.ndarray:
    """Return the position of each word in a match, given the longest match at each word."""
    starts = np.flatnonzero(lengths_N)
    lengths = lengths_N[starts]
    if (starts[1:] < starts[:-1] + lengths[:-1]).any():
        chosen, free = [], 0
        for index, (start, length) in enumerate(
            zip(starts.tolist(), lengths.tolist(), strict=True)
        ):
            if start >= free:
                chosen.append(index)
                free = start + length
        starts, lengths = starts[chosen], lengths[chosen]
    codes_N = np.full(len(lengths_N), OUTSIDE)
    ends = np.cumsum(lengths)
    codes_N[np.arange(lengths.sum()) + np.repeat(starts - (ends - lengths), lengths)] = INSIDE
    codes_N[starts] = BEGIN
    codes_N[starts + lengths - 1] = END
    codes_N[starts[lengths == 1]] = SINGLE
    return codes_N
