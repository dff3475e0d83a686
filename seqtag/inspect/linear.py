"""Linear probes: how well a linear classifier reads a property from a state (Alain & Bengio 2016).

Legend: N readings, D features of a state, K values of the property.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

# Weight of half the squared norm of the weights in the loss, on standardised features.
_PENALTY = 1e-3
_ITERATIONS = 200


class LinearProbe(NamedTuple):
    """A multinomial logistic regression on standardised features.

    Attributes:
        weight_KD: the weights.
        bias_K: the biases.
        mean_D, scale_D: what is subtracted from a state, and what it is then divided by.
    """

    weight_KD: np.ndarray
    bias_K: np.ndarray
    mean_D: np.ndarray
    scale_D: np.ndarray

    def predict(self, state_ND: np.ndarray) -> np.ndarray:
        """Return the number of the most probable value for each state (N)."""
        x_ND = (state_ND.astype(np.float64) - self.mean_D) / self.scale_D
        score_NK: np.ndarray = x_ND @ self.weight_KD.T + self.bias_K
        return score_NK.argmax(axis=1)

    def importance(self) -> np.ndarray:
        """Return the norm of each standardised feature's weights over the values (D)."""
        norm_D: np.ndarray = np.linalg.norm(self.weight_KD, axis=0)
        return norm_D


def fit_linear(state_ND: np.ndarray, value_N: np.ndarray, values: int) -> LinearProbe:
    """Fit a linear probe; the loss is convex and has one minimum, so the result needs no seed.

    The loss is the mean cross-entropy plus half the squared norm of the weights times 0.001. It is
    minimised by L-BFGS in float64.

    Args:
        state_ND: the states; a feature that is constant gets weights of 0.
        value_N: the number of each state's value, 0..K-1.
        values: K.
    """
    x_ND = state_ND.astype(np.float64)
    mean_D, scale_D = x_ND.mean(axis=0), x_ND.std(axis=0)
    scale_D = np.where(scale_D > 1e-12, scale_D, np.inf)
    features = torch.from_numpy((x_ND - mean_D) / scale_D)
    targets = torch.from_numpy(value_N.astype(np.int64))
    weight_KD = torch.zeros(values, x_ND.shape[1], dtype=torch.float64, requires_grad=True)
    bias_K = torch.zeros(values, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight_KD, bias_K],
        max_iter=_ITERATIONS,
        tolerance_grad=1e-6,
        line_search_fn="strong_wolfe",
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        entropy = F.cross_entropy(features @ weight_KD.T + bias_K, targets)
        total = entropy + _PENALTY / 2 * weight_KD.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return LinearProbe(weight_KD.detach().numpy(), bias_K.detach().numpy(), mean_D, scale_D)
