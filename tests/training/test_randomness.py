"""States of the sources of chance: taken, kept in a file, put back."""

import random

import numpy as np
import pytest
import torch

from seqtag.training.randomness import random_states, restore_random_states

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def draws(device):
    numbers = [random.gauss(0, 1), random.random(), *np.random.normal(size=3)]
    return [*numbers, *torch.rand(3).tolist(), *torch.rand(3, device=device).tolist()]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("before", [0, 1, 700])
def test_draws_go_on(device, before, tmp_path):
    """Also behind one normal number of a pair, and behind all numbers of a state."""
    device = torch.device(device)
    for _ in range(before):
        draws(device)
    torch.save(random_states(device), tmp_path / "states")
    expected = [draws(device) for _ in range(3)]
    restore_random_states(torch.load(tmp_path / "states", weights_only=True), device)
    assert [draws(device) for _ in range(3)] == expected
