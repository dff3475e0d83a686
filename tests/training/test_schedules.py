"""The learning rate over training: against the formula, worked out by hand."""

import math

import pytest
import torch

from seqtag.errors import InputError
from seqtag.training.schedules import WarmupDecay


def rates(steps: int, **options) -> list[float]:
    """Return the rates, as a share of the highest, that each of `steps` + 1 steps would take."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = WarmupDecay(optimizer, total_steps=steps, **options)
    found = []
    for _ in range(steps + 1):
        found.append(schedule.get_last_lr()[0] / 2.0)
        optimizer.step()
        schedule.step()
    return found


def test_linear():
    assert rates(4, warmup=0.0) == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0])
    assert rates(4, warmup=0.0, final=0.2) == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])


def test_cosine():
    expected = [(1 + math.cos(math.pi * step / 8)) / 2 for step in range(9)]
    assert rates(8, warmup=0.0, decay="cosine") == pytest.approx(expected)


def test_constant_after_warmup():
    # Two steps rise towards the third, and none is lost at a rate of 0.
    assert rates(10, warmup=0.2, decay="constant") == pytest.approx([1 / 3, 2 / 3] + [1.0] * 9)


@pytest.mark.parametrize("decay", ["linear", "cosine", "constant"])
def test_rises_then_falls_within_bounds(decay):
    found = rates(50, warmup=0.3, decay=decay, final=0.1)
    assert found[:15] == sorted(found[:15])
    assert found[15:] == sorted(found[15:], reverse=True)
    assert found[15] == 1.0
    assert all(0.0 < rate <= 1.0 for rate in found)


def test_stays_at_the_end():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = WarmupDecay(optimizer, total_steps=2, warmup=0.0, final=0.5)
    for _ in range(5):
        optimizer.step()
        schedule.step()
    assert schedule.get_last_lr() == [0.5]


@pytest.mark.parametrize("steps", [4, 8])
def test_goes_on_as_the_schedule_over_so_many_steps(steps):
    """Over as many as before, or over more: the rate that is due, not the one that was."""

    def started(steps):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
        return optimizer, WarmupDecay(optimizer, total_steps=steps, warmup=0.0)

    (optimizer, schedule), (later, longer) = started(4), started(steps)
    for _ in range(3):
        optimizer.step()
        schedule.step()
    later.load_state_dict(optimizer.state_dict())
    longer.load_state_dict(schedule.state_dict())
    due = rates(steps, warmup=0.0)
    assert later.param_groups[0]["lr"] == longer.get_last_lr()[0] == 2.0 * due[3]
    later.step()
    longer.step()
    assert later.param_groups[0]["lr"] == 2.0 * due[4]


@pytest.mark.parametrize(("warmup", "steps"), [(0.99, 1), (0.0, 1), (0.5, 1)])
def test_a_single_step_has_a_rate(warmup, steps):
    assert rates(steps, warmup=warmup)[0] > 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decay": "liner"}, "scheduler.decay is one of linear, cosine, constant, not 'liner'"),
        ({"warmup": 1.0}, "scheduler.warmup must be at least 0 and below 1, not 1.0"),
        ({"warmup": -0.1}, "scheduler.warmup"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(InputError, match=message):
        rates(3, **options)
