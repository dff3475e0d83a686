"""What tagging gives: tokens, labels and spans, with places in the text and probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqtag.labels import spans as spans_of
from seqtag.tagging.text import Sentence, Token


@dataclass(frozen=True, slots=True)
class TaggedSpan:
    """A span that the labels spell out.

    Attributes:
        text: the words; as they stand in the text, or joined by spaces where they came split.
        type: what the span is.
        start: place of its first character in the text; None where the words came split.
        end: place behind its last character, or None.
        first_token: its first token, counted from 0 in the sentence.
        last_token: its last token, itself part of the span.
        probability: the least of its tokens' probabilities, or None if not asked for. The
            probability that all its labels are right is at most this.
    """

    text: str
    type: str
    start: int | None
    end: int | None
    first_token: int
    last_token: int
    probability: float | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON values, leaving out what is None."""
        values = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: _rounded(value) for name, value in values if value is not None}


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence with its labels.

    Attributes:
        text: the sentence as it stands in the text, or None if it came split.
        tokens: its tokens.
        labels: a label each, in the scheme of the corpus.
        spans: what the labels spell out, in order; empty with plain labels.
        probabilities: each label's probability, or None if not asked for. With a CRF it is the
            marginal one, over all labellings of the sentence.
    """

    text: str | None
    tokens: tuple[Token, ...]
    labels: tuple[str, ...]
    spans: tuple[TaggedSpan, ...]
    probabilities: tuple[float, ...] | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return it as JSON values.

        ``tokens`` and ``labels`` are lists of strings, as a corpus in JSON lines has them;
        where the text is known, ``text`` holds it and ``offsets`` each token's start and end.
        """
        plain: dict[str, Any] = {"tokens": [token.text for token in self.tokens]}
        if self.text is not None:
            offsets = [[token.start, token.end] for token in self.tokens]
            plain = {"text": self.text, **plain, "offsets": offsets}
        plain["labels"] = list(self.labels)
        plain["spans"] = [span.to_plain() for span in self.spans]
        if self.probabilities is not None:
            plain["probabilities"] = [_rounded(value) for value in self.probabilities]
        return plain


def tagged_sentence(
    sentence: Sentence,
    labels: Sequence[str],
    scheme: str,
    probabilities: Sequence[float] | None = None,
) -> TaggedSentence:
    """Put a sentence and its labels together; `scheme` is that of the labels."""
    tokens = sentence.tokens
    found = [
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
    certain = None if probabilities is None else tuple(probabilities)
    return TaggedSentence(sentence.text, tuple(tokens), tuple(labels), tuple(found), certain)


def _covered(sentence: Sentence, first: int, end: int) -> str:
    """Return the text of the tokens from `first` to before `end`."""
    tokens = sentence.tokens[first:end]
    if sentence.text is None:
        return " ".join(token.text for token in tokens)
    base = sentence.tokens[0].start
    return sentence.text[tokens[0].start - base : tokens[-1].end - base]


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
