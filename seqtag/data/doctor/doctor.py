"""The data doctor: check a corpus for problems before training on it.

An **error** means that training on the corpus makes no sense; a **warning**, that scores will be
lower or misleading; **info** is for information only. The corpus is read once. Only a hash of each
sentence and word stays in memory.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from seqtag.data.config import SPLITS
from seqtag.data.corpus.corpus import Corpus, single_token_notes
from seqtag.data.corpus.memory_mapped import tables
from seqtag.data.corpus.near_schemes import explain_near_scheme
from seqtag.data.corpus.oddities import (
    ColumnChecker,
    Oddity,
    Tally,
    WordChecker,
    constant_features,
    word_oddities,
)
from seqtag.data.corpus.origins import origin_notes
from seqtag.data.doctor.findings import LEVELS, Finding, Report, Size, render
from seqtag.data.doctor.labels import LabelChecker
from seqtag.data.encode.counting import count_strings
from seqtag.data.encode.normalize import normalized
from seqtag.labels import problems

if TYPE_CHECKING:
    import datasets

__all__ = ["Finding", "Report", "Size", "examine", "render"]

# Longer sentences are mostly documents that have lost the empty lines between sentences.
VERY_LONG = 1000
# Sentences of at most this many tokens recur in any corpus ("Yes .") and leak nothing.
SHORT_LENGTH = 5
MANY_UNKNOWN = 0.5
# Notes about files that are not used are warnings.
_LEFT_OUT = re.compile(r"\b(left out|not read|not used|ignored)\b")


class _Row(NamedTuple):
    tokens: list[str]
    labels: list[str | None]
    where: str


class _Seen(NamedTuple):
    """The first occurrence of a sentence: its split, its place and a hash of its labels."""

    split: str
    where: str
    labels: int


def examine(corpus: Corpus) -> Report:
    """Examine a corpus and return the sizes of its splits and the findings.

        report = examine(load_corpus(config))
        print([finding.message for finding in report.findings], report.exit_code)

    Every sentence of every loaded split is examined.
    """
    examination = _Examination(corpus)
    # Training first, since the other splits are compared with it.
    for split in sorted(corpus.splits, key=SPLITS.index):
        examination.split(split, corpus.splits[split])
    return examination.report()


class _Examination:
    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.sizes: list[Size] = []
        self.findings: list[Finding] = []
        self.sentences: dict[int, _Seen] = {}
        # Hash of a word of the training split -> its label; None if it has several labels.
        self.words: dict[int, str | None] = {}
        # Hashes of words of the other splits that training does not have.
        self.unknown_words: set[int] = set()
        self.forms = WordChecker()
        self.ambiguous = 0
        self.labels = LabelChecker()

    def split(self, split: str, rows: datasets.Dataset) -> None:
        """Check every sentence of one split and add the findings."""
        tallies: dict[str, Tally] = defaultdict(Tally)
        labels = self.labels.begin(split)
        columns = ColumnChecker()
        tokens = longest = unknown = 0
        for row in _rows(split, rows):
            tokens += len(row.tokens)
            longest = max(longest, len(row.tokens))
            self.labels.add(split, row.labels, row.where)
            self._transitions(row, tallies["illegal"])
            self._odd_tokens(row, tallies)
            self._duplicates(split, row, tallies)
            columns.add(*row)
            if split == "train":
                self._learn_words(row, tallies)
            else:
                unknown += self._count_unknown(row, tallies)
        compared = split != "train" and "train" in self.labels.counts and tokens > 0
        documents = rows.data.column("doc").unique() if "doc" in rows.column_names else []
        self.sizes.append(
            Size(
                split=split,
                sentences=rows.num_rows,
                tokens=tokens,
                scored=labels.total(),
                documents=len(documents),
                labels=len(labels),
                longest=longest,
                unknown=unknown / tokens if compared else None,
            )
        )
        self._conclude(split, tallies, longest)
        self._add_all(split, word_oddities(tallies))
        self._add_all(split, columns.findings(labels, self.corpus.config))
        if split == "train":
            values = {
                name: partial(count_strings, rows, name)
                for name in self.corpus.features
                if name in rows.column_names
            }
            self._add_all(split, constant_features(values))

    def report(self) -> Report:
        """Add the findings on the corpus as a whole and return the report."""
        self._check_corpus()
        if self.ambiguous:
            share = _share(self.ambiguous, len(self.words))
            self._add("info", "train", f"words with more than one label: {share}")
        for split, odd in self.labels.unseen():
            self._add_all(split, [odd])
        self._add_all("train", self.labels.in_training(self.corpus.scheme != "plain"))
        order = {level: rank for rank, level in enumerate(LEVELS)}
        findings = sorted(self.findings, key=lambda finding: order[finding.level])
        return Report(self.corpus.scheme, tuple(self.sizes), tuple(findings))

    def _add(self, level: str, split: str, message: str, tally: Tally | None = None) -> None:
        tally = tally or Tally()
        examples = tuple(tally.examples)
        self.findings.append(
            Finding(level, split, tally.where, message, max(tally.count, 1), examples)
        )

    def _add_all(self, split: str, found: Iterable[Oddity]) -> None:
        for odd in found:
            self._add(odd.level, split, odd.message, odd.tally)

    def _transitions(self, row: _Row, tally: Tally) -> None:
        if self.corpus.scheme != "plain":
            for problem in problems(row.labels, self.corpus.scheme):
                tally.add(row.where, problem.message)

    def _odd_tokens(self, row: _Row, tallies: dict[str, Tally]) -> None:
        if len(row.tokens) > VERY_LONG:
            tallies["enormous"].add(row.where, f"{len(row.tokens):,} tokens")
        if not row.tokens:
            tallies["no tokens"].add(row.where)
        if "" in row.tokens:
            tallies["empty token"].add(row.where)

    def _as_read(self, tokens: list[str]) -> list[str]:
        """Return the words as the network reads them."""
        form = self.corpus.config.normalize if self.corpus.config is not None else None
        return tokens if form is None else normalized(form, tokens)

    def _learn_words(self, row: _Row, tallies: dict[str, Tally]) -> None:
        words = self.words
        for token, label in zip(self._as_read(row.tokens), row.labels, strict=True):
            word = hash(token)
            if word not in words:
                words[word] = label
                self.forms.check(token, row.where, tallies)
            elif label is not None and words[word] != label and words[word] is not None:
                words[word] = None
                self.ambiguous += 1

    def _count_unknown(self, row: _Row, tallies: dict[str, Tally]) -> int:
        """Return how many tokens of a sentence are unknown in training; check new words."""
        unknown = [word for word in self._as_read(row.tokens) if hash(word) not in self.words]
        for token in unknown:
            word = hash(token)
            if word not in self.unknown_words:
                self.unknown_words.add(word)
                self.forms.check(token, row.where, tallies)
        return len(unknown)

    def _duplicates(self, split: str, row: _Row, tallies: dict[str, Tally]) -> None:
        labels = hash(tuple(row.labels))
        key = hash(tuple(row.tokens))
        seen = self.sentences.get(key)
        if seen is None:
            self.sentences[key] = _Seen(split, row.where, labels)
            return
        both = f"{row.where} = {seen.where}"
        kind = "again" if seen.split == split else f"in {seen.split}"
        tallies[kind].add(row.where, both)
        if len(row.tokens) > SHORT_LENGTH:
            tallies[f"long {kind}"].add(row.where, both)
        if labels != seen.labels:
            tallies["conflict"].add(row.where, f"{row.where} and {seen.where}")

    def _conclude(self, split: str, tallies: dict[str, Tally], longest: int) -> None:
        """Turn the tallies of a split into findings."""
        messages: dict[str, tuple[str, str]] = {
            "illegal": (
                "warning",
                f"illegal transitions under {self.corpus.scheme}; unless scoring is strict, they "
                "are repaired (a new span begins)",
            ),
            "enormous": (
                "warning",
                f"sentences of more than {VERY_LONG:,} tokens (longest: {longest:,}): are empty "
                "lines between sentences missing?",
            ),
            "no tokens": ("warning", "sentences without a token"),
            "empty token": ("warning", "sentences with a token that is the empty string"),
            "conflict": ("warning", "sentences that occurred before with other labels"),
        }
        for kind, (level, message) in messages.items():
            if tallies[kind].count:
                self._add(level, split, message, tallies[kind])
        sentences = self.sizes[-1].sentences
        for kind in ("again", "in train", "in dev"):
            tally, long = tallies[kind], tallies[f"long {kind}"]
            if not tally.count:
                continue
            what = "repeated" if kind == "again" else f"also in the {kind[3:]} split"
            leaks = kind != "again" and long.count
            message = (
                f"sentences that are {what}: {_share(tally.count, sentences)}, {long.count:,} of "
                f"them longer than {SHORT_LENGTH} tokens"
            )
            tally.examples = long.examples or tally.examples
            self._add("warning" if leaks else "info", split, message, tally)
        origin = self.corpus.origins.get(split)
        if origin and origin.empty:
            tally = Tally()
            tally.count, tally.where = origin.empty, origin.first_empty
            self._add("warning", split, "sentences without a token were left out", tally)

    def _check_corpus(self) -> None:
        corpus = self.corpus
        schemes = sorted({origin.reader.described() for origin in corpus.origins.values()})
        converted = f", converted to {corpus.scheme}" if {*schemes} - {corpus.scheme} else ""
        found = " and ".join(schemes) or corpus.scheme
        self._add("info", "", f"label scheme: {found}{converted}")
        for split, origin in corpus.origins.items():
            if origin.near is not None:
                tally = Tally()
                tally.add(origin.near_at)
                self._add("warning", split, explain_near_scheme(origin.near, corpus.config), tally)
        reported = origin_notes(corpus.origins, corpus.config)
        if "train" in corpus.splits:
            reported += single_token_notes(corpus.splits["train"], corpus.config)
        for note in corpus.notes:
            if note not in reported:
                self._add("warning" if _LEFT_OUT.search(note) else "info", "", note)
        if "train" not in corpus.splits:
            self._add("error", "", f"no training split, only {', '.join(corpus.splits)}")
        elif "test" not in corpus.splits:
            self._add("info", "", "no test split")
        for size in self.sizes:
            if not size.tokens:
                self._add("error", size.split, "no tokens")
            elif not size.scored:
                level = "error" if size.split == "train" else "warning"
                self._add(level, size.split, "no labels: every token is unlabelled")
            if size.unknown is not None:
                level = "warning" if size.unknown > MANY_UNKNOWN else "info"
                self._add(level, size.split, f"tokens unknown in training: {size.unknown:.1%}")


def _rows(split: str, rows: datasets.Dataset) -> Iterator[_Row]:
    position = 0
    for table in tables(rows):
        columns = [table.column(name).to_pylist() for name in ("tokens", "labels", "where")]
        for tokens, labels, where in zip(*columns, strict=True):
            position += 1
            yield _Row(tokens, labels, where or f"{split} sentence {position}")


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} ({count / max(total, 1):.1%})"
