"""Checks of cell options, and initial values of what decides how long a unit remembers."""

from collections.abc import Iterable
from typing import Annotated, Any

from seqtag.checks import AtLeast, AtMost, checked
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


def check_ring(min_radius: Any, max_radius: Any) -> None:
    """Raise InputError unless the two radii are from 0 to 1, the first one smaller."""
    for field, value in (("min_radius", min_radius), ("max_radius", max_radius)):
        checked(value, Annotated[float, AtLeast(0), AtMost(1)], field)
    if min_radius >= max_radius:
        raise InputError(
            f"min_radius must be smaller than max_radius, not {shown(min_radius)} and "
            f"{shown(max_radius)}"
        )


def start_squared_radii(vector_H: Any, min_radius: float, max_radius: float) -> None:
    """Set, in place, each unit to the squared size of a point of a ring, but not to 0 or 1.

    Points are uniform in the plane, between two circles around 0.

    Source: Orvieto et al. 2023, section 3.
    """
    vector_H.uniform_(min_radius**2, max_radius**2).clamp_(1e-6, 1 - 1e-6)
