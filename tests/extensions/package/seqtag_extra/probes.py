"""A probe: was the first symbol an x or a y?"""

from seqtag.probes import register
from seqtag.probes.synthetic import Synthetic, at_end, noise


@register("mine")
class FirstSymbol(Synthetic):
    """Which symbol came first."""

    name = "mine"
    version = 1
    labels = ("x", "y")
    bidirectional_safe = True
    axis = "gap"
    unit = "symbols between first and last"
    training = {"gap": range(1, 4)}
    evaluation = {"gap": (1, 3, 9)}
    quick = evaluation

    def why_impossible(self, factors):
        return ""

    def write(self, random, answers, factors):
        tokens = [answers[0], *noise(random, "ab", factors["gap"]), "?"]
        return tokens, [len(tokens) - 1], [0]

    def oracle(self, tokens):
        return at_end(tokens, tokens[0])

    def baselines(self):
        return {}
