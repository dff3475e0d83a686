"""The linear recurrence that every cell with a matrix state is an instance of.

T time, B batch, A heads, N rows and E columns of a head's state.
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class LinearRecurrence(NamedTuple):
    """The values of all steps of a recurrence whose state S (N, E) is a matrix for each head.

        S = f S' + b k v^T                        a plain write
        S = f S' + b k (v - (f S')^T k)^T         with `replaces`
        S = diag(f) S' + k v^T + w (S'^T r)^T     with `read_key` r and `write_key` w
        o = S^T q

    query, key: (T, B, A, N), or (T, B, 1, N) if they are the same in all heads.
    value: (T, B, A, E).
    log_decay: log |f|, (T, B, A), or (T, B, A, N) with `read_key`; None for f = 1.
    sign: the sign of f, like `log_decay`; None if f is positive.
    strength: b, (T, B, A); None for 1.
    read_key, write_key: (T, B, A, N).
    replaces: whether a write replaces what the state holds under its key.
    counts: whether S has one more column, whose value is always 1.
    """

    query: Any
    key: Any
    value: Any
    log_decay: Any = None
    sign: Any = None
    strength: Any = None
    read_key: Any = None
    write_key: Any = None
    replaces: bool = False
    counts: bool = False


# From a recurrence and the initial state (B, A, N, E): what the queries read, (T, B, A, E), and the
# last state; with `counts` the state has a column more, and what is read from it, (T, B, A), comes
# between the two, else None.
RunRecurrence = Callable[[LinearRecurrence, Any], tuple[Any, Any, Any]]
