"""Arithmetic modulo 5 with brackets: the value of each bracket, where it closes.

    ( two plus ( minus three ) )        2, 4     (at the first and at the second ")")

A deterministic context-free task of Delétang et al. 2023: the operands must be kept on a stack.
Beck et al. 2024 and Grazzi et al. 2024 report on it too, but the published code of the latter has
no multiplication, so there are two probes.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from seqtag.probes import expressions
from seqtag.probes.base import Labels, Probe, ProbeItem, Published
from seqtag.probes.registry import register

_LEAST = 3


@register("arithmetic_brackets", name="arithmetic_brackets", operators=expressions.OPERATORS)
@register("arithmetic_brackets_sums", name="arithmetic_brackets_sums", operators=("plus", "minus"))
class ArithmeticBracketsProbe(Probe):
    """The value modulo 5 of each bracket, labelled at its closing token.

    The last closing bracket has the value of the whole expression: published results are for this
    one label only. With multiplication 0 is the most frequent label.

    The only factor is `length`: the number of tokens.

    Args:
        name: the probe's name.
        operators: the words for operators.
    """

    version = 1
    labels = ("0", "1", "2", "3", "4")
    bidirectional_safe = True
    axis = "length"
    unit = "tokens of the expression"
    training = MappingProxyType({"length": tuple(range(_LEAST, 41))})
    evaluation = MappingProxyType({"length": (10, 20, 40, 60, 80, 120, 160, 200, 300, 400, 500)})
    quick = MappingProxyType({"length": (10, 20, 40, 80, 160)})
    published = (
        Published(
            "scaled accuracy of the whole, trained to 40, judged to 256: sLSTM, mLSTM, Transformer",
            "0.178, 0.114, 0.067",
            "Grazzi et al. 2024, Unlocking State-Tracking, table 3 (without multiplication)",
        ),
        Published("the same: sLSTM", "0.57", "Beck et al. 2024, xLSTM (with multiplication)"),
    )

    def __init__(self, name: str, operators: Sequence[str]) -> None:
        self.name = name
        self.operators = operators

    def generate(
        self, n: int, split: str, factors: Mapping[str, int], seed: int
    ) -> list[ProbeItem]:
        """Return `n` items of this length.

        Raises:
            InputError: for an unknown split or factor, or a length that no bracket has.
        """
        length = self.complete(n, split, factors)["length"]
        random = self.random_stream(split, length, seed).random
        return [self._item(expressions.write(random, length, self.operators)) for _ in range(n)]

    def oracle(self, tokens: Sequence[str]) -> Labels:
        """Return the labels, found by evaluating the brackets from the left with a stack.

        Raises:
            InputError: if the tokens are not an expression in brackets.
        """
        values = expressions.values_of_brackets(tokens)
        return [
            self.labels[values[place]] if place in values else None for place in range(len(tokens))
        ]

    def why_impossible(self, factors: Mapping[str, int]) -> str:
        """Return the least length if the length is below it, else ""."""
        return "" if factors["length"] >= _LEAST else f"the least length is {_LEAST}"

    def _item(self, expression: expressions.Expression) -> ProbeItem:
        tokens = expression.tokens
        labels: Labels = [None] * len(tokens)
        for place, value in expression.closed:
            labels[place] = self.labels[value]
        return ProbeItem(
            tokens=tuple(tokens),
            labels=tuple(labels),
            targets=tuple(place for place, _ in expression.closed),
            factors={"length": len(tokens)},
            cue_positions=tuple(range(len(tokens))),
        )
