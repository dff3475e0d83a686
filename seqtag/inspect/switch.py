"""Forgetting around events: the share of memory kept around a new subject and around attractors.

Legend: N events, P places around an event, H units, R resamples.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seqtag.errors import InputError
from seqtag.inspect.memory import kept_share
from seqtag.inspect.trace import check_layer, layer_names, traces
from seqtag.probes.base import ProbeItem
from seqtag.probes.english.lexicon import GENDER_OF
from seqtag.probes.english.parsing import analyse
from seqtag.probes.pronoun import PronounProbe
from seqtag.tagging.tagger import Tagger

# Places shown, relative to the event; and places by which units are chosen, which include the two
# words before a new subject (link and article), because they announce it.
FIRST, LAST = -10, 20
_NEAR = (-2, 2)
# The share of units that counts as reacting most.
_REACTING = 0.1
_RESAMPLES = 1000
# Number of units that are shown one by one.
_APART = 6
# A place has a mean if at least this many events reach it.
_MIN_EVENTS = 10
# Sentences of the pronoun probe: number of each kind, and factors within the training range.
ITEMS, _FACTORS = 200, {"distance": 20, "attractors": 1}


class Event(NamedTuple):
    """The words of a sentence, and the position of the word at which an event happens."""

    tokens: Sequence[str]
    position: int


class Band(NamedTuple):
    """The mean over events at each place, the ends of its 95 % interval, and the number of events.

    All (P); mean and ends are nan at places with too few events. The interval is a bootstrap over
    events.
    """

    mean_P: np.ndarray
    low_P: np.ndarray
    high_P: np.ndarray
    count_P: np.ndarray


class SwitchCurves(NamedTuple):
    """The share of memory kept around events.

    Attributes:
        places_P: places relative to the event, -10..20.
        every: by kind of event, the mean over all units.
        reacting: the same over the units that react most, for the half of the events that was not
            used to choose the units.
        units: the units that react most, the strongest first.
        apart: by kind of event, the mean of each of the first six of these units (P, U), over the
            same half of the events as `reacting`; nan at places with too few events.
    """

    places_P: np.ndarray
    every: Mapping[str, Band]
    reacting: Mapping[str, Band]
    units: np.ndarray
    apart: Mapping[str, np.ndarray]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the curves as arrays by name: ``places``, ``units``, ``every/KIND/mean``, ..."""
        named = {"places": self.places_P, "units": self.units}
        named |= {f"apart/{kind}": mean_PU for kind, mean_PU in self.apart.items()}
        for group, bands in (("every", self.every), ("reacting", self.reacting)):
            for kind, band in bands.items():
                for name, value_P in band._asdict().items():
                    named[f"{group}/{kind}/{name.removesuffix('_P')}"] = value_P
        return named


def switch_curves(
    tagger: Tagger, events: Mapping[str, Sequence[Event]], layer: str | None = None
) -> SwitchCurves:
    """Return the share of memory that a layer keeps around events of several kinds.

    A unit's reaction is how much less it keeps from two words before to two words after an event
    of the first kind than of the second. Half of the events are used to choose the units that
    react most, whose curves are computed on the other half.

    Args:
        tagger: the tagger.
        events: by kind, at least twenty of each; the first kind should make it forget, the second
            should not.
        layer: name of a layer that reads forward; None for the top one.

    Raises:
        InputError: for a cell without a gate for the share, an unknown layer or one that reads
            backwards, or too few events.
    """
    encoder = tagger.network.recurrent
    layer = check_layer(encoder, layer or f"l{encoder.num_layers - 1}.fwd")
    if not layer.endswith(".fwd"):
        forward = ", ".join(name for name in layer_names(encoder) if name.endswith(".fwd"))
        raise InputError(
            f"layer {layer} reads right to left and sees the clause before its subject; "
            f"use {forward}"
        )
    if len(events) < 2 or min(map(len, events.values())) < 2 * _MIN_EVENTS:
        raise InputError(f"two kinds of events are needed, with {2 * _MIN_EVENTS} events of each")
    windows = {kind: _windows(tagger, of_kind, layer) for kind, of_kind in events.items()}
    units = _most_reacting(*list(windows.values())[:2])
    return SwitchCurves(
        np.arange(FIRST, LAST + 1),
        {kind: _band(kept_NPH.mean(axis=2)) for kind, kept_NPH in windows.items()},
        {kind: _band(kept_NPH[1::2, :, units].mean(axis=2)) for kind, kept_NPH in windows.items()},
        units,
        {kind: _means(kept_NPH[1::2, :, units[:_APART]]) for kind, kept_NPH in windows.items()},
    )


def pronoun_events() -> dict[str, list[Event]]:
    """Return sentences of the pronoun probe with the position of a person, by kind of person."""
    probe = PronounProbe()
    new, other, first = [], [], []
    for item in probe.generate(ITEMS, "test", {**_FACTORS, "switches": 1}, 0):
        new.append(Event(_until_link(item), item.cue_positions[-1]))
    for item in probe.generate(ITEMS, "test", {**_FACTORS, "attractors": 2}, 0):
        tokens, subject = _until_link(item), item.cue_positions[-1]
        first.append(Event(tokens, subject))
        gender = item.labels[item.targets[0]]
        for place in analyse(item.tokens).others:
            if place > subject and GENDER_OF[item.tokens[place]] != gender:
                other.append(Event(tokens, place))
                break
    return {"new subject": new, "attractor": other, "first subject": first}


def _until_link(item: ProbeItem) -> tuple[str, ...]:
    """Return the tokens before the comma, link and PRON, which affect the memory themselves."""
    return item.tokens[: item.targets[0] - item.tokens[item.targets[0] :: -1].index(",")]


def _windows(tagger: Tagger, events: Sequence[Event], layer: str) -> np.ndarray:
    """Return the share each unit keeps around each event, (N, P, H); nan where there is no word."""
    rows = []
    for event, seen in zip(events, traces(tagger, [e.tokens for e in events]), strict=True):
        kept_TH = kept_share(tagger.network.recurrent.cell, seen.values[layer])
        row_PH = np.full((LAST + 1 - FIRST, kept_TH.shape[1]), np.nan)
        first = max(0, event.position + FIRST)
        part_TH = kept_TH[first : event.position + LAST + 1]
        start = first - event.position - FIRST
        row_PH[start : start + len(part_TH)] = part_TH
        rows.append(row_PH)
    return np.stack(rows)


def _most_reacting(event_NPH: np.ndarray, other_NPH: np.ndarray) -> np.ndarray:
    """Return the units whose share is lowest compared with the other event, by half of both."""
    near = slice(_NEAR[0] - FIRST, _NEAR[1] - FIRST + 1)
    kept = (np.nanmean(kept_NPH[::2, near], axis=(0, 1)) for kept_NPH in (event_NPH, other_NPH))
    event_H, other_H = kept
    most = max(1, round(_REACTING * len(event_H)))
    return np.argsort(event_H - other_H, kind="stable")[:most]


def _means(kept_NPU: np.ndarray) -> np.ndarray:
    """Return the mean over events of each unit at each place, (P, U); nan for too few events."""
    count_PU = np.isfinite(kept_NPU).sum(axis=0)
    total_PU = np.nansum(kept_NPU, axis=0)
    enough_PU = count_PU >= _MIN_EVENTS // 2
    return np.where(enough_PU, total_PU / np.maximum(count_PU, 1), np.nan)


def _band(kept_NP: np.ndarray) -> Band:
    present_NP = np.isfinite(kept_NP)
    value_NP = np.where(present_NP, kept_NP, 0.0)
    total = len(kept_NP)
    # How often each event is drawn in each resample; in the first row each is drawn once.
    drawn = np.random.default_rng(0).multinomial(total, np.full(total, 1 / total), _RESAMPLES)
    drawn_RN = np.vstack([np.ones(total), drawn])
    with np.errstate(invalid="ignore"):
        mean_RP = (drawn_RN @ value_NP) / (drawn_RN @ present_NP)
    count_P = present_NP.sum(axis=0)
    seen_P = count_P >= _MIN_EVENTS
    band_3P = np.full((3, len(seen_P)), np.nan)
    band_3P[0, seen_P] = mean_RP[0, seen_P]
    # nan: a resample may contain none of the few events that reach a place.
    band_3P[1:, seen_P] = np.nanpercentile(mean_RP[1:, seen_P], (2.5, 97.5), axis=0)
    return Band(band_3P[0], band_3P[1], band_3P[2], count_P)
