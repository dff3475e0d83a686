"""Where a tagger is wrong: confusions, kinds of error, and figures by length and known words."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from seqtag.labels import OUTSIDE, UNTYPED, Span, spans
from seqtag.metrics.examples import Example, Examples, Sentence
from seqtag.metrics.pairing import KINDS, RIGHT, pair_spans
from seqtag.metrics.rates import rates, ratio

# In a confusion: no span of the other side.
NONE = "none"
# The kind of all errors with plain labels.
WRONG = "label"
# First lengths of the groups of sentences.
_LENGTHS = (1, 6, 11, 21, 31, 51)
LENGTHS = ("1-5", "6-10", "11-20", "21-30", "31-50", "51+")


@dataclass
class Tally:
    """Counts of sentences, words and spans.

    Attributes:
        sentences: number of sentences.
        tokens: number of scored words.
        right: number of them with the right label.
        spans: numbers of right, predicted and gold spans.
        errors: number of errors: of wrong words, or of spans that are not right.
    """

    sentences: int = 0
    tokens: int = 0
    right: int = 0
    spans: list[int] = field(default_factory=lambda: [0, 0, 0])
    errors: int = 0

    def figures(self, with_spans: bool) -> dict[str, Any]:
        """Return the counts and the scores that follow from them, by name."""
        figures: dict[str, Any] = {
            "tokens": self.tokens,
            "accuracy": ratio(self.right, self.tokens),
        }
        if with_spans:
            figures |= {**rates(*self.spans), "support": self.spans[2]}
        return figures | {"errors": self.errors}


class Analysis:
    """Counts of errors by what they are and where they are, over the sentences of a split.

    Memory grows with the number of distinct labels, not of sentences.

    Args:
        trained: the labels that the tagger can predict.
        scheme: the scheme of predicted and gold labels.
        examples: number of sentences that are kept of each kind of error.

    Attributes:
        spanning: whether the labels encode spans.
        confusion: number of words by (gold, predicted) label; of span pairs by (gold type,
            predicted type, kind), where "none" is a missing span.
        lengths: counts by length of the sentence.
        words: counts of known and of unknown words; a span is unknown if one of its words is.
        unseen: number of words with each gold label unseen in training, or of spans by type.
        examples: sentences with errors.
    """

    def __init__(self, trained: Collection[str], scheme: str, examples: int = 0) -> None:
        self.scheme, self.spanning = scheme, scheme != "plain"
        self._trained = {_type(label) for label in trained} if self.spanning else set(trained)
        self.confusion: Counter[tuple[str, ...]] = Counter()
        self.lengths = {name: Tally() for name in LENGTHS}
        self.words = {"known": Tally(), "unknown": Tally()}
        self.unseen: Counter[str] = Counter()
        self.examples = Examples(examples)
        self._seen = Tally()
        self._seen_types: dict[str, list[int]] = {}

    def add(self, sentence: Sentence) -> None:
        """Count a sentence."""
        if not sentence.tokens:
            return
        of_length = self.lengths[LENGTHS[sum(len(sentence.tokens) >= n for n in _LENGTHS) - 1]]
        of_length.sentences += 1
        for position, (gold, predicted) in enumerate(
            zip(sentence.gold, sentence.predicted, strict=True)
        ):
            if gold is None:
                continue
            of_words = self.words["unknown" if sentence.unknown[position] else "known"]
            for tally in (of_length, of_words):
                tally.tokens += 1
                tally.right += gold == predicted
            if not self.spanning:
                self._add_word(sentence, position, gold, predicted, (of_length, of_words))
        if self.spanning:
            self._add_spans(sentence, of_length)
        self._add_seen(sentence)

    def _add_word(
        self,
        sentence: Sentence,
        position: int,
        gold: str,
        predicted: str,
        tallies: Sequence[Tally],
    ) -> None:
        self.confusion[gold, predicted] += 1
        if gold not in self._trained:
            self.unseen[gold] += 1
        if gold == predicted:
            return
        for tally in tallies:
            tally.errors += 1
        word = (position, position + 1)
        example = Example(
            sentence.probabilities[position],
            sentence,
            (Span(gold, *word),),
            (Span(predicted, *word),),
            *word,
        )
        self.examples.add(WRONG, f"{gold} → {predicted}", example)

    def _add_spans(self, sentence: Sentence, of_length: Tally) -> None:
        gold, predicted = self._both(sentence.gold, sentence.predicted)
        for span in gold:
            if span.type not in self._trained:
                self.unseen[span.type] += 1
        for kind, own, other in pair_spans(gold, predicted):
            names = (own.type if own else NONE, other.type if other else NONE)
            self.confusion[*names, kind] += 1
            present = [span for span in (own, other) if span is not None]
            start, end = min(s.start for s in present), max(s.end for s in present)
            new = any(sentence.unknown[start:end])
            for tally in (of_length, self.words["unknown" if new else "known"]):
                counts = (kind == RIGHT, other is not None, own is not None)
                tally.spans = [a + b for a, b in zip(tally.spans, counts, strict=True)]
                tally.errors += kind != RIGHT
            if kind != RIGHT:
                answer = other or own
                assert answer is not None
                sure = min(sentence.probabilities[answer.start : answer.end])
                example = Example(sure, sentence, tuple(gold), tuple(predicted), start, end)
                different = own and other and own.type != other.type
                group = " → ".join(names) if different else present[0].type
                self.examples.add(kind, group, example)

    def _both(
        self, gold: Sequence[str | None], predicted: Sequence[str]
    ) -> tuple[list[Span], list[Span]]:
        """Return the gold and the predicted spans; words without a gold label are left out."""
        scored = [None if g is None else p for g, p in zip(gold, predicted, strict=True)]
        return spans(gold, self.scheme), spans(scored, self.scheme)

    def _add_seen(self, sentence: Sentence) -> None:
        """Count the sentence as if words whose gold label is unseen in training had none."""
        known = [g if g is None or self._is_trained(g) else None for g in sentence.gold]
        for gold, predicted in zip(known, sentence.predicted, strict=True):
            if gold is not None:
                self._seen.tokens += 1
                self._seen.right += gold == predicted
        if self.spanning:
            gold_spans, predicted_spans = self._both(known, sentence.predicted)
            common = set(gold_spans) & set(predicted_spans)
            for column, found in enumerate((common, predicted_spans, gold_spans)):
                for span in found:
                    self._seen_types.setdefault(span.type, [0, 0, 0])[column] += 1

    def _is_trained(self, label: str) -> bool:
        if self.spanning:
            return label == OUTSIDE or _type(label) in self._trained
        return label in self._trained

    def without_unseen(self) -> dict[str, Any]:
        """Return the scores as if words with labels unseen in training were unlabelled."""
        counts = [sum(column) for column in zip(*self._seen_types.values(), strict=True)]
        self._seen.spans = counts or [0, 0, 0]
        figures = self._seen.figures(self.spanning)
        del figures["errors"]
        return figures

    def figures(self) -> dict[str, Any]:
        """Return the figures that ``metrics.json`` has in addition to the scores."""
        figures: dict[str, Any] = {
            "by_length": {
                name: {"sentences": tally.sentences, **tally.figures(self.spanning)}
                for name, tally in self.lengths.items()
                if tally.sentences
            },
            "by_words": {n: tally.figures(self.spanning) for n, tally in self.words.items()},
        }
        if self.spanning:
            figures["errors"] = self.kinds()
        if self.unseen:
            figures["unseen_labels"] = dict(self.unseen.most_common())
            figures["without_unseen_labels"] = self.without_unseen()
        return figures

    def kinds(self) -> dict[str, int]:
        """Return the number of spans of each kind of error."""
        counts = Counter[str]()
        for (*_, kind), count in self.confusion.items():
            counts[kind] += count
        return {kind: counts[kind] for kind in KINDS}


def _type(label: str) -> str:
    return label.partition("-")[2] or UNTYPED
