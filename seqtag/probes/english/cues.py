"""Shallow cues and baselines: the first, the last, the most frequent person before a word, ..."""

from collections.abc import Callable, Mapping, Sequence

from seqtag.probes.base import Labeller, Labels


def label_at(tokens: Sequence[str], target: str, label: str | None) -> Labels:
    """Return labels that are None except at the token `target`."""
    return [label if token == target else None for token in tokens]


def persons_before(tokens: Sequence[str], target: str, form_of: Mapping[str, str]) -> list[str]:
    """Return the forms of all persons before the token `target`, in order."""
    before = tokens[: list(tokens).index(target)]
    return [form_of[token] for token in before if token in form_of]


def baselines(target: str, form_of: Mapping[str, str]) -> dict[str, Labeller]:
    """Return baselines that predict a form from those of all persons before the target.

    "first_cue", "second", "last_but_one" and "last_cue" predict the form of that person (with one
    person only, of this one), "frequent_cue" the most frequent form (ties go to the form that
    occurs last), and "number" decides by the number of persons.
    """
    names = tuple(dict.fromkeys(form_of.values()))

    def baseline(choose: Callable[[list[str]], str]) -> Labeller:
        def label(tokens: Sequence[str]) -> Labels:
            return label_at(tokens, target, choose(persons_before(tokens, target, form_of)))

        return label

    return {
        "first_cue": baseline(lambda forms: forms[0]),
        "second": baseline(lambda forms: forms[:2][-1]),
        "last_but_one": baseline(lambda forms: forms[-2:][0]),
        "last_cue": baseline(lambda forms: forms[-1]),
        "frequent_cue": baseline(lambda forms: max(reversed(forms), key=forms.count)),
        "number": baseline(lambda forms: names[len(forms) % len(names)]),
    }
