"""Linear probes: the minimum of the loss, what they can and cannot read."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seqtag.inspect.linear import fit_linear


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    value_N = rng.integers(3, size=600)
    state_ND = rng.normal(size=(600, 7)).astype(np.float32)
    state_ND[:, 2] += 8 * value_N
    return state_ND, value_N


def test_a_feature_that_shows_the_value_is_found(data):
    state_ND, value_N = data
    probe = fit_linear(state_ND[:400], value_N[:400], 3)
    assert (probe.predict(state_ND[400:]) == value_N[400:]).mean() > 0.98
    assert probe.importance().argmax() == 2
    assert probe.importance()[2] > 3 * np.delete(probe.importance(), 2).max()


def test_random_values_cannot_be_read(data):
    state_ND, _ = data
    value_N = np.random.default_rng(2).integers(3, size=600)
    probe = fit_linear(state_ND[:400], value_N[:400], 3)
    assert abs((probe.predict(state_ND[400:]) == value_N[400:]).mean() - 1 / 3) < 0.12


def test_the_loss_is_at_its_minimum(data):
    state_ND, value_N = data
    probe = fit_linear(state_ND, value_N, 3)
    x_ND = torch.from_numpy((state_ND - probe.mean_D) / probe.scale_D)
    weight_KD, bias_K = (
        torch.from_numpy(value).requires_grad_() for value in (probe.weight_KD, probe.bias_K)
    )
    loss = F.cross_entropy(x_ND @ weight_KD.T + bias_K, torch.from_numpy(value_N))
    (loss + 1e-3 / 2 * weight_KD.square().sum()).backward()
    assert weight_KD.grad.abs().max() < 1e-5
    assert bias_K.grad.abs().max() < 1e-5


def test_scale_and_constant_features_do_not_matter(data):
    state_ND, value_N = data
    plain = fit_linear(state_ND, value_N, 3)
    changed = np.hstack([state_ND * 1e3 + 5, np.full((600, 1), 4.0)])
    scaled = fit_linear(changed, value_N, 3)
    assert np.allclose(scaled.weight_KD[:, :7], plain.weight_KD, atol=1e-3)
    assert (scaled.weight_KD[:, 7] == 0).all()
    assert (scaled.predict(changed) == plain.predict(state_ND)).all()


def test_the_same_data_gives_the_same_probe(data):
    first, second = fit_linear(*data, 3), fit_linear(*data, 3)
    assert (first.weight_KD == second.weight_KD).all()
