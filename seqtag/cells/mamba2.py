"""Mamba-2: a linear recurrence with one decay for each head."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.chunks import decay_between, root_mean_square
from seqtag.cells.functions import exp, silu, softplus
from seqtag.cells.linear import GatedNorm, LinearRecurrence, MatrixKernel
from seqtag.cells.matrix import MatrixCell, start_decay_bias
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Values, Vector
from seqtag.cells.walk import WalkStep
from seqtag.checks import Count

_RATE, _SKIP = "rate", "skip"


@register("mamba2")
@dataclass(frozen=True)
class Mamba2(MatrixCell):
    """The recurrence of Mamba-2, called SSD: queries and keys that all heads share, and a decay.

    In each head, with a_k = W_k x + b_k and S' (N, E) the previous state:

        v, k, q = silu(a_v), silu(a_k), silu(a_q)    d = softplus(a_d)
        f = exp(-d exp(rate))
        S = f S' + d k v^T
        h = norm((S^T q + skip v) silu(a_o))

    q and k (N) are the same in all heads; d, f, rate and skip have one value per head. norm divides
    by the root of the mean square of all units, times a gain (H). With `signed`, f = 2 exp(-d
    exp(rate)) - 1, so that the state can change sign; a cell without that cannot learn parity at
    every length. With `convolution`, a_v, a_k and a_q are convolved over time first.

    W (2H + 2N + A, D), b (2H + 2N + A), blocks in the order v, k, q, o, d; rate and skip (A).
    There is no projection after the last product.

    Attributes:
        heads: A; they share the units equally, E = H / A.
        chunk: number of steps that the engine `chunked` computes together.
        convolution: number of steps that the convolution reads; 0 is off.
        state_size: N.
        signed: whether f is from -1 to 1, rather than from 0 to 1.

    Example:
        layer = Recurrent("mamba2", 100, 200)

    Source: Dao & Gu 2024; initial values (exp(rate) from U(1, 16), softplus(b_d) from 0.001 to 0.1,
    skip 1) as in their code. The range from -1 to 1: Grazzi et al. 2024, equation 2.
    """

    state_size: Count = 64
    signed: bool = False

    gates: ClassVar[tuple[str, ...]] = ("v", "k", "q", "o", "d")
    matrix_states: ClassVar[tuple[str, ...]] = ("S",)
    convolved: ClassVar[tuple[str, ...]] = ("v", "k", "q")
    neutral: ClassVar[Mapping[str, float]] = {"d": 0.0, "log_f": 0.0, "sign": 1.0}
    meanings: ClassVar[Mapping[str, str]] = {
        **Cell.meanings,
        "v": "value",
        "d": "step size",
        "f": "decay",
        "S": "memory",
    }
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "throw away",
            ("d", "f"),
            "The step size d decides how much of a head's memory is replaced: the factor f of the "
            "memory is near 1 where d is small. Both depend on the word alone.",
        ),
        WalkStep(
            "store",
            ("v",),
            "The word writes its value v under a key that all heads share. The step size d is also "
            "the weight of what is written.",
        ),
        WalkStep(
            "read and output",
            ("o", "h"),
            "A query that all heads share reads from the memory the values whose keys resemble it. "
            "The gate o decides how much of it becomes visible, and the output is normalised.",
        ),
    )

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """Those of every cell with a matrix state, and rate and skip of each head."""
        return (*super().vectors, Vector(_RATE), Vector(_SKIP, start=1.0))

    def gate_shape(self, gate: str, hidden_size: int) -> tuple[int, ...]:
        """Return (1, N) for q and k, (A) for d, else (A, E)."""
        shapes = {"q": (1, self.state_size), "k": (1, self.state_size), "d": (self.heads,)}
        return shapes.get(gate, (self.heads, hidden_size // self.heads))

    def state_shape(self, state: str, hidden_size: int) -> tuple[int, ...]:
        """Return (A, N, E) for S."""
        own = (self.heads, self.state_size, hidden_size // self.heads)
        return own if state == "S" else super().state_shape(state, hidden_size)

    def vector_shape(self, vector: str, hidden_size: int) -> tuple[int, ...]:
        """Return (A) for rate and skip."""
        own = vector in (_RATE, _SKIP)
        return (self.heads,) if own else super().vector_shape(vector, hidden_size)

    def start_units(self, unit: Values) -> None:
        """Draw the rate of each head, and the convolution's weights."""
        super().start_units(unit)
        unit[_RATE].uniform_(1, 16).log_()

    def start_biases(self, bias: Values) -> None:
        """Draw b_d, so that softplus(b_d) is from 0.001 to 0.1."""
        start_decay_bias(bias["d"])

    def kept(self, values: Values) -> Any:
        """Return the size of f."""
        return abs(values["f"])

    def prepare(self, wx: Values, unit: Values) -> dict[str, Any]:
        """Return v, k, q, d, o and the logarithm of f; with `signed` of its size, and its sign."""
        return {gate: silu(wx[gate]) for gate in ("v", "k", "q", "o")} | self._decays(wx, unit)

    def _decays(self, wx: Values, unit: Values) -> dict[str, Any]:
        """Return d and the logarithm of f; with `signed` of its size, and its sign."""
        d = softplus(wx["d"])
        log_f = -d * exp(unit[_RATE])
        if not self.signed:
            return {"d": d, "log_f": log_f}
        f = 2 * exp(log_f) - 1
        return {"d": d, "log_f": f.abs().clamp(min=1e-30).log(), "sign": f.sign()}

    def traced(self, values: Values) -> dict[str, Any]:
        """Return v, o, d and f: the values of units and of heads."""
        f = exp(values["log_f"])
        gates = {gate: values[gate] for gate in ("v", "o", "d")}
        return {**gates, "f": values["sign"] * f if self.signed else f}

    def advance(self, values: Values, state: Values) -> tuple[Any, dict[str, Any]]:
        """Return the read value of a step, and S."""
        f = exp(values["log_f"])
        f = values["sign"] * f if self.signed else f
        written = values["d"][..., None] * values["v"]
        S = f[..., None, None] * state["S"] + values["k"][..., :, None] * written[..., None, :]
        return (values["q"][..., None, :] @ S)[..., 0, :], {"S": S}

    def advance_chunk(self, values: Values, state: Values) -> tuple[Any, dict[str, Any]]:
        """Return the read values of a chunk, and S after it."""
        q, k, S = values["q"], values["k"], state["S"]
        written = values["d"][..., None] * values["v"]
        total_L = values["log_f"].cumsum(-1)
        decay_LL, since_L = decay_between(total_L), exp(total_L)[..., None]
        if self.signed:
            # The product of the signs of steps j + 1 to i is that of 1 to i times that of 1 to j.
            sign_L = values["sign"].cumprod(-1)[..., None]
            decay_LL, since_L = decay_LL * sign_L * sign_L.mT, since_L * sign_L
        output = since_L * (q @ S) + ((q @ k.mT) * decay_LL) @ written
        kept = since_L[..., -1:, :] * S
        return output, {"S": kept + k.mT @ (decay_LL[..., -1, :, None] * written)}

    def advance_all(
        self, wx: Values, unit: Values, state: Values, kernel: MatrixKernel
    ) -> tuple[Any, dict[str, Any]]:
        """Return h of all steps, and S after them."""
        decays = self._decays(wx, unit)
        steps = LinearRecurrence(
            *(wx["q"], wx["k"], wx["v"], decays["log_f"]),
            sign=decays.get("sign"),
            strength=decays["d"],
            skip=unit[_SKIP],
            silu=("query", "key", "value"),
        )
        output, S = kernel.recurrence(steps, state["S"])
        gate = wx["o"].flatten(-2)[..., None, :]  # one group: the norm is over all units
        h = kernel.gated_norm(output, GatedNorm(gate, unit["gain"], "silu", first=True))
        return h, {"S": S}

    def finish(self, output: Any, values: Values, unit: Values) -> Any:
        """Return the output with skip v, gated, and normalised over all units."""
        gated = (output + unit[_SKIP][:, None] * values["v"]) * values["o"]
        return unit["gain"] * root_mean_square(gated.flatten(-2))
