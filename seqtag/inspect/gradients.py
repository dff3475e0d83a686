"""Gradients through time: how strongly the loss depends on earlier states.

With L the loss at a target, t its position and s a state of the top layer, the curve is the mean
of |dL/ds_{t-k}| over items against the lag k. s_{t-k} is the state that is passed to the next step;
for an LSTM, the gradients at h and c are each taken with the other held fixed. At k = 0 no later
step reads the memory c, so its gradient is 0.

Everything is computed in float64 on the reference engine, so that curves are right down to 1e-300.

Legend: B items, T words, D features of a word, H units, L layers, K lags.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seqtag.errors import InputError
from seqtag.files import open_output, utf8_bytes
from seqtag.inspect.memory import has_kept_share, mean_log_kept
from seqtag.inspect.trace import encoder_input, layer_names
from seqtag.labels import NOT_SCORED
from seqtag.model.network import TaggerNetwork
from seqtag.recurrent.engines.registry import set_engine
from seqtag.tagging.tagger import Tagger

COLUMNS = ("run", "cell", "start", "when", "state", "k", "norm")
# Smaller norms are left out of the fit: in float32 training they would underflow.
_FLOOR = 1e-30
_BATCH = 32


class Item(Protocol):
    """A sequence with labels at its targets, such as an item of a probe."""

    tokens: Sequence[str]
    labels: Sequence[str | None]
    targets: Sequence[int]


class Curve(NamedTuple):
    """A gradient curve.

    Attributes:
        when: "initial" or "trained".
        state: name of the state, h or c for an LSTM.
        norm_K: mean of |dL/ds_{t-k}| at k = 0, 1, ..., K-1; nan where no item is long enough.
        slope: slope of ln norm per step back; nan if fewer than two points are above 1e-30.
        kept: mean ln of the share of memory that the top layer keeps per step, over words and
            units: the slope that the forget gate alone would give without the recurrent weights R;
            nan without such a gate. The gradient through R (in an LSTM through i, o and z) adds to
            it: at initialisation about i o = 1/4 per step (R orthogonal, gates half open), compared
            with f = 0.73.
    """

    when: str
    state: str
    norm_K: np.ndarray
    slope: float
    kept: float

    @property
    def half_distance(self) -> float:
        """Number of steps back over which the gradient halves; inf if it does not shrink."""
        return float(np.log(0.5) / self.slope) if self.slope < 0 else float("inf")


def gradient_report(before: Tagger, after: Tagger, items: Sequence[Item], lag: int) -> list[Curve]:
    """Return the curves of a tagger at initialisation and after training, one for each state.

    Raises:
        InputError: as `gradient_curve` does.
    """
    curves = []
    for when, tagger in (("initial", before), ("trained", after)):
        encoder, kept = tagger.network.recurrent, float("nan")
        norms = gradient_curve(tagger, items, lag)
        if has_kept_share(tagger):
            top = layer_names(encoder)[-1]
            kept = float(mean_log_kept(tagger, [item.tokens for item in items])[top].mean())
        curves += [Curve(when, name, norm_K, slope(norm_K), kept) for name, norm_K in norms.items()]
    return curves


def gradient_curve(tagger: Tagger, items: Sequence[Item], lag: int) -> dict[str, np.ndarray]:
    """Return the mean of |dL/ds_{t-k}| over items for k = 0..lag, by state s of the top layer.

    L is the negative log-probability of an item's label at its last target, t the target's
    position. At each k the mean is over the items with at least k words before the target; nan if
    there are none. The tagger is not changed.

    Raises:
        InputError: for a bidirectional tagger, or one that reads subword pieces; for no items, an
            item without a target, or a label that the tagger does not have.
    """
    _check(tagger, items, lag)
    network = deepcopy(tagger.network).double()
    set_engine(network, "reference")
    names = network.recurrent.cell.states
    sums_SK, count_K = np.zeros((len(names), lag + 1)), np.zeros(lag + 1)
    for first in range(0, len(items), _BATCH):
        batch = items[first : first + _BATCH]
        inputs = tagger.read([item.tokens for item in batch])
        labels_BT = _labels(tagger, batch).to(tagger.device)
        targets = [item.targets[-1] for item in batch]
        norms_SBT = _norms(network, inputs, labels_BT, max(0, min(targets) - lag))
        for b, target in enumerate(targets):
            back_SK = norms_SBT[:, b, : target + 1][:, ::-1][:, : lag + 1]
            sums_SK[:, : back_SK.shape[1]] += back_SK
            count_K[: back_SK.shape[1]] += 1
    with np.errstate(invalid="ignore"):
        return dict(zip(names, sums_SK / count_K, strict=True))


def slope(norm_K: np.ndarray) -> float:
    """Return the least-squares slope of ln norm against the lag, over k >= 1 with norm > 1e-30.

    nan if there are fewer than two such points.
    """
    lags = np.flatnonzero(norm_K > _FLOOR)
    lags = lags[lags >= 1]
    if len(lags) < 2:
        return float("nan")
    return float(np.polyfit(lags, np.log(norm_K[lags]), 1)[0])


def write_gradients(path: str, curves: Sequence[Curve], about: Mapping[str, str]) -> None:
    """Write curves as CSV with the columns `COLUMNS`; `about` has the run, cell and start.

    Raises:
        InputError: if the file cannot be written.
    """
    to = io.StringIO()
    table = csv.writer(to, lineterminator="\n")
    table.writerow(COLUMNS)
    for curve in curves:
        own = (about["run"], about["cell"], about["start"], curve.when, curve.state)
        table.writerows((*own, k, f"{norm:.6e}") for k, norm in enumerate(curve.norm_K))
    with open_output(path) as file:
        file.write(utf8_bytes(to.getvalue()))


def _check(tagger: Tagger, items: Sequence[Item], lag: int) -> None:
    if lag < 1:
        raise InputError(f"the largest lag must be a whole number of at least 1, not {lag}")
    if not items:
        raise InputError("no items are given: there is no loss to take the gradient of")
    network = tagger.network
    if network.recurrent.bidirectional:
        raise InputError(
            "gradients through time need a tagger that reads in one direction; this one is "
            "bidirectional: train one with model.bidirectional=false"
        )
    if network.pieces is not None:
        raise InputError(
            "gradients through time need a tagger that reads words; this one reads subword pieces: "
            "train one with model.subword_size=0"
        )


def _labels(tagger: Tagger, items: Sequence[Item]) -> Tensor:
    """Return the label id of each item's last target, `NOT_SCORED` at other words, (B, T)."""
    longest = max(len(item.tokens) for item in items)
    labels_BT = torch.full((len(items), longest), NOT_SCORED)
    for b, item in enumerate(items):
        if not item.targets:
            raise InputError(f"an item has no target: {' '.join(item.tokens[:10])} ...")
        target = item.targets[-1]
        number = tagger.labels.encode(item.labels)[target]
        if number == NOT_SCORED:
            raise InputError(f"the tagger does not have the label {item.labels[target]!r}")
        labels_BT[b, target] = number
    return labels_BT


def _norms(
    network: TaggerNetwork, inputs: Mapping[str, Tensor], labels_BT: Tensor, start: int
) -> np.ndarray:
    """Return |dL/ds_t| for each state of the top layer, (states, B, T); 0 before step `start`."""
    encoder = network.encoder
    with torch.no_grad():
        x_BTD, lengths_B = encoder_input(network, inputs)
        y_BTH = encoder(x_BTD, lengths_B)[0]
        state = encoder(x_BTD[:, :start])[1] if start else None
    # First the gradient of the loss at the outputs, then from the outputs through time. Each step
    # is a separate call of the encoder, so that every state is a tensor with a gradient.
    y_BTH.requires_grad_()
    (dy_BTH,) = torch.autograd.grad(_loss(network, y_BTH, labels_BT, lengths_B), y_BTH)
    steps: list[tuple[Tensor, ...]] = []
    total = dy_BTH.new_zeros(())
    for t in range(start, x_BTD.shape[1]):
        # After its end a sequence continues over padding, where dy is 0.
        state = encoder(x_BTD[:, t : t + 1], None, state)[1]
        steps.append(state if isinstance(state, tuple) else (state,))
        total = total + (steps[-1][0][-1] * dy_BTH[:, t]).sum()
    states = [part_LBH for parts in steps for part_LBH in parts]
    gradients = torch.autograd.grad(total, states, allow_unused=True, materialize_grads=True)
    norm_TSB = torch.stack([d_LBH[-1].flatten(1).norm(dim=1) for d_LBH in gradients]).unflatten(
        0, (len(steps), -1)
    )
    padded_TSB = F.pad(norm_TSB, (0, 0, 0, 0, start, 0))
    return padded_TSB.permute(1, 2, 0).cpu().numpy()


def _loss(network: TaggerNetwork, y_BTH: Tensor, labels_BT: Tensor, lengths_B: Tensor) -> Tensor:
    """Return the sum of the items' losses; a CRF sums over all paths with the target's label."""
    emissions_BTK = network.emissions(y_BTH)
    if network.crf is not None:
        return network.crf.nll(emissions_BTK, labels_BT, lengths_B).sum()
    return F.cross_entropy(emissions_BTK.flatten(0, 1), labels_BT.flatten(), reduction="sum")
