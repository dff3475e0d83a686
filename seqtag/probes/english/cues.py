"""What a shallow reader goes by: the first or the last person before the word asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqtag.probes.base import Labeller, Labels


def label_at(tokens: Sequence[str], target: str, label: str | None) -> Labels:
    """Return labels that are None but at the token `target`."""
    return [label if token == target else None for token in tokens]


def persons_before(tokens: Sequence[str], target: str, form_of: Mapping[str, str]) -> list[str]:
    """Return the forms of all words for persons before the token `target`, in order."""
    before = tokens[: list(tokens).index(target)]
    return [form_of[token] for token in before if token in form_of]


def baselines(target: str, form_of: Mapping[str, str]) -> dict[str, Labeller]:
    """Return the solvers "first_cue" and "last_cue": the first and the last person's form."""

    def solver(which: int) -> Labeller:
        def solve(tokens: Sequence[str]) -> Labels:
            return label_at(tokens, target, persons_before(tokens, target, form_of)[which])

        return solve

    return {"first_cue": solver(0), "last_cue": solver(-1)}
