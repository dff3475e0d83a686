"""Fixtures: random weights in the layout of a cell, its initial states, and inputs."""

from types import SimpleNamespace

import pytest
import torch

B, D, H = 3, 4, 5


class Weights:
    """Random float64 weights: W and b by gate, R by state and gate, the inner R and vectors."""

    def __init__(self, cell, seed=0):
        draw = torch.Generator().manual_seed(seed)

        def random(*shape):
            return torch.randn(shape, generator=draw, dtype=torch.float64)

        self.W = {k: random(H, D) for k in cell.gates}
        self.b = {k: random(H) * cell.has_gate_bias for k in cell.gates}
        self.R = {p.state: {k: random(H, H) for k in p.gates} for p in cell.products}
        self.inner = {k: random(H, H) for k in cell.inner_gates}
        self.unit = {vector.name: random(H) for vector in cell.vectors}

    def step(self, cell, x_BD, state):
        wx = {k: x_BD @ self.W[k].T + self.b[k] for k in cell.gates}
        rh = {}
        for product in cell.products:
            for k in product.gates:
                more = state[product.state] @ self.R[product.state][k].T
                rh[k] = rh[k] + more if k in rh else more
        for k in cell.inner_gates:
            rh[k] = lambda v, r_HH=self.inner[k]: v @ r_HH.T
        return cell.step(wx, rh, state, self.unit)

    def as_numpy(self):
        return SimpleNamespace(**_as_numpy(vars(self)))


def _as_numpy(tree):
    return {k: _as_numpy(v) if isinstance(v, dict) else v.numpy() for k, v in tree.items()}


@pytest.fixture
def weights_of():
    return Weights


@pytest.fixture
def zero_state():
    """Return a function that builds the default initial states of a cell."""

    def states(cell, dtype=torch.float64):
        starts = cell.initial_states
        return {s: torch.full((B, H), starts.get(s, 0.0), dtype=dtype) for s in cell.states}

    return states


@pytest.fixture
def x_TBD():
    return torch.randn(4, B, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
