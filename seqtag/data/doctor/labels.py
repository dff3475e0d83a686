"""Findings on the labels of a corpus: unseen and rare ones, and spellings that look like typos."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from seqtag.data.corpus.oddities import INVISIBLE, Oddity, Tally, likely_typos
from seqtag.labels import OUTSIDE

# Labels of fewer tokens are rare.
RARE = 5


class LabelChecker:
    """Counts the labels of each split and the first place of each label."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self._first: dict[str, str] = {}

    def begin(self, split: str) -> Counter[str]:
        """Begin a split and return the counts of its labels, which `add` completes."""
        return self.counts.setdefault(split, Counter())

    def add(self, split: str, labels: list[str | None], where: str) -> None:
        """Count the labels of a sentence; None is not a label."""
        counts = self.counts[split]
        for label in set(labels).difference(counts):
            if label is not None:
                self._first.setdefault(label, where)
        counts.update(label for label in labels if label is not None)

    def unseen(self) -> Iterator[tuple[str, Oddity]]:
        """Yield each split with labels that training does not have, and the finding on them."""
        trained = self.counts.get("train")
        for split, counts in self.counts.items():
            tally = Tally()
            for label in counts if trained is not None else ():
                if label not in trained:
                    tally.add(self._first[label], f"{label} ({counts[label]:,} times)")
            if tally.count:
                yield split, Oddity("warning", "labels that do not occur in training", tally)

    def in_training(self, spans: bool) -> Iterator[Oddity]:
        """Yield findings on the labels of the training split, which are BIO-like if `spans`."""
        trained = self.counts.get("train")
        if not trained:
            return
        if len(trained) == 1:
            (label,) = trained
            message = f"every label is {label!r}: there is nothing to learn"
            yield Oddity("error", message, Tally())
        rare = Tally()
        for label, times in sorted(trained.items(), key=lambda pair: pair[1]):
            if times < RARE:
                rare.add(self._first[label], f"{label} ({times})")
        if rare.count:
            yield Oddity("info", f"labels with fewer than {RARE} tokens", rare)
        yield from self._similar(trained, spans)

    def _similar(self, trained: Counter[str], spans: bool) -> Iterator[Oddity]:
        """Yield labels that differ only in case or spaces, and rare ones that resemble others."""
        types: Counter[str] = Counter()
        first: dict[str, str] = {}
        odd, alike, rare = Tally(), Tally(), Tally()
        for label in sorted(trained):
            type_ = label[2:] if spans and label != OUTSIDE else label
            types[type_] += trained[label]
            first.setdefault(type_, self._first[label])
            if INVISIBLE.search(label):
                odd.add(self._first[label], ascii(label))
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
            ("labels with spaces or invisible characters: correct them in the files", odd),
            ("labels that differ only in case or in spaces", alike),
            ("rare labels that resemble frequent ones: typos?", rare),
        ):
            if tally.count:
                yield Oddity("warning", message, tally)
