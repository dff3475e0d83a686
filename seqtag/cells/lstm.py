"""The LSTM family."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from seqtag.cells.fields import check_choice, start_keep_gate
from seqtag.cells.functions import identity, sigmoid, tanh
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Product, Values, Vector
from seqtag.cells.walk import CANDIDATE, FORGET, INPUT, MEMORY, OUTPUT, WalkStep
from seqtag.checks import checked
from seqtag.errors import InputError, shown

ACTIVATIONS = {"tanh": tanh, "identity": identity}
GATE_KINDS = ("gate", "none", "coupled")
# Gates are always listed in this order.
GATES = {"i": "input_gate", "f": "forget_gate", "o": "output_gate"}
COUPLED_TO = {"i": "f", "f": "i"}
# How the walk explains a gate of each kind.
_FORGET = {
    "gate": FORGET,
    "coupled": (
        "The forget gate f is the share of its old memory that a unit keeps: 1 keeps all of it, 0 "
        "erases it. It has no weights of its own: f = 1 - i, so a unit forgets exactly as much as "
        "it writes."
    ),
    "none": (
        "This cell has no forget gate: each unit keeps its whole memory at every word. An earlier "
        "subject can be outweighed, but never erased."
    ),
}
_INPUT = {
    "gate": INPUT,
    "coupled": (
        f"{CANDIDATE}The input gate i is the share of it that is written; it has no weights of its "
        "own: i = 1 - f, so a unit writes exactly as much as it forgets."
    ),
    "none": (
        f"{CANDIDATE}This cell has no input gate: the candidate is always added to the memory."
    ),
}
_NO_OUTPUT = (
    "This cell has no output gate: the whole memory is visible at every word. The output h is what "
    "the labels, the next layer and the gates at the next word see of it."
)


@register("lstm")
@register("lstm_peephole", peepholes=("i", "f", "o"))
@register("cifg", input_gate="coupled")
@register("nig", input_gate="none")
@register("nfg", forget_gate="none")
@register("nog", output_gate="none")
@register("niaf", cell_activation="identity")
@register("noaf", output_activation="identity")
@register("fgr", gate_recurrence=True)
@dataclass(frozen=True)
class Lstm(Cell):
    """Long short-term memory with optional gates, peepholes and gate recurrence.

    With a_k = W_k x + R_k h' + b_k, and c', h' (H) the previous states:

        i = sigmoid(a_i + p_i c')    f = sigmoid(a_f + p_f c')    z = g(a_z)
        c = f c' + i z
        o = sigmoid(a_o + p_o c)     h = o n(c)

    The output gate's peephole sees the new c, the other two see c'. With gate_recurrence, for k
    and j among the gates i, f, o,

        a_k = W_k x + R_k h' + b_k + sum over j of R_jk j'

    with j' the previous value of gate j, initially 0: the gates become states.

    W (4H, D), R (4H, H), b (4H), blocks in the order i, f, z, o; p_k (H) is `peephole_k`; each
    gate's R_j (3H, H), blocks i, f, o. A gate that is off or coupled has no rows in any of them.

    Attributes:
        peepholes: the gates among i, f and o that have a peephole.
        input_gate: "gate"; "none", i fixed at 1; or "coupled", i = 1 - f.
        forget_gate: "gate"; "none", f fixed at 1; or "coupled", f = 1 - i.
        output_gate: "gate"; or "none", o fixed at 1.
        cell_activation: g, "tanh" or "identity".
        output_activation: n, "tanh" or "identity".
        gate_recurrence: whether each gate also sees the previous gates.
        forget_bias: where b_f starts; 1 lets the cell remember from the first update on. Where
            f = 1 - i, b_i starts at -forget_bias. Has no effect without a forget gate.
        chrono: T_max, the longest span to remember in steps: b_f starts at log U(1, T_max - 1)
            and b_i at -b_f, in place of forget_bias. 0 is off.

    Raises:
        InputError: for an unknown value and for a contradiction: two gates coupled to each
            other, a gate coupled to one that is off, a peephole or chrono for a missing gate,
            gate recurrence without a gate.

    Example:
        layer = Recurrent("lstm", 100, 200)
        layer = Recurrent(Lstm(peepholes=("i", "o"), forget_gate="coupled"), 100, 200)

    Source: Hochreiter & Schmidhuber 1997; the forget gate from Gers, Schmidhuber & Cummins 2000;
    peepholes from Gers & Schmidhuber 2000; gates and activations off, coupled gates and gate
    recurrence as in Greff et al. 2015; chrono from Tallec & Ollivier 2018.
    """

    peepholes: tuple[str, ...] = ()
    input_gate: str = "gate"
    forget_gate: str = "gate"
    output_gate: str = "gate"
    cell_activation: str = "tanh"
    output_activation: str = "tanh"
    gate_recurrence: bool = False
    forget_bias: float = 1.0
    chrono: int = 0

    starts: ClassVar[tuple[str, ...]] = ("forget_bias", "chrono")

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in GATES.values():
            check_choice(field, getattr(self, field), GATE_KINDS)
        check_choice("cell_activation", self.cell_activation, ACTIVATIONS)
        check_choice("output_activation", self.output_activation, ACTIVATIONS)
        checked(self.gate_recurrence, bool, "gate_recurrence")
        # YAML gives a list, which would make the spec unhashable.
        object.__setattr__(self, "peepholes", _checked_peepholes(self.peepholes))
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        if self.output_gate == "coupled":
            raise InputError("output_gate has nothing to be coupled to; choose 'gate' or 'none'")
        if self.input_gate == self.forget_gate == "coupled":
            raise InputError(
                "input_gate and forget_gate cannot both be coupled: each would be 1 minus the other"
            )
        for gate, partner in COUPLED_TO.items():
            if self._kind(gate) == "coupled" and self._kind(partner) == "none":
                raise InputError(
                    f"{GATES[gate]} cannot be coupled ({gate} = 1 - {partner}): "
                    f"{GATES[partner]} is 'none'"
                )
        for gate in self.peepholes:
            if self._kind(gate) != "gate":
                raise InputError(
                    f"peepholes: {gate} cannot have one, because {GATES[gate]} is "
                    f"{self._kind(gate)!r}"
                )
        if self.gate_recurrence and not self._gates_with_rows:
            raise InputError("gate_recurrence needs a gate: all three are 'none'")
        if self.chrono and self.forget_gate == "none":
            raise InputError("chrono starts the forget gate's bias, but forget_gate is 'none'")

    def _kind(self, gate: str) -> str:
        kind: str = getattr(self, GATES[gate])
        return kind

    @cached_property
    def _gates_with_rows(self) -> tuple[str, ...]:
        """The gates among i, f, o that have rows of their own."""
        return tuple(gate for gate in GATES if self._kind(gate) == "gate")

    @cached_property
    def gates(self) -> tuple[str, ...]:
        """The blocks among i, f, z, o that have rows."""
        return tuple(k for k in ("i", "f", "z", "o") if k == "z" or k in self._gates_with_rows)

    @property
    def states(self) -> tuple[str, ...]:
        """Output h and memory c; with gate recurrence also the gates."""
        return ("h", "c", *(self._gates_with_rows if self.gate_recurrence else ()))

    @cached_property
    def products(self) -> tuple[Product, ...]:
        """R h'; with gate recurrence also one product for each gate."""
        recurrent = self._gates_with_rows if self.gate_recurrence else ()
        return (
            Product("h", self.gates),
            *(Product(gate, self._gates_with_rows) for gate in recurrent),
        )

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """The peepholes."""
        return tuple(Vector(f"peephole_{gate}") for gate in self.peepholes)

    def start_biases(self, bias: Values) -> None:
        """Set the initial bias of the forget gate, according to forget_bias or chrono."""
        if "f" in bias:
            start_keep_gate(bias["f"], self.forget_bias, self.chrono)
            if self.chrono and "i" in bias:
                bias["i"].copy_(bias["f"]).neg_()
        elif self.forget_gate == "coupled":
            # f = 1 - sigmoid(a_i) = sigmoid(-a_i)
            start_keep_gate(bias["i"], self.forget_bias, self.chrono)
            bias["i"].neg_()

    def kept(self, values: Values) -> Any:
        """Return the forget gate, unless it is off."""
        return values.get("f")

    @property
    def walk(self) -> tuple[WalkStep, ...]:
        """Forget gate, input gate and candidate, memory, output gate and output."""
        f, i = ("" if self._kind(gate) == "none" else gate for gate in ("f", "i"))
        kept, stored = f"{f} c'".strip(), f"{i} z".strip()
        shown = "tanh(c)" if self.output_activation == "tanh" else "c"
        has_output = self.output_gate != "none"
        return (
            WalkStep(
                "throw away", ("f",) if f else (), _FORGET[self.forget_gate], _coupled(self, "f")
            ),
            WalkStep(
                "store", (i, "z") if i else ("z",), _INPUT[self.input_gate], _coupled(self, "i")
            ),
            WalkStep("update", ("c",), MEMORY, (f"c = {kept} + {stored}",)),
            WalkStep(
                "output",
                ("o", "h") if has_output else ("h",),
                OUTPUT if has_output else _NO_OUTPUT,
                (f"h = o {shown}" if has_output else f"h = {shown}",),
            ),
        )

    def step(self, wx: Values, rh: Values, state: Values, unit: Values) -> dict[str, Any]:
        """Return the gates that are not off, and the new states."""

        def gate(k: str, c: Any) -> Any:
            a = wx[k] + rh[k]
            return sigmoid(a + unit[f"peephole_{k}"] * c if k in self.peepholes else a)

        values: dict[str, Any] = {
            k: gate(k, state["c"]) for k in ("i", "f") if k in self._gates_with_rows
        }
        for k, partner in COUPLED_TO.items():
            if self._kind(k) == "coupled":
                values[k] = 1 - values[partner]
        values["z"] = ACTIVATIONS[self.cell_activation](wx["z"] + rh["z"])
        kept = values["f"] * state["c"] if "f" in values else state["c"]
        values["c"] = c = kept + (values["i"] * values["z"] if "i" in values else values["z"])
        values["h"] = ACTIVATIONS[self.output_activation](c)
        if "o" in self._gates_with_rows:
            values["o"] = gate("o", c)
            values["h"] = values["o"] * values["h"]
        return values


def _coupled(cell: Lstm, gate: str) -> tuple[str, ...]:
    """Return the equation of a coupled gate."""
    coupled = getattr(cell, GATES[gate]) == "coupled"
    return (f"{gate} = 1 - {COUPLED_TO[gate]}",) if coupled else ()


def _checked_peepholes(peepholes: Any) -> tuple[str, ...]:
    try:
        # tuple("io") would split the string into letters.
        names = None if isinstance(peepholes, str) else tuple(peepholes)
    except TypeError:
        names = None
    if names is None:
        raise InputError(
            f"peepholes must be a list of gates, such as [i, f, o], not {shown(peepholes)}"
        )
    for gate in names:
        if not isinstance(gate, str) or gate not in GATES:
            raise InputError(f"peepholes: unknown gate {shown(gate)}; there are {', '.join(GATES)}")
    return tuple(gate for gate in GATES if gate in names)
