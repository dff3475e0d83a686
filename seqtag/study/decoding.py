"""What linear probes read from the states of taggers, by distance and around a new subject.

A linear probe is fitted to states of sentences in the probe's training range and scored on others:
on sentences of the same range (split "dev") and of the judged range ("test", with longer distances
and, in English, other words). Sentences of a table other than the probe's main one are not fitted
to and are scored on their own. A second one is fitted to a control task, in which each word has a
random value of its own (Hewitt & Liang 2019). Selectivity is the difference of their accuracies: a
probe that only repeats what it has learned word by word has none.

N readings, R taggers, S sentences, D features of a state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from seqtag.inspect.linear import LinearProbe, fit_linear
from seqtag.inspect.readings import Readings, around_new_subjects, distribution, read_items
from seqtag.inspect.states import encoder_states
from seqtag.probes.base import ProbeItem
from seqtag.study.resampling import by_sentence, share
from seqtag.study.sentences import Part, Sentences, Task
from seqtag.tagging.tagger import Tagger

# Distances at which a bin of distances starts.
_STARTS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
ALL = "all"
# Most readings that a linear probe is fitted to.
_MOST_FITTED = 8000

Place = tuple[str, str]  # layer and name of a state


class Fitted(NamedTuple):
    """The linear probes of one state: of the property, and of the control task."""

    property: LinearProbe
    control: LinearProbe


class Predicted(NamedTuple):
    """What the linear probes of a state predict at N readings.

    value_N: the predicted value; right_N: whether it is right; control_N: whether the control
    task's is right.
    """

    value_N: np.ndarray
    right_N: np.ndarray
    control_N: np.ndarray


def fit_states(
    tagger: Tagger,
    sentences: Sentences,
    task: Task,
    layer: str | None = None,
    names: Sequence[str] | None = None,
) -> dict[Place, Fitted]:
    """Fit linear probes to the states of a tagger; return them by layer and name.

    Args:
        tagger: the tagger.
        sentences: the sentences.
        task: the property and the control task.
        layer: only this layer; None: all.
        names: only these states; None: all.
    """
    readings = read_items(sentences.probe, sentences.fitted)
    own_N, control_N = task.numbers(readings)
    used_N = _sample(len(readings))
    parts: dict[Place, list[np.ndarray]] = {}
    for place, state_ND in _at_readings(tagger, sentences.fitted, readings, layer, names):
        parts.setdefault(place, []).append(state_ND)
    fitted = {}
    for place, states in parts.items():
        state_ND = np.concatenate(states)[used_N]
        fitted[place] = Fitted(
            *(fit_linear(state_ND, y_N[used_N], len(task.values)) for y_N in (own_N, control_N))
        )
    return fitted


def predict_states(
    tagger: Tagger,
    items: Sequence[ProbeItem],
    readings: Readings,
    task: Task,
    fitted: Mapping[Place, Fitted],
) -> dict[Place, Predicted]:
    """Return what linear probes predict at some readings, by layer and name."""
    own_N, control_N = task.numbers(readings)
    layers, names = {layer for layer, _ in fitted}, {name for _, name in fitted}
    values: dict[Place, list[np.ndarray]] = {place: [] for place in fitted}
    controls: dict[Place, list[np.ndarray]] = {place: [] for place in fitted}
    for place, state_ND in _at_readings(tagger, items, readings, None, None):
        if place[0] in layers and place[1] in names:
            values[place].append(fitted[place].property.predict(state_ND))
            controls[place].append(fitted[place].control.predict(state_ND))
    predicted = {}
    for place in fitted:
        value_N = np.concatenate(values[place])
        right_N, random_N = value_N == own_N, np.concatenate(controls[place]) == control_N
        predicted[place] = Predicted(np.array(task.values)[value_N], right_N, random_N)
    return predicted


def decoding_table(
    predicted: Sequence[Mapping[Place, Predicted]], readings: Readings, part: Part
) -> pd.DataFrame:
    """Return accuracy, control accuracy and selectivity of each state, by distance.

    Args:
        predicted: of each of R taggers with the same layers and states.
        readings: the readings.
        part: what the readings are of.

    Returns:
        Columns: split, table, layer, state, distance ("all", "0", "2-3", ...), from, to, n,
        sentences, majority (the share of the most frequent value); accuracy, control, selectivity,
        each followed by the ends of its interval, such as accuracy_low.
    """
    rows = []
    sentences = int(readings.sentence_N.max()) + 1
    for place in predicted[0]:
        right_RN = np.stack([each[place].right_N for each in predicted]).astype(float)
        control_RN = np.stack([each[place].control_N for each in predicted]).astype(float)
        for name, first, last in _bins(readings.distance_N):
            in_N = (readings.distance_N >= first) & (readings.distance_N <= last)
            own_N = readings.sentence_N[in_N]
            n_S = np.bincount(own_N, minlength=sentences)
            most = max(distribution(readings.value_N[in_N]).values())
            row = {**_about(part, place), "distance": name}
            row |= {"from": first, "to": last, "n": int(in_N.sum())}
            row |= {"sentences": int((n_S > 0).sum()), "majority": most / in_N.sum()}
            for figure, value_RN in (
                ("accuracy", right_RN),
                ("control", control_RN),
                ("selectivity", right_RN - control_RN),
            ):
                row |= _figures(figure, value_RN[:, in_N], own_N, sentences)
            rows.append(row)
    return pd.DataFrame(rows)


def switch_table(
    predicted: Sequence[Mapping[Place, Predicted]], readings: Readings, part: Part
) -> pd.DataFrame:
    """Return how often the old and the new subject's value is read around a new subject.

    Returns:
        Columns: split, table, layer, state, place (words from the new subject), n, sentences; old,
        new, each followed by the ends of its interval. No rows if no subject follows another.
    """
    number_N, event_N = around_new_subjects(readings)
    rows = []
    sentences = int(readings.sentence_N.max()) + 1
    place_N = readings.position_N[number_N] - readings.position_N[event_N]
    for place in predicted[0]:
        value_RN = np.stack([each[place].value_N[number_N] for each in predicted])
        for words in np.unique(place_N):
            in_N = place_N == words
            own_N = readings.sentence_N[number_N[in_N]]
            n_S = np.bincount(own_N, minlength=sentences)
            row = {**_about(part, place), "place": int(words)}
            row |= {"n": int(in_N.sum()), "sentences": int((n_S > 0).sum())}
            for figure, wanted_N in (("old", readings.old_N), ("new", readings.value_N)):
                is_RN = value_RN[:, in_N] == wanted_N[event_N[in_N]]
                row |= _figures(figure, is_RN.astype(float), own_N, sentences)
            rows.append(row)
    return pd.DataFrame(rows)


def _about(part: Part, place: Place) -> dict[str, Any]:
    """Return the columns that say what a row is about."""
    return {"split": part.split, "table": part.table, "layer": place[0], "state": place[1]}


def _figures(
    name: str, value_RN: np.ndarray, sentence_N: np.ndarray, sentences: int
) -> dict[str, float]:
    """Return a share and the ends of its interval, as columns."""
    n_S = np.bincount(sentence_N, minlength=sentences)
    mean, low, high = share(by_sentence(value_RN, sentence_N, sentences), n_S)
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _bins(distance_N: np.ndarray) -> Iterator[tuple[str, int, int]]:
    """Yield the bins of distances that occur: name, first and last distance."""
    most = int(distance_N.max())
    yield ALL, 0, most
    for place, first in enumerate(_STARTS):
        last = _STARTS[place + 1] - 1 if place + 1 < len(_STARTS) else max(first, most)
        if ((distance_N >= first) & (distance_N <= last)).any():
            yield (str(first) if first == last else f"{first}-{last}"), first, last


def _sample(readings: int) -> np.ndarray:
    """Return the numbers of the readings to fit to: at most 8000, spread evenly at random."""
    if readings <= _MOST_FITTED:
        return np.arange(readings)
    return np.sort(np.random.default_rng(0).choice(readings, _MOST_FITTED, replace=False))


def _at_readings(
    tagger: Tagger,
    items: Sequence[ProbeItem],
    readings: Readings,
    layer: str | None,
    names: Sequence[str] | None,
) -> Iterator[tuple[Place, np.ndarray]]:
    """Yield each state of each sentence at its readings, (n, D), by layer and name."""
    ends = np.searchsorted(readings.sentence_N, np.arange(len(items) + 1))
    sentences = [item.tokens for item in items]
    for number, states in enumerate(encoder_states(tagger, sentences)):
        at = readings.position_N[ends[number] : ends[number + 1]]
        for own, values in states.items():
            for name, value_TD in values.items():
                if layer in (None, own) and (names is None or name in names):
                    yield (own, name), value_TD[at]
