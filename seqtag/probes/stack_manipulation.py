"""Stack manipulation: what is on a stack after some actions, from its top.

    a b pop push_a ? ? ?        a, a, end      (the stack is written from its bottom)

A deterministic context-free task of Delétang et al. 2023.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from seqtag.errors import InputError
from seqtag.probes.registry import register
from seqtag.probes.synthetic import noise
from seqtag.probes.transduction import TransductionProbe, published

_SYMBOLS = ("a", "b")
_ACTIONS = ("pop", "push_a", "push_b")
_END = "end"


@register("stack_manipulation")
class StackManipulationProbe(TransductionProbe):
    """The symbols of the stack after all actions, the top first, then "end".

    The stack is a random string; its share of the length is uniform. Actions are drawn uniformly;
    an empty stack cannot be popped, and ignores that action. (Delétang et al. pad all answers to
    one more than the length; here they have one query for each symbol, and one for "end".)
    """

    name = "stack_manipulation"
    symbols = (*_SYMBOLS, *_ACTIONS)
    labels = (*_SYMBOLS, _END)
    published = published("56.0, 57.5, 59.1")

    def write(self, random: Callable[[], float], length: int) -> tuple[list[str], list[str]]:
        """Return a stack with actions, and the final stack."""
        height = 1 + int(random() * length)
        stack = noise(random, _SYMBOLS, height)
        string = list(stack)
        for action in noise(random, _ACTIONS, length - height):
            string.append(action)
            if action != "pop":
                stack.append(action.removeprefix("push_"))
            elif stack:
                stack.pop()
        return string, [*reversed(stack), _END]

    def solve(self, string: Sequence[str]) -> list[str]:
        """Return the symbols that no pop removes, found from the end backwards."""
        if any(a in _ACTIONS and b in _SYMBOLS for a, b in pairwise(string)):
            raise InputError(f"probe {self.name}: a symbol of the stack follows an action")
        kept: list[str] = []
        pops = 0
        for token in reversed(string):
            if token == "pop":
                pops += 1
            elif pops:
                pops -= 1
            else:
                kept.append(token[-1])
        return [*kept, _END]
