"""mLSTM: the LSTM of xLSTM with a matrix memory."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seqtag.cells.chunks import exp_to_diagonal, joined, running_maximum, standardised
from seqtag.cells.functions import exp, log_sigmoid, maximum, sigmoid, silu
from seqtag.cells.linear import GatedNorm, LinearRecurrence, MatrixKernel
from seqtag.cells.matrix import MatrixCell
from seqtag.cells.registry import register
from seqtag.cells.spec import Cell, Values
from seqtag.cells.walk import WalkStep

# A step with this logarithm of the input gate writes nothing.
_NOTHING = -1e30


@register("mlstm")
@dataclass(frozen=True)
class MLstm(MatrixCell):
    """The LSTM with a matrix memory and exponential input gates, of Extended LSTM.

    In each head, with a_k = W_k x + b_k and C' (E, E), n' (E), m' the previous states:

        q = a_q    k = a_k / sqrt(E)    v = a_v    o = sigmoid(a_o)
        m = max(log sigmoid(a_f) + m', a_i)
        i = exp(a_i - m)    f = exp(log sigmoid(a_f) + m' - m)
        C = f C' + i k v^T    n = f n' + i k
        h = o norm(C^T q / max(|n q|, exp(-m)))

    i and f have one value per head. norm is layer normalisation within the head, times a gain
    (H). m scales C and n by the same factor, so h does not depend on it; it has no gradient of its
    own. With `convolution`, q and k are a_q and a_k after a causal convolution over time and
    SiLU.

    W (4H + 2A, D), b (4H + 2A), blocks in the order q, k, v, o, i, f. W_i and W_f start at
    0 in the source, at small values here. There is no projection after the last product.

    Attributes:
        heads: A; they share the units equally, E = H / A.
        chunk: number of steps that the engine `chunked` computes together.
        convolution: number of steps that the convolution reads; 0 is off.

    Example:
        layer = Recurrent("mlstm", 100, 200)

    Source: Beck et al. 2024, equations 19 to 27; normalisation, initial biases (b_f from 3 to 6
    over the heads, b_i drawn from N(0, 0.1)) and convolution as in their code.
    """

    gates: ClassVar[tuple[str, ...]] = ("q", "k", "v", "o", "i", "f")
    matrix_states: ClassVar[tuple[str, ...]] = ("C", "n", "m")
    convolved: ClassVar[tuple[str, ...]] = ("q", "k")
    neutral: ClassVar[Mapping[str, float]] = {"log_f": 0.0, "log_i": _NOTHING}
    meanings: ClassVar[Mapping[str, str]] = {
        **Cell.meanings,
        "q": "query",
        "k": "key",
        "v": "value",
        "C": "memory",
        "n": "normaliser",
        "m": "stabiliser",
    }
    walk: ClassVar[tuple[WalkStep, ...]] = (
        WalkStep(
            "throw away",
            ("f",),
            "The forget gate f is the factor of a head's whole memory matrix. It depends on the "
            "word alone, not on what the head remembers.",
        ),
        WalkStep(
            "store",
            ("i", "k", "v"),
            "The word writes its value v under its key k, with the weight i. The input gate i is "
            "an exponential, so one word can outweigh all words before it.",
        ),
        WalkStep(
            "read and output",
            ("q", "o", "h"),
            "The query q reads from the memory the values whose keys resemble it. What is read is "
            "normalised, and the output gate o decides how much of it becomes visible.",
        ),
    )

    def gate_shape(self, gate: str, hidden_size: int) -> tuple[int, ...]:
        """Return (A) for i and f, else (A, E)."""
        size = () if gate in ("i", "f") else (hidden_size // self.heads,)
        return (self.heads, *size)

    def state_shape(self, state: str, hidden_size: int) -> tuple[int, ...]:
        """Return (A, E, E) for C, (A, E) for n and (A) for m."""
        size = hidden_size // self.heads
        own = {"C": (self.heads, size, size), "n": (self.heads, size), "m": (self.heads,)}
        return own.get(state) or super().state_shape(state, hidden_size)

    def start_biases(self, bias: Values) -> None:
        """Spread b_f over 3 to 6, and draw b_i from N(0, 0.1)."""
        steps = max(self.heads - 1, 1)
        bias["f"].copy_(bias["f"].new_tensor([3 + 3 * a / steps for a in range(self.heads)]))
        bias["i"].normal_(0.0, 0.1)

    def kept(self, values: Values) -> Any:
        """Return the forget gate."""
        return values["f"]

    def prepare(self, wx: Values, unit: Values) -> dict[str, Any]:
        """Return q, k, v, o and the logarithms of the gates; that of i includes the factor of k."""
        q, k = (silu(wx[g]) if self.convolution else wx[g] for g in ("q", "k"))
        return {"q": q, "k": k, "v": wx["v"], "o": sigmoid(wx["o"]), **self._logs(wx)}

    def _logs(self, wx: Values) -> dict[str, Any]:
        log_i = wx["i"] - 0.5 * math.log(wx["k"].shape[-1])
        return {"log_i": log_i, "log_f": log_sigmoid(wx["f"])}

    def traced(self, values: Values) -> dict[str, Any]:
        """Return the gates; i and f without the stabiliser."""
        root = values["k"].shape[-1] ** 0.5
        gates = {"q": values["q"], "k": values["k"] / root, "v": values["v"], "o": values["o"]}
        return {**gates, "i": exp(values["log_i"]) * root, "f": exp(values["log_f"])}

    def advance(self, values: Values, state: Values) -> tuple[Any, dict[str, Any]]:
        """Return the read value of a step, and C, n and m."""
        q, k, v = (values[g] for g in ("q", "k", "v"))
        a_f = values["log_f"] + state["m"]
        m = maximum(a_f, values["log_i"]).detach()
        i, f = exp(values["log_i"] - m)[..., None], exp(a_f - m)[..., None]
        C = f[..., None] * state["C"] + (i * k)[..., :, None] * v[..., None, :]
        n = f * state["n"] + i * k
        weight = maximum((n * q).sum(-1).abs(), _bound(m))
        return (q[..., None, :] @ C)[..., 0, :] / weight[..., None], {"C": C, "n": n, "m": m}

    def advance_chunk(self, values: Values, state: Values) -> tuple[Any, dict[str, Any]]:
        """Return the read values of a chunk, and C, n and m after it."""
        q, k, v = (values[g] for g in ("q", "k", "v"))
        total_L = values["log_f"].cumsum(-1)
        m = state["m"][..., None]
        # The stabiliser of step i is F_i + peak_i, F the running sum of log f.
        score_L = values["log_i"] - total_L
        peak_L = maximum(score_L.cummax(-1).values, m).detach()
        weight_LL = exp_to_diagonal(-peak_L, score_L)
        before_L = exp(m - peak_L)[..., None]
        scored_LL = (q @ k.mT) * weight_LL
        read = scored_LL @ v + before_L * (q @ state["C"])
        read_n = scored_LL.sum(-1) + before_L[..., 0] * (q @ state["n"][..., None])[..., 0]
        bound_L = _bound(total_L + peak_L)
        output = read / maximum(read_n.abs(), bound_L)[..., None]
        written = k * weight_LL[..., -1, :, None]
        kept = before_L[..., -1, :]
        return output, {
            "C": kept[..., None] * state["C"] + written.mT @ v,
            "n": kept * state["n"] + written.sum(-2),
            "m": total_L[..., -1] + peak_L[..., -1],
        }

    def advance_all(
        self, wx: Values, unit: Values, state: Values, kernel: MatrixKernel
    ) -> tuple[Any, dict[str, Any]]:
        """Return h of all steps, and C, n and m after them; n is a column of the state."""
        logs = self._logs(wx)
        log_i, log_f = logs["log_i"], logs["log_f"]
        m = running_maximum(log_f.detach(), log_i.detach(), state["m"].detach())
        before = joined(state["m"][None], m[:-1], 0)
        # The decays and gates that keep C and n at the scale exp(-m).
        steps = LinearRecurrence(
            *(wx["q"], wx["k"], wx["v"], log_f + (before - m)),
            strength=exp(log_i - m),
            bound=_bound(m),
            silu=("query", "key") if self.convolution else (),
        )
        start = joined(state["C"], state["n"][..., None], -1)
        output, S = kernel.recurrence(steps, start)
        h = kernel.gated_norm(output, GatedNorm(wx["o"], unit["gain"], "sigmoid", center=True))
        return h, {"C": S[..., :-1], "n": S[..., -1], "m": kernel.at_end(m, state["m"])}

    def finish(self, output: Any, values: Values, unit: Values) -> Any:
        """Return the output, normalised within heads and gated."""
        gain = unit["gain"].view(values["o"].shape[-2:])
        return (values["o"] * (gain * standardised(output))).flatten(-2)


def _bound(m: Any) -> Any:
    """Return exp(-m), up to a number whose gradient is finite in float32."""
    return exp((-m).clamp(max=80.0))
