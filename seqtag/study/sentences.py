"""The sentences of an inspection, the property that states should hold, and the control task.

N readings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from seqtag.columns import MAIN
from seqtag.errors import InputError
from seqtag.inspect.readings import Readings, control_values, distribution, read_items
from seqtag.probes.base import Probe, ProbeItem

Control = Literal["word", "cue"]


class Part(NamedTuple):
    """Items of one split and of one table of a probe, see `Probe.table_of`."""

    split: str
    table: str
    items: Sequence[ProbeItem]


@dataclass(frozen=True)
class Sentences:
    """The sentences of an inspection: those that linear probes are fitted to, and those scored.

    Attributes:
        probe: the probe that the sentences are of.
        fitted: items for fitting, of the split "dev" and the main table.
        scored: items for scoring; those of the first split are answered with silenced units.
    """

    probe: Probe
    fitted: Sequence[ProbeItem]
    scored: Sequence[Part]

    @property
    def answered(self) -> list[Part]:
        """The parts that are answered with silenced units, the main table first."""
        return [part for part in self.scored if part.split == self.scored[0].split]


@dataclass(frozen=True)
class Task:
    """The property and the control task.

    Attributes:
        values: the values of the property, in order.
        control: the random value of each word.
        by: whether the control task takes the present word, or the word of the cue.
    """

    values: tuple[str, ...]
    control: Mapping[str, str]
    by: Control

    def numbers(self, readings: Readings) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the values of the property and of the control task (N)."""
        number = {value: place for place, value in enumerate(self.values)}
        words_N = readings.word_N if self.by == "word" else readings.cue_N
        own = [number[value] for value in readings.value_N]
        random = [number[self.control[word]] for word in words_N]
        return np.array(own, np.int64), np.array(random, np.int64)


def sentences_of(probe: Probe, sentences: int, seed: int) -> Sentences:
    """Return new sentences of a probe: the same for the same number and seed."""
    fitted = probe.corpus("dev", sentences, 2 * seed)
    parts: list[Part] = []
    for split in ("dev", probe.judged[0]):
        items = probe.corpus(split, sentences, 2 * seed + 1)
        tables = {probe.table_of(item.factors) for item in items}
        for table in sorted(tables, key=lambda name: (name != MAIN, name)):
            own = [item for item in items if probe.table_of(item.factors) == table]
            parts.append(Part(split, table, own))
    main = [item for item in fitted if probe.table_of(item.factors) == MAIN]
    return Sentences(probe, main, parts)


def make_task(sentences: Sentences, by: Control, seed: int) -> Task:
    """Return the property that the sentences have, and a control task drawn with a seed.

    Raises:
        InputError: if all positions of the sentences have the same value.
    """
    fitted = read_items(sentences.probe, sentences.fitted)
    counts = distribution(fitted.value_N)
    if len(counts) < 2:
        raise InputError(
            f"probe {sentences.probe.name}: the property has the same value at all positions of "
            f"{len(sentences.fitted)} sentences; take more sentences"
        )
    words: set[str] = set()
    for items in (sentences.fitted, *(part.items for part in sentences.scored)):
        readings = read_items(sentences.probe, items)
        words |= set(map(str, readings.word_N if by == "word" else readings.cue_N))
        counts = {**dict.fromkeys(map(str, readings.value_N), 0), **counts}
    return Task(tuple(sorted(counts)), control_values(sorted(words), counts, seed), by)
