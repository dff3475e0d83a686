"""The labels a tagger knows: strings to ids and back, in the scheme it works in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seqtag.errors import InputError, did_you_mean
from seqtag.labels import (
    NOT_SCORED,
    SCHEMES,
    UNTYPED,
    Transitions,
    allowed_transitions,
    check_labels,
    convert,
)

_PREFIXES = {"bio": "BI", "bioes": "BIES"}
_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class LabelSet:
    """Labels in the order of their ids.

    Attributes:
        labels: the labels, in the working scheme.
        scheme: the scheme the network works in (``plain``, ``bio`` or ``bioes``).
        corpus_scheme: the scheme of the corpus, in which labels come in and go out.
    """

    def __init__(self, labels: Sequence[str], scheme: str, corpus_scheme: str) -> None:
        self.labels = tuple(labels)
        self.scheme = scheme
        self.corpus_scheme = corpus_scheme
        self._ids = {label: number for number, label in enumerate(self.labels)}
        self._reading = _Conversion(corpus_scheme, scheme)
        self._writing = _Conversion(scheme, corpus_scheme)

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the conversions that are remembered.
        return LabelSet, (self.labels, self.scheme, self.corpus_scheme)

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def fit(
        cls, sentences: Iterable[Sequence[str | None]], corpus_scheme: str, scheme: str = "auto"
    ) -> LabelSet:
        """Collect the labels of a training split.

        With spans, each type gets all labels of the working scheme, so that none that the
        transitions need is missing. `scheme` is ``auto`` (that of the corpus), ``bio`` or
        ``bioes``.

        Raises:
            InputError: if there is no label at all, one is none of the scheme, or the schemes do
                not go together.
        """
        seen = {label for labels in sentences for label in labels if label is not None}
        if not seen:
            raise InputError("the training split has no labels")
        if scheme == "auto":
            scheme = corpus_scheme
        if scheme not in SCHEMES or scheme == "iob1":
            raise InputError(
                f"scheme is 'auto', 'bio', 'bioes' or 'plain', not {scheme!r}"
                f"{did_you_mean(scheme, SCHEMES)}"
            )
        if (scheme == "plain") != (corpus_scheme == "plain"):
            raise InputError(
                f"scheme={scheme} does not fit a corpus whose labels are {corpus_scheme}"
            )
        _refuse_others(sorted(seen), corpus_scheme)
        if scheme == "plain":
            return cls(sorted(seen), scheme, corpus_scheme)
        types = sorted({label.partition("-")[2] for label in seen if label != "O"})
        if UNTYPED in types and scheme != corpus_scheme:
            raise InputError(
                f"the label type {UNTYPED!r} means no type, and would be lost between "
                f"{corpus_scheme} and {scheme}: name it otherwise, or set scheme={corpus_scheme}"
            )
        return cls(_span_labels(types, scheme), scheme, corpus_scheme)

    @property
    def types(self) -> tuple[str, ...]:
        """The span types, sorted; empty with plain labels."""
        if self.scheme == "plain":
            return ()
        return tuple(sorted({label.partition("-")[2] for label in self.labels if label != "O"}))

    @property
    def corpus_labels(self) -> tuple[str, ...]:
        """The labels as the corpus spells them."""
        if self.scheme == self.corpus_scheme:
            return self.labels
        return tuple(_span_labels(self.types, self.corpus_scheme))

    @property
    def transitions(self) -> Transitions | None:
        """What may follow what; None where everything may."""
        return None if self.scheme == "plain" else allowed_transitions(self.labels, self.scheme)

    def encode(self, labels: Sequence[str | None]) -> list[int]:
        """Return the ids of a sentence's labels, given in the scheme of the corpus.

        What is not labelled, or carries a label unseen in training, becomes `NOT_SCORED`.
        """
        if self.scheme != self.corpus_scheme:
            labels = self._reading(labels)
        return [self._ids.get(label, NOT_SCORED) for label in labels]  # type: ignore[arg-type]

    def decode(self, ids: Sequence[int]) -> list[str]:
        """Return the labels of a sentence in the scheme of the corpus."""
        labels = [self.labels[i] for i in ids]
        return self._writing(labels) if self.scheme != self.corpus_scheme else labels

    def to_plain(self) -> dict[str, Any]:
        """Return the labels as JSON values."""
        return {
            "scheme": self.scheme,
            "corpus_scheme": self.corpus_scheme,
            "labels": list(self.labels),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], where: str = "labels.json") -> LabelSet:
        """Rebuild the labels from :meth:`to_plain`.

        Raises:
            InputError: if `plain` is not what :meth:`to_plain` makes.
        """
        try:
            labels, schemes = plain["labels"], (plain["scheme"], plain["corpus_scheme"])
        except (KeyError, TypeError) as error:
            raise InputError(f"{where}: not a label file of seqtag: {error!r}") from None
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise InputError(f"{where}: 'labels' must be a list of strings")
        if len(set(labels)) != len(labels) or not labels:
            raise InputError(f"{where}: 'labels' must be different and at least one")
        for scheme in schemes:
            if scheme not in ("plain", "bio", "bioes"):
                raise InputError(f"{where}: unknown scheme {scheme!r}")
        if (schemes[0] == "plain") != (schemes[1] == "plain"):
            raise InputError(f"{where}: plain labels and those of spans do not mix")
        try:
            _refuse_others(labels, schemes[0])
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        made = cls(labels, *schemes)
        if schemes[0] != schemes[1] and set(labels) != {*_span_labels(made.types, schemes[0])}:
            # What a label is written as in the other scheme depends on its neighbours.
            raise InputError(
                f"{where}: each type of span must have all labels of the {schemes[0]} scheme, "
                f"beside O, since they are written in the {schemes[1]} scheme"
            )
        return made


class _Conversion:
    """`convert` by memory: what becomes of a label follows from it and its two neighbours.

    Each such three is converted once, within the first sentence that has it. Where tokens are
    ignored, neighbours are further away, and nothing is remembered.
    """

    def __init__(self, source: str, target: str) -> None:
        self._schemes = source, target
        self._known: dict[tuple[str | None, ...], str | None] = {}

    def __call__(self, labels: Sequence[str | None]) -> list[str | None]:
        if None in labels:
            return convert(labels, *self._schemes)
        neighbours = (None, *labels), labels, (*labels[1:], None)
        threes = list(zip(*neighbours, strict=False))  # as many as labels
        try:
            return [self._known[three] for three in threes]
        except KeyError:
            converted = convert(labels, *self._schemes)
            self._known.update(zip(threes, converted, strict=True))
            return converted


def _refuse_others(labels: Iterable[str], scheme: str) -> None:
    """Refuse labels that are not of the scheme, or that would break a line of output."""
    labels = list(labels)
    for label in labels:
        if _BREAKING.search(label):
            raise InputError(
                f"the label {label!r} has a control character, a line break or half of a "
                "surrogate pair in it, which no output can hold: name it otherwise"
            )
    check_labels(labels, scheme)


def _span_labels(types: Iterable[str], scheme: str) -> list[str]:
    """Return O and each type's labels under the scheme."""
    labels = ["O"]
    for name in types:
        labels += [f"{p}-{name}" if name else p for p in _PREFIXES[scheme]]
    return labels
