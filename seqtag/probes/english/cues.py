"""What a shallow reader goes by: the first, the last or most of the persons before a word."""

from collections.abc import Callable, Mapping, Sequence

from seqtag.probes.base import Labeller, Labels


def label_at(tokens: Sequence[str], target: str, label: str | None) -> Labels:
    """Return labels that are None but at the token `target`."""
    return [label if token == target else None for token in tokens]


def persons_before(tokens: Sequence[str], target: str, form_of: Mapping[str, str]) -> list[str]:
    """Return the forms of all words for persons before the token `target`, in order."""
    before = tokens[: list(tokens).index(target)]
    return [form_of[token] for token in before if token in form_of]


def baselines(target: str, form_of: Mapping[str, str]) -> dict[str, Labeller]:
    """Return solvers by the persons before the target: the first, the last, most of them.

    Their names are "first_cue", "last_cue" and "frequent_cue"; of forms that are equally frequent
    the last one has it.
    """

    def solver(choose: Callable[[list[str]], str]) -> Labeller:
        def solve(tokens: Sequence[str]) -> Labels:
            return label_at(tokens, target, choose(persons_before(tokens, target, form_of)))

        return solve

    return {
        "first_cue": solver(lambda forms: forms[0]),
        "last_cue": solver(lambda forms: forms[-1]),
        "frequent_cue": solver(lambda forms: max(reversed(forms), key=forms.count)),
    }
