"""The memory that a network needs, computed before it is built."""

import pytest
import torch

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.errors import InputError
from seqtag.model.config import CharacterConfig, TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.model.size import meta_network, require_memory

INPUTS = Indexer.fit([{"tokens": ["a", "b"]}], EncodeConfig(), ()).inputs


@pytest.mark.parametrize("cell", ["lstm", "gru_reset_before", "minlstm"])
@pytest.mark.parametrize("characters", ["cnn", "gru"])
def test_a_meta_network_has_the_shapes_of_the_network(cell, characters):
    config = TaggerConfig(
        num_layers=2, language_model=0.1, characters=CharacterConfig(encoder=characters)
    )
    before = torch.get_rng_state()
    shapes = {n: p.shape for n, p in meta_network(config, cell, INPUTS, 5).named_parameters()}
    assert torch.get_rng_state().equal(before)
    built = TaggerNetwork(config, cell, INPUTS, 5)
    assert shapes == {name: weight.shape for name, weight in built.named_parameters()}


@pytest.mark.parametrize(
    "sizes", [{"hidden_size": 2**20}, {"hidden_size": 2**20, "num_layers": 1000}]
)
def test_a_network_larger_than_memory_is_refused_before_it_is_built(sizes):
    with pytest.raises(InputError, match=r"^model: a network of this size needs [\d,]+ GB"):
        require_memory(TaggerConfig(**sizes), "lstm", INPUTS, 5)


def test_a_network_of_a_common_size_is_accepted():
    require_memory(TaggerConfig(), {"name": "lstm"}, INPUTS, 5)
