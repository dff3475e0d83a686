"""The steps that a cell's definition explains: names and equations agree with its values."""

import re

import pytest
import torch
from shared.cells import PRESETS

from seqtag.recurrent import Recurrent

FUNCTIONS = {"tanh": torch.tanh, "sqrt": torch.sqrt}


def traced(cell):
    torch.manual_seed(0)
    layer = Recurrent(cell, 3, 4, engine="reference")
    return layer(torch.randn(1, 6, 3), torch.tensor([6]), trace=True)[2]["l0.fwd"]


def evaluated(equation, values):
    """Return both sides of an equation such as ``c = f c' + i z`` at all words but the first."""
    left, right = equation.split(" = ")
    now = {name: value[0, 1:] for name, value in values.items()}
    before = {f"{name}_": value[0, :-1] for name, value in values.items()}
    code = right.replace("'", "_")
    code = re.sub(r"(?<=[\w)]) (?=[\w(])", " * ", code)
    return now[left], eval(code, {}, {**FUNCTIONS, **now, **before})


@pytest.mark.parametrize("name", PRESETS)
def test_values_exist_and_equations_hold(name):
    cell = PRESETS[name]
    values = traced(cell)
    for step in cell.walk:
        assert set(step.values) <= values.keys()
        assert re.search(r"[a-z)0-9]\. [A-Z]", step.text), "at least two sentences"
        assert step.text.endswith(".")
        for equation in step.equations:
            left, right = evaluated(equation, values)
            torch.testing.assert_close(left, right)


@pytest.mark.parametrize("name", PRESETS)
def test_every_value_is_explained_once(name):
    cell = PRESETS[name]
    explained = [value for step in cell.walk for value in step.values]
    assert sorted(explained) == sorted(traced(cell))
