"""Signs that a corpus is misread: wrong columns, lost sentence boundaries, odd words.

The data doctor checks each sentence and each distinct word once; the messages say what to set.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.near_schemes import is_header, look_like_spans

_EXAMPLES = 3
# Control, zero-width and byte-order characters, and every kind of space.
INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff]")
# UTF-8 decoded as a single-byte encoding contains this for every character beyond ASCII.
_MISREAD = re.compile("[\u00c2-\u00f4][^\x00-\x7f]")
_REPLACED = "\ufffd"
_DOCSTART = "-DOCSTART-"
_MANY_WORDS = 5
# Sentences of one token are reported if at least this many and this share of them are, or if all
# are and there are at least _ALL_SINGLE.
_FEW_SINGLE, _NEARLY_ALL, _ALL_SINGLE = 10, 0.98, 3
# If the only sentence of a split has more tokens than this, its boundaries were probably lost.
_LONG_ALONE = 200
# A column with more distinct strings than this cannot be the labels.
_MOST_LABELS = 500
# A label type that occurs at most _TYPOS times is a likely typo if another type with nearly the
# same name is this many times more frequent.
_MUCH_RARER, _TYPOS = 200, 2


def mostly_single_tokens(count: int, sentences: int) -> bool:
    """Return whether `count` sentences of one token are enough to be reported."""
    if count == sentences:
        return count >= _ALL_SINGLE
    return count >= max(_FEW_SINGLE, _NEARLY_ALL * sentences)


class Tally:
    """Count of one kind of finding within a split, with its first place and some examples."""

    def __init__(self) -> None:
        self.count, self.where = 0, ""
        self.examples: list[str] = []

    def add(self, where: str, example: str = "") -> None:
        """Count one more occurrence, at `where`."""
        self.count += 1
        self.where = self.where or where
        if example and len(self.examples) < _EXAMPLES and example not in self.examples:
            self.examples.append(example)


Tallies = Mapping[str, Tally]


class Oddity(NamedTuple):
    """A kind of finding: its level, its message and its tally."""

    level: str
    message: str
    tally: Tally


class WordChecker:
    """Checks each distinct word of a corpus for odd characters and inconsistent Unicode forms."""

    def __init__(self) -> None:
        # Hash of a word's composed form (NFC) -> hash of the form in which it was first seen.
        self._forms: dict[int, int] = {}

    def check(self, word: str, where: str, tallies: Tallies) -> None:
        """Check a word that was not seen before and count its oddities in `tallies`."""
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
    """Return the word that was meant if UTF-8 was decoded as another encoding, else None."""
    for encoding in ("latin-1", "cp1252"):
        try:
            return word.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return None


_WORD_MESSAGES = {
    "invisible": ("info", "words with spaces, control or zero-width characters"),
    "replaced": (
        "warning",
        "words with U+FFFD, which replaces characters that were lost when the file was written: "
        "create the file again from its source",
    ),
    "misread": (
        "warning",
        "words that are UTF-8 read in another encoding: set data.encoding=utf-8; if it is already "
        "set, the file itself was converted wrongly",
    ),
    "forms": (
        "warning",
        "words that are also spelled with other code points (composed or decomposed: NFC, NFD) "
        "and count as distinct words: set data.normalize=NFC",
    ),
}


def word_oddities(tallies: Tallies) -> list[Oddity]:
    """Return the findings about the words of a split."""
    findings = []
    for kind, (level, text) in _WORD_MESSAGES.items():
        tally = tallies[kind]
        # A few such words are peculiarities of the text, not signs of misreading.
        if tally.count < _MANY_WORDS and kind != "forms":
            level = "info"
        if tally.count:
            findings.append(Oddity(level, text, tally))
    return findings


class ColumnChecker:
    """Checks the sentences of a split for signs that columns or lines were misread."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.sentences = self.tokens = self._several = 0
        self.first = ""
        # The distinct tokens; None once there are too many of them to be labels.
        self.distinct: set[str] | None = set()

    def add(self, tokens: Sequence[str], labels: Sequence[str | None], where: str) -> None:
        """Add a sentence to the counts."""
        self.sentences += 1
        self.tokens += len(tokens)
        self.first = self.first or where
        if not tokens:
            return
        if self.distinct is not None:
            self.distinct.update(tokens)
            if len(self.distinct) > _MOST_LABELS:
                self.distinct = None
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

    def findings(self, labels: Counter[str], config: CorpusConfig | None) -> list[Oddity]:
        """Return the findings about the columns of the split."""
        numbered, single = self.tallies["numbered"], self.tallies["single"]
        findings = self._swapped(labels, config)
        if self._several and numbered.count >= _NEARLY_ALL * self._several:
            text = (
                "the tokens are 1, 2, 3, ...: the column of token numbers is read as the tokens. "
                f"{_choose('token', config)}"
            )
            findings.append(Oddity("error", text, numbered))
        if mostly_single_tokens(single.count, self.sentences):
            findings.append(
                Oddity(
                    "warning", explain_single_tokens(single.count, self.sentences, config), single
                )
            )
        if self.sentences == 1 and self.tokens > _LONG_ALONE:
            text = (
                f"all {self.tokens:,} tokens are one sentence: are the empty lines between "
                "sentences missing?"
            )
            findings.append(Oddity("warning", text, _at(self.first)))
        if (marker := self.tallies["marker"]).count:
            is_column = config is not None and config.format == "column"
            remedy = f"set data.document_marker={_DOCSTART}" if is_column else "remove them"
            text = f"sentences of the token {_DOCSTART}, which marks the start of a document: "
            text += remedy
            findings.append(Oddity("warning", text, marker))
        if (header := self.tallies["header"]).count:
            text = "a header is read as a token and its label: delete its line from the file"
            findings.append(Oddity("warning", text, header))
        return findings

    def _swapped(self, labels: Counter[str], config: CorpusConfig | None) -> list[Oddity]:
        """Return a finding if the tokens look like labels or are all the same, else none."""
        distinct = self.distinct
        if distinct is None or self.tokens < _FEW_SINGLE:
            return []
        if len(distinct) == 1:
            (token,) = distinct
            text = f"every token is {token!a}: there is nothing to learn from. "
            return [Oddity("error", text + _choose("token", config), _at(self.first))]
        if look_like_spans(distinct) and not look_like_spans(labels):
            text = "the tokens are labels of a span scheme"
        elif len(labels) > max(50, 10 * len(distinct)):
            text = f"{len(distinct):,} distinct tokens, but {len(labels):,} distinct labels"
        else:
            return []
        text += ": tokens and labels seem to be swapped. " + _choose("token", config)
        text += f" and data.label_column (now {config.label_column!r})" if config else ""
        return [Oddity("error", text, _at(self.first))]


def _choose(what: str, config: CorpusConfig | None) -> str:
    if config is None:
        return "Choose another column"
    columns = " the names in data.columns, or" if config.format == "column" else ""
    return f"Correct{columns} data.{what}_column (now {getattr(config, f'{what}_column')!r})"


def _at(where: str) -> Tally:
    tally = Tally()
    tally.add(where)
    return tally


def explain_single_tokens(count: int, sentences: int, config: CorpusConfig | None) -> str:
    """Return a message with advice about `count` sentences of one token."""
    text = f"{count:,} of {sentences:,} sentences have a single token, and so no context: "
    if config is None or config.format == "column":
        return text + "if every token is followed by an empty line, keep only those after sentences"
    if config.format == "csv":
        return (
            f"{text}the file has a token per row, not a sentence per row: set data.sentence_column "
            "to the column that names or numbers the sentences, such as "
            "'data.sentence_column=\"Sentence #\"'"
        )
    return text + "a record must be a sentence, with lists of tokens and labels; join the records"


def constant_features(values: Mapping[str, Callable[[], Iterable[str]]]) -> list[Oddity]:
    """Return findings about feature columns with a single value.

    `values` has, for each column, a function that returns its distinct values.
    """
    findings = []
    for name, distinct_values in values.items():
        distinct = list(distinct_values())
        if len(distinct) == 1:
            value = distinct[0]
            text = f"the feature {name!r} is {value!a} at every token: is it the right column?"
            findings.append(Oddity("warning", text, Tally()))
    return findings


def likely_typos(types: Counter[str]) -> list[tuple[str, str]]:
    """Return pairs of a rare type and a frequent one whose names differ by one edit."""
    common = [name for name, count in types.items() if count >= _MUCH_RARER and len(name) > 2]
    return [
        (rare, name)
        for rare, count in types.items()
        if count <= _TYPOS and len(rare) > 2
        for name in common
        if types[name] >= _MUCH_RARER * count
        and _differ_by_one_edit(rare.casefold(), name.casefold())
    ]


def _differ_by_one_edit(one: str, other: str) -> bool:
    """Return whether strings differ by one letter (added, removed, replaced) or one swap."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:  # one is a prefix of the other
        return True
    if len(one) == len(other):
        swapped = one[start : start + 2] == other[start : start + 2][::-1]
        return one[start + 1 :] == other[start + 1 :] or (
            swapped and one[start + 2 :] == other[start + 2 :]
        )
    longer, shorter = sorted((one, other), key=len, reverse=True)
    return longer[start + 1 :] == shorter[start:]
