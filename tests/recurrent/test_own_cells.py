"""Cells written by users: what works, and the errors for the rest."""

from dataclasses import dataclass

import pytest
import torch

from seqtag.cells import CELLS, Cell, Lstm, Product, Vector, build_cell, register
from seqtag.cells.functions import sigmoid, tanh
from seqtag.errors import InputError
from seqtag.recurrent import Recurrent
from seqtag.recurrent.engines.torch import is_in_torch


class Plain(Cell):
    """A cell without `@dataclass`, and with its own names of gates."""

    beta: float = 1.0
    gates = ("keep", "new")
    states = ("h",)

    def step(self, wx, rh, state, unit):
        keep = sigmoid(self.beta * (wx["keep"] + rh["keep"]))
        return {"keep": keep, "h": keep * state["h"] + tanh(wx["new"] + rh["new"])}


class Inner(Cell):
    """A cell with a product inside the step, and the default for the other products."""

    gates = ("r", "n")
    states = ("h",)
    inner_gates = ("n",)

    def step(self, wx, rh, state, unit):
        r = sigmoid(wx["r"] + rh["r"])
        return {"r": r, "h": tanh(wx["n"] + rh["n"](r * state["h"]))}


@pytest.fixture
def registered():
    """Return a function that registers a class as "own", until the end of the test."""
    yield lambda cls, **options: register("own", **options)(cls)
    CELLS._entries.pop("own", None)


@pytest.mark.parametrize("cell", [Plain(), Inner()], ids=["plain", "inner"])
def test_they_run_and_have_traces(cell):
    layer = Recurrent(cell, 3, 4, bidirectional=True)
    y, _ = layer(torch.randn(2, 5, 3), torch.tensor([5, 2]))
    y.sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())
    trace = layer(torch.randn(2, 5, 3), trace=True)[2]["l0.fwd"]
    assert list(trace) == ["keep", "h"] if isinstance(cell, Plain) else ["r", "h"]


def test_registering_makes_a_class_a_dataclass(registered):
    class Own(Plain):
        beta: float = 1.0
        pace = 1

    registered(Own, beta=3.0)
    assert str(build_cell("own")) == "Own(beta=3.0)"
    assert build_cell({"name": "own", "beta": 2.0}) == Own(beta=2.0)
    with pytest.raises(InputError, match="pace is not an option: annotate it, as in pace: int = 1"):
        build_cell({"name": "own", "pace": 2})
    with pytest.raises(InputError, match=r"Plain has no fields: write @dataclass\(frozen=True\)"):
        Plain(beta=2.0)


def test_a_subclass_of_a_torch_cell_is_not_in_torch():
    class Other(Lstm):
        pass

    assert is_in_torch(Lstm(forget_bias=0.0))
    assert not is_in_torch(Other())


@dataclass
class NotFrozen(Plain):
    beta: float = 1.0


class WithoutGate(Plain):
    gates = ("keep",)


class WithoutProduct(Plain):
    products = (Product("h", ("keep",)),)


class WithoutState(Plain):
    states = ("h", "c")


class OddProduct(Plain):
    products = (Product("c", ("keep", "new")),)


class WithoutInner(Inner):
    inner_gates = ()


class WithoutVector(Plain):
    def step(self, wx, rh, state, unit):
        return {"h": wx["keep"] * unit["gain"]}


class OddShape(Plain):
    def step(self, wx, rh, state, unit):
        return {"h": wx["keep"].sum(1)}


class Condition(Plain):
    def step(self, wx, rh, state, unit):
        keep = sigmoid(wx["keep"])
        return {"h": keep if keep > 0.5 else state["h"]}


class TextAsGates(Plain):
    gates = "k"


class TextAsVector(Plain):
    vectors = ("p",)


class OddInitialState(Plain):
    initial_states = {"m": 1.0}


class OddKept(Plain):
    def kept(self, values):
        return values["f"]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (NotFrozen, r"NotFrozen\(\) must not change .*write @dataclass\(frozen=True\)"),
        (WithoutGate, r"reads wx\['new'\], which is not among its gates \(keep\)"),
        (WithoutProduct, r"reads rh\['new'\], which is not among the gates of its products"),
        (WithoutState, "does not return the state 'c'"),
        (OddProduct, r"a product multiplies 'c', which is not among its states \(h\)"),
        (WithoutInner, r"calls rh\[k\], .* among its inner_gates \(none\)"),
        (WithoutVector, r"reads unit\['gain'\], which is not among its vectors \(none\)"),
        (Condition, r"cell Condition\(\): its step uses a tensor as a condition \(if"),
        (TextAsGates, r"cell TextAsGates\(\): gates is a single string; write \('k',\)"),
        (TextAsVector, r"cell TextAsVector\(\): vectors .* not 'p'; write \(Vector\(\"p\"\),\)"),
        (OddInitialState, r"initial_states sets 'm', which is not among its states \(h\)"),
        (OddKept, r"cell OddKept\(\): its kept reads values\['f'\], which is not among the values"),
        (OddShape, r"of the shape of the states, \[2, 3\] in this trial, but 'h' is \[2\]"),
    ],
)
def test_inconsistent_cells_are_refused(cell, message):
    with pytest.raises(InputError, match=message):
        Recurrent(cell(), 3, 4)


class Started(Plain):
    vectors = (Vector("gain"), Vector("shift", is_bias=True))

    def start_biases(self, bias):
        bias["keep"].fill_(1.0)
        bias["new"] += 2.0

    def start_units(self, unit):
        unit["gain"].fill_(3.0)


class AssignedBias(Plain):
    def start_biases(self, bias):
        bias["keep"] = torch.ones(4)


class UpdatedBias(Plain):
    def start_biases(self, bias):
        bias.update(keep=1.0)


class MissingBias(Plain):
    def start_biases(self, bias):
        bias["f"].fill_(1.0)


class AssignedVector(Started):
    def start_units(self, unit):
        unit["gain"] = unit["gain"] + 1


class BiasVector(Started):
    def start_units(self, unit):
        unit["shift"].fill_(1.0)


def test_initial_values_are_set_in_place():
    direction = Recurrent(Started(), 3, 4).layers[0]["fwd"]
    assert direction.bias.tolist() == [1.0] * 4 + [2.0] * 4
    assert direction.gain.tolist() == [3.0] * 4


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        (AssignedBias, {}, r"cell AssignedBias\(\): its start_biases assigns bias\['keep'\], .*"),
        (AssignedBias, {}, r"write in place: bias\['keep'\]\.fill_\(1\.0\)"),
        (UpdatedBias, {}, r"write in place: bias\['keep'\]\.fill_\(1\.0\)"),
        (MissingBias, {}, r"start_biases uses bias\['f'\], .* among its gates \(keep, new\)"),
        (AssignedVector, {}, r"start_units assigns unit\['gain'\], .* unit\['gain'\]\.fill_"),
        (BiasVector, {"bias": False}, r"'shift'\], .*vectors in a layer without biases \(gain\)"),
    ],
)
def test_initial_values_that_would_be_lost_are_refused(cell, options, message):
    with pytest.raises(InputError, match=message):
        Recurrent(cell(), 3, 4, **options)


class TorchFunction(Plain):
    def step(self, wx, rh, state, unit):
        return {"h": torch.sigmoid(wx["keep"] + rh["keep"])}


class TensorMethod(Plain):
    def step(self, wx, rh, state, unit):
        return {"h": (wx["keep"] + rh["keep"]).clamp(0, 1)}


class Power(Plain):
    def step(self, wx, rh, state, unit):
        return {"h": (wx["keep"] + rh["keep"]) ** 2}


@pytest.mark.parametrize(
    ("cell", "operation"),
    [
        (TorchFunction(), "torch.sigmoid"),
        (TensorMethod(), ".clamp"),
        (Power(), "unsupported operand type(s) for ** or pow(): 'symbol' and 'int'"),
    ],
    ids=["function", "method", "operator"],
)
def test_a_step_that_cannot_be_compiled_is_named_once_in_a_warning(cell, operation, caplog):
    caplog.set_level("INFO", logger="seqtag")
    layer = Recurrent(cell, 3, 4, zoneout=0.1)
    for mode in (True, True, False):
        layer.train(mode)(torch.randn(2, 5, 3))
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [
        f"cell {cell} runs on the reference engine, the slowest: its step uses an operation that "
        f"cannot be compiled ({operation}); see seqtag/cells/functions.py"
    ]
    assert "Node" not in caplog.text


def test_a_cell_that_declares_it_has_no_warning(caplog):
    caplog.set_level("INFO", logger="seqtag")
    for cell in (Inner(), "lstm_layernorm"):
        Recurrent(cell, 3, 4)(torch.randn(2, 5, 3))
    assert {record.levelname for record in caplog.records} <= {"INFO"}


class WithoutStep(Cell):
    gates = ("k",)
    states = ("h",)


class PlainOption(Plain):
    rate = 1.0


@dataclass(frozen=True)
class Typed(Plain):
    beta: float = 1.0
    rates: tuple[float, ...] = ()
    rate = 1.0


class NotDataclass(Typed):
    pace: float = 1.0


@dataclass(frozen=True)
class OddStarts(Plain):
    starts = ("rate",)
    rate = 1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (WithoutStep, "cell WithoutStep: step missing: write def step"),
        (lambda: build_cell(Typed(beta="fast")), ".*: beta must be a finite number, not 'fast'"),
        (
            lambda: Typed(rate=2.0),
            "cell Typed: rate is not an option: annotate it, as in rate: float = 1.0",
        ),
        (lambda: Typed(bata=2.0), r"cell Typed: no option 'bata' \(did you mean 'beta'\?\)"),
        (lambda: NotDataclass(pace=2.0), r"NotDataclass: write @dataclass\(frozen=True\) .* pace"),
        (OddStarts, "cell OddStarts: starts: rate is not an option: annotate it"),
    ],
)
def test_invalid_instances_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_an_instance_is_checked_as_by_name():
    assert build_cell(Typed(rates=[1, 2])).rates == (1, 2)
    assert build_cell(Typed(beta=2)) == Typed(beta=2.0)


class GatesAsField(Plain):
    gates: tuple = ("keep", "new")


class WithoutDefault(Plain):
    rate: float


class ListAsDefault(Plain):
    rates: list = []


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (GatesAsField, {}, "gates is not an option of a cell: write it without an annotation"),
        (WithoutDefault, {}, "its field rate needs a default, rate: TYPE = VALUE"),
        (ListAsDefault, {}, "mutable default"),
        (Plain, {"gamma": 1}, r"no option 'gamma'; there are beta"),
        (PlainOption, {"rate": 2.0}, "rate is not an option: annotate it, as in rate: float = 1.0"),
        (WithoutStep, {}, "WithoutStep: step missing: write def step"),
        (dict, {}, "is not a subclass of seqtag.cells.Cell"),
    ],
)
def test_invalid_classes_cannot_be_registered(cls, options, message, registered):
    with pytest.raises(InputError, match=f"cell 'own': .*{message}"):
        registered(cls, **options)
