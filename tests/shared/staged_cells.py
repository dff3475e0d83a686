"""Cells of a few lines whose step needs several stages: inner products and reductions."""

from seqtag.cells import Cell, Product
from seqtag.cells.functions import (
    cumulative_softmax,
    layer_norm,
    running_sum,
    sigmoid,
    tanh,
    unit_max,
    unit_mean,
    unit_sum,
)


class Inner(Cell):
    """One inner product of the previous state."""

    gates = ("r", "n")
    states = ("h",)
    inner_gates = ("n",)

    def step(self, wx, rh, state, unit):
        r = sigmoid(wx["r"] + rh["r"])
        return {"r": r, "h": tanh(wx["n"] + rh["n"](r * state["h"]))}


class Reduced(Cell):
    """Every reduction, one after the other."""

    gates = ("a", "m")
    states = ("h", "c")

    def step(self, wx, rh, state, unit):
        master = cumulative_softmax(wx["m"] + rh["m"])
        c = master * state["c"] + (1 - master) * tanh(wx["a"] + rh["a"])
        share = sigmoid(c) / unit_sum(sigmoid(c))
        h = tanh(c - unit_mean(c)) + share * unit_max(c) + 0.1 * running_sum(c)
        return {"master": master, "c": c, "h": h}


class Both(Cell):
    """Two chained inner products, one of a normalised value, and a norm of the result."""

    gates = ("a", "u", "v")
    states = ("h", "c")
    inner_gates = ("u", "v")

    def step(self, wx, rh, state, unit):
        a, c = layer_norm([wx["a"] + rh["a"], state["c"]])
        u = rh["u"](tanh(a))
        v = sigmoid(wx["v"] + rh["v"](u + wx["u"]))
        (n,) = layer_norm([v * c + u])
        return {"c": 0.5 * n + a, "h": tanh(n) * v, "u": u}


class Counted(Cell):
    """A step that reads its number, and an R with three heads."""

    gates = ("a",)
    states = ("h", "c")
    products = (Product("h", ("a",), heads=3),)
    counts_steps = True

    def step(self, wx, rh, state, unit):
        share = 1 / (2 + unit["step"])
        c = (1 - share) * state["c"] + share * (wx["a"] + rh["a"])
        return {"h": tanh(c), "c": c, "share": share}


CELLS = {"inner": Inner(), "reduced": Reduced(), "both": Both(), "counted": Counted()}
