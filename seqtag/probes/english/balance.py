"""Who appears in an English sentence, so that shallow cues do not give the label away.

What is balanced, in counts that are exact whenever n is a multiple of the number of `cases`:
the label always; and, with at least two attractors, or one and a switch, all combinations of
label, form of the first person and form of the last person. Where that cannot be:

- no attractor, no switch: only the subject and others of its form appear;
- no attractor, switches: the last person has the label's form, the first is balanced;
- one attractor, no switch: either the first or the last person misleads, half and half.

Persons of the label's form who are no subject (echoes) appear too: without them the label would
be the rarest form whenever there are many attractors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from seqtag.probes.base import pick, shuffled
from seqtag.probes.english.lexicon import GENDERS

# Forms of the deciding subject, of the first and of the last person of a sentence.
Case = tuple[str, str, str]


@dataclass(slots=True)
class Cast:
    """Who appears in a sentence, by form and in order.

    Attributes:
        front: persons before the first subject.
        subjects: subjects; the last one decides.
        between: for each earlier subject, the other persons of its clause.
        behind: persons between the last subject and the target.
    """

    front: list[str]
    subjects: list[str]
    between: list[list[str]]
    behind: list[str]


def cases(attractors: int, switches: int = 0, forms: Sequence[str] = GENDERS) -> list[Case]:
    """Return the cases that are equally frequent under these factors."""
    if attractors == 0 and switches == 0:
        return [(form, form, form) for form in forms]
    if attractors == 0:
        return [(label, first, label) for label, first in product(forms, forms)]
    if attractors == 1 and switches == 0:
        other = [(a, b) for a, b in product(forms, forms) if a != b]
        return [(a, b, a) for a, b in other] + [(a, a, b) for a, b in other]
    return list(product(forms, repeat=3))


def contrast(case: Case) -> str:
    """Return which cue misleads: "incongruent" (both), "first", "last" or "congruent" (neither)."""
    label, first, last = case
    if first != label:
        return "first" if last == label else "incongruent"
    return "congruent" if last == label else "last"


def cast(
    random: Callable[[], float],
    case: Case,
    attractors: int,
    switches: int,
    room: int,
    forms: Sequence[str] = GENDERS,
    echoes: tuple[int, int] = (0, 2),
) -> Cast:
    """Return who appears in a sentence with these factors, the first and last person as in `case`.

    Args:
        random: the source of chance.
        case: forms of the last subject, of the first and of the last person.
        attractors: how many persons of another form than the label's are no subject.
        switches: how many subjects come before the last.
        room: how many persons fit between the last subject and the target.
        forms: all forms.
        echoes: the fewest and the most persons of the label's form that stand there, as far as
            there is room, beside one that comes last.
    """
    label, first, last = case
    others = [form for form in forms if form != label]
    front, behind_count = _front(random, case, attractors, switches)
    subjects = _subjects(random, label, first, bool(front), switches, forms)
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
    closing = [last] if must_follow else []
    if not must_follow and behind_count:
        closing = [label]
        if behind_count == room:
            if not switches and not front:
                front.append(label)
            put_before()
            behind_count -= 1
            closing = [label] if behind_count else []
    inner = [pick(random, others) for _ in range(behind_count - must_follow)]
    spare = room - len(inner) - len(closing)
    fewest, most = (min(number, spare) for number in echoes)
    inner += [label] * (fewest + int(random() * (1 + most - fewest)))
    return Cast(front, subjects, between, shuffled(random, inner) + closing)


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
    random: Callable[[], float],
    label: str,
    first: str,
    fronted: bool,
    switches: int,
    forms: Sequence[str],
) -> list[str]:
    """Return the subjects: neighbours differ; `first` begins unless someone is fronted."""
    while True:
        subjects = [label]
        for _ in range(switches):
            subjects.append(pick(random, [form for form in forms if form != subjects[-1]]))
        if fronted or subjects[-1] == first:
            return subjects[::-1]
