"""Spans of a sentence: from labels, to labels, and from one scheme to another."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from seqtag.errors import unknown
from seqtag.labels.letters import (
    OUTSIDE,
    OUTSIDE_PARTS,
    RENAMED,
    check_scheme,
    parts,
    read,
    written,
)
from seqtag.labels.transitions import fits

ILLEGAL = ("repair", "strict")


class Span(NamedTuple):
    """Tokens ``start`` to ``end`` (exclusive) of a sentence, and their type."""

    type: str
    start: int
    end: int


def spans(labels: Sequence[str | None], scheme: str, illegal: str = "repair") -> list[Span]:
    """Return the spans of one sentence, in order.

    A span that continues after an ignored token covers it. `illegal` chooses how to treat spans
    that break the scheme: "repair" starts a new span at a label that cannot continue the open one,
    as conlleval and seqeval's default mode do. "strict" drops every span that does not begin and
    end as the scheme requires, as seqeval's strict mode does under IOB2, IOE2, IOBES and BILOU.
    (Under iob1 it drops spans that begin with a needless B, and under ioe1 those that end with a
    needless E; seqeval's IOB1 and IOE1 also lose some legal ones.)

    Raises:
        InputError: for a label that is not in the scheme, and for plain labels.
    """
    check_scheme(scheme, spanning=True)
    if illegal not in ILLEGAL:
        raise unknown("policy for illegal labels", illegal, ILLEGAL)
    if None in labels:
        scored = [position for position, label in enumerate(labels) if label is not None]
        inner = spans([labels[position] for position in scored], scheme, illegal)
        return [Span(type_, scored[start], scored[end - 1] + 1) for type_, start, end in inner]
    repaired = _repaired(labels, scheme)
    return [span for span in repaired if illegal == "repair" or _is_legal(span, labels, scheme)]


def spans_to_labels(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Return the labels that encode `spans` in a sentence of `length` tokens.

    Under io, spans of one type that touch become one.

    Raises:
        InputError: for plain labels.
        ValueError: for spans that overlap, are empty or reach outside the sentence.
    """
    check_scheme(scheme, spanning=True)
    labels = [OUTSIDE] * length
    previous = Span("", 0, 0)
    for span in sorted(spans, key=lambda span: span.start):
        type_, start, end = span
        if not previous.end <= start < end <= length or not type_:
            raise ValueError(f"{span} is empty, untyped, overlapping or outside {length} tokens")
        touches = type_ == previous.type and start == previous.end
        if touches and scheme == "ioe1":
            labels[start - 1] = written("E", type_, scheme)
        labels[start:end] = [written("I", type_, scheme)] * (end - start)
        if scheme == "bio" or scheme in RENAMED or (touches and scheme == "iob1"):
            labels[start] = written("B", type_, scheme)
        if scheme == "ioe2" or (scheme in RENAMED and end - start > 1):
            labels[end - 1] = written("E", type_, scheme)
        elif scheme in RENAMED:
            labels[start] = written("S", type_, scheme)
        previous = span
    return labels


def convert(labels: Sequence[str | None], source: str, target: str) -> list[str | None]:
    """Return the labels of one sentence converted from scheme `source` to scheme `target`.

    Illegal spans are repaired as in `spans`; but from a scheme to itself, and among bioes, bilou,
    bmes and bmewo, only letters change. Ignored tokens stay ignored.

    Raises:
        InputError: for a label that is not in `source`, and between plain and other schemes.
    """
    check_scheme(source)
    check_scheme(target)
    if source == target == "plain":
        return list(labels)
    scored = [label for label in labels if label is not None]
    if source == target or (source in RENAMED and target in RENAMED):
        converted = iter([_renamed(label, source, target) for label in scored])
    else:
        converted = iter(spans_to_labels(spans(scored, source), len(scored), target))
    return [None if label is None else next(converted) for label in labels]


def _renamed(label: str, source: str, target: str) -> str:
    """Return a label with the letter that `target` has for its role; the rest stays as written."""
    role, _ = parts(label, source)
    return RENAMED[target][role] + label[1:] if role in RENAMED.get(target, ()) else label


def _repaired(labels: Sequence[str | None], scheme: str) -> list[Span]:
    """Return the spans by conlleval's rules, which are the same for every scheme."""
    repaired = []
    open_type, start = "", 0  # only O has an empty type
    for position, label in enumerate([*labels, OUTSIDE]):
        role, type_ = read(label, scheme) or parts(label, scheme)
        if open_type and (type_ != open_type or role in "BS"):
            repaired.append(Span(open_type, start, position))
            open_type = ""
        if not open_type:
            open_type, start = type_, position
        if role in "ES":
            repaired.append(Span(type_, start, position + 1))
            open_type = ""
    return repaired


def _is_legal(span: Span, labels: Sequence[str | None], scheme: str) -> bool:
    """Return whether the labels of a span begin and end as the scheme requires."""
    first, last = parts(labels[span.start], scheme), parts(labels[span.end - 1], scheme)
    before = parts(labels[span.start - 1], scheme) if span.start else OUTSIDE_PARTS
    after = parts(labels[span.end], scheme) if span.end < len(labels) else OUTSIDE_PARTS
    if scheme == "iob1":
        return fits(before, first, scheme)
    if scheme == "ioe1":
        return fits(last, after, scheme)
    opened = scheme in ("io", "ioe2") or first[0] in "BS"
    closed = scheme in ("io", "bio") or last[0] in "ES"
    return opened and closed
