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
            text += (
                f" The units keep {kept_T[least]:.0%} of their memory at “{traced.tokens[least]}”."
            )
        found.append({"position": person.position, "text": text})
    return found


def _text(
    code: Code, person: Person, traced: Trace, line_T: np.ndarray, before: int, after: int
) -> str:
    word, form = traced.tokens[person.position], person.form
    now = _side(code, line_T[after])
    label = traced.labels[after]
    if person.role == "subject" or before < 0:
        what = f"“{word}” ({form}) is the subject"
        return f"{what}: the units move to {now}, and the label becomes {label}."
    earlier, old_label = _side(code, line_T[before]), traced.labels[before]
    if person.role == "new subject":
        what = f"“{word}” ({form}) is a new subject"
        if now == earlier:
            return f"{what}, but {_AFTER} words later the units are still on {now}."
        return f"{what}: the units leave {earlier} for {now}, and the label becomes {label}."
    what = f"“{word}” ({form}) is " + (
        "another person, not the subject" if person.role == "other person" else "a person"
    )
    if now == earlier and label == old_label:
        return f"{what}: the units stay on {now}, and the label stays {label}."
    return f"{what}: the units move from {earlier} to {now}; the label is {label}."


def _side(code: Code, mean: float) -> str:
    """Return the side on which the mean of the units is, in words."""
    if abs(mean) < _NEITHER:
        return "neither side"
    forms = code.positive if mean > 0 else code.negative
    return f"the side of {' and '.join(forms)}"
