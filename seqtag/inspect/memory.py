"""How long memory lasts: the share that a cell keeps at each step, and its half-life."""

from collections.abc import Sequence

import numpy as np

from seqtag.cells import Cell
from seqtag.errors import InputError
from seqtag.inspect.trace import Values, layer_names, trace, traces
from seqtag.tagging.tagger import Tagger


def has_kept_share(tagger: Tagger) -> bool:
    """Return whether the cell of a tagger says what share of its memory it keeps."""
    values = next(iter(trace(tagger, ["."]).values.values()))
    return tagger.network.recurrent.cell.kept(values) is not None


def kept_share(cell: Cell, values: Values) -> np.ndarray:
    """Return what share of its memory each unit keeps at each step, in 0..1, (T, H).

    Raises:
        InputError: for a cell that does not say what it keeps.
    """
    share_TH = cell.kept(values)
    if share_TH is None:
        raise InputError(
            f"{cell} has no gate that says what share of its memory it keeps, so there is nothing "
            "to show; cells of the LSTM and GRU families have one, but for nfg"
        )
    return share_TH


def mean_log_kept(tagger: Tagger, sentences: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """Return the mean of the logarithm of what each unit keeps, by layer and direction, (H).

    The mean is over all words of the sentences, but for the one that a direction reads first:
    there is nothing to keep then. -inf for a unit that once kept nothing.

    Raises:
        InputError: for no sentence of two words or more, one without words, and as `kept_share`
            does.
    """
    encoder = tagger.network.recurrent
    sums = dict.fromkeys(layer_names(encoder), 0.0)
    words = 0
    for seen in traces(tagger, sentences):
        words += len(seen.tokens) - 1
        for layer, values in seen.values.items():
            with np.errstate(divide="ignore"):
                log_TH = np.log(kept_share(encoder.cell, values).astype(np.float64))
            later_TH = log_TH[:-1] if layer.endswith(".bwd") else log_TH[1:]
            sums[layer] = sums[layer] + later_TH.sum(axis=0)
    if not words:
        raise InputError("no sentence of two words or more is given: there is nothing to measure")
    return {layer: total / words for layer, total in sums.items()}


def half_lives(tagger: Tagger, sentences: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """Return after how many words each unit has half of its memory left, by layer, (H).

    That is ln(1/2) over the mean of ln f, as if the unit kept the same share at every word;
    infinite for a unit that keeps all. Zoneout, which keeps more, is not counted in.

    Raises:
        InputError: as `mean_log_kept` does.
    """
    with np.errstate(divide="ignore"):
        return {
            layer: np.log(2.0) / np.abs(mean_H)
            for layer, mean_H in mean_log_kept(tagger, sentences).items()
        }
