"""Convert spans of characters to BIO labels of tokens, and find spans that do not fit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from seqtag.data.formats.document import CharSpan, Document
from seqtag.data.text.split import Sentence, Token
from seqtag.labels import OUTSIDE

# What can be wrong with a span, as in "spans that ...".
OUTSIDE_TEXT = "lie outside the text"
EMPTY = "are empty"
NO_LABEL = "have no label"
EDGE = "have white space at their edge"
CUT = "cut a token"
CROSSING = "cross the end of a sentence"
OVERLAP = "overlap another span"
# How these are widened; the others are left out.
_WIDENED = {
    EDGE: "shortened to the text without it",
    CUT: "widened to whole tokens",
    CROSSING: "kept, and the sentences joined",
}
LEFT_OUT = "left out"
_SHOWN = 60


class Problem(NamedTuple):
    """A span that does not fit: what is wrong, what was done, and its text."""

    kind: str
    remedy: str
    text: str


class Aligned(NamedTuple):
    """The sentences of a document, a label per token of each, and the spans that do not fit.

    A label is None where a span was left out, since the right label is then unknown.
    """

    sentences: list[list[Token]]
    labels: list[list[str | None]]
    problems: list[Problem]


class _Range(NamedTuple):
    """The tokens from `first` to `last` (inclusive) of a document, and the span they are from."""

    first: int
    last: int
    span: CharSpan


def align(document: Document, sentences: Sequence[Sentence], widen: bool) -> Aligned:
    """Return the tokens of a document in sentences, with BIO labels.

    Args:
        document: the text and its spans.
        sentences: the sentences of the text, with the offsets of their tokens.
        widen: whether spans are widened to whole tokens where possible. If not, each span that
            does not fit is left out.

    Of spans that overlap, the longest is kept, or else the first.
    """
    aligner = _Aligner(document.text, sentences, widen)
    for fault in document.faults:
        if widen and fault.type and fault.start is not None and fault.end is not None:
            aligner.problem(fault.kind, "read as one span from start to end", fault.text)
            aligner.add(CharSpan(fault.start, fault.end, fault.type))
        else:
            aligner.problem(fault.kind, LEFT_OUT, fault.text)
            aligner.forget(fault.start, fault.end)
    for span in document.spans or ():
        aligner.add(span)
    return aligner.finish(document.unlabelled)


def shortened(text: str) -> str:
    """Return a text for a message: quoted, on one line, and cut if it is long."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


class _Aligner:
    def __init__(self, text: str, sentences: Sequence[Sentence], widen: bool) -> None:
        self.text, self.widen = text, widen
        self.sentences = [list(sentence.tokens) for sentence in sentences]
        self.tokens = list(chain.from_iterable(self.sentences))
        self.starts = [token.start or 0 for token in self.tokens]
        self.ends = [token.end or 0 for token in self.tokens]
        self.sentence_of = [number for number, tokens in enumerate(self.sentences) for _ in tokens]
        self.ranges: list[_Range] = []
        self.problems: list[Problem] = []
        # Tokens whose label is unknown.
        self.unknown: set[int] = set()

    def problem(self, kind: str, remedy: str, text: str) -> None:
        self.problems.append(Problem(kind, remedy, text))

    def forget(self, start: int | None, end: int | None) -> None:
        """Mark the tokens that a part of the text touches as unlabelled."""
        if start is None or end is None:
            return
        for number in range(max(0, bisect_right(self.starts, start) - 1), len(self.tokens)):
            if self.starts[number] >= end:
                break
            if self.ends[number] > start:
                self.unknown.add(number)

    def add(self, span: CharSpan) -> None:
        """Check a span, and store its tokens."""
        start, end, type_, _ = span
        inside = 0 <= start <= end <= len(self.text)
        covered = self.text[start:end] if inside else ""
        if not inside:
            self.problem(OUTSIDE_TEXT, LEFT_OUT, f"{start}-{end} of {len(self.text):,} characters")
        elif not covered.strip():
            self.problem(EMPTY, LEFT_OUT, f"{shortened(covered)} at {start}")
        elif not type_.strip():
            self._misfit(NO_LABEL, span)
        else:
            self._place(span)

    def _place(self, span: CharSpan) -> None:
        covered = self.text[span.start : span.end]
        start = span.start + len(covered) - len(covered.lstrip())
        end = span.end - (len(covered) - len(covered.rstrip()))
        # Every character that is not white space is in a token.
        first, last = bisect_right(self.starts, start) - 1, bisect_right(self.starts, end - 1) - 1
        if len(covered.strip()) < len(covered) and not self._fits(EDGE, span):
            return
        is_cut = self.starts[first] != start or self.ends[last] != end
        if is_cut and not self._fits(CUT, span):
            return
        self.ranges.append(_Range(first, last, span))

    def _fits(self, kind: str, span: CharSpan) -> bool:
        """Report a span that does not fit; return whether it is kept, in a changed form."""
        if not self.widen:
            self._misfit(kind, span)
            return False
        self.problem(kind, _WIDENED[kind], self._shown(span))
        return True

    def _misfit(self, kind: str, span: CharSpan) -> None:
        self.problem(kind, LEFT_OUT, self._shown(span))
        self.forget(span.start, span.end)

    def _shown(self, span: CharSpan) -> str:
        text = shortened(self.text[span.start : span.end])
        return f"{text} ({span.type}, {span.start}-{span.end})" if span.type.strip() else text

    def finish(self, unlabelled: Sequence[tuple[int, int]]) -> Aligned:
        """Choose among overlapping spans, join sentences, and return the labels."""
        for start, end in unlabelled:
            self.forget(start, end)
        labels: list[str | None] = [
            None if number in self.unknown else OUTSIDE for number in range(len(self.tokens))
        ]
        joined: set[int] = set()  # sentences that continue the one before
        taken: set[int] = set()
        for first, last, span in self._longest_first():
            covered = range(first, last + 1)
            if not taken.isdisjoint(covered):
                self.problem(OVERLAP, LEFT_OUT, self._shown(span))
                for number in covered:
                    labels[number] = labels[number] if number in taken else None
                continue
            continued = range(self.sentence_of[first] + 1, self.sentence_of[last] + 1)
            if continued and not self._fits(CROSSING, span):
                labels[first : last + 1] = [None] * len(covered)
                continue
            taken.update(covered)
            joined.update(continued)
            labels[first : last + 1] = [f"B-{span.type}", *[f"I-{span.type}"] * (last - first)]
        return self._by_sentence(labels, joined)

    def _longest_first(self) -> list[_Range]:
        return sorted(self.ranges, key=lambda one: (one.span.start - one.span.end, one.span.start))

    def _by_sentence(self, labels: list[str | None], joined: set[int]) -> Aligned:
        sentences: list[list[Token]] = []
        labels_by_sentence: list[list[str | None]] = []
        position = 0
        for number, tokens in enumerate(self.sentences):
            own = labels[position : position + len(tokens)]
            position += len(tokens)
            if number in joined:
                sentences[-1] += tokens
                labels_by_sentence[-1] += own
            else:
                sentences.append(list(tokens))
                labels_by_sentence.append(own)
        return Aligned(sentences, labels_by_sentence, self.problems)
