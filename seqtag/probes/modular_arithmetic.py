"""Arithmetic modulo 5 without brackets: the value of the expression so far, after each digit.

    two plus three times four minus one      2, 0, 4, 3    (at two, three, four and one)

A regular task of Delétang et al. 2023 and Grazzi et al. 2024. Multiplication binds tighter, so a
network must keep the sum so far and the product that is being read: 25 states.
"""

from collections.abc import Sequence
from typing import NamedTuple

from seqtag.errors import InputError, did_you_mean
from seqtag.probes.base import Labels, Published
from seqtag.probes.expressions import DIGITS, MODULUS, OPERATORS
from seqtag.probes.registry import register
from seqtag.probes.tracking import TrackingProbe


class _State(NamedTuple):
    """The value so far is total + product; an operator waits for its second operand."""

    total: int
    product: int
    operator: str


@register("modular_arithmetic")
class ModularArithmeticProbe(TrackingProbe):
    """The value modulo 5 of digits joined by plus, minus and times, after each digit.

    Digits and operators alternate and are drawn uniformly; operators have no label. Products are 0
    more often than any other value, so the label 0 is the most frequent one; see the baseline
    `majority`.

    Published results are for the last position of sequences of odd length.
    """

    name = "modular_arithmetic"
    version = 1
    symbols = (*DIGITS, *OPERATORS)
    labels = ("0", "1", "2", "3", "4")
    unit = "digits and operators"
    start = _State(0, 0, "plus")
    published = (
        Published(
            "scaled accuracy, trained to 40, judged to 256: sLSTM, mLSTM, Transformer",
            "0.787, 0.040, 0.031",
            "Grazzi et al. 2024, Unlocking State-Tracking, table 3",
        ),
        Published(
            "the same: DeltaNet with eigenvalues in [0, 1] and in [-1, 1]",
            "0.314, 0.971",
            "Grazzi et al. 2024, table 3",
        ),
    )

    def next_state(self, state: _State, symbol: int) -> _State:
        """Return the state after a digit or an operator."""
        total, product, operator = state
        if symbol >= len(DIGITS):
            return state._replace(operator=self.symbols[symbol])
        if operator == "times":
            return _State(total, product * symbol % MODULUS, "")
        signed = symbol if operator == "plus" else -symbol
        return _State((total + product) % MODULUS, signed % MODULUS, "")

    def label_of(self, state: _State) -> str | None:
        """Return the value of the expression; None after an operator."""
        return None if state.operator else self.labels[(state.total + state.product) % MODULUS]

    def next_symbols(self, state: _State) -> Sequence[int]:
        """Return the digits after an operator, and the operators after a digit."""
        digits = len(DIGITS)
        return range(digits) if state.operator else range(digits, digits + len(OPERATORS))

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, found by splitting each prefix into summands and these into factors.

        Raises:
            InputError: if digits and operators do not alternate.
        """
        for position, token in enumerate(tokens):
            known = OPERATORS if position % 2 else DIGITS
            if token not in known:
                raise InputError(
                    f"probe modular_arithmetic: token {position + 1} is {token!r}"
                    f"{did_you_mean(token, known)}; expected {', '.join(known)}"
                )
        return [
            None if position % 2 else str(_value(tokens[: position + 1]))
            for position in range(len(tokens))
        ]


def _value(tokens: Sequence[str]) -> int:
    """Return the value of an expression modulo 5."""
    text = " ".join(tokens).replace("minus", "plus minus times")
    total = 0
    for summand in text.split(" plus "):
        product = 1
        for factor in summand.split(" times "):
            product *= -1 if factor == "minus" else DIGITS.index(factor)
        total += product
    return total % MODULUS
