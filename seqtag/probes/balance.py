"""Who appears in a sentence of the pronoun probe, so that shallow cues do not give the label away.

What is balanced, in counts that are exact whenever n is a multiple of the number of `cases`:
the label always; and, with at least two attractors, or one and a switch, all 27 combinations
of label, gender of the first person and gender of the last person. Where that cannot be:

- no attractor, no switch: only the subject and others of its gender appear;
- no attractor, switches: the last person has the label's gender, the first is balanced;
- one attractor, no switch: either the first or the last person misleads, half and half.

Persons of the label's gender who are no subject (echoes) appear too: without them the label
would be the rarest gender whenever there are many attractors.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from seqtag.probes.base import pick, shuffled
from seqtag.probes.lexicon import GENDERS
from seqtag.probes.sentences import Plan, room

# Genders of the subject, of the first and of the last person of a sentence.
Case = tuple[str, str, str]


def cases(attractors: int, switches: int) -> list[Case]:
    """Return the cases that are equally frequent under these factors."""
    if attractors == 0 and switches == 0:
        return [(g, g, g) for g in GENDERS]
    if attractors == 0:
        return [(label, first, label) for label, first in product(GENDERS, GENDERS)]
    if attractors == 1 and switches == 0:
        other = [(a, b) for a, b in product(GENDERS, GENDERS) if a != b]
        return [(a, b, a) for a, b in other] + [(a, a, b) for a, b in other]
    return list(product(GENDERS, repeat=3))


def contrast(case: Case) -> str:
    """Return which cue misleads: "incongruent" (both), "first", "last" or "congruent" (neither)."""
    label, first, last = case
    if first != label:
        return "first" if last == label else "incongruent"
    return "congruent" if last == label else "last"


def plan(
    random: Callable[[], float],
    case: Case,
    distance: int,
    attractors: int,
    switches: int,
    depth: int,
) -> Plan:
    """Return a plan of a sentence with these factors whose first and last person fit `case`."""
    label, first, last = case
    others = [g for g in GENDERS if g != label]
    front, behind_count = _front(random, case, attractors, switches)
    subjects = _subjects(random, label, first, bool(front), switches)
    between: list[list[str]] = [[] for _ in range(switches)]

    def put_before() -> None:
        """Move an attractor from behind the last subject to a place before it."""
        target = between[int(random() * switches)] if switches else front
        target.append(pick(random, others))

    must_follow = last != label
    for _ in range(behind_count - must_follow if switches else 0):
        if random() < 0.33:
            put_before()
            behind_count -= 1
    capacity = room(distance, depth)
    closing = [last] if must_follow else []
    if not must_follow and behind_count:
        closing = [label]
        if behind_count == capacity:
            if not switches and not front:
                front.append(label)
            put_before()
            behind_count -= 1
            closing = [label] if behind_count else []
    inner = [pick(random, others) for _ in range(behind_count - must_follow)]
    spare = capacity - len(inner) - len(closing)
    inner += [label] * int(random() * (1 + min(2, spare)))
    return Plan(front, subjects, between, shuffled(random, inner) + closing, distance, depth)


def _front(
    random: Callable[[], float], case: Case, attractors: int, switches: int
) -> tuple[list[str], int]:
    """Return who stands before the first subject, and how many attractors are left."""
    label, first, last = case
    if first != label:
        affordable = attractors - 1 >= (last != label)
        if switches == 0 or (affordable and random() < 0.5):
            return [first], attractors - 1
    elif switches == 1 or random() < 0.33:
        # One switch: the old subject differs from the new one, so only an echo can come first.
        return [first], attractors
    return [], attractors


def _subjects(
    random: Callable[[], float], label: str, first: str, fronted: bool, switches: int
) -> list[str]:
    """Return the matrix subjects: neighbours differ; `first` begins unless someone is fronted."""
    while True:
        subjects = [label]
        for _ in range(switches):
            subjects.append(pick(random, [g for g in GENDERS if g != subjects[-1]]))
        if fronted or subjects[-1] == first:
            return subjects[::-1]
