"""Random arithmetic expressions modulo 5 with brackets, as written by Delétang et al. 2023.

    expression := term | "(" term ")" | "(" expression operator expression ")"
    term       := ["minus"] digit

Each expression has an exact number of tokens.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from seqtag.errors import InputError
from seqtag.probes.base import pick

MODULUS = 5
DIGITS = ("zero", "one", "two", "three", "four")
OPERATORS = ("plus", "minus", "times")
OPEN, CLOSE = "(", ")"
# Tokens of an expression that are not operands: two brackets and an operator.
_JOINING = 3


class Expression(NamedTuple):
    """Tokens of an expression, its value, and the value of each bracket at its closing token."""

    tokens: list[str]
    value: int
    closed: list[tuple[int, int]]


def write(random: Callable[[], float], size: int, operators: Sequence[str]) -> Expression:
    """Return a random expression of `size` tokens; both operands of an operator are expressions."""
    if size <= 4:
        digit = int(random() * MODULUS)
        tokens, value = [DIGITS[digit]], digit
        if size % 2 == 0:
            tokens, value = ["minus", *tokens], -digit % MODULUS
        if size <= 2:
            return Expression(tokens, value, [])
        return Expression([OPEN, *tokens, CLOSE], value, [(size - 1, value)])
    left = write(random, 1 + int(random() * (size - _JOINING - 1)), operators)
    right = write(random, size - _JOINING - len(left.tokens), operators)
    operator = pick(random, operators)
    value = apply(operator, left.value, right.value)
    offset = len(left.tokens) + 2
    return Expression(
        [OPEN, *left.tokens, operator, *right.tokens, CLOSE],
        value,
        [
            *((place + 1, inner) for place, inner in left.closed),
            *((place + offset, inner) for place, inner in right.closed),
            (size - 1, value),
        ],
    )


def apply(operator: str, left: int, right: int) -> int:
    """Return the value of two numbers joined by an operator, modulo 5."""
    values = {"plus": left + right, "minus": left - right, "times": left * right}
    return values[operator] % MODULUS


def values_of_brackets(tokens: Sequence[str]) -> dict[int, int]:
    """Return the value of each bracket by the position of its closing token.

    The innermost brackets are replaced by their values from the left, with a stack.

    Raises:
        InputError: if the tokens are not an expression with brackets.
    """
    values: dict[int, int] = {}
    stack: list[list[str | int]] = [[]]
    for position, token in enumerate(tokens):
        if token == OPEN:
            stack.append([])
        elif token == CLOSE and len(stack) > 1:
            values[position] = _flat_value(stack.pop(), position)
            stack[-1].append(values[position])
        else:
            stack[-1].append(DIGITS.index(token) if token in DIGITS else token)
    if len(stack) != 1 or len(stack[0]) != 1 or not values:
        raise InputError(f"not an expression in brackets: {' '.join(tokens)[:60]}")
    return values


def _flat_value(parts: list[str | int], position: int) -> int:
    """Return the value of the parts of a bracket, in which inner brackets are numbers already."""
    signed: list[str | int] = []
    for part in parts:
        follows_sign = signed[-1:] == ["minus"] and (len(signed) == 1 or signed[-2] in OPERATORS)
        if isinstance(part, int) and follows_sign:
            signed[-1] = -part % MODULUS
        else:
            signed.append(part)
    match signed:
        case [int(value)]:
            return value
        case [int(left), str(operator), int(right)] if operator in OPERATORS:
            return apply(operator, left, right)
    raise InputError(f"token {position + 1} closes what is not an expression")
