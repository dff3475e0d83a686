"""Checks of cell options, and the initial bias of a gate that keeps the state."""

from collections.abc import Iterable
from typing import Any

from seqtag.checks import checked
from seqtag.errors import InputError, did_you_mean, shown

# Larger than the length of any sequence.
_LONGEST_SPAN = 10**9


def check_choice(field: str, value: Any, known: Iterable[str]) -> None:
    """Raise InputError if a value is not one of the known names; suggest the nearest."""
    names = tuple(known)
    if not isinstance(value, str) or value not in names:
        hint = did_you_mean(value, names)
        raise InputError(f"unknown {field} {shown(value)}{hint}; there are {', '.join(names)}")


def check_bias_start(field: str, value: Any) -> None:
    """Raise InputError for an invalid value of a field that sets initial biases."""
    if field == "chrono":
        check_chrono(value)
    else:
        checked(value, float, field)


def check_chrono(value: Any) -> None:
    """Raise InputError unless T_max is 0 (off) or there are values between 1 and T_max - 1."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < 0 or 0 < value < 3 or value > _LONGEST_SPAN:
        raise InputError(
            f"chrono must be 0 (off) or the longest span to remember, from 3 to "
            f"{_LONGEST_SPAN:,} steps, not {shown(value)}"
        )


def start_keep_gate(bias_H: Any, start: float, chrono: int) -> None:
    """Set, in place, the initial bias of the gate that weights the previous state.

    Without chrono every unit gets `start`. With chrono each unit gets a draw of
    log U(1, chrono - 1): a gate at sigmoid(log(t)) forgets over about t + 1 steps.

    Source: Tallec & Ollivier 2018, section 2.
    """
    # Only methods of the tensor, so that specs can be built without importing torch.
    if chrono:
        bias_H.uniform_(1, chrono - 1).log_()
    else:
        bias_H.fill_(start)
