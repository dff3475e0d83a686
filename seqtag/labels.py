"""Label schemes: how labels of single tokens encode spans of tokens.

    plain   a label stands for itself (parts of speech, classes); there are no spans
    iob1    I-X everywhere; B-X only where a span of X follows another one directly
    bio     B-X opens a span, I-X continues it (also called IOB2)
    bioes   as bio, but E-X closes a span of several tokens and S-X is a span of one token

(Ramshaw & Marcus 1995; Tjong Kim Sang & Veenstra 1999; Ratinov & Roth 2009.)

How a label is read, wherever spans are concerned:

- ``O``, or one of the scheme's letters, a hyphen and the type. The type is everything after the
  *first* hyphen: ``B-foo-bar`` is of type ``foo-bar``, ``B--x`` of type ``-x``.
- A letter alone (``B``) has the type ``_``, as in seqeval, and is written back without it.
- Under bioes, L and U (the BILOU letters) mean E and S. They are read, never written.
- Everything else (``""``, ``B-``, ``-X``, ``BX``, ``b-x``, ``O-X``) is not a label of the scheme:
  `problems` reports it, every other function raises `InputError`. (seqeval takes some of these
  with a warning. Its strict mode also strips hyphens from both ends of a type.)

A label of `IGNORED` (None) marks a token that is neither trained on nor scored. Spans skip it: its
two neighbours count as adjacent.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from seqtag.errors import InputError, unknown

IGNORED = None
NOT_SCORED = -100  # the id of an ignored label, which the losses of torch leave out
SCHEMES = ("plain", "iob1", "bio", "bioes")
ILLEGAL = ("repair", "strict")
OUTSIDE = "O"
UNTYPED = "_"

_LETTERS = {"iob1": "BI", "bio": "BI", "bioes": "BIESLU"}
_SAME_ROLE = {"L": "E", "U": "S"}
# The letters that need an open span of their own type right before them.
_CONTINUING = {"iob1": "B", "bio": "I", "bioes": "IE"}
_OUTSIDE_PARTS = (OUTSIDE, "")


class _Edge:
    """Placeholder before the first and after the last label; like O, but named in messages."""

    def __reduce__(self) -> str:
        return "_EDGE"  # there is only one, in other processes too


_EDGE = _Edge()


class Span(NamedTuple):
    """Tokens ``start`` to ``end`` (exclusive) of a sentence, and their type."""

    type: str
    start: int
    end: int


class Problem(NamedTuple):
    """An illegal label: its position (0-based) in the sentence, and an explanation."""

    position: int
    message: str


class Transitions(NamedTuple):
    """Which labels may begin a sentence, follow another (``between[i][j]``: j after i) or end it.

    Bool arrays of shape (K,), (K, K) and (K,), or nested sequences of bools.
    """

    start: Any
    between: Any
    end: Any

    def length_without_path(self) -> int | None:
        """Return the least length >= 1 for which no sequence is allowed; None if there is none.

        The set of labels that can end a sequence of n labels depends only on the set for n - 1.
        Once a set occurs a second time, the sets repeat: the search always ends.
        """
        import numpy as np

        reached_K, between_KK = np.asarray(self.start, bool), np.asarray(self.between, bool)
        end_K = np.asarray(self.end, bool)
        seen: set[bytes] = set()
        length = 1
        while (key := reached_K.tobytes()) not in seen:
            if not (reached_K & end_K).any():
                return length
            seen.add(key)
            reached_K = between_KK[reached_K].any(axis=0)
            length += 1
        return None


def problems(labels: Sequence[str | None], scheme: str) -> list[Problem]:
    """Return the illegal labels of one sentence, in order of position.

    Of two labels that must not follow one another the second is reported. Next to an ignored token
    every label is legal, since the ignored label could be any.
    """
    _check(scheme)
    if scheme == "plain":
        empty = "the label is empty"
        return [Problem(position, empty) for position, label in enumerate(labels) if label == ""]
    illegal = []
    for position, (left, right) in enumerate(neighbours(labels)):
        if message := _complaint(left, right, scheme):
            illegal.append(Problem(min(position, len(labels) - 1), message))
    return illegal


def spans(labels: Sequence[str | None], scheme: str, illegal: str = "repair") -> list[Span]:
    """Return the spans of one sentence, in order.

    A span that continues after an ignored token covers it. `illegal` chooses how to treat spans
    that break the scheme: "repair" starts a new span at a label that cannot continue the open one,
    as conlleval and seqeval's default mode do. "strict" drops every span that does not begin and
    end as the scheme requires, as seqeval's strict mode does under IOB2, IOBES and BILOU. (Under
    iob1 it drops spans that begin with a needless B; seqeval's IOB1 also loses some legal ones.)

    Raises:
        InputError: for a label that is not in the scheme, and for plain labels.
    """
    _check(scheme, spanning=True)
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

    Raises:
        InputError: for plain labels.
        ValueError: for spans that overlap, are empty or reach outside the sentence.
    """
    _check(scheme, spanning=True)
    labels = [OUTSIDE] * length
    previous = Span("", 0, 0)
    for span in sorted(spans, key=lambda span: span.start):
        if not previous.end <= span.start < span.end <= length or not span.type:
            raise ValueError(f"{span} is empty, untyped, overlapping or outside {length} tokens")
        touches = span.type == previous.type and span.start == previous.end
        ending = "" if span.type == UNTYPED else f"-{span.type}"
        first = "I" if scheme == "iob1" and not touches else "B"
        labels[span.start : span.end] = [f"I{ending}"] * (span.end - span.start)
        labels[span.start] = first + ending
        if scheme == "bioes":
            labels[span.end - 1] = ("E" if span.end - span.start > 1 else "S") + ending
        previous = span
    return labels


def convert(labels: Sequence[str | None], source: str, target: str) -> list[str | None]:
    """Return the labels of one sentence converted from scheme `source` to scheme `target`.

    Illegal spans are repaired as in `spans`; but if `source` is `target`, only L and U change, to
    E and S. Ignored tokens stay ignored.

    Raises:
        InputError: for a label that is not in `source`, and between plain and other schemes.
    """
    _check(source)
    _check(target)
    if source == target == "plain":
        return list(labels)
    scored = [label for label in labels if label is not None]
    if source == target:
        converted = iter([_parts(label, source)[0] + label[1:] for label in scored])
    else:
        converted = iter(spans_to_labels(spans(scored, source), len(scored), target))
    return [None if label is None else next(converted) for label in labels]


def allowed_transitions(labels: Sequence[str], scheme: str) -> Transitions:
    """Return the transitions between `labels` that `problems` would not report.

    Under plain all are allowed. A sequence of each length exists if O is among the labels; for
    other labels see `Transitions.length_without_path`.

    Raises:
        InputError: for a label that is not in the scheme.
    """
    import numpy as np  # slow to import, and not needed to read labels

    _check(scheme)
    K = len(labels)
    if scheme == "plain":
        return Transitions(np.ones(K, bool), np.ones((K, K), bool), np.ones(K, bool))
    parts = [_parts(label, scheme) for label in labels]
    types: dict[str, int] = {}
    type_K = np.array([types.setdefault(type_, len(types)) for _, type_ in parts], int)
    open_K = np.array([_is_open(part) for part in parts], bool)
    continuing_K = np.array([part[0] in _CONTINUING[scheme] for part in parts], bool)
    # `_fits` for all pairs at once.
    closed_K = ~open_K if scheme == "bioes" else np.ones(K, bool)
    same_KK = open_K[:, None] & (type_K[:, None] == type_K[None, :])
    return Transitions(
        start=~continuing_K,
        between=np.where(continuing_K[None, :], same_KK, closed_K[:, None]),
        end=closed_K,
    )


def check_labels(labels: Iterable[str], scheme: str) -> None:
    """Check that all labels are in a scheme.

    Raises:
        InputError: for the first label that is not.
    """
    _check(scheme)
    if scheme != "plain":
        for label in labels:
            _parts(label, scheme)


def scheme_of(pairs: Counter[tuple[object, object]]) -> str:
    """Return the most likely scheme of labels, from the counted `neighbours` of all sentences.

    It is a span scheme if more than half of the tokens have span labels and some of these have a
    type, so that a few wrong labels do not make an entity corpus plain and `problems` can name
    them. If no label has a type, all of them must be span labels and include B, or I and O; O
    alone is bio. Among the span schemes it is bioes if there are E, S, L or U, at least as many as
    spans that end without one; else iob1 if more spans open with I-X than with a B-X that iob1
    would not need; else bio. No labels at all are plain.
    """
    return _span_scheme(pairs) if _encodes_spans(pairs) else "plain"


def neighbours(labels: Sequence[str | None]) -> Iterator[tuple[object, object]]:
    """Yield the pairs of adjacent labels, including those with the edges of the sentence."""
    return pairwise([_EDGE, *labels, _EDGE])


def _check(scheme: str, spanning: bool = False) -> None:
    if scheme not in SCHEMES:
        raise unknown("scheme", scheme, SCHEMES)
    if spanning and scheme == "plain":
        raise InputError("plain labels do not encode spans: use scheme iob1, bio or bioes")


# Bounded, since a hostile file may contain any number of labels; real label sets fit.
@lru_cache(maxsize=1 << 16)
def _read(label: object, scheme: str) -> tuple[str, str] | None:
    """Return (letter, type) of a label; None if it is ignored or not in the scheme."""
    if label == OUTSIDE or label is _EDGE:
        return _OUTSIDE_PARTS
    letter, hyphen, type_ = str(label or "").partition("-")
    if len(letter) != 1 or letter not in _LETTERS[scheme] or (hyphen and not type_):
        return None
    return _SAME_ROLE.get(letter, letter), type_ or UNTYPED


def _parts(label: object, scheme: str) -> tuple[str, str]:
    parts = _read(label, scheme)
    if parts is None:
        raise InputError(_not_in_scheme(label, scheme))
    return parts


def _not_in_scheme(label: object, scheme: str) -> str:
    names = ["O", *(f"{letter}-TYPE" for letter in _LETTERS[scheme] if letter not in "LU")]
    expected = f"{', '.join(names[:-1])} or {names[-1]}"
    return f"{label!r} is not a label of the {scheme} scheme; expected {expected}"


def _fits(left: tuple[str, str], right: tuple[str, str], scheme: str) -> bool:
    """Return whether `right` may follow `left`; an edge of the sentence counts as O."""
    if right[0] in _CONTINUING[scheme]:
        return _is_open(left) and left[1] == right[1]
    return scheme != "bioes" or not _is_open(left)


def _is_open(parts: tuple[str, str]) -> bool:
    """Return whether a span of the label's type may continue after it."""
    return parts[0] in "BI"


@lru_cache(maxsize=1 << 16)
def _complaint(left: object, right: object, scheme: str) -> str:
    """Return an error message for `right` after `left`; "" if that is legal."""
    left_parts, right_parts = _read(left, scheme), _read(right, scheme)
    if right is not IGNORED and right_parts is None:
        return _not_in_scheme(right, scheme)
    # A label outside the scheme is reported at its own position; its neighbour may be correct.
    if left_parts is None or right_parts is None or _fits(left_parts, right_parts, scheme):
        return ""
    if right is _EDGE:
        return f"{left} may not end a sentence"
    return f"{right} may not " + ("begin a sentence" if left is _EDGE else f"follow {left}")


def _repaired(labels: Sequence[str | None], scheme: str) -> list[Span]:
    """Return the spans by conlleval's rules, which are the same for every scheme."""
    repaired = []
    open_type, start = "", 0  # only O has an empty type
    for position, label in enumerate([*labels, OUTSIDE]):
        letter, type_ = _read(label, scheme) or _parts(label, scheme)
        if open_type and (type_ != open_type or letter in "BS"):
            repaired.append(Span(open_type, start, position))
            open_type = ""
        if not open_type:
            open_type, start = type_, position
        if letter in "ES":
            repaired.append(Span(type_, start, position + 1))
            open_type = ""
    return repaired


def _is_legal(span: Span, labels: Sequence[str | None], scheme: str) -> bool:
    """Return whether the labels of a span begin and end as the scheme requires."""
    first = _parts(labels[span.start], scheme)
    if scheme == "iob1":
        before = labels[span.start - 1] if span.start else OUTSIDE
        return _fits(_parts(before, scheme), first, scheme)
    closed = scheme == "bio" or _parts(labels[span.end - 1], scheme)[0] in "ES"
    return closed and first[0] in "BS"


def _encodes_spans(pairs: Counter[tuple[object, object]]) -> bool:
    counts: Counter[object] = Counter()
    for (_, label), count in pairs.items():
        if label is not IGNORED and label is not _EDGE:
            counts[label] += count
    readable = {label: parts for label in counts if (parts := _read(label, "bioes"))}
    if any(type_ not in ("", UNTYPED) for _, type_ in readable.values()):
        return 2 * sum(counts[label] for label in readable) > counts.total()
    letters = {letter for letter, _ in readable.values()}
    return len(readable) == len(counts) and ("B" in letters or letters in ({"O", "I"}, {"O"}))


def _span_scheme(pairs: Counter[tuple[object, object]]) -> str:
    closed = unclosed = opened_by_i = needless_b = 0
    for (left, right), count in pairs.items():
        before, after = _read(left, "bioes"), _read(right, "bioes")
        if not before or not after:
            continue
        continues = before[0] in "BI" and before[1] == after[1]
        closed += count * (before[0] in "ES")
        unclosed += count * (before[0] in "BI" and not (continues and after[0] in "IE"))
        opened_by_i += count * (after[0] == "I" and not continues)
        needless_b += count * (after[0] == "B" and not continues)
    if closed and closed >= unclosed:
        return "bioes"
    return "iob1" if opened_by_i > needless_b else "bio"
