"""The data doctor: check a corpus for problems before training on it.

An **error** means that training on the corpus makes no sense; a **warning**, that scores will be
lower or misleading; **info** is for information only. The corpus is read once. Only a hash of each
sentence and word stays in memory.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from seqtag.data.config import SPLITS
from seqtag.data.corpus.corpus import Corpus, single_token_notes
from seqtag.data.corpus.memory_mapped import tables
from seqtag.data.corpus.near_schemes import explain_near_scheme
from seqtag.data.corpus.oddities import (
    INVISIBLE,
    ColumnChecker,
    Oddity,
    Tally,
    WordChecker,
    constant_features,
    likely_typos,
    word_oddities,
)
from seqtag.data.corpus.origins import origin_notes
from seqtag.data.doctor.findings import LEVELS, Finding, Report, Size, render
from seqtag.data.encode.counting import count_strings
from seqtag.data.encode.normalize import normalized
from seqtag.errors import InputError
from seqtag.labels import OUTSIDE, problems

if TYPE_CHECKING:
    import datasets

__all__ = ["Finding", "Report", "Size", "examine", "render"]

# Longer sentences are mostly documents that have lost the empty lines between sentences.
VERY_LONG = 1000
# Sentences of at most this many tokens recur in any corpus ("Yes .") and leak nothing.
SHORT_LENGTH = 5
RARE = 5
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


def examine_vectors(path: str, corpus: Corpus) -> Finding:
    """Return a finding on how many words of the training split have a vector in a file."""
    from seqtag.data.encode.vector_coverage import Coverage
    from seqtag.data.encode.vectors import load_vectors, vector_size

    counts = count_strings(corpus.splits["train"], "tokens")
    strings = ["<pad>", "<unk>", *sorted(counts)]
    try:
        rows_N, _ = load_vectors(path, strings, vector_size(path))
    except InputError as error:
        return Finding("error", "train", "", f"vectors: {error}")
    coverage = Coverage.of(counts, {strings[row] for row in rows_N.tolist()})
    level = "warning" if coverage.is_low else "info"
    text = f"words of this split with a vector in {path}: {coverage}"
    return Finding(level, "train", "", text)


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
        self.labels: dict[str, Counter[str]] = {}
        self.first_of_label: dict[str, str] = {}

    def split(self, split: str, rows: datasets.Dataset) -> None:
        """Check every sentence of one split and add the findings."""
        tallies: dict[str, Tally] = defaultdict(Tally)
        labels: Counter[str] = Counter()
        columns = ColumnChecker()
        tokens = longest = unknown = 0
        for row in _rows(split, rows):
            tokens += len(row.tokens)
            longest = max(longest, len(row.tokens))
            for label in set(row.labels).difference(labels):
                if label is not None:
                    self.first_of_label.setdefault(label, row.where)
            labels.update(label for label in row.labels if label is not None)
            self._transitions(row, tallies["illegal"])
            self._odd_tokens(row, tallies)
            self._duplicates(split, row, tallies)
            columns.add(*row)
            if split == "train":
                self._learn_words(row, tallies)
            else:
                unknown += self._count_unknown(row, tallies)
        self.labels[split] = labels
        compared = split != "train" and "train" in self.labels and tokens > 0
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
        self._unseen_labels()
        self._training_labels()
        order = {level: rank for rank, level in enumerate(LEVELS)}
        findings = sorted(self.findings, key=lambda finding: order[finding.level])
        return Report(self.corpus.scheme, tuple(self.sizes), tuple(findings))

    def _add(self, level: str, split: str, message: str, tally: Tally | None = None) -> None:
        tally = tally or Tally()
        examples = tuple(tally.examples)
        self.findings.append(
            Finding(level, split, tally.where, message, max(tally.count, 1), examples)
        )

    def _add_all(self, split: str, found: list[Oddity]) -> None:
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

    def _unseen_labels(self) -> None:
        trained = self.labels.get("train")
        for split, labels in self.labels.items():
            unseen = [label for label in labels if trained is not None and label not in trained]
            if unseen:
                tally = Tally()
                for label in unseen:
                    times = f"{label} ({labels[label]:,} times)"
                    tally.add(self.first_of_label[label], times)
                self._add("warning", split, "labels that do not occur in training", tally)

    def _training_labels(self) -> None:
        trained = self.labels.get("train")
        if not trained:
            return
        if len(trained) == 1:
            (label,) = trained
            self._add("error", "train", f"every label is {label!r}: there is nothing to learn")
        if self.ambiguous:
            share = _share(self.ambiguous, len(self.words))
            self._add("info", "train", f"words with more than one label: {share}")
        rare = Tally()
        for label, times in sorted(trained.items(), key=lambda pair: pair[1]):
            if times < RARE:
                rare.add(self.first_of_label[label], f"{label} ({times})")
        if rare.count:
            self._add("info", "train", f"labels with fewer than {RARE} tokens", rare)
        self._similar_labels(trained)

    def _similar_labels(self, trained: Counter[str]) -> None:
        """Add labels that differ only in case or spaces, and rare ones that resemble others."""
        spans = self.corpus.scheme != "plain"
        types: Counter[str] = Counter()
        first: dict[str, str] = {}
        odd, alike, rare = Tally(), Tally(), Tally()
        for label in sorted(trained):
            type_ = label[2:] if spans and label != OUTSIDE else label
            types[type_] += trained[label]
            first.setdefault(type_, self.first_of_label[label])
            if INVISIBLE.search(label):
                odd.add(self.first_of_label[label], ascii(label))
        folded: dict[str, list[str]] = defaultdict(list)
        for type_ in sorted(types):
            folded[INVISIBLE.sub("", type_).casefold()].append(type_)
        for group in folded.values():
            if len(group) > 1:
                least = min(group, key=types.__getitem__)
                alike.add(first[least], " and ".join(map(ascii, group)))
        if spans:
            for typo, name in likely_typos(types):
                rare.add(first[typo], f"{typo} ({types[typo]}) and {name} ({types[name]:,})")
        for message, tally in (
            (
                "labels with spaces or invisible characters: correct them in the files",
                odd,
            ),
            ("labels that differ only in case or in spaces", alike),
            ("rare labels that resemble frequent ones: typos?", rare),
        ):
            if tally.count:
                self._add("warning", "train", message, tally)


def _rows(split: str, rows: datasets.Dataset) -> Iterator[_Row]:
    position = 0
    for table in tables(rows):
        columns = [table.column(name).to_pylist() for name in ("tokens", "labels", "where")]
        for tokens, labels, where in zip(*columns, strict=True):
            position += 1
            yield _Row(tokens, labels, where or f"{split} sentence {position}")


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} ({count / max(total, 1):.1%})"
