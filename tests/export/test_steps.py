"""Cells whose step combines units, counts steps or has a block-diagonal R are exported."""

import pytest
from shared.exported import Exported, random_batch, with_cell

from seqtag.cells import Cell, Product
from seqtag.cells.functions import (
    running_sum,
    sigmoid,
    softmax,
    tanh,
    unit_max,
    unit_mean,
    unit_sum,
)


class Uniform(Cell):
    """Operations over units, also of values that are the same for all units."""

    gates = ("a", "b")
    states = ("h", "s")
    inner_gates = ("b",)

    def step(self, wx, rh, state, unit):
        mean = unit_mean(wx["a"] + state["s"])
        top = running_sum(unit_max(tanh(wx["b"]))) + unit_sum(mean)
        inner = rh["b"](unit_mean(state["h"]))
        return {"h": tanh(running_sum(softmax(wx["a"] + rh["a"])) + inner), "s": tanh(mean + top)}


class UniformOutput(Cell):
    """The output is the same for all units."""

    gates = ("a",)
    states = ("h",)

    def step(self, wx, rh, state, unit):
        return {"h": unit_mean(sigmoid(wx["a"] + rh["a"]))}


class Counting(Cell):
    """The share of the new value depends on the number of the step."""

    gates = ("a",)
    states = ("h",)
    counts_steps = True

    def step(self, wx, rh, state, unit):
        share = 1 / (unit["step"] + 1)
        return {"h": (1 - share) * state["h"] + share * tanh(wx["a"] + rh["a"])}


class Heads(Cell):
    """Each half of the units sees itself only."""

    gates = ("a",)
    states = ("h",)
    products = (Product("h", ("a",), heads=2),)

    def step(self, wx, rh, state, unit):
        return {"h": tanh(wx["a"] + rh["a"])}


@pytest.mark.parametrize("cell", [Uniform, UniformOutput, Counting, Heads])
def test_cells(build_tagger_once, cell):
    tagger = build_tagger_once(hidden_size=6)
    network = with_cell(tagger, cell(), num_layers=2, hidden_size=6)
    Exported(tagger.indexer, network).check(random_batch(0))


def test_a_cell_that_counts_steps_with_zoneout(build_tagger_once):
    tagger = build_tagger_once()
    network = with_cell(tagger, Counting(), zoneout=0.2)
    Exported(tagger.indexer, network).check(random_batch(1))
