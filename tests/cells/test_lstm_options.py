"""Every combination of the LSTM's options is correct, or refused with the reason."""

from itertools import chain, combinations, product

import pytest
import torch

from seqtag.cells import Lstm, build_cell
from seqtag.errors import InputError

KINDS = ("gate", "none", "coupled")
ACTIVATIONS = ("tanh", "identity")
SUBSETS = list(chain.from_iterable(combinations("ifo", n) for n in range(4)))


def is_legal(kind, peepholes, gate_recurrence):
    coupled = {"i": "f", "f": "i"}
    if kind["o"] == "coupled":
        return False
    if any(kind[k] == "coupled" and kind[other] != "gate" for k, other in coupled.items()):
        return False
    with_rows = {k for k in kind if kind[k] == "gate"}
    return set(peepholes) <= with_rows and (bool(with_rows) or not gate_recurrence)


def expected(cell, kind, w, x, s):
    """Compute a step with all three gates; a gate that is off is 1."""

    def gate(k, c):
        if kind[k] == "none":
            return torch.ones_like(c)
        a = x @ w.W[k].T + s["h"] @ w.R["h"][k].T + w.b[k]
        if k in cell.peepholes:
            a = a + c * w.unit[f"peephole_{k}"]
        if cell.gate_recurrence:
            for j in "ifo":
                a = a + (s[j] @ w.R[j][k].T if kind[j] == "gate" else 0)
        return torch.sigmoid(a)

    i = gate("i", s["c"]) if kind["i"] != "coupled" else None
    f = gate("f", s["c"]) if kind["f"] != "coupled" else 1 - i
    i = 1 - f if i is None else i
    z = x @ w.W["z"].T + s["h"] @ w.R["h"]["z"].T + w.b["z"]
    c = f * s["c"] + i * (torch.tanh(z) if cell.cell_activation == "tanh" else z)
    o = gate("o", c)
    h = o * (torch.tanh(c) if cell.output_activation == "tanh" else c)
    return {"i": i, "f": f, "o": o, "c": c, "h": h}


@pytest.mark.parametrize("kinds", list(product(KINDS, KINDS, KINDS)), ids="-".join)
def test_every_combination_is_correct_or_refused(kinds, weights_of, x_TBD):
    kind = dict(zip("ifo", kinds, strict=True))
    names = ("input_gate", "forget_gate", "output_gate")
    for peepholes, g, n, recur in product(SUBSETS, ACTIVATIONS, ACTIVATIONS, (False, True)):
        fields = {
            **dict(zip(names, kinds, strict=True)),
            "peepholes": peepholes,
            "cell_activation": g,
            "output_activation": n,
            "gate_recurrence": recur,
        }
        if not is_legal(kind, peepholes, recur):
            with pytest.raises(InputError, match=r"coupled|peepholes|gate_recurrence"):
                Lstm(**fields)
            continue
        cell = Lstm(**fields)
        with_rows = tuple(k for k in "ifo" if kind[k] == "gate")
        assert set(cell.gates) == {"z", *with_rows}
        assert cell.states == ("h", "c", *(with_rows if recur else ()))
        assert {p.state: p.gates for p in cell.products} == {
            "h": cell.gates,
            **(dict.fromkeys(with_rows, with_rows) if recur else {}),
        }
        weights = weights_of(cell)
        state = {s: torch.rand(3, 5, dtype=torch.float64) for s in cell.states}
        values = weights.step(cell, x_TBD[0], state)
        for key, value in expected(cell, kind, weights, x_TBD[0], state).items():
            if key in values:
                torch.testing.assert_close(values[key], value, rtol=1e-12, atol=1e-14)
            else:
                assert kind[key] == "none"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"output_gate": "coupled"}, "output_gate has nothing to be coupled to"),
        (
            {"input_gate": "coupled", "forget_gate": "coupled"},
            "cannot both be coupled: each would be 1 minus the other",
        ),
        (
            {"input_gate": "coupled", "forget_gate": "none"},
            r"input_gate cannot be coupled \(i = 1 - f\): forget_gate is 'none'",
        ),
        (
            {"input_gate": "none", "forget_gate": "coupled"},
            r"forget_gate cannot be coupled \(f = 1 - i\): input_gate is 'none'",
        ),
        (
            {"output_gate": "none", "peepholes": ["o"]},
            "peepholes: o cannot have one, because output_gate is 'none'",
        ),
        (
            {"input_gate": "coupled", "peepholes": ["i", "f"]},
            "peepholes: i cannot have one, because input_gate is 'coupled'",
        ),
        ({"peepholes": ["i", "z"]}, "peepholes: unknown gate 'z'; there are i, f, o"),
        ({"peepholes": [1]}, "peepholes: unknown gate 1"),
        ({"peepholes": "io"}, "peepholes must be a list of gates, such as .i, f, o., not 'io'"),
        ({"peepholes": None}, "peepholes must be a list"),
        ({"input_gate": "gated"}, "unknown input_gate 'gated' .did you mean 'gate'"),
        ({"forget_gate": "non"}, "unknown forget_gate 'non' .did you mean 'none'"),
        ({"output_gate": False}, "unknown output_gate False; there are gate, none"),
        ({"cell_activation": "tan"}, "unknown cell_activation 'tan' .did you mean 'tanh'"),
        ({"output_activation": None}, "unknown output_activation None"),
        ({"gate_recurrence": 1}, "gate_recurrence must be true or false, not 1"),
        (
            {"gate_recurrence": True, **dict.fromkeys(("input_gate", "forget_gate"), "none")}
            | {"output_gate": "none"},
            "gate_recurrence needs a gate",
        ),
        ({"chrono": 100, "forget_gate": "none"}, "chrono starts the forget gate's bias"),
        *(({"chrono": value}, "chrono must be 0") for value in (1, 2, -5, 50.0, True, "9", None)),
    ],
)
def test_contradictions_are_refused_with_the_reason(fields, message):
    with pytest.raises(InputError, match=message):
        Lstm(**fields)


@pytest.mark.parametrize(
    "peepholes", [["o", "i"], ("i", "o"), {"o", "i"}, iter("oi"), ["i", "o", "i"]]
)
def test_peepholes_are_stored_in_a_fixed_order(peepholes):
    cell = Lstm(peepholes=peepholes)
    assert cell == build_cell({"name": "lstm", "peepholes": ["i", "o"]})
    assert cell.peepholes == ("i", "o")
    assert hash(cell) == hash(Lstm(peepholes=("i", "o")))
    assert [vector.name for vector in cell.vectors] == ["peephole_i", "peephole_o"]
