"""Which labels may follow each other: illegal labels of a sentence, transitions of a label set."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from seqtag.labels.letters import (
    EDGE,
    IGNORED,
    RENAMED,
    check_scheme,
    not_in_scheme,
    parts,
    read,
)

# The roles that need an open span of their own type right before them.
_CONTINUING = {"iob1": "B", "bio": "I"}
# The roles after which the span of their type must continue.
_UNFINISHED = {"ioe1": "E", "ioe2": "I"}
_LIKE_BIOES = ("IE", "BI")


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
    check_scheme(scheme)
    if scheme == "plain":
        empty = "the label is empty"
        return [Problem(position, empty) for position, label in enumerate(labels) if label == ""]
    illegal = []
    for position, (left, right) in enumerate(neighbours(labels)):
        if message := complaint(left, right, scheme):
            illegal.append(Problem(min(position, len(labels) - 1), message))
    return illegal


def allowed_transitions(labels: Sequence[str], scheme: str) -> Transitions:
    """Return the transitions between `labels` that `problems` would not report.

    Under plain all are allowed. A sequence of each length exists if O is among the labels; for
    other labels see `Transitions.length_without_path`.

    Raises:
        InputError: for a label that is not in the scheme.
    """
    import numpy as np  # slow to import, and not needed to read labels

    check_scheme(scheme)
    K = len(labels)
    if scheme == "plain":
        return Transitions(np.ones(K, bool), np.ones((K, K), bool), np.ones(K, bool))
    read_K = [parts(label, scheme) for label in labels]
    types: dict[str, int] = {}
    type_K = np.array([types.setdefault(type_, len(types)) for _, type_ in read_K], int)
    open_K = np.array([role in "BI" for role, _ in read_K], bool)
    continuing, unfinished = _needs(scheme)
    continuing_K = np.array([role in continuing for role, _ in read_K], bool)
    unfinished_K = np.array([role in unfinished for role, _ in read_K], bool)
    follows_K = np.array([role in "IE" for role, _ in read_K], bool)
    # `fits` for all pairs at once.
    same_KK = type_K[:, None] == type_K[None, :]
    return Transitions(
        start=~continuing_K,
        between=(~continuing_K[None, :] | (open_K[:, None] & same_KK))
        & (~unfinished_K[:, None] | (follows_K[None, :] & same_KK)),
        end=~unfinished_K,
    )


def neighbours(labels: Sequence[str | None]) -> Iterator[tuple[object, object]]:
    """Yield the pairs of adjacent labels, including those with the edges of the sentence."""
    return pairwise([EDGE, *labels, EDGE])


def fits(left: tuple[str, str], right: tuple[str, str], scheme: str) -> bool:
    """Return whether `right` may follow `left`, both as (role, type); an edge counts as O."""
    continuing, unfinished = _needs(scheme)
    same = left[1] == right[1]
    if right[0] in continuing and not (same and left[0] in "BI"):
        return False
    return left[0] not in unfinished or (same and right[0] in "IE")


@lru_cache(maxsize=1 << 16)
def complaint(left: object, right: object, scheme: str) -> str:
    """Return an error message for `right` after `left`; "" if that is legal."""
    left_parts, right_parts = read(left, scheme), read(right, scheme)
    if right is not IGNORED and right_parts is None:
        return not_in_scheme(right, scheme)
    # A label outside the scheme is reported at its own position; its neighbour may be correct.
    if left_parts is None or right_parts is None or fits(left_parts, right_parts, scheme):
        return ""
    if right is EDGE:
        return f"{left} may not end a sentence"
    return f"{right} may not " + ("begin a sentence" if left is EDGE else f"follow {left}")


def _needs(scheme: str) -> tuple[str, str]:
    """Return the roles that need their span before them, and those that need it after them."""
    if scheme in RENAMED:
        return _LIKE_BIOES
    return _CONTINUING.get(scheme, ""), _UNFINISHED.get(scheme, "")
