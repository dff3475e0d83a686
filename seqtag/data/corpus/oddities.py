"""Signs that a corpus is not read as it is meant: wrong columns, lost sentence ends, odd words.

The data doctor looks at each sentence and at each new word once; what it finds says what to set.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.near_schemes import is_header, spells_spans

_EXAMPLES = 3
# Controls, zero-width and byte-order characters, and every kind of space.
INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff]")
# UTF-8 read as another encoding has one of these in every character beyond ASCII.
_MISREAD = re.compile("[\u00c2-\u00f4][^\x00-\x7f]")
_REPLACED = "\ufffd"
_DOCSTART = "-DOCSTART-"
_MANY_WORDS = 5
# Sentences of one token are reported from this count and share on, or if all are, from 3 on.
_FEW_SINGLE, _NEARLY_ALL, _ALL_SINGLE = 10, 0.98, 3
# More tokens than this in the only sentence of a split are more than one sentence.
_LONG_ALONE = 200
# Different words that are kept as they are: more cannot be labels.
_MOST_LABELS = 500
# A label type that is so many times rarer than another one of nearly its name is a slip.
_MUCH_RARER, _SLIPS = 200, 2

_ONE_LINER = (
    "python -c \"import csv,sys,itertools as i; s=['']; f=lambda r: s.__setitem__(0, "
    "r['SENTENCE'] or s[0]) or s[0]; print('\\n\\n'.join('\\n'.join(r['{token}']+'\\t'+"
    "r['{label}'] for r in g) for _, g in i.groupby(csv.DictReader(sys.stdin), f)))\" "
    "< FILE > NEW (SENTENCE: the column that numbers sentences), and read NEW with data=column "
    "data.separator=tab"
)


def mostly_single(count: int, sentences: int) -> bool:
    """Return whether `count` of the sentences have one token each, so many that it is reported."""
    if count == sentences:
        return count >= _ALL_SINGLE
    return count >= max(_FEW_SINGLE, _NEARLY_ALL * sentences)


class Tally:
    """Counts one kind of finding within a split and keeps its first few places."""

    def __init__(self) -> None:
        self.count, self.where = 0, ""
        self.examples: list[str] = []

    def add(self, where: str, example: str = "") -> None:
        """Count one more, found at `where`."""
        self.count += 1
        self.where = self.where or where
        if example and len(self.examples) < _EXAMPLES and example not in self.examples:
            self.examples.append(example)


Tallies = Mapping[str, Tally]


class Odd(NamedTuple):
    """A finding: its level, its text and where it was counted."""

    level: str
    message: str
    tally: Tally


class WordForms:
    """Looks at each different word of a corpus once."""

    def __init__(self) -> None:
        # By the hash of a word's composed form, the hash of the form it was first seen in.
        self._forms: dict[int, int] = {}

    def look(self, word: str, where: str, tallies: Tallies) -> None:
        """Count what is odd in a word that was not seen before."""
        if INVISIBLE.search(word):
            tallies["invisible"].add(where, ascii(word))
        if word.isascii():
            return
        if _REPLACED in word:
            tallies["replaced"].add(where, ascii(word))
        elif _MISREAD.search(word) and (meant := _as_utf8(word)):
            tallies["misread"].add(where, f"{word} for {meant}")
        composed = unicodedata.normalize("NFC", word)
        form = hash(word)
        if self._forms.setdefault(hash(composed), form) != form:
            other = composed if composed != word else unicodedata.normalize("NFD", word)
            tallies["forms"].add(where, f"{word!a} and {other!a}")


def _as_utf8(word: str) -> str | None:
    """Return what a word is if its bytes were UTF-8, and were read as something else."""
    for encoding in ("latin-1", "cp1252"):
        try:
            return word.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return None


_OF_WORDS = {
    "invisible": ("info", "words with spaces, control or zero-width characters"),
    "replaced": (
        "warning",
        "words with U+FFFD, which stands where a character was lost when the file was written: "
        "write it again from its source",
    ),
    "misread": (
        "warning",
        "words that are UTF-8 read in another encoding: set data.encoding=utf-8, or, if it is that "
        "already, the file was converted wrongly before",
    ),
    "forms": (
        "warning",
        "words that other tokens spell with other code points (composed or not: NFC, NFD); they "
        "count as different words. Convert all files, and what is tagged later, to one form: "
        "python -c \"import sys,unicodedata as u; sys.stdout.write(u.normalize('NFC', "
        'sys.stdin.read()))" < FILE > NEW',
    ),
}


def odd_words(tallies: Tallies) -> list[Odd]:
    """Return the findings about words of a split."""
    return [
        # A handful of words is an accident of the text, not of how it is read.
        Odd(level if tallies[kind].count >= _MANY_WORDS or kind == "forms" else "info", text, tally)
        for kind, (level, text) in _OF_WORDS.items()
        if (tally := tallies[kind]).count
    ]


class Columns:
    """Looks at the sentences of one split for signs of columns or lines that were misread."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.sentences = self.tokens = self._several = 0
        self.first = ""
        # Different tokens, None once there are too many for labels.
        self.different: set[str] | None = set()

    def look(self, tokens: Sequence[str], labels: Sequence[str | None], where: str) -> None:
        """Count a sentence."""
        self.sentences += 1
        self.tokens += len(tokens)
        self.first = self.first or where
        if not tokens:
            return
        if self.different is not None:
            self.different.update(tokens)
            if len(self.different) > _MOST_LABELS:
                self.different = None
        if len(tokens) == 1:
            self.tallies["single"].add(where)
            if tokens[0] == _DOCSTART:
                self.tallies["marker"].add(where)
        else:
            self._several += 1
            if tokens[0] == "1" and tokens[1] == "2":
                self.tallies["numbered"].add(where, " ".join(tokens[:4]))
        if is_header(tokens[0], labels[0]):
            self.tallies["header"].add(where, f"{tokens[0]} {labels[0]}")

    def findings(self, labels: Counter[str], config: CorpusConfig | None) -> list[Odd]:
        """Return what is odd about the columns of the split."""
        numbered, single = self.tallies["numbered"], self.tallies["single"]
        found = self._exchanged(labels, config)
        if self._several and numbered.count >= _NEARLY_ALL * self._several:
            text = (
                "the tokens are 1, 2, 3, ...: a column that numbers the tokens of a sentence is "
                f"read as the tokens. {_choose('token', config)}"
            )
            found.append(Odd("error", text, numbered))
        if mostly_single(single.count, self.sentences):
            found.append(
                Odd("warning", explain_single(single.count, self.sentences, config), single)
            )
        if self.sentences == 1 and self.tokens > _LONG_ALONE:
            text = (
                f"all {self.tokens:,} tokens are one sentence: are the empty lines between "
                "sentences missing?"
            )
            found.append(Odd("warning", text, _at(self.first)))
        if (marker := self.tallies["marker"]).count:
            text = f"sentences of the token {_DOCSTART}, which marks the start of a document: "
            text += (
                "remove them"
                if config is None or config.format != "column"
                else (f"set data.document_marker={_DOCSTART}")
            )
            found.append(Odd("warning", text, marker))
        if (header := self.tallies["header"]).count:
            text = "a header is read as a token and its label: delete its line from the file"
            found.append(Odd("warning", text, header))
        return found

    def _exchanged(self, labels: Counter[str], config: CorpusConfig | None) -> list[Odd]:
        """Return whether the tokens look like labels."""
        different = self.different
        if different is None or self.tokens < _FEW_SINGLE:
            return []
        if len(different) == 1:
            (token,) = different
            text = f"every token is {token!a}: there is nothing to learn from. "
            return [Odd("error", text + _choose("token", config), _at(self.first))]
        if spells_spans(different) and not spells_spans(labels):
            text = "the tokens are labels of a span scheme"
        elif len(labels) > max(50, 10 * len(different)):
            text = f"{len(different):,} different tokens, but {len(labels):,} different labels"
        else:
            return []
        text += ": tokens and labels seem to be exchanged. " + _choose("token", config)
        text += f" and data.label_column (now {config.label_column!r})" if config else ""
        return [Odd("error", text, _at(self.first))]


def _choose(what: str, config: CorpusConfig | None) -> str:
    if config is None:
        return "Choose another column"
    columns = " the names in data.columns, or" if config.format == "column" else ""
    return f"Correct{columns} data.{what}_column (now {getattr(config, f'{what}_column')!r})"


def _at(where: str) -> Tally:
    tally = Tally()
    tally.add(where)
    return tally


def explain_single(count: int, sentences: int, config: CorpusConfig | None) -> str:
    """Return what to do about sentences of one token, of which there are `count`."""
    text = f"{count:,} of {sentences:,} sentences are of one token, which has no context: "
    if config is None or config.format == "column":
        return text + "is there an empty line after every token? Leave it between sentences alone"
    if config.format == "csv":
        command = _ONE_LINER.format(token=config.token_column, label=config.label_column)
        return f"{text}the file has a token a row; a row is to be a sentence. Convert it: {command}"
    return text + "a record is a sentence, with lists of its tokens and labels; join the records"


def constant_features(values: Mapping[str, Callable[[], Iterable[str]]]) -> list[Odd]:
    """Return the feature columns that have one value only, from functions that list the values."""
    found = []
    for name, different in values.items():
        shown = list(different())
        if len(shown) == 1:
            text = f"the feature {name!r} is {shown[0]!a} at every token: is it the right column?"
            found.append(Odd("warning", text, Tally()))
    return found


def slips(types: Counter[str]) -> list[tuple[str, str]]:
    """Return pairs of a rare type and a frequent one whose names differ in one letter."""
    common = [name for name, count in types.items() if count >= _MUCH_RARER and len(name) > 2]
    return [
        (rare, name)
        for rare, count in types.items()
        if count <= _SLIPS and len(rare) > 2
        for name in common
        if types[name] >= _MUCH_RARER * count and _one_apart(rare.casefold(), name.casefold())
    ]


def _one_apart(one: str, other: str) -> bool:
    """Return whether one letter is added, left out or replaced, or two neighbours exchanged."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:  # one is the beginning of the other
        return True
    if len(one) == len(other):
        exchanged = one[start : start + 2] == other[start : start + 2][::-1]
        return one[start + 1 :] == other[start + 1 :] or (
            exchanged and one[start + 2 :] == other[start + 2 :]
        )
    longer, shorter = sorted((one, other), key=len, reverse=True)
    return longer[start + 1 :] == shorter[start:]
