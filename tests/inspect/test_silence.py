"""Silenced units: the same as weights without their columns; their mean; what is refused."""

import numpy as np
import pytest
import torch

from seqtag.errors import InputError
from seqtag.inspect.silence import silenced

WORDS = [["Anna", "and", "the", "old", "king", "saw", "Paris", "."], ["Anna", "left"]]
CELLS = ("lstm", "lstm_peephole", "gru", "rnn", "gru_reset_before", "cornn", "lem", "mingru", "brc")
MATRIX = ("mlstm", "gated_deltanet", "mamba2")


def probabilities(tagger):
    """Return the probabilities of all words (N, K)."""
    rows = {}
    for numbers, p_BTK in tagger.probabilities(WORDS):
        rows |= dict(zip(numbers, p_BTK, strict=True))
    return torch.cat([rows[number][: len(words)] for number, words in enumerate(WORDS)])


def without_columns(tagger, layer, units):
    """Set the weights that read some units of a layer to 0, in place: an independent oracle."""
    encoder = tagger.network.recurrent
    index, way = int(layer[1]), layer[3:]
    direction = encoder.layers[index][way]
    offset = 0 if way == "fwd" else encoder.hidden_size
    with torch.no_grad():
        for name, weight in direction.named_parameters():
            if name.startswith(("weight_recurrent", "weight_inner")):
                weight[:, units] = 0
        columns = [offset + unit for unit in units]
        if index + 1 < encoder.num_layers:
            for reader in encoder.layers[index + 1].values():
                reader.weight_input[:, columns] = 0
        else:
            tagger.network.projection.weight[:, columns] = 0


@pytest.mark.parametrize("cell", [*CELLS, *MATRIX])
def test_units_are_silenced_as_without_the_weights_that_read_them(cell, build_tagger):
    tagger = build_tagger(cell, hidden_size=8 if cell in MATRIX else 5)
    before = probabilities(tagger)
    found = probabilities(silenced(tagger, "l0.fwd", [1, 4]))
    assert torch.equal(probabilities(tagger), before)
    without_columns(tagger, "l0.fwd", [1, 4])
    assert torch.allclose(found, probabilities(tagger), atol=1e-6)
    assert (found - before).abs().max() > 1e-5


@pytest.mark.parametrize("layer", ["l0.fwd", "l0.bwd", "l1.bwd"])
def test_layers_and_directions(layer, build_tagger):
    tagger = build_tagger(bidirectional=True, num_layers=2)
    found = probabilities(silenced(tagger, layer, [0, 3]))
    without_columns(tagger, layer, [0, 3])
    assert torch.allclose(found, probabilities(tagger), atol=1e-6)


def test_the_mean_of_a_unit_that_is_constant_changes_nothing(build_tagger):
    tagger = build_tagger("rnn")
    with torch.no_grad():
        layer = tagger.network.recurrent.layers[0]["fwd"]
        layer.weight_input[2], layer.weight_recurrent[2], layer.bias[2] = 0.0, 0.0, 0.7
        # The unit is 0 before the first word; what reads it through R then must not differ.
        layer.weight_recurrent[:, 2] = 0.0
    fill = {"h": [0, 0, np.tanh(0.7), 0, 0]}
    same = probabilities(silenced(tagger, "l0.fwd", [2], fill))
    assert torch.allclose(same, probabilities(tagger), atol=1e-6)
    assert not torch.allclose(
        probabilities(silenced(tagger, "l0.fwd", [2])), probabilities(tagger), atol=1e-4
    )


def test_the_mean_is_read_through_r(build_tagger):
    tagger = build_tagger("rnn")
    fill = {"h": [0.3] * 5}
    found = probabilities(silenced(tagger, "l0.fwd", [2], fill))
    weights = tagger.network.recurrent.layers[0]["fwd"]
    x_BTD = tagger.network.embedding(tagger.read(WORDS))[:1]
    h, logits = torch.zeros(5), []
    for x_D in x_BTD[0]:
        read = h.clone()
        read[2] = 0.3 if logits else 0.0
        h = torch.tanh(weights.weight_input @ x_D + weights.weight_recurrent @ read + weights.bias)
        shown = h.clone()
        shown[2] = 0.3
        logits.append(tagger.network.projection(shown))
    assert torch.allclose(found[:8], torch.stack(logits).softmax(1), atol=1e-6)


def test_all_engines_agree(build_tagger):
    from seqtag.recurrent.engines.registry import set_engine

    found = {}
    for engine in ("reference", "loop"):
        tagger = build_tagger("gru")
        set_engine(tagger.network, engine)
        found[engine] = probabilities(silenced(tagger, "l0.fwd", [1], {"h": [0.2] * 5}))
    assert torch.allclose(found["reference"], found["loop"], atol=1e-6)


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ([], "no unit to silence is given"),
        ([5], "unit 5: the layer has 5 units, 0 to 4"),
        ([-1], "unit -1"),
        ([2, 2], "2 is given twice"),
        ([0, 1, 2, 3, 4], "all 5 units of the layer would be silenced"),
    ],
)
def test_groups_that_make_no_sense_are_refused(units, message, build_tagger):
    with pytest.raises(InputError, match=message):
        silenced(build_tagger(), "l0.fwd", units)


def test_an_unknown_layer_and_another_encoder_are_refused(build_tagger):
    with pytest.raises(InputError, match="unknown layer"):
        silenced(build_tagger(), "l0.bwd", [0])
    transformer = build_tagger(encoder="transformer", hidden_size=8)
    with pytest.raises(InputError, match="is not recurrent"):
        silenced(transformer, "l0.fwd", [0])
