"""Choose the persons of an English sentence so that shallow cues do not reveal the label.

A person's form is a gender or number (M, F, PL; SG, PL). Counts are balanced exactly if the number
of items is a multiple of the number of `cases`. The label is always balanced. With at least two
attractors, or one attractor and a switch, all combinations of label, form of the first person and
form of the last person are equally frequent. In the other cases this is impossible:

- no attractor, no switch: only the subject and persons of its form appear;
- no attractor, switches: the last person has the label's form, the first is balanced;
- one attractor, no switch: in half of the items the first person misleads, in half the last.

Sentences also contain echoes: persons of the label's form who are not a subject. Without them the
label would be the rarest form whenever there are many attractors.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from seqtag.probes.base import pick, shuffled
from seqtag.probes.english.lexicon import GENDERS

# Forms of the deciding subject (the label), the first person and the last person of a sentence.
Case = tuple[str, str, str]


@dataclass(slots=True)
class Cast:
    """The forms of all persons of a sentence, in order.

    Attributes:
        before: persons before the first subject.
        subjects: the subjects; the last one decides.
        between: for each earlier subject, the other persons of its clause.
        after: persons between the last subject and the target.
    """

    before: list[str]
    subjects: list[str]
    between: list[list[str]]
    after: list[str]


def cases(attractors: int, switches: int = 0, forms: Sequence[str] = GENDERS) -> list[Case]:
    """Return the cases to balance under these factors; they must be equally frequent."""
    if attractors == 0 and switches == 0:
        return [(form, form, form) for form in forms]
    if attractors == 0:
        return [(label, first, label) for label, first in product(forms, forms)]
    if attractors == 1 and switches == 0:
        other = [(a, b) for a, b in product(forms, forms) if a != b]
        return [(a, b, a) for a, b in other] + [(a, a, b) for a, b in other]
    return list(product(forms, repeat=3))


def contrast(case: Case) -> str:
    """Return which persons mislead: "first", "last", "incongruent" (both), "congruent" (none)."""
    label, first, last = case
    if first != label:
        return "first" if last == label else "incongruent"
    return "congruent" if last == label else "last"


def cast(
    random: Callable[[], float],
    case: Case,
    attractors: int,
    switches: int,
    max_after: int,
    forms: Sequence[str] = GENDERS,
    echoes: tuple[int, int] = (0, 2),
) -> Cast:
    """Return random persons for a sentence with these factors and this case.

    Args:
        random: source of random numbers.
        case: forms of the last subject, the first person and the last person.
        attractors: number of persons who are not a subject and have another form than the label.
        switches: number of subjects before the last.
        max_after: the most persons that fit between the last subject and the target.
        forms: all forms.
        echoes: the least and greatest number of echoes between the last subject and the target,
            not counting one in last position, and limited by `max_after`.
    """
    label, first, last = case
    others = [form for form in forms if form != label]
    before, after_count = _before(random, case, attractors, switches)
    subjects = _subjects(random, label, first, bool(before), switches, forms)
    between: list[list[str]] = [[] for _ in range(switches)]

    def add_before_last_subject() -> None:
        """Add an attractor before the last subject."""
        part = between[int(random() * switches)] if switches else before
        part.append(pick(random, others))

    last_misleads = last != label
    for _ in range(after_count - last_misleads if switches else 0):
        if random() < 0.33:
            add_before_last_subject()
            after_count -= 1
    closing = [last] if last_misleads else []
    if not last_misleads and after_count:
        closing = [label]
        if after_count == max_after:
            if not switches and not before:
                before.append(label)
            add_before_last_subject()
            after_count -= 1
            closing = [label] if after_count else []
    inner = [pick(random, others) for _ in range(after_count - last_misleads)]
    spare = max_after - len(inner) - len(closing)
    fewest, most = (min(number, spare) for number in echoes)
    inner += [label] * (fewest + int(random() * (1 + most - fewest)))
    return Cast(before, subjects, between, shuffled(random, inner) + closing)


def _before(
    random: Callable[[], float], case: Case, attractors: int, switches: int
) -> tuple[list[str], int]:
    """Return the persons before the first subject, and the number of remaining attractors."""
    label, first, last = case
    if first != label:
        affordable = attractors - 1 >= (last != label)
        if switches == 0 or (affordable and random() < 0.5):
            return [first], attractors - 1
    elif switches == 1 or random() < 0.33:
        # With one switch the first subject differs from the label, so only an echo can come first.
        return [first], attractors
    return [], attractors


def _subjects(
    random: Callable[[], float],
    label: str,
    first: str,
    preceded: bool,
    switches: int,
    forms: Sequence[str],
) -> list[str]:
    """Return random subjects, each unlike the next; without persons before, `first` is first."""
    while True:
        subjects = [label]
        for _ in range(switches):
            subjects.append(pick(random, [form for form in forms if form != subjects[-1]]))
        if preceded or subjects[-1] == first:
            return subjects[::-1]
