"""Detect the scheme of labels from the counts of adjacent labels."""

from collections import Counter
from typing import NamedTuple

from seqtag.labels.letters import EDGE, IGNORED, UNTYPED, read

Pairs = Counter[tuple[object, object]]
# Labels mix BIO and BIOES if at least this many spans, and this share of them, end as in either.
_MIXED, _MIXED_SHARE = 10, 0.1


def scheme_of(pairs: Pairs) -> str:
    """Return the most likely scheme of labels, from the counted `neighbours` of all sentences.

    It is a span scheme if more than half of the tokens have span labels and some of these have a
    type, so that a few wrong labels do not make an entity corpus plain and `problems` can name
    them. If no label has a type, all of them must be span labels and include B, or I and O; O
    alone is bio. Among the span schemes:

    - With E, but without B and S, it is ioe1 if more spans end without an E than with an E that
      ioe1 would not need; else ioe2.
    - It is bioes if there are E, S, L or U, at least as many as spans that end without one.
    - It is iob1 if more spans open with I-X than with a B-X that iob1 would not need; else bio.

    No labels at all are plain. The letters of bilou are read as those of bioes; bmes, bmewo and
    other notations are recognised by `find_notation`.
    """
    return _span_scheme(pairs) if encodes_spans(pairs) else "plain"


def encodes_spans(pairs: Pairs) -> bool:
    """Return whether labels encode spans, with the letters of iob1, bio, bioes or ioe."""
    counts = label_counts(pairs)
    readable = {label: parts for label in counts if (parts := read(label, "bioes"))}
    if any(type_ not in ("", UNTYPED) for _, type_ in readable.values()):
        return 2 * sum(counts[label] for label in readable) > counts.total()
    letters = {letter for letter, _ in readable.values()}
    return len(readable) == len(counts) and ("B" in letters or letters in ({"O", "I"}, {"O"}))


def mixes_bio_and_bioes(pairs: Pairs) -> bool:
    """Return whether many spans end without E or S and many others with it."""
    ends = _span_ends(pairs)
    fewer = min(ends.closed, ends.unclosed)
    return fewer >= max(_MIXED, _MIXED_SHARE * (ends.closed + ends.unclosed)) and ends.has_b


def label_counts(pairs: Pairs) -> Counter[str]:
    """Return how often each label occurs; ignored labels are left out."""
    counts: Counter[str] = Counter()
    for (_, label), count in pairs.items():
        if label is not IGNORED and label is not EDGE:
            counts[str(label)] += count
    return counts


class _Ends(NamedTuple):
    """Counts of the ends and openings of spans, read as bioes."""

    closed: int  # spans that end with E or S
    unclosed: int  # spans that end otherwise
    opened_by_i: int  # spans that begin with I
    needless_b: int  # spans that begin with a B that iob1 would not need
    needless_e: int  # spans that end with an E that ioe1 would not need
    has_b: bool  # whether any label is B or S


def _span_scheme(pairs: Pairs) -> str:
    ends = _span_ends(pairs)
    if ends.closed and not ends.has_b:
        return "ioe1" if ends.unclosed > ends.needless_e else "ioe2"
    if ends.closed and ends.closed >= ends.unclosed:
        return "bioes"
    return "iob1" if ends.opened_by_i > ends.needless_b else "bio"


def _span_ends(pairs: Pairs) -> _Ends:
    closed = unclosed = opened_by_i = needless_b = needless_e = 0
    has_b = False
    for (left, right), count in pairs.items():
        before, after = read(left, "bioes"), read(right, "bioes")
        if not before or not after:
            continue
        same = before[1] == after[1]
        continues = before[0] in "BI" and same
        closed += count * (before[0] in "ES")
        unclosed += count * (before[0] in "BI" and not (continues and after[0] in "IE"))
        opened_by_i += count * (after[0] == "I" and not continues)
        needless_b += count * (after[0] == "B" and not continues)
        needless_e += count * (before[0] == "E" and not same)
        has_b = has_b or after[0] in "BS"
    return _Ends(closed, unclosed, opened_by_i, needless_b, needless_e, has_b)
