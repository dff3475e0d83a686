"""What cells with a matrix state are made of: a linear recurrence, and a norm with a gate.

T time, B batch, A heads, N rows and E columns of a head's state, H hidden units.
"""

from typing import Any, NamedTuple, Protocol


class LinearRecurrence(NamedTuple):
    """The values of all steps of a recurrence whose state S (N, E) is a matrix for each head.

        S = f S' + b k v^T                        a plain write
        S = f S' + b k (v - (f S')^T k)^T         with `replaces`
        S = diag(f) S' + k v^T - w (S'^T r)^T     with `read_key` r and `write_key` w
        o = S^T q + skip v

    query, key: (T, B, A, N), or (T, B, 1, N) if they are the same in all heads.
    value: (T, B, A, E).
    log_decay: log |f|, (T, B, A), or (T, B, A, N) with `read_key`; None for f = 1.
    sign: the sign of f, like `log_decay`; None if f is positive.
    strength: b, (T, B, A); None for 1.
    read_key, write_key: (T, B, A, N).
    bound: (T, B, A), or None; with it S has one more column, whose value is always 1, and o is
        divided by max(|n|, bound), where n is what the query reads from that column.
    skip: (A), or None for 0.
    replaces: whether a write replaces what the state holds under its key.
    silu: which of "query", "key" and "value" are given as a, where silu(a) is the value.
    unit: whether queries and keys are then divided by their lengths, and queries by sqrt(N).
    """

    query: Any
    key: Any
    value: Any
    log_decay: Any = None
    sign: Any = None
    strength: Any = None
    read_key: Any = None
    write_key: Any = None
    bound: Any = None
    skip: Any = None
    replaces: bool = False
    silu: tuple[str, ...] = ()
    unit: bool = False


class GatedNorm(NamedTuple):
    """A norm with a gate: h = act(gate) (gain norm(x) + more), or gain norm(x act(gate)).

    gate: (T, B, A, E), before the activation. The norm is taken within each of the A groups.
    gain: (H).
    activation: "sigmoid", "silu" or "identity".
    center: whether the mean is subtracted before the norm divides by the root of the mean square.
    more: (T, B, A, E), or None for 0.
    first: whether the gate multiplies x instead, before the norm.
    """

    gate: Any
    gain: Any
    activation: str
    center: bool = False
    more: Any = None
    first: bool = False


class MatrixKernel(Protocol):
    """What runs the parts of a cell with a matrix state over all steps of a batch."""

    def recurrence(self, steps: LinearRecurrence, initial: Any) -> tuple[Any, Any]:
        """Return o (T, B, A, E) and the state after the last step, like `initial` (B, A, N, E)."""

    def gated_norm(self, x: Any, norm: GatedNorm) -> Any:
        """Return h (T, B, H) from x, which has as many values as the gate."""

    def at_end(self, value: Any, initial: Any) -> Any:
        """Return a value (T, B, ...) at each sequence's last step, or the initial one (B, ...)."""
