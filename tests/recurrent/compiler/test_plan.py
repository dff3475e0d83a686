"""Plans of cells: kept values, slots, and derivatives compared with autograd.

B rows, H units.
"""

import pytest
import torch
from shared.cells import PRESETS

from seqtag.cells import Cell, Lstm, Product, build_cell
from seqtag.cells.functions import sigmoid, tanh
from seqtag.recurrent.compiler.graph import input_node, walk
from seqtag.recurrent.compiler.plan import plan_of, why_not_elementwise

B, H = 6, 5
TRACED = list(PRESETS)
ELEMENTWISE = [name for name, cell in PRESETS.items() if not why_not_elementwise(cell)]
# Number of values to keep in addition to states. For lstm the four gates: tanh(c) is recomputed,
# because the state c is kept anyway. For fgr the gates are states.
KEPT = {
    "lstm": 4,
    "lstm_peephole": 4,
    "cifg": 3,
    "nig": 3,
    "nfg": 3,
    "nog": 3,
    "niaf": 4,
    "noaf": 4,
    "fgr": 1,
    "janet": 2,
    "gru": 4,  # r, z, n, and R_n h' + b'
    "gru_reset_before": 3,  # r, z, n; the operand r h' is stored for the gradient of R_n
    "lstm_layernorm": 8,  # W x and R h' of four gates, without their means
    "rnn": 0,  # only h
    "rnn_relu": 0,
    "indrnn": 0,
    "minlstm": 3,
    "mingru": 2,
    "slstm": 4,
    "ugrnn": 2,
    "atr": 2,  # p, and R h' + b'
    "brc": 3,
    "nbrc": 3,
    "star": 2,
    "sru": 4,
    "ran": 3,
    "cfn": 3,
    "cornn": 1,
    "mgu": 2,
    "lem": 4,
    "multiplicative_lstm": 6,  # both factors of m, and four gates
    "on_lstm": 8,  # both master gates before and after their running sum, and four gates
    "rg_lru": 3,
    "lru": 2,
}


@pytest.mark.parametrize("name", TRACED)
def test_the_fewest_values_are_kept(name):
    plan = plan_of(PRESETS[name])
    assert len(plan.kept) == KEPT[name]
    for node in plan.backward_reads() - {*plan.kept}:
        assert node.op != "input" or node.label[0] != "slot"


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_step_and_its_derivative_equal_autograd(name, interpret):
    """One step with random slots; gradients are computed from kept values and states only."""
    cell = PRESETS[name]
    plan = plan_of(cell)
    draw = torch.Generator().manual_seed(3)

    def random():
        return torch.randn(B, H, generator=draw, dtype=torch.float64).requires_grad_()

    inputs = {input_node(("slot", slot)): random() for slot in plan.slots}
    inputs |= {input_node(("state", state)): random() for state in cell.states}
    inputs |= {input_node(("unit", vector.name)): random() for vector in cell.vectors}
    arriving = {input_node(("new", state)): random().detach() for state in cell.states}
    new = interpret(plan.states.values(), inputs)
    expected = torch.autograd.grad(
        new, list(inputs.values()), list(arriving.values()), materialize_grads=True
    )
    kept = interpret([*plan.kept, *plan.states.values()], inputs)
    values = {node: value for node, value in inputs.items() if node.label[0] != "slot"}
    values |= dict(zip([*plan.kept, *plan.states.values()], kept, strict=True)) | arriving
    with torch.no_grad():
        actual = interpret(plan.gradients, values)
    torch.testing.assert_close(actual, list(expected), rtol=1e-10, atol=1e-12)


def test_slots():
    """A gate has one slot for a sum; the candidate of a GRU needs both parts."""
    assert plan_of(Lstm()).slots == ("i", "f", "z", "o")
    gru = plan_of(build_cell("gru"))
    assert gru.slots == ("r", "z", "n of x", "n of h")
    assert gru.input_slots == (0, 1, 2)
    assert gru.product_slots == ((0, 1, 3),)
    fgr = plan_of(build_cell("fgr"))
    assert fgr.product_slots == ((0, 1, 2, 3), (0, 1, 3), (0, 1, 3), (0, 1, 3))
    assert plan_of(build_cell("mingru")).slots == ("z of x", "n of x")


def test_a_gate_without_w_x_has_its_own_slot():
    class Damped(Cell):
        gates = ("a",)
        states = ("h",)
        products = (Product("h", ("a", "q")),)

        def step(self, wx, rh, state, unit):
            return {"h": tanh(wx["a"] + rh["a"]) * sigmoid(rh["q"])}

    plan = plan_of(Damped())
    assert plan.slots == ("a", "q of h")
    assert plan.product_slots == ((0, 1),)
    assert plan.input_slots == (0,)
    assert len(plan.kept) == 2


def test_a_part_that_is_also_returned_has_its_own_slot():
    class Shown(Cell):
        gates = ("a",)
        states = ("h", "seen")

        def step(self, wx, rh, state, unit):
            return {"h": tanh(wx["a"] + rh["a"]), "seen": wx["a"]}

    plan = plan_of(Shown())
    read = {node.label[1] for node in plan.forward_reads() if node.label[0] == "slot"}
    assert read <= set(plan.slots)


def test_reads_and_carried_gradients():
    lstm, peephole, rnn = (plan_of(PRESETS[name]) for name in ("lstm", "lstm_peephole", "rnn"))
    assert lstm.carries("c")
    assert not lstm.carries("h")
    assert lstm.is_stored("c")
    assert {n.label for n in lstm.forward_reads() if n.label[0] != "slot"} == {("state", "c")}
    units = {n.label[1] for n in peephole.backward_reads() if n.label and n.label[0] == "unit"}
    assert units == {"peephole_i", "peephole_f", "peephole_o"}
    assert rnn.backward_reads() == {rnn.states["h"], input_node(("new", "h"))}


def test_gates_that_are_off_fold_away():
    """Variants without a gate have fewer nodes than lstm."""
    full = len(list(walk([*plan_of(Lstm()).states.values(), *plan_of(Lstm()).gradients])))
    for name in ("nig", "nfg", "nog", "cifg", "niaf", "noaf"):
        plan = plan_of(PRESETS[name])
        assert len(list(walk([*plan.states.values(), *plan.gradients]))) < full
