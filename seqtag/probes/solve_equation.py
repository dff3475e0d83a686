"""Solve an equation modulo 5: the digit that z stands for.

    ( two minus ( minus z ) ) equals four ?         2

A deterministic context-free task of Delétang et al. 2023, with + and - as in their code, so that
each equation has exactly one solution.
"""

from collections.abc import Callable, Sequence

from seqtag.errors import InputError
from seqtag.probes import expressions
from seqtag.probes.registry import register
from seqtag.probes.transduction import TransductionProbe, lengths

_UNKNOWN, _EQUALS = "z", "equals"
_OPERATORS = ("plus", "minus")
# Tokens after the expression: "equals" and its value.
_RESULT = 2


@register("solve_equation")
class SolveEquationProbe(TransductionProbe):
    """The digit that z replaces in an expression with brackets whose value is given."""

    name = "solve_equation"
    labels = ("0", "1", "2", "3", "4")
    symbols = (*expressions.DIGITS, _UNKNOWN, *_OPERATORS, "(", ")", _EQUALS)
    training = lengths(_RESULT + 3)
    least = _RESULT + 3

    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return an equation with z in place of one digit, and that digit."""
        tokens, value, _ = expressions.write(random, length - _RESULT, _OPERATORS)
        digits = [place for place, token in enumerate(tokens) if token in expressions.DIGITS]
        place = digits[int(random() * len(digits))]
        answer = self.labels[expressions.DIGITS.index(tokens[place])]
        tokens[place] = _UNKNOWN
        return [*tokens, _EQUALS, expressions.DIGITS[value]], [answer]

    def solve(self, string: Sequence[str]) -> list[str]:
        """Return the digit for which the expression has the given value, found by trying all."""
        *expression, equals, value = string if len(string) >= self.least else ["", "", ""]
        if equals != _EQUALS or expression.count(_UNKNOWN) != 1:
            raise InputError(f"probe {self.name}: expected an expression with one z, equals, digit")
        place, last = expression.index(_UNKNOWN), len(expression) - 1
        for digit, label in zip(expressions.DIGITS, self.labels, strict=True):
            expression[place] = digit
            found = expressions.values_of_brackets(expression)[last]
            if expressions.DIGITS[found] == value:
                return [label]
        raise InputError(f"probe {self.name}: the equation has no solution")
