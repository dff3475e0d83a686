"""Cells with a matrix state that is written by the delta rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.chunks import decay_between, root_mean_square, solve_unit_lower, unit_length
from seqtag.cells.functions import exp, sigmoid, silu, softplus
from seqtag.cells.linear import GatedNorm, LinearRecurrence, MatrixKernel
from seqtag.cells.matrix import MatrixCell, start_decay_bias
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Values, Vector
from seqtag.cells.walk import WalkStep

_RATE = "rate"
_DECAY = WalkStep(
    "throw away",
    ("f",),
    "The gate f is the factor of a head's whole memory matrix. It depends on the word alone, not "
    "on what the head remembers.",
)


@register("deltanet")
@register("gated_deltanet", decay=True)
@dataclass(frozen=True)
class DeltaNet(MatrixCell):
    """DeltaNet and Gated DeltaNet: a write replaces what the memory holds under its key.

    In each head, with a_k = W_k x + b_k and S' (E, E) the previous state:

        q, k = unit(silu(a_q)) / sqrt(E), unit(silu(a_k))    v = silu(a_v)
        b = sigmoid(a_b)    f = exp(-exp(rate) softplus(a_f)) with decay, else 1
        S = f S' + b k (v - f S'^T k)^T
        h = silu(a_o) norm(S^T q)

    unit(u) has length 1; b and f have one value per head. norm divides by the root of the mean
    square within the head, times a gain (H). b = 1 replaces the value under k, b = 0 leaves it.
    With `signed`, b = 2 sigmoid(a_b), so that a write can also turn the sign of what the memory
    holds under k: the eigenvalues of S' -> S are from -1 to 1 rather than from 0 to 1. A cell
    without that cannot learn parity at every length. With `convolution`, a_q, a_k and a_v
    are convolved over time first.

    W (4H + A, D), b (4H + A), blocks in the order q, k, v, o, b; with decay one more block f of
    A rows, and the parameter rate (A). There is no projection after the last product.

    Attributes:
        heads: A; they share the units equally, E = H / A.
        chunk: number of steps that the engine `chunked` computes together.
        convolution: number of steps that the convolution reads; 0 is off.
        decay: whether there is the gate f.
        signed: whether b is from 0 to 2, rather than from 0 to 1.

    Example:
        layer = Recurrent("gated_deltanet", 100, 200)
        layer = Recurrent({"name": "deltanet", "signed": True}, 100, 200)

    Source: DeltaNet: Schlag et al. 2021, in the form of Yang et al. 2024. Gated DeltaNet and its
    initial values (rate from the logarithm of U(0, 16), softplus(b_f) from 0.001 to 0.1): Yang et
    al. 2025. The range of b: Grazzi et al. 2024.
    """

    decay: bool = False
    signed: bool = False

    matrix_states: ClassVar[tuple[str, ...]] = ("S",)
    neutral: ClassVar[Mapping[str, float]] = {"b": 0.0, "log_f": 0.0}
    meanings: ClassVar[Mapping[str, str]] = {
        **Cell.meanings,
        "q": "query",
        "k": "key",
        "v": "value",
        "b": "write strength",
        "S": "memory",
    }

    @property
    def gates(self) -> tuple[str, ...]:
        """The blocks q, k, v, o, b and, with decay, f."""
        return ("q", "k", "v", "o", "b", *(("f",) if self.decay else ()))

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """Those of every cell with a matrix state, and with decay the rate of each head."""
        return (*super().vectors, *((Vector(_RATE),) if self.decay else ()))

    @property
    def walk(self) -> tuple[WalkStep, ...]:
        """Decay, write, and read."""
        write = WalkStep(
            "store",
            ("b", "k", "v"),
            "The word replaces what the memory holds under its key k by its value v. The write "
            "strength b is the share that is replaced: 0 leaves the memory as it is.",
        )
        read = WalkStep(
            "read and output",
            ("q", "o", "h"),
            "The query q reads from the memory the values whose keys resemble it. What is read is "
            "normalised, and the gate o decides how much of it becomes visible.",
        )
        return (*((_DECAY,) if self.decay else ()), write, read)

    def gate_shape(self, gate: str, hidden_size: int) -> tuple[int, ...]:
        """Return (A) for b and f, else (A, E)."""
        return (self.heads, *(() if gate in ("b", "f") else (hidden_size // self.heads,)))

    def state_shape(self, state: str, hidden_size: int) -> tuple[int, ...]:
        """Return (A, E, E) for S."""
        size = hidden_size // self.heads
        own = (self.heads, size, size)
        return own if state == "S" else super().state_shape(state, hidden_size)

    def vector_shape(self, vector: str, hidden_size: int) -> tuple[int, ...]:
        """Return (A) for the rate."""
        return (self.heads,) if vector == _RATE else super().vector_shape(vector, hidden_size)

    def start_units(self, unit: Values) -> None:
        """Draw the rate of each head, and the convolution's weights."""
        super().start_units(unit)
        if self.decay:
            unit[_RATE].uniform_(1e-3, 16).log_()

    def start_biases(self, bias: Values) -> None:
        """Draw b_f, so that softplus(b_f) is from 0.001 to 0.1."""
        if self.decay:
            start_decay_bias(bias["f"])

    def kept(self, values: Values) -> Any:
        """Return f; None without decay."""
        return values.get("f")

    def prepare(self, wx: Values, unit: Values) -> dict[str, Any]:
        """Return q, k, v, b, o and, with decay, the logarithm of f."""
        q, k = (unit_length(silu(wx[gate])) for gate in ("q", "k"))
        b = sigmoid(wx["b"]) * (2.0 if self.signed else 1.0)
        values = {"q": q * q.shape[-1] ** -0.5, "k": k, "v": silu(wx["v"]), "b": b}
        if self.decay:
            values["log_f"] = self._log_f(wx, unit)
        return {**values, "o": silu(wx["o"])}

    def _log_f(self, wx: Values, unit: Values) -> Any:
        return -exp(unit[_RATE]) * softplus(wx["f"])

    def traced(self, values: Values) -> dict[str, Any]:
        """Return the gates."""
        gates = {gate: values[gate] for gate in ("q", "k", "v", "o", "b")}
        return {**gates, **({"f": exp(values["log_f"])} if self.decay else {})}

    def advance(self, values: Values, state: Values) -> tuple[Any, dict[str, Any]]:
        """Return the read value of a step, and S."""
        q, k, v = (values[gate] for gate in ("q", "k", "v"))
        S = state["S"]
        if self.decay:
            S = exp(values["log_f"])[..., None, None] * S
        new = values["b"][..., None] * (v - (k[..., None, :] @ S)[..., 0, :])
        S = S + k[..., :, None] * new[..., None, :]
        return (q[..., None, :] @ S)[..., 0, :], {"S": S}

    def advance_chunk(self, values: Values, state: Values) -> tuple[Any, dict[str, Any]]:
        """Return the read values of a chunk, and S after it.

        The written values n solve a triangular system, since each depends on those before it:
        n_i = b_i (v_i - decayed S'^T k_i - sum over j < i of (decay from j to i) (k_i k_j) n_j).
        """
        q, k, v, S = values["q"], values["k"], values["v"], state["S"]
        b = values["b"][..., None]
        overlap_LL, read_LL = (b * k) @ k.mT, q @ k.mT
        if self.decay:
            total_L = values["log_f"].cumsum(-1)
            decay_LL = decay_between(total_L)
            overlap_LL, read_LL = overlap_LL * decay_LL, read_LL * decay_LL
            since_L = exp(total_L)[..., None]
            before, q = b * (v - since_L * (k @ S)), since_L * q
            # The factors from each step to the end of the chunk.
            k, S = k * decay_LL[..., -1, :, None], since_L[..., -1:, :] * S
        else:
            before, read_LL = b * (v - k @ S), read_LL.tril()
        written = solve_unit_lower(overlap_LL, before)
        return q @ state["S"] + read_LL @ written, {"S": S + k.mT @ written}

    def advance_all(
        self, wx: Values, unit: Values, state: Values, kernel: MatrixKernel
    ) -> tuple[Any, dict[str, Any]]:
        """Return h of all steps, and S after them."""
        b = sigmoid(wx["b"]) * (2.0 if self.signed else 1.0)
        steps = LinearRecurrence(
            *(wx["q"], wx["k"], wx["v"], self._log_f(wx, unit) if self.decay else None),
            strength=b,
            replaces=True,
            silu=("query", "key", "value"),
            unit=True,
        )
        output, S = kernel.recurrence(steps, state["S"])
        h = kernel.gated_norm(output, GatedNorm(wx["o"], unit["gain"], "silu"))
        return h, {"S": S}

    def finish(self, output: Any, values: Values, unit: Values) -> Any:
        """Return the output, normalised within heads and gated."""
        gain = unit["gain"].view(values["o"].shape[-2:])
        return (values["o"] * (gain * root_mean_square(output))).flatten(-2)
