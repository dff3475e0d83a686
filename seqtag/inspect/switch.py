"""The picture of forgetting: what memory keeps around a new subject, and around what is none.

Legend: N events, P places around an event, H units, R resamples.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seqtag.errors import InputError
from seqtag.inspect.memory import kept_share
from seqtag.inspect.trace import check_layer, layer_names, traces
from seqtag.tagging.tagger import Tagger

# Places shown, relative to the event; those by which units are chosen: the link and the article
# before a new subject count, for they announce it.
FIRST, LAST = -10, 20
_NEAR = (-2, 2)
# Share of the units that react most.
_REACTING = 0.1
_RESAMPLES = 1000
# With fewer events at a place a mean would say little.
_FEWEST = 10


class Event(NamedTuple):
    """Words, and the position of the one at which something happens."""

    tokens: Sequence[str]
    position: int


class Band(NamedTuple):
    """A mean over events at each place, and the ends of its 95% interval (P); nan where too few.

    The interval is by bootstrap: percentiles of the means of events drawn with replacement.
    """

    mean_P: np.ndarray
    low_P: np.ndarray
    high_P: np.ndarray
    count_P: np.ndarray


class SwitchCurves(NamedTuple):
    """What is kept around events.

    Attributes:
        places_P: places relative to the event, -10..20.
        every: by kind of event, the mean over all units.
        reacting: the same over the units that react most, of every other event: those that did
            not choose the units.
        units: the units that react most.
    """

    places_P: np.ndarray
    every: Mapping[str, Band]
    reacting: Mapping[str, Band]
    units: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return it as arrays by name: ``places``, ``units``, ``every/KIND/mean``, ..."""
        named = {"places": self.places_P, "units": self.units}
        for group, bands in (("every", self.every), ("reacting", self.reacting)):
            for kind, band in bands.items():
                for name, value_P in band._asdict().items():
                    named[f"{group}/{kind}/{name.removesuffix('_P')}"] = value_P
        return named


def switch_curves(
    tagger: Tagger, events: Mapping[str, Sequence[Event]], layer: str | None = None
) -> SwitchCurves:
    """Return what a layer keeps of its memory around events of several kinds.

    A unit reacts by how much less it keeps from two words before to two behind an event of the
    first kind than of the second. Half of the events choose the units, the other half are shown.

    Args:
        tagger: the tagger.
        events: by kind, at least twenty of each; the first kind is what should make it forget, the
            second what should not.
        layer: name of a layer that reads forward; None for the top one.

    Raises:
        InputError: for a cell without a gate that keeps, an unknown layer or one that reads
            backwards, or too few events.
    """
    encoder = tagger.network.recurrent
    layer = check_layer(encoder, layer or f"l{encoder.num_layers - 1}.fwd")
    if not layer.endswith(".fwd"):
        forward = ", ".join(name for name in layer_names(encoder) if name.endswith(".fwd"))
        raise InputError(f"layer {layer} meets a subject's clause before it: take {forward}")
    if len(events) < 2 or min(map(len, events.values())) < 2 * _FEWEST:
        raise InputError(f"two kinds of events are needed, and {2 * _FEWEST} events of each")
    windows = {kind: _windows(tagger, given, layer) for kind, given in events.items()}
    units = _most_reacting(*list(windows.values())[:2])
    return SwitchCurves(
        np.arange(FIRST, LAST + 1),
        {kind: _band(kept_NPH.mean(axis=2)) for kind, kept_NPH in windows.items()},
        {kind: _band(kept_NPH[1::2, :, units].mean(axis=2)) for kind, kept_NPH in windows.items()},
        units,
    )


def _windows(tagger: Tagger, events: Sequence[Event], layer: str) -> np.ndarray:
    """Return what each unit keeps around each event, (N, P, H); nan where there is no word."""
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
    """Return the units that keep less around the one than around the other, by half of each."""
    near = slice(_NEAR[0] - FIRST, _NEAR[1] - FIRST + 1)
    kept = (np.nanmean(kept_NPH[::2, near], axis=(0, 1)) for kept_NPH in (event_NPH, other_NPH))
    event_H, other_H = kept
    most = max(1, round(_REACTING * len(event_H)))
    return np.argsort(event_H - other_H, kind="stable")[:most]


def _band(kept_NP: np.ndarray) -> Band:
    there_NP = np.isfinite(kept_NP)
    value_NP = np.where(there_NP, kept_NP, 0.0)
    total = len(kept_NP)
    # How often each event is drawn in each resample; the first row is the events themselves.
    drawn = np.random.default_rng(0).multinomial(total, np.full(total, 1 / total), _RESAMPLES)
    drawn_RN = np.vstack([np.ones(total), drawn])
    with np.errstate(invalid="ignore"):
        mean_RP = (drawn_RN @ value_NP) / (drawn_RN @ there_NP)
    count_P = there_NP.sum(axis=0)
    seen_P = count_P >= _FEWEST
    band_3P = np.full((3, len(seen_P)), np.nan)
    band_3P[0, seen_P] = mean_RP[0, seen_P]
    # A resample may have drawn none of the few events that reach a place.
    band_3P[1:, seen_P] = np.nanpercentile(mean_RP[1:, seen_P], (2.5, 97.5), axis=0)
    return Band(*band_3P, count_P)
