"""Results of tagging: sentences with labels and spans, offsets in the text and probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqtag.data.text.split import Sentence, Token
from seqtag.labels import spans as spans_of


@dataclass(frozen=True, slots=True)
class TaggedSpan:
    """A span of tokens that the labels of a sentence encode.

        for span in tagger.tag("Alex Graves left Munich.")[0].spans:
            print(span.type, span.text, span.start, span.end)  # PER Alex Graves 0 11

    Attributes:
        text: the text of the span; if the sentence was given as words, they are joined by spaces.
        type: the type of the span, such as ``PER``.
        start: offset of its first character in the text; None if the sentence was given
            as words.
        end: offset after its last character; None if the sentence was given as words.
        first_token: index of its first token in the sentence, from 0.
        last_token: index of its last token (inclusive).
        probability: the lowest label probability of its tokens; None if not requested. It is an
            upper bound on the probability that all its labels are right.
    """

    text: str
    type: str
    start: int | None
    end: int | None
    first_token: int
    last_token: int
    probability: float | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return the attributes that are not None as JSON values."""
        values = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: _rounded(value) for name, value in values if value is not None}


@dataclass(frozen=True, slots=True)
class Alternative:
    """A sequence of labels that a sentence may have.

    Attributes:
        labels: the label of each token, as in `TaggedSentence`.
        spans: the spans that the labels encode, without probabilities.
        probability: the probability of the whole sequence.
    """

    labels: tuple[str, ...]
    spans: tuple[TaggedSpan, ...]
    probability: float

    def to_plain(self) -> dict[str, Any]:
        """Return the attributes as JSON values."""
        spans = [span.to_plain() for span in self.spans]
        probability = _rounded(self.probability)
        return {"labels": list(self.labels), "spans": spans, "probability": probability}


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence with its labels.

        sentence = tagger.tag([["Alex", "left", "."]], probabilities=True)[0]
        for token, label, p in zip(sentence.tokens, sentence.labels, sentence.probabilities):
            print(token.text, label, p)

    Attributes:
        text: the sentence as in the text; None if it was given as words.
        tokens: its tokens.
        labels: the label of each token, in the scheme that was asked for.
        spans: the spans that the labels encode, in order; empty for plain labels.
        probabilities: the probability of each label; None if not requested. For a CRF it is the
            marginal probability, over all label sequences.
        certainty: the probability of the whole sequence of labels, normalised by its length: the
            T-th root for T tokens, 1 without tokens; None if not requested.
        alternatives: the most probable sequences of labels, best first; None if not requested.
            There are fewer if the scheme allows fewer, and, in a tagger without CRF, if several
            are equal in the scheme of the corpus.
        top_labels: for each token, its most probable labels with their probabilities, in the
            network's scheme, or bio if the corpus has another one; None if not requested.
    """

    text: str | None
    tokens: tuple[Token, ...]
    labels: tuple[str, ...]
    spans: tuple[TaggedSpan, ...]
    probabilities: tuple[float, ...] | None = None
    certainty: float | None = None
    alternatives: tuple[Alternative, ...] | None = None
    top_labels: tuple[tuple[tuple[str, float], ...], ...] | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return the sentence as JSON values.

        ``tokens`` and ``labels`` are lists of strings, as in a corpus in JSON lines. For raw text
        there are also ``text``, and ``offsets`` with start and end of each token.
        """
        plain: dict[str, Any] = {"tokens": [token.text for token in self.tokens]}
        if self.text is not None:
            offsets = [[token.start, token.end] for token in self.tokens]
            plain = {"text": self.text, **plain, "offsets": offsets}
        plain["labels"] = list(self.labels)
        plain["spans"] = [span.to_plain() for span in self.spans]
        if self.probabilities is not None:
            plain["probabilities"] = [_rounded(value) for value in self.probabilities]
        if self.certainty is not None:
            plain["certainty"] = _rounded(self.certainty)
        if self.alternatives is not None:
            plain["alternatives"] = [one.to_plain() for one in self.alternatives]
        if self.top_labels is not None:
            plain["top_labels"] = [
                {label: _rounded(value) for label, value in token} for token in self.top_labels
            ]
        return plain


def tagged_sentence(
    sentence: Sentence,
    labels: Sequence[str],
    scheme: str,
    probabilities: Sequence[float] | None = None,
    certainty: float | None = None,
) -> TaggedSentence:
    """Return a sentence with its labels, which are in `scheme`, and the spans they encode."""
    tokens = sentence.tokens
    spans = [
        TaggedSpan(
            text=_covered(sentence, first, end),
            type=type_,
            start=tokens[first].start,
            end=tokens[end - 1].end,
            first_token=first,
            last_token=end - 1,
            probability=None if probabilities is None else min(probabilities[first:end]),
        )
        for type_, first, end in (() if scheme == "plain" else spans_of(labels, scheme))
    ]
    by_token = None if probabilities is None else tuple(probabilities)
    parts = (tuple(tokens), tuple(labels), tuple(spans), by_token)
    return TaggedSentence(sentence.text, *parts, certainty)


def _covered(sentence: Sentence, first: int, end: int) -> str:
    """Return the text of the tokens from `first` to `end` (exclusive)."""
    tokens = sentence.tokens[first:end]
    if sentence.text is None:
        return " ".join(token.text for token in tokens)
    base = sentence.tokens[0].start
    return sentence.text[tokens[0].start - base : tokens[-1].end - base]


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
