"""What several specs ask of their fields, and how they start the biases of a forget gate."""

from collections.abc import Iterable
from typing import Any

from seqtag.checks import checked
from seqtag.errors import InputError, did_you_mean, shown

# No sequence is longer.
_LONGEST_SPAN = 10**9


def check_choice(field: str, value: Any, known: Iterable[str]) -> None:
    """Raise InputError for a value that is none of the known; the nearest is offered."""
    names = tuple(known)
    if not isinstance(value, str) or value not in names:
        hint = did_you_mean(value, names)
        raise InputError(f"unknown {field} {shown(value)}{hint}; there are {', '.join(names)}")


def check_bias_start(field: str, value: Any) -> None:
    """Raise InputError for a value of a field that says where biases start."""
    if field == "chrono":
        check_chrono(value)
    else:
        checked(value, float, field)


def check_chrono(value: Any) -> None:
    """Raise InputError for a T_max that leaves nothing between 1 and T_max - 1."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < 0 or 0 < value < 3 or value > _LONGEST_SPAN:
        raise InputError(
            f"chrono must be 0 (off) or the longest span to remember, from 3 to "
            f"{_LONGEST_SPAN:,} steps, not {shown(value)}"
        )


def start_keep_gate(bias_H: Any, start: float, chrono: int) -> None:
    """Set in place the bias of the gate that weighs the previous state.

    With chrono, to log U(1, chrono - 1), a draw for each unit: a gate at sigmoid(log(t)) forgets
    over about t + 1 steps. Else to `start`.

    Source: Tallec & Ollivier 2018, section 2.
    """
    # Methods of the tensor only: a spec needs no torch to be made.
    if chrono:
        bias_H.uniform_(1, chrono - 1).log_()
    else:
        bias_H.fill_(start)
