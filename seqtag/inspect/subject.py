"""Units that code the form of the subject, and the persons of a sentence of the pronoun probe.

Legend: T words, H units, N words of all sentences.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seqtag.cells import Cell
from seqtag.errors import InputError
from seqtag.inspect.trace import traces
from seqtag.probes.english.lexicon import GENDER_OF, GENDERS, PRON
from seqtag.probes.english.parsing import analyse
from seqtag.probes.pronoun import PronounProbe
from seqtag.tagging.tagger import Tagger

# Sentences of the probe: number of each kind, factors within the training range, and the seed.
_ITEMS, _SEED = 60, 0
_FACTORS = (
    {"distance": 12, "attractors": 2, "switches": 0},
    {"distance": 16, "attractors": 1, "switches": 1},
    {"distance": 20, "attractors": 2, "switches": 1},
)
# A unit belongs to a code if its absolute correlation with the form is at least this.
_LEAST = 0.5
# Most units of a code.
UNITS = 6


class Person(NamedTuple):
    """A word for a person: its position, form (M, F or PL) and role in the sentence.

    Roles are ``subject``, ``new subject`` (it replaces an earlier one) and ``other person``; and
    ``person`` where the sentence could not be parsed.
    """

    position: int
    form: str
    role: str


class Code(NamedTuple):
    """How the units of a layer code a contrast of the subject's form.

    Attributes:
        layer: name of the layer and direction, such as ``l0.fwd``.
        value: name of the state that holds the code: the memory, or the output.
        positive: the forms on the positive side of the contrast.
        negative: the forms on the negative side.
        r_H: the correlation of each unit's value with the contrast, over the words between a
            subject and its pronoun.
        centre_H: the value half-way between the means of both sides.
        half_H: half of the distance between these means: at least a small positive number.
        units: the units with the largest absolute correlation, at most six, the largest first.
    """

    layer: str
    value: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    r_H: np.ndarray
    centre_H: np.ndarray
    half_H: np.ndarray
    units: tuple[int, ...]


# The contrasts: of the two genders, and of plural against both.
_CONTRASTS = ((("M",), ("F",)), (("PL",), ("M", "F")))


def memory_of(cell: Cell) -> str:
    """Return the name of the state that is a cell's memory; its output if there is no other."""
    found = (state for state in cell.unit_states if cell.meanings.get(state) == "memory")
    return next(found, cell.states[0])


def answers_pronouns(tagger: Tagger) -> bool:
    """Return whether a tagger was trained on the pronoun probe."""
    return set(GENDERS) <= set(tagger.labels.labels) and not tagger.unknown_words([PRON])


def subject_codes(tagger: Tagger) -> tuple[Code, ...]:
    """Return how the units of a tagger of the pronoun probe code the subject's form.

    One code for each contrast (M against F, PL against both), in the layer and direction whose
    units correlate most; none for a contrast that no unit follows, and for another tagger.

    The correlation is over words of sentences with attractors and earlier subjects, from two words
    after a subject to its pronoun. Attractors have another form than the subject, so a unit that
    follows the last person instead has a low correlation.
    """
    if not answers_pronouns(tagger):
        return ()
    probe = PronounProbe()
    items = [item for factors in _FACTORS for item in probe.generate(_ITEMS, "dev", factors, _SEED)]
    forms: list[str] = []
    places: list[list[int]] = []
    for item in items:
        subject, target = item.cue_positions[-1], item.targets[0]
        places.append(list(range(subject + 2, min(subject + 9, target + 1))))
        forms += [str(item.labels[target])] * len(places[-1])
    name = memory_of(tagger.network.recurrent.cell)
    chosen: dict[str, list[np.ndarray]] = {}
    for seen, at in zip(traces(tagger, [item.tokens for item in items]), places, strict=True):
        for layer, values in seen.values.items():
            chosen.setdefault(layer, []).append(values[name][at])
    by_layer = {layer: np.concatenate(parts) for layer, parts in chosen.items()}
    codes = (_best_code(by_layer, name, np.array(forms), *pair) for pair in _CONTRASTS)
    return tuple(code for code in codes if code is not None)


def persons(tokens: Sequence[str]) -> list[Person]:
    """Return the words for persons in a sentence of the pronoun probe, up to PRON."""
    try:
        found = analyse(tokens)
    except InputError:
        return [Person(i, GENDER_OF[t], "person") for i, t in enumerate(tokens) if t in GENDER_OF]
    first, *later = found.subjects
    roles = {
        first: "subject",
        **dict.fromkeys(later, "new subject"),
        **dict.fromkeys(found.others, "other person"),
    }
    return [Person(i, GENDER_OF[tokens[i]], roles[i]) for i in sorted(roles)]


def code_line(code: Code, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return where the units of a code stand at each word (T).

    The mean over the units; each is scaled so that its mean on the positive side of the contrast
    is 1 and its mean on the negative side is -1.
    """
    units = list(code.units)
    side_H = np.sign(code.r_H[units])
    scaled_TH = (values[code.value][:, units] - code.centre_H[units]) / code.half_H[units]
    return (scaled_TH * side_H).mean(axis=1)


def _best_code(
    by_layer: Mapping[str, np.ndarray],
    value: str,
    forms_N: np.ndarray,
    positive: tuple[str, ...],
    negative: tuple[str, ...],
) -> Code | None:
    """Return the code of the layer whose units correlate most with a contrast."""
    is_positive_N, is_negative_N = np.isin(forms_N, positive), np.isin(forms_N, negative)
    used_N = is_positive_N | is_negative_N
    side_N = np.where(is_positive_N, 1.0, -1.0)[used_N]
    best: Code | None = None
    strongest = 0.0
    for layer, value_NH in by_layer.items():
        r_H = _correlations(value_NH[used_N], side_N)
        units = np.argsort(-np.abs(r_H), kind="stable")[:UNITS]
        strength = float(np.abs(r_H[units]).mean())
        units = units[np.abs(r_H[units]) >= _LEAST]
        if len(units) and strength > strongest:
            strongest = strength
            high_H, low_H = (value_NH[is_N].mean(axis=0) for is_N in (is_positive_N, is_negative_N))
            half_H = np.maximum(np.abs(high_H - low_H) / 2, 1e-6)
            rest = (r_H, (high_H + low_H) / 2, half_H, tuple(map(int, units)))
            best = Code(layer, value, positive, negative, *rest)
    return best


def _correlations(value_NH: np.ndarray, side_N: np.ndarray) -> np.ndarray:
    """Return the correlation of each unit with the sides; 0 for a constant unit."""
    value_NH = value_NH.astype(np.float64) - value_NH.mean(axis=0)
    side_N = side_N - side_N.mean()
    scale_H = np.sqrt((value_NH**2).sum(axis=0) * (side_N**2).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(side_N @ value_NH / scale_H)
