"""How long memory lasts: the share of it that a cell keeps at each step, and its half-life."""

from collections.abc import Sequence

import numpy as np

from seqtag.cells import Cell
from seqtag.errors import InputError
from seqtag.inspect.trace import Values, layer_names, trace, traces
from seqtag.tagging.tagger import Tagger


def has_kept_share(tagger: Tagger) -> bool:
    """Return whether a tagger's cell has a gate for the share of memory that it keeps."""
    values = next(iter(trace(tagger, ["."]).values.values()))
    return tagger.network.recurrent.cell.kept(values) is not None


def kept_share(cell: Cell, values: Values) -> np.ndarray:
    """Return the share of its memory that each unit keeps at each step, in 0..1, (T, H).

    Raises:
        InputError: for a cell without a gate for it.
    """
    share_TH = cell.kept(values)
    if share_TH is None:
        raise InputError(
            f"{cell} has no gate for the share of memory that it keeps; cells of the LSTM and GRU "
            "families have one, except nfg"
        )
    return share_TH


def mean_log_kept(tagger: Tagger, sentences: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """Return the mean log of the share that each unit keeps, by layer and direction, (H).

    The mean is over all words of the sentences, except the one that a direction reads first, when
    memory is empty. It is -inf for a unit that kept nothing at some word.

    Raises:
        InputError: if no sentence has two words or more, for one without words, or for a cell
            without a gate for the share.
    """
    encoder = tagger.network.recurrent
    sums: dict[str, np.ndarray] = dict.fromkeys(layer_names(encoder), np.zeros(()))
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
    """Return each unit's half-life: the number of words after which half of its memory is left.

    The half-lives are by layer and direction, (H): ln(1/2) divided by the mean of ln f, as if the
    unit kept the same share f at every word; infinite for a unit that keeps everything. Zoneout,
    which keeps more, is ignored.

    Raises:
        InputError: as `mean_log_kept` does.
    """
    with np.errstate(divide="ignore"):
        return {
            layer: np.log(2.0) / np.abs(mean_H)
            for layer, mean_H in mean_log_kept(tagger, sentences).items()
        }
