"""Label schemes: how labels of single tokens spell out spans of tokens.

    plain   a label stands for itself (parts of speech, classes); there are no spans
    iob1    I-X everywhere; B-X only where a span of X follows another one directly
    bio     B-X opens a span, I-X goes on (also called IOB2)
    bioes   as bio, but E-X closes a span of several tokens and S-X is one of a single token

(Ramshaw & Marcus 1995; Tjong Kim Sang & Veenstra 1999; Ratinov & Roth 2009.)

How a label is read, wherever spans are concerned:

- ``O``, or one of the scheme's letters, a hyphen and the type. The type is all that stands
  behind the *first* hyphen: ``B-foo-bar`` is of type ``foo-bar``, ``B--x`` of type ``-x``.
- A letter alone (``B``) has the type ``_``, as in seqeval, and is written back without it.
- Under bioes, L and U (the BILOU letters) mean E and S. They are read, never written.
- Everything else (``""``, ``B-``, ``-X``, ``BX``, ``b-x``, ``O-X``) is no label of the scheme:
  `problems` reports it, every other function raises `InputError`. (seqeval takes some of these
  with a warning. Its strict mode also strips hyphens from both ends of a type.)

A label of `IGNORED` (None) marks a token that is neither trained on nor scored. Spans look
through it: its two neighbours count as standing side by side, as if the token were not there.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from seqtag.errors import InputError, unknown

IGNORED = None
NOT_SCORED = -100  # the id of such a label; what losses of torch leave out
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
    """Stands before and behind a sentence's labels; like O, but messages tell it."""

    def __reduce__(self) -> str:
        return "_EDGE"  # there is only one, in other processes too


_EDGE = _Edge()


class Span(NamedTuple):
    """Tokens ``start`` to ``end`` (exclusive) of a sentence, and what they are."""

    type: str
    start: int
    end: int


class Problem(NamedTuple):
    """What is wrong with the label at a position (0-based) of a sentence."""

    position: int
    message: str


class Transitions(NamedTuple):
    """Which labels may begin a sentence, follow (``between[i][j]``: j after i) and end it.

    Bool arrays of shape (K,), (K, K) and (K,), or nested sequences of bools.
    """

    start: Any
    between: Any
    end: Any

    def length_without_path(self) -> int | None:
        """Return the least length, from 1 on, of which no sequence is allowed; None for none.

        The set of labels that a path of n labels can end in follows from that of n - 1 alone.
        Once a set comes again, all that follow have been seen: the search ends with certainty.
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
    """Return what is illegal in the labels of one sentence, in order of position.

    Of two labels that may not follow one another the second is at fault. Beside an ignored
    token everything is legal, since its label could be any.
    """
    _check(scheme)
    if scheme == "plain":
        empty = "the label is empty"
        return [Problem(position, empty) for position, label in enumerate(labels) if label == ""]
    found = []
    for position, (left, right) in enumerate(neighbours(labels)):
        if message := _complaint(left, right, scheme):
            found.append(Problem(min(position, len(labels) - 1), message))
    return found


def spans(labels: Sequence[str | None], scheme: str, illegal: str = "repair") -> list[Span]:
    """Return the spans of one sentence, in order.

    A span that goes on behind an ignored token covers it. `illegal` says what becomes of spans
    that break the scheme: "repair" takes a label that cannot go on with the open span as the
    start of a new one, as conlleval and seqeval's default mode do. "strict" drops every span
    that does not begin and end as the scheme has it, as seqeval's strict mode does under IOB2,
    IOBES and BILOU. (Under iob1 it drops those that begin with a needless B; seqeval's IOB1
    also loses some legal ones.)

    Raises:
        InputError: for a label that is none of the scheme, and for plain labels.
    """
    _check(scheme, spanning=True)
    if illegal not in ILLEGAL:
        raise InputError(f"unknown policy for illegal labels {illegal!r}: want repair or strict")
    if None in labels:
        kept = [position for position, label in enumerate(labels) if label is not None]
        inner = spans([labels[position] for position in kept], scheme, illegal)
        return [Span(type_, kept[start], kept[end - 1] + 1) for type_, start, end in inner]
    found = _repaired(labels, scheme)
    return [span for span in found if illegal == "repair" or _is_legal(span, labels, scheme)]


def spans_to_labels(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Return the labels that spell out `spans` in a sentence of `length` tokens.

    Raises:
        InputError: for plain labels.
        ValueError: for spans that overlap, are empty or leave the sentence.
    """
    _check(scheme, spanning=True)
    labels = [OUTSIDE] * length
    previous = Span("", 0, 0)
    for span in sorted(spans, key=lambda span: span.start):
        if not previous.end <= span.start < span.end <= length or not span.type:
            raise ValueError(f"{span} is empty, untyped, or overlaps or leaves {length} tokens")
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
    """Return the labels of one sentence rewritten from scheme `source` to scheme `target`.

    Illegal spans are repaired as in `spans`; but where `source` is `target` only L and U change,
    to E and S. Ignored tokens stay ignored.

    Raises:
        InputError: for a label that is none of `source`, and between plain and the others.
    """
    _check(source)
    _check(target)
    if source == target == "plain":
        return list(labels)
    kept = [label for label in labels if label is not None]
    if source == target:
        written = iter([_parts(label, source)[0] + label[1:] for label in kept])
    else:
        written = iter(spans_to_labels(spans(kept, source), len(kept), target))
    return [None if label is None else next(written) for label in labels]


def allowed_transitions(labels: Sequence[str], scheme: str) -> Transitions:
    """Return which of `labels` may begin, follow and end: what `problems` would not report.

    Under plain everything may. Whether a path exists depends on the labels (O gives one always).

    Raises:
        InputError: for a label that is none of the scheme.
    """
    import numpy as np  # takes a moment: whoever reads labels alone does without

    _check(scheme)
    K = len(labels)
    if scheme == "plain":
        return Transitions(np.ones(K, bool), np.ones((K, K), bool), np.ones(K, bool))
    parts = [_parts(label, scheme) for label in labels]
    types: dict[str, int] = {}
    type_K = np.array([types.setdefault(type_, len(types)) for _, type_ in parts], int)
    open_K = np.array([_is_open(part) for part in parts], bool)
    continuing_K = np.array([part[0] in _CONTINUING[scheme] for part in parts], bool)
    # What `_fits` says of two labels, for all pairs at once.
    closed_K = ~open_K if scheme == "bioes" else np.ones(K, bool)
    same_KK = open_K[:, None] & (type_K[:, None] == type_K[None, :])
    return Transitions(
        start=~continuing_K,
        between=np.where(continuing_K[None, :], same_KK, closed_K[:, None]),
        end=closed_K,
    )


def check_labels(labels: Iterable[str], scheme: str) -> None:
    """Refuse labels that are not of a scheme.

    Raises:
        InputError: for the first one.
    """
    _check(scheme)
    if scheme != "plain":
        for label in labels:
            _parts(label, scheme)


def scheme_of(pairs: Counter[tuple[object, object]]) -> str:
    """Return the scheme of labels, from the counted `neighbours` of all sentences.

    They spell out spans if more than half of the tokens read as such labels and some have a
    type, so that a few slips do not make an entity corpus plain and `problems` can name them.
    Labels without types must all read so, and hold B, or I and O; nothing but O is bio. Among
    the span schemes the one wins for which more tokens speak: E, S, L and U against spans that
    end without them; I-X that opens a span (iob1) against B-X that iob1 would not need (bio).
    Undecided is bio. No labels at all are plain.
    """
    return _span_scheme(pairs) if _spells_spans(pairs) else "plain"


def neighbours(labels: Sequence[str | None]) -> Iterator[tuple[object, object]]:
    """Yield the pairs of labels that stand side by side, the edges of the sentence counted."""
    return pairwise([_EDGE, *labels, _EDGE])


def _check(scheme: str, spanning: bool = False) -> None:
    if scheme not in SCHEMES:
        raise unknown("scheme", scheme, SCHEMES)
    if spanning and scheme == "plain":
        raise InputError("plain labels spell out no spans: want scheme iob1, bio or bioes")


# Bounded, since a hostile file may hold any number of labels; the real ones all stay in.
@lru_cache(maxsize=1 << 16)
def _read(label: object, scheme: str) -> tuple[str, str] | None:
    """Return (letter, type) of a label; None if it is ignored or none of the scheme."""
    if label == OUTSIDE or label is _EDGE:
        return _OUTSIDE_PARTS
    letter, hyphen, type_ = str(label or "").partition("-")
    if len(letter) != 1 or letter not in _LETTERS[scheme] or (hyphen and not type_):
        return None
    return _SAME_ROLE.get(letter, letter), type_ or UNTYPED


def _parts(label: object, scheme: str) -> tuple[str, str]:
    parts = _read(label, scheme)
    if parts is None:
        raise InputError(_no_label(label, scheme))
    return parts


def _no_label(label: object, scheme: str) -> str:
    wanted = ", ".join(f"{letter}-TYPE" for letter in _LETTERS[scheme] if letter not in "LU")
    return f"{label!r} is no {scheme} label: want O, {wanted}"


def _fits(left: tuple[str, str], right: tuple[str, str], scheme: str) -> bool:
    """Return whether `right` may follow `left`; the edge of a sentence is as good as O."""
    if right[0] in _CONTINUING[scheme]:
        return _is_open(left) and left[1] == right[1]
    return scheme != "bioes" or not _is_open(left)


def _is_open(parts: tuple[str, str]) -> bool:
    """Return whether a span of the label's type may continue after it."""
    return parts[0] in "BI"


@lru_cache(maxsize=1 << 16)
def _complaint(left: object, right: object, scheme: str) -> str:
    """Return what is wrong with `right` behind `left`, or "" for nothing."""
    left_parts, right_parts = _read(left, scheme), _read(right, scheme)
    if right is not IGNORED and right_parts is None:
        return _no_label(right, scheme)
    # A label that is none was reported already, and says nothing about its neighbour.
    if left_parts is None or right_parts is None or _fits(left_parts, right_parts, scheme):
        return ""
    if right is _EDGE:
        return f"{left} may not end a sentence"
    return f"{right} may not " + ("begin a sentence" if left is _EDGE else f"follow {left}")


def _repaired(labels: Sequence[str], scheme: str) -> list[Span]:
    """Return the spans by conlleval's rules, which are the same for every scheme."""
    found = []
    open_type, start = "", 0  # no type is empty but that of O
    for position, label in enumerate([*labels, OUTSIDE]):
        letter, type_ = _read(label, scheme) or _parts(label, scheme)
        if open_type and (type_ != open_type or letter in "BS"):
            found.append(Span(open_type, start, position))
            open_type = ""
        if not open_type:
            open_type, start = type_, position
        if letter in "ES":
            found.append(Span(type_, start, position + 1))
            open_type = ""
    return found


def _is_legal(span: Span, labels: Sequence[str], scheme: str) -> bool:
    """Return whether a repaired span needed no repair: it begins and ends by the scheme."""
    first = _parts(labels[span.start], scheme)
    if scheme == "iob1":
        before = labels[span.start - 1] if span.start else OUTSIDE
        return _fits(_parts(before, scheme), first, scheme)
    closed = scheme == "bio" or _parts(labels[span.end - 1], scheme)[0] in "ES"
    return closed and first[0] in "BS"


def _spells_spans(pairs: Counter[tuple[object, object]]) -> bool:
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
        before, behind = _read(left, "bioes"), _read(right, "bioes")
        if not before or not behind:
            continue
        goes_on = before[0] in "BI" and before[1] == behind[1]
        closed += count * (before[0] in "ES")
        unclosed += count * (before[0] in "BI" and not (goes_on and behind[0] in "IE"))
        opened_by_i += count * (behind[0] == "I" and not goes_on)
        needless_b += count * (behind[0] == "B" and not goes_on)
    if closed and closed >= unclosed:
        return "bioes"
    return "iob1" if opened_by_i > needless_b else "bio"
