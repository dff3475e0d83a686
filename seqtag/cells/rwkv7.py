"""RWKV-7: a matrix state with a decay of each key feature, written by a generalised delta rule."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from seqtag.cells.chunks import solve_unit_lower, standardised, unit_length
from seqtag.cells.functions import exp, sigmoid, tanh
from seqtag.cells.linear import GatedNorm, LinearRecurrence, MatrixKernel
from seqtag.cells.matrix import MatrixCell
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Values, Vector
from seqtag.cells.walk import WalkStep
from seqtag.checks import AtLeast, AtMost, Count

# The largest -log w: w is never below 0.545.
_FASTEST = math.exp(-0.5)
_LOW_RANK = ("w", "a", "g")
# Initial values of the parameters with one value per unit.
_UNITS = {"key_scale": 1.0, "key_mix": 1.0, "bonus": 0.0, "base_w": 0.0, "base_a": 0.0}


@register("rwkv7")
@dataclass(frozen=True)
class Rwkv7(MatrixCell):
    """The recurrence of RWKV-7.

    In each head, with a_k = W_k x + b_k and S' (E, E) the previous state; products of vectors are
    elementwise:

        w = exp(-exp(-1/2) sigmoid(base_w + U_w tanh(a_w)))
        a = sigmoid(base_a + U_a a_a)    g = U_g sigmoid(a_g)
        c = unit(key_scale a_k)    k = a_k (1 + (a - 1) key_mix)    r, v = a_r, a_v
        S = diag(w) S' - (a c) (c^T S') + k v^T
        h = g (norm(S^T r) + ((r k) bonus) v)

    unit(u) has length 1; (r k) bonus is the sum of r k bonus over the head. The step removes what
    is stored under c, by the share a, and writes v under k. norm is layer normalisation within
    the head, times a gain (H). U (H, rank) are low-rank maps.

    Of the published block these are left out: the mixing of each input with the one before it
    (`convolution=2` mixes r, k and v instead), the values that later layers take from the first,
    and the last projection. Biases b take the place of some of its initial values.

    W (3H + 3 rank, D), b (3H + 3 rank), blocks in the order r, k, v, w, a, g.

    Attributes:
        heads: A; they share the units equally, E = H / A.
        chunk: number of steps that the engine `chunked` computes together, at most 128, so that the
            products of their decays stay in the range of float32.
        convolution: number of steps that the convolution over a_r, a_k and a_v reads; 0 is off.
        rank: number of columns of each U.

    Example:
        layer = Recurrent("rwkv7", 100, 200)

    Source: Peng et al. 2025, and their code rwkv_v7_numpy.py; initial values are simplified: base_w
    is spread from -6 to 0 over each head's units.
    """

    chunk: Annotated[int, AtLeast(1), AtMost(128)] = 64
    rank: Count = 16

    gates: ClassVar[tuple[str, ...]] = ("r", "k", "v", "w", "a", "g")
    matrix_states: ClassVar[tuple[str, ...]] = ("S",)
    convolved: ClassVar[tuple[str, ...]] = ("r", "k", "v")
    output_values: ClassVar[tuple[str, ...]] = ("a", "g")
    neutral: ClassVar[Mapping[str, float]] = {"log_w": 0.0, "removed": 0.0, "k": 0.0}
    meanings: ClassVar[Mapping[str, str]] = {
        **Cell.meanings,
        "r": "query",
        "k": "key",
        "v": "value",
        "w": "decay",
        "a": "share that is removed",
        "g": "output gate",
        "S": "memory",
    }
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "throw away",
            ("w", "a"),
            "The decay w is the factor of each row of a head's memory matrix. What is stored under "
            "the word's key is removed as well, by the share a.",
        ),
        WalkStep(
            "store",
            ("k", "v"),
            "The word writes its value v under its key k. Where a is small, so is the key.",
        ),
        WalkStep(
            "read and output",
            ("r", "g", "h"),
            "The query r reads from the memory the values whose keys resemble it. What is read is "
            "normalised, and the gate g decides how much of it becomes visible.",
        ),
    )

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """Those of every cell with a matrix state, the maps U, and the parameters per unit."""
        maps = (Vector(f"up_{gate}") for gate in _LOW_RANK)
        return (*super().vectors, *maps, *(Vector(name, start) for name, start in _UNITS.items()))

    def gate_shape(self, gate: str, hidden_size: int) -> tuple[int, ...]:
        """Return (1, rank) for w, a and g, else (A, E)."""
        return (1, self.rank) if gate in _LOW_RANK else (self.heads, hidden_size // self.heads)

    def state_shape(self, state: str, hidden_size: int) -> tuple[int, ...]:
        """Return (A, E, E) for S."""
        size = hidden_size // self.heads
        own = (self.heads, size, size)
        return own if state == "S" else super().state_shape(state, hidden_size)

    def vector_shape(self, vector: str, hidden_size: int) -> tuple[int, ...]:
        """Return (H, rank) for the maps U."""
        own = vector.startswith("up_")
        return (hidden_size, self.rank) if own else super().vector_shape(vector, hidden_size)

    def start_units(self, unit: Values) -> None:
        """Draw the maps U and the convolution's weights, and spread base_w."""
        super().start_units(unit)
        bound = (3.0 / self.rank) ** 0.5
        for gate in _LOW_RANK:
            unit[f"up_{gate}"].uniform_(-bound, bound)
        base_H = unit["base_w"]
        size = base_H.shape[0] // self.heads
        spread = [-6.0 + 6.0 * e / max(size - 1, 1) for e in range(size)]
        base_H.copy_(base_H.new_tensor(spread * self.heads))

    def kept(self, values: Values) -> Any:
        """Return the decay."""
        return values["w"]

    def prepare(self, wx: Values, unit: Values) -> dict[str, Any]:
        """Return r, k, v, a, g, the logarithm of w, c as `old`, and a c as `removed`."""
        shape = wx["k"].shape[-2:]

        def up(gate: str, value: Any) -> Any:
            return (value[..., 0, :] @ unit[f"up_{gate}"].mT).unflatten(-1, shape)

        scale, mix, base_w, base_a = (
            unit[name].view(shape) for name in ("key_scale", "key_mix", "base_w", "base_a")
        )
        log_w = -_FASTEST * sigmoid(base_w + up("w", tanh(wx["w"])))
        a = sigmoid(base_a + up("a", wx["a"]))
        old = unit_length(scale * wx["k"])
        return {
            **{"r": wx["r"], "k": wx["k"] * (1 + (a - 1) * mix), "v": wx["v"], "log_w": log_w},
            **{"old": old, "removed": a * old, "a": a, "g": up("g", sigmoid(wx["g"]))},
        }

    def traced(self, values: Values) -> dict[str, Any]:
        """Return the gates."""
        gates = {gate: values[gate] for gate in ("r", "k", "v", "a", "g")}
        return {**gates, "w": exp(values["log_w"])}

    def advance(self, values: Values, state: Values) -> tuple[Any, dict[str, Any]]:
        """Return the read value of a step, and S."""
        S, old = state["S"], values["old"][..., None, :] @ state["S"]
        kept = exp(values["log_w"])[..., None] * S - values["removed"][..., None] * old
        S = kept + values["k"][..., None] * values["v"][..., None, :]
        return (values["r"][..., None, :] @ S)[..., 0, :], {"S": S}

    def advance_chunk(self, values: Values, state: Values) -> tuple[Any, dict[str, Any]]:
        """Return the read values of a chunk, and S after it.

        What the steps remove solves a triangular system, since it depends on the steps before.
        """
        v, S = values["v"], state["S"]
        total_LE = values["log_w"].cumsum(-2)
        # Products with the decays from step j to i are products of two factors: exp(-total) is
        # at most exp(0.607 L).
        since, until = exp(total_LE), exp(-total_LE)
        read, before = values["r"] * since, values["old"] * exp(total_LE - values["log_w"])
        key, removed = (values["k"] * until).mT, (values["removed"] * until).mT
        right = before @ S + (before @ key).tril(-1) @ v
        old = solve_unit_lower(before @ removed, right)
        output = read @ S + (read @ key).tril() @ v - (read @ removed).tril() @ old
        return output, {"S": since[..., -1, :, None] * (S + key @ v - removed @ old)}

    def advance_all(
        self, wx: Values, unit: Values, state: Values, kernel: MatrixKernel
    ) -> tuple[Any, dict[str, Any]]:
        """Return h of all steps, and S after them."""
        values = self.prepare(wx, unit)
        steps = LinearRecurrence(
            *(values["r"], values["k"], values["v"], values["log_w"]),
            read_key=values["old"],
            write_key=values["removed"],
        )
        output, S = kernel.recurrence(steps, state["S"])
        more = self._bonus(values, unit)
        norm = GatedNorm(values["g"], unit["gain"], "identity", center=True, more=more)
        return kernel.gated_norm(output, norm), {"S": S}

    def finish(self, output: Any, values: Values, unit: Values) -> Any:
        """Return the output, normalised within heads, with the bonus, and gated."""
        gain = unit["gain"].view(output.shape[-2:])
        now = self._bonus(values, unit)
        return (values["g"] * (gain * standardised(output) + now)).flatten(-2)

    def _bonus(self, values: Values, unit: Values) -> Any:
        """Return v times the sum of r k bonus over the head."""
        r, k, v = (values[gate] for gate in ("r", "k", "v"))
        return (r * k * unit["bonus"].view(v.shape[-2:])).sum(-1, keepdim=True) * v
