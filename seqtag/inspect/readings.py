"""Readings: positions of a probe's sentences, and the value that a state there should hold.

Legend: N readings.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from seqtag.probes.base import Probe, ProbeItem
from seqtag.probes.english.lexicon import GENDER_OF, NUMBER_OF

# Words before and after a new subject at which its form and that of the old one are read.
AROUND = 12


@dataclass(frozen=True)
class Readings:
    """Positions at which a property is read, in the order of the sentences; all arrays (N).

    Attributes:
        sentence_N: the number of the sentence.
        position_N: the position of the word.
        word_N: the word.
        cue_N: the word that decides the value: the present subject.
        value_N: the value of the property.
        distance_N: words since that cue.
        old_N: the value of the subject before the present one; "" if there is none.
    """

    sentence_N: np.ndarray
    position_N: np.ndarray
    word_N: np.ndarray
    cue_N: np.ndarray
    value_N: np.ndarray
    distance_N: np.ndarray
    old_N: np.ndarray

    def __len__(self) -> int:
        return len(self.value_N)


def read_items(probe: Probe, items: Sequence[ProbeItem]) -> Readings:
    """Return where and what to read in some items of a probe.

    In an item with one target: every position from its deciding cue to the target, and the target's
    label. If the probe's cues are persons or nouns, also every position from an earlier subject to
    the next one, and the form of that subject. In an item with several targets: the targets and
    their labels; the distance is then the number of words before the target.
    """
    forms = _forms(probe)
    rows: list[tuple[int, int, str, str, str, int, str]] = []
    for number, item in enumerate(items):
        tokens = item.tokens
        if len(item.targets) > 1 or not item.cue_positions:
            for t in item.targets:
                label = item.labels[t]
                assert label is not None
                rows.append((number, t, tokens[t], tokens[t], label, t, ""))
            continue
        (target,) = item.targets
        label = item.labels[target]
        assert label is not None
        cues = list(item.cue_positions) if forms else [item.cue_positions[-1]]
        values = [*(forms[tokens[cue]] for cue in cues[:-1]), label]
        for place, (cue, value) in enumerate(zip(cues, values, strict=True)):
            end = cues[place + 1] if place + 1 < len(cues) else target + 1
            old = values[place - 1] if place else ""
            rows += [
                (number, t, tokens[t], tokens[cue], value, t - cue, old) for t in range(cue, end)
            ]
    columns = list(zip(*rows, strict=True)) or [()] * 7
    kinds = (np.int64, np.int64, str, str, str, np.int64, str)
    return Readings(*(np.array(c, kind) for c, kind in zip(columns, kinds, strict=True)))


def around_new_subjects(readings: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Return the readings near new subjects whose form differs from that of the old one.

    Near are up to 12 words of the old subject's part of a sentence, and the new subject and up to
    12 words of its part.

    Returns:
        The numbers of the readings, and for each the number of the reading at the new subject.
    """
    if not (readings.old_N != "").any():
        return np.array([], np.int64), np.array([], np.int64)
    starts = np.flatnonzero(readings.distance_N == 0)
    ends = np.append(starts[1:], len(readings))
    numbers: list[int] = []
    events: list[int] = []
    for start, end in zip(starts, ends, strict=True):
        if readings.old_N[start] in ("", readings.value_N[start]):
            continue
        before = min(AROUND, int(readings.distance_N[start - 1]) + 1)
        near = range(start - before, min(start + AROUND + 1, end))
        numbers += near
        events += [start] * len(near)
    return np.array(numbers, np.int64), np.array(events, np.int64)


def control_values(words: Sequence[str], values: Mapping[str, int], seed: int) -> dict[str, str]:
    """Return a random value for each word type: a control task (Hewitt & Liang 2019).

    A value is drawn from the distribution `values` by the word and the seed alone, so that a word
    has the same one in training and evaluation.
    """
    names = sorted(values)
    total = sum(values.values())
    drawn = {}
    for word in sorted(set(words)):
        digest = hashlib.sha256(repr(("control", seed, word)).encode()).digest()
        point = Random(int.from_bytes(digest, "big")).random() * total
        for name in names:
            point -= values[name]
            if point < 0:
                break
        drawn[word] = name
    return drawn


def distribution(values: Iterable[str]) -> dict[str, int]:
    """Return how often each value occurs."""
    return dict(Counter(map(str, values)))


def _forms(probe: Probe) -> Mapping[str, str]:
    """Return the form of each word for a person or thing in a probe of English; else {}."""
    labels = set(probe.labels)
    for forms in (GENDER_OF, NUMBER_OF):
        if labels == set(forms.values()):
            return forms
    return {}
