"""The memory that a network needs, against networks that are built."""

import pytest

from seqtag.errors import InputError
from seqtag.model.config import CharacterConfig, TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.model.size import least_weights, require_memory

SIZES = {
    **{"words": 500, "frequent_words": 500, "characters": 60, "cases": 8, "pieces": 0},
    "features": {},
}


@pytest.mark.parametrize("cell", ["lstm", "gru_reset_before", "fgr", "indrnn", "minlstm"])
@pytest.mark.parametrize(
    "config",
    [
        TaggerConfig(decoder="softmax"),
        TaggerConfig(decoder="softmax", num_layers=3, bidirectional=False, characters=None),
        TaggerConfig(
            decoder="softmax", language_model=0.1, characters=CharacterConfig(encoder="gru")
        ),
    ],
)
def test_nearly_all_weights_are_counted(cell, config):
    network = TaggerNetwork(config, cell, SIZES, 5)
    built = sum(weight.numel() for weight in network.parameters())
    counted = least_weights(config, cell, SIZES)
    assert counted <= built
    # What the characters add to the input of the first layer is left out.
    assert counted > 0.4 * built


@pytest.mark.parametrize(
    "sizes", [{"hidden_size": 2**20}, {"hidden_size": 2**20, "num_layers": 1000}]
)
def test_a_network_that_no_machine_holds_is_refused_before_it_is_built(sizes):
    with pytest.raises(InputError, match=r"^model: a network of this size needs [\d,]+ GB"):
        require_memory(TaggerConfig(**sizes), "lstm", SIZES)


def test_a_network_of_a_common_size_is_not():
    require_memory(TaggerConfig(), {"name": "lstm"}, SIZES)
