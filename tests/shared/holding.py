"""A probe that asks for the first symbol, and a tagger made by hand that holds it in one unit."""

from types import MappingProxyType

import torch

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.data.encode.labelset import LabelSet
from seqtag.model.config import TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.probes.synthetic import Synthetic, at_end, noise
from seqtag.recurrent.engines.registry import set_engine
from seqtag.study.inside import Wanted
from seqtag.study.silencing import Silencing
from seqtag.tagging.tagger import Tagger

UNITS, UNIT = 6, 3
VALUES = {"x": 1.0, "y": 0.0, "z": -1.0}
NOISE = "abcde"
# A short inspection: number of sentences, and what is read and silenced.
SENTENCES = 30
WANTED = Wanted(names=("c",), silencing=Silencing("", "", groups=4))


class FirstSymbol(Synthetic):
    """Which symbol came first: x, y or z?"""

    name = "first_symbol"
    version = 1
    labels = ("x", "y", "z")
    bidirectional_safe = True
    axis = "gap"
    unit = "symbols between first and last"
    training = MappingProxyType({"gap": range(1, 9)})
    evaluation = MappingProxyType({"gap": (1, 20)})
    quick = MappingProxyType({"gap": (1, 20)})

    def write(self, random, answers, factors):
        tokens = [answers[0], *noise(random, NOISE, factors["gap"]), "?"]
        return tokens, [len(tokens) - 1], [0]

    def oracle(self, tokens):
        return at_end(tokens, tokens[0])


def holding_tagger() -> Tagger:
    """Return an LSTM whose unit 3 holds the first symbol; the others hold small random values."""
    torch.manual_seed(0)
    words = [*VALUES, *NOISE, "?"]
    indexer = Indexer.fit([{"tokens": words}], EncodeConfig(), ())
    labels = LabelSet(list(VALUES), "plain", "plain")
    config = TaggerConfig(
        words={"size": 3},
        characters=None,
        hidden_size=UNITS,
        bidirectional=False,
        decoder="softmax",
    )
    network = TaggerNetwork(config, "lstm", indexer.inputs, len(labels), labels.transitions)
    set_engine(network, "reference")
    with torch.no_grad():
        (table,) = (p for name, p in network.named_parameters() if name.startswith("embedding"))
        for number, word in enumerate(words):
            row = indexer.encode([[word]])["words_BT"][0, 0]
            # The symbol's value, whether there is one, and a number that differs for each word.
            vector = [VALUES.get(word, 0.0), float(word in VALUES), number / len(words)]
            table[row] = torch.tensor(vector)
        layer = network.recurrent.layers[0]["fwd"]
        weight, bias = (x.unflatten(0, (-1, UNITS)) for x in (layer.weight_input, layer.bias))
        layer.weight_recurrent.mul_(0.1)
        layer.weight_recurrent.unflatten(0, (-1, UNITS))[:, UNIT] = 0
        weight[:, UNIT], bias[:, UNIT] = 0.0, 20.0
        gates = {gate: number for number, gate in enumerate(network.recurrent.cell.gates)}
        weight[gates["i"], UNIT, 1], bias[gates["i"], UNIT] = 40.0, -20.0
        weight[gates["f"], UNIT, 1] = -40.0
        weight[gates["z"], UNIT, 0], bias[gates["z"], UNIT] = 2.0, 0.0
        network.projection.weight.zero_()
        names = labels.labels
        network.projection.weight[names.index("x"), UNIT] = 10.0
        network.projection.weight[names.index("z"), UNIT] = -10.0
        network.projection.bias.zero_()
        network.projection.bias[names.index("y")] = 3.0
    return Tagger(network, indexer, labels, {"name": "lstm"}, {"probe": "first_symbol"})
