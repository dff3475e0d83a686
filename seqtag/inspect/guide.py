"""Sentences that say what the units of a code do at each person of a sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqtag.cells import Cell
from seqtag.inspect.subject import Code, Person, code_line
from seqtag.inspect.trace import Trace

# Between these, the mean of the units is on neither side.
_NEITHER = 0.15
# Words after a person at which the units are read: a cell reacts one or two words later.
_AFTER = 2


def guide(code: Code, traced: Trace, people: Sequence[Person], cell: Cell) -> list[dict[str, Any]]:
    """Return what to look at: a text for each person, with the position of its word.

    The texts follow from the values of this sentence: an attractor that captures the units, or an
    earlier subject that stays, is described as such.
    """
    values = traced.values[code.layer]
    line_T = code_line(code, values)
    share_TH = cell.kept(values)
    kept_T = None if share_TH is None else share_TH[:, list(code.units)].mean(axis=1)
    found = []
    for number, person in enumerate(people):
        following = [other.position for other in people[number + 1 :]]
        end = min([person.position + _AFTER, len(line_T) - 1, *(p - 1 for p in following)])
        end = max(end, person.position)
        before, after = person.position - 1, end
        text = _text(code, person, traced, line_T, before, after)
        if kept_T is not None and before >= 0 and person.role != "subject":
            window = slice(person.position, after + 1)
            least = int(np.argmin(kept_T[window])) + person.position
            share, word = f"{kept_T[least]:.0%}", traced.tokens[least]
            text += (
                f" At “{word}”, they keep only {share} of their memory."
                if person.role == "new subject"
                else f" They keep at least {share} of their memory."
            )
        found.append({"position": person.position, "text": text})
    return found


def _text(
    code: Code, person: Person, traced: Trace, line_T: np.ndarray, before: int, after: int
) -> str:
    word, form = traced.tokens[person.position], person.form
    now, label = _side(code, line_T[after]), traced.labels[after]
    if person.role == "subject":
        what = f"“{word}” ({form}) is the subject"
        moved = f"the units move to {now}" if now else "the units are on neither side yet"
        return f"{what}: {moved}, and the label becomes {label}."
    is_first = before < 0
    earlier = "" if is_first else _side(code, line_T[before])
    old_label = label if is_first else traced.labels[before]
    moved = _movement(earlier, now)
    if person.role == "new subject":
        what = f"“{word}” ({form}) is a new subject"
        if now and now == earlier and form in _forms(code, line_T[after]):
            return f"{what}, and its side is the same: {moved}, and the label is {label}."
        if now == earlier:
            return f"{what}, but {_AFTER} words later {moved}; the label is {label}."
        return f"{what}: {moved}, and the label becomes {label}."
    what = f"“{word}” ({form}) is " + (
        "another person, not the subject" if person.role == "other person" else "a person"
    )
    if label == old_label:
        return f"{what}: {moved}, and the label {'is' if is_first else 'stays'} {label}."
    return f"{what}: {moved}, and the label changes from {old_label} to {label}."


def _movement(earlier: str, now: str) -> str:
    """Return how the units moved between two sides, each "" for neither."""
    if now == earlier:
        return f"the units stay on {now}" if now else "the units stay on neither side"
    if not now:
        return f"the units leave {earlier}"
    return f"the units move from {earlier} to {now}" if earlier else f"the units move to {now}"


def _side(code: Code, mean: float) -> str:
    """Return the side on which the mean of the units is, in words; "" for neither."""
    return "" if abs(mean) < _NEITHER else f"the side of {' or '.join(_forms(code, mean))}"


def _forms(code: Code, mean: float) -> tuple[str, ...]:
    return code.positive if mean > 0 else code.negative
