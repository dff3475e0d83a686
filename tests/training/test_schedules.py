"""Learning-rate schedules, compared with values computed by hand."""

import math

import pytest
import torch

from seqtag.errors import InputError
from seqtag.training.schedules import WarmupDecay


def rates(steps: int, **options) -> list[float]:
    """Return the rate at each of `steps` + 1 steps, as a share of the highest rate."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = WarmupDecay(optimizer, total_steps=steps, **options)
    shares = []
    for _ in range(steps + 1):
        shares.append(schedule.get_last_lr()[0] / 2.0)
        optimizer.step()
        schedule.step()
    return shares


def test_linear_decay():
    assert rates(4, warmup=0.0) == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0])
    assert rates(4, warmup=0.0, final=0.2) == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])


def test_cosine_decay():
    expected = [(1 + math.cos(math.pi * step / 8)) / 2 for step in range(9)]
    assert rates(8, warmup=0.0, decay="cosine") == pytest.approx(expected)


def test_constant_rate_after_warmup():
    # The rate rises in the first two steps, and is never 0.
    assert rates(10, warmup=0.2, decay="constant") == pytest.approx([1 / 3, 2 / 3] + [1.0] * 9)


@pytest.mark.parametrize("decay", ["linear", "cosine", "constant"])
def test_the_rate_rises_then_falls_within_bounds(decay):
    shares = rates(50, warmup=0.3, decay=decay, final=0.1)
    assert shares[:15] == sorted(shares[:15])
    assert shares[15:] == sorted(shares[15:], reverse=True)
    assert shares[15] == 1.0
    assert all(0.0 < share <= 1.0 for share in shares)


def test_the_rate_is_constant_after_the_last_step():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = WarmupDecay(optimizer, total_steps=2, warmup=0.0, final=0.5)
    for _ in range(5):
        optimizer.step()
        schedule.step()
    assert schedule.get_last_lr() == [0.5]


@pytest.mark.parametrize("steps", [4, 8])
def test_a_restored_schedule_uses_its_own_number_of_steps(steps):
    """The same number as before, or a larger one."""

    def started(steps):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
        return optimizer, WarmupDecay(optimizer, total_steps=steps, warmup=0.0)

    (optimizer, schedule), (new_optimizer, new_schedule) = started(4), started(steps)
    for _ in range(3):
        optimizer.step()
        schedule.step()
    new_optimizer.load_state_dict(optimizer.state_dict())
    new_schedule.load_state_dict(schedule.state_dict())
    expected = rates(steps, warmup=0.0)
    assert new_optimizer.param_groups[0]["lr"] == 2.0 * expected[3]
    assert new_schedule.get_last_lr()[0] == 2.0 * expected[3]
    new_optimizer.step()
    new_schedule.step()
    assert new_optimizer.param_groups[0]["lr"] == 2.0 * expected[4]


@pytest.mark.parametrize(("warmup", "steps"), [(0.99, 1), (0.0, 1), (0.5, 1)])
def test_the_rate_of_a_single_step_is_above_zero(warmup, steps):
    assert rates(steps, warmup=warmup)[0] > 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"decay": "liner"},
            "scheduler.decay must be one of linear, cosine, constant, not 'liner'",
        ),
        ({"warmup": 1.0}, "scheduler.warmup must be at least 0 and below 1, not 1.0"),
        ({"warmup": -0.1}, "scheduler.warmup"),
    ],
)
def test_invalid_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        rates(3, **options)
