"""The label set of a tagger: labels to ids and back, in the scheme of the network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from seqtag.checks import from_plain
from seqtag.errors import InputError, did_you_mean, unknown
from seqtag.labels import (
    AS_IN_CORPUS,
    NOT_SCORED,
    SCHEMES,
    UNTYPED,
    Notation,
    Transitions,
    allowed_transitions,
    check_labels,
    convert,
)

_INTERNAL = ("plain", "bio", "bioes")
_PREFIXES = {"bio": "BI", "bioes": "BIES"}
# Characters that would break a line of output, or that cannot be written at all.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class LabelSet:
    """Labels of a tagger, in the order of their ids.

        labels = LabelSet.fit([["B-PER", "O"]], "bio", "bioes")
        labels.decode(labels.encode(["B-PER", "I-PER", "O"]))  # the same labels

    Attributes:
        labels: the labels, in the scheme of the network.
        scheme: the scheme of the network (``plain``, ``bio`` or ``bioes``).
        corpus_scheme: the scheme of the corpus, which `encode` takes and `decode` returns.
        notation: how the files of the corpus wrote the labels; `rewrite` can return them so.
    """

    def __init__(
        self,
        labels: Sequence[str],
        scheme: str,
        corpus_scheme: str,
        notation: Notation | None = None,
    ) -> None:
        self.labels = tuple(labels)
        self.scheme = scheme
        self.corpus_scheme = corpus_scheme
        self.notation = notation or Notation(corpus_scheme)
        self._ids = {label: number for number, label in enumerate(self.labels)}
        self._reading = _CachedConversion(corpus_scheme, scheme)
        self._writing = _CachedConversion(scheme, corpus_scheme)

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the cached conversions.
        return LabelSet, (self.labels, self.scheme, self.corpus_scheme, self.notation)

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def fit(
        cls,
        sentences: Iterable[Sequence[str | None]],
        corpus_scheme: str,
        scheme: str = "auto",
        notation: Notation | None = None,
    ) -> LabelSet:
        """Build a label set from the labels of a training split.

        In a span scheme, each type gets all labels of the scheme, also those not in the data, so
        that every legal transition is possible.

        Args:
            sentences: the labels of each sentence; None for a token without a label.
            corpus_scheme: their scheme.
            scheme: the scheme of the network: ``auto`` (that of the corpus), ``bio``, ``bioes`` or
                ``plain``.
            notation: how the files of the corpus wrote the labels; None: as `corpus_scheme` does.

        Raises:
            InputError: if there is no label at all, a label does not follow the scheme, or the
                schemes are incompatible.
        """
        seen = {label for labels in sentences for label in labels if label is not None}
        if not seen:
            raise InputError("the training split has no labels")
        if scheme == "auto":
            scheme = corpus_scheme
        if scheme not in _INTERNAL:
            raise InputError(
                f"scheme must be 'auto', 'bio', 'bioes' or 'plain', not {scheme!r}"
                f"{did_you_mean(scheme, _INTERNAL)}"
            )
        if (scheme == "plain") != (corpus_scheme == "plain"):
            raise InputError(
                f"scheme={scheme} does not fit a corpus whose labels are {corpus_scheme}"
            )
        _check_labels(sorted(seen), corpus_scheme)
        if scheme == "plain":
            return cls(sorted(seen), scheme, corpus_scheme, notation)
        types = sorted({label.partition("-")[2] for label in seen if label != "O"})
        if UNTYPED in types and scheme != corpus_scheme:
            raise InputError(
                f"the label type {UNTYPED!r} means no type, and would be lost in the conversion "
                f"from {corpus_scheme} to {scheme}: rename it, or set scheme={corpus_scheme}"
            )
        return cls(_span_labels(types, scheme), scheme, corpus_scheme, notation)

    def extended(self, other: LabelSet) -> LabelSet:
        """Return a label set of the labels of both, in the schemes of `other`.

        The labels of this set come first, in its order, so far as they are in that scheme.

        Raises:
            InputError: if one has plain labels, and the other labels of spans.
        """
        if (self.scheme == "plain") != (other.scheme == "plain"):
            kinds = ["plain labels" if s.scheme == "plain" else "spans" for s in (self, other)]
            raise InputError(f"the tagger has {kinds[0]}, the corpus {kinds[1]}")
        labels = dict.fromkeys(self.labels if self.scheme == other.scheme else ())
        if other.scheme != "plain":
            types = dict.fromkeys(label.partition("-")[2] for label in self.labels if label != "O")
            labels |= dict.fromkeys(_span_labels(types, other.scheme))
        return LabelSet(
            [*labels, *(new for new in other.labels if new not in labels)],
            other.scheme,
            other.corpus_scheme,
            other.notation,
        )

    @property
    def types(self) -> tuple[str, ...]:
        """The span types, sorted; empty with plain labels."""
        if self.scheme == "plain":
            return ()
        return tuple(sorted({label.partition("-")[2] for label in self.labels if label != "O"}))

    @property
    def corpus_labels(self) -> tuple[str, ...]:
        """The labels in the scheme of the corpus."""
        if self.scheme == self.corpus_scheme:
            return self.labels
        return tuple(_span_labels(self.types, self.corpus_scheme))

    @property
    def transitions(self) -> Transitions | None:
        """The allowed transitions between labels; None for plain labels, where all are allowed."""
        return None if self.scheme == "plain" else allowed_transitions(self.labels, self.scheme)

    def encode(self, labels: Sequence[str | None]) -> list[int]:
        """Return the ids of a sentence's labels, given in the scheme of the corpus.

        Tokens without a label, or with a label unseen in training, get the id `NOT_SCORED`.
        """
        if self.scheme != self.corpus_scheme:
            labels = self._reading(labels)
        return [self._ids.get(label, NOT_SCORED) for label in labels]  # type: ignore[arg-type]

    def decode(self, ids: Sequence[int]) -> list[str]:
        """Return the labels of a sentence's ids, in the scheme of the corpus."""
        labels = [self.labels[i] for i in ids]
        return self._writing(labels) if self.scheme != self.corpus_scheme else labels

    def check_output(self, scheme: str | None) -> None:
        """Check that `rewrite` can return labels in a scheme.

        Raises:
            InputError: if it cannot.
        """
        if scheme is None or scheme == AS_IN_CORPUS:
            return
        if scheme not in SCHEMES:
            raise unknown("scheme", scheme, (AS_IN_CORPUS, *SCHEMES))
        if (scheme == "plain") != (self.scheme == "plain"):
            raise InputError(
                f"scheme {scheme}: the labels of this tagger are {self.corpus_scheme}; plain "
                "labels and labels of spans cannot be converted to each other"
            )

    def rewrite(self, labels: Sequence[str], scheme: str | None) -> list[str]:
        """Return labels of `decode` in another scheme.

        Args:
            labels: the labels of a sentence.
            scheme: ``corpus`` (as in the files of the corpus), one of `SCHEMES`, or None: as they
                are.

        Raises:
            InputError: if the scheme does not exist or cannot express the labels.
        """
        self.check_output(scheme)
        if scheme is None:
            return list(labels)
        notation = self.notation if scheme == AS_IN_CORPUS else Notation(scheme)
        converted = convert(labels, self.corpus_scheme, notation.scheme)
        return [notation.write(label) for label in converted if label is not None]

    def to_plain(self) -> dict[str, Any]:
        """Return the label set as JSON values."""
        plain = {
            "scheme": self.scheme,
            "corpus_scheme": self.corpus_scheme,
            "labels": list(self.labels),
        }
        if self.notation != Notation(self.corpus_scheme):
            plain["notation"] = asdict(self.notation)
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], where: str = "labels.json") -> LabelSet:
        """Rebuild a label set from the JSON values of :meth:`to_plain`.

        Raises:
            InputError: if `plain` is not from :meth:`to_plain`.
        """
        try:
            labels, schemes = plain["labels"], (plain["scheme"], plain["corpus_scheme"])
        except (KeyError, TypeError) as error:
            raise InputError(f"{where}: not a label file of seqtag: {error!r}") from None
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise InputError(f"{where}: 'labels' must be a list of strings")
        if len(set(labels)) != len(labels) or not labels:
            raise InputError(f"{where}: 'labels' must be non-empty and all different")
        for scheme in schemes:
            if scheme not in ("plain", "bio", "bioes"):
                raise InputError(f"{where}: unknown scheme {scheme!r}")
        if (schemes[0] == "plain") != (schemes[1] == "plain"):
            raise InputError(f"{where}: plain labels and span labels do not mix")
        try:
            _check_labels(labels, schemes[0])
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        label_set = cls(labels, *schemes, _notation(plain.get("notation"), schemes[1], where))
        complete = {*_span_labels(label_set.types, schemes[0])}
        if schemes[0] != schemes[1] and set(labels) != complete:
            # Conversion may yield any label of a type, depending on the neighbouring labels.
            raise InputError(
                f"{where}: 'labels' must be O and all {schemes[0]} labels of each span type, since "
                f"they are converted to the {schemes[1]} scheme"
            )
        return label_set


def _notation(plain: Any, corpus_scheme: str, where: str) -> Notation | None:
    """Return the notation in a label file, which must be convertible to the corpus's scheme."""
    if plain is None:
        return None
    notation = from_plain(Notation, plain, f"{where}: notation")
    if (notation.scheme == "plain") != (corpus_scheme == "plain"):
        raise InputError(f"{where}: notation: plain labels and span labels do not mix")
    return notation


class _CachedConversion:
    """`convert` with a cache of label trigrams, which determine the label in the middle.

    Each trigram is converted once, as part of the first sentence that has it. Sentences with
    unlabelled tokens are not cached, since their relevant neighbours can be further away.
    """

    def __init__(self, source: str, target: str) -> None:
        self._schemes = source, target
        self._cached: dict[tuple[str | None, ...], str | None] = {}

    def __call__(self, labels: Sequence[str | None]) -> list[str | None]:
        if None in labels:
            return convert(labels, *self._schemes)
        neighbours = (None, *labels), labels, (*labels[1:], None)
        trigrams = list(zip(*neighbours, strict=False))  # one for each label
        try:
            return [self._cached[trigram] for trigram in trigrams]
        except KeyError:
            converted = convert(labels, *self._schemes)
            self._cached.update(zip(trigrams, converted, strict=True))
            return converted


def _check_labels(labels: Iterable[str], scheme: str) -> None:
    """Raise an InputError for labels that do not follow the scheme or cannot be written."""
    labels = list(labels)
    for label in labels:
        if _UNPRINTABLE.search(label):
            raise InputError(
                f"the label {label!r} contains a control character, a line break or a lone "
                "surrogate, which cannot be written to any output: rename it"
            )
    check_labels(labels, scheme)


def _span_labels(types: Iterable[str], scheme: str) -> list[str]:
    """Return O and each type's labels under the scheme."""
    labels = ["O"]
    for name in types:
        labels += [f"{p}-{name}" if name else p for p in _PREFIXES[scheme]]
    return labels
