"""The memory of a network before it is built, and hidden sizes for a number of parameters."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.data.encode.indexer import EncodeConfig, Indexer
from seqtag.errors import InputError
from seqtag.model.config import CharacterConfig, TaggerConfig
from seqtag.model.network import TaggerNetwork
from seqtag.model.size import (
    count_parameters,
    hidden_size_for,
    meta_network,
    require_memory,
    with_parameters,
)
from seqtag.recurrent.layer import Recurrent

FORWARD = TaggerConfig(num_layers=1, bidirectional=False)
BIDIRECTIONAL = TaggerConfig(num_layers=2)
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


@settings(derandomize=True, deadline=None, max_examples=20)
@given(
    st.sampled_from(["lstm", "gru", "rnn", "cifg", "lstm_peephole"]),
    st.integers(2000, 200_000),
    st.sampled_from([FORWARD, BIDIRECTIONAL]),
)
def test_the_hidden_size_is_the_closest_to_a_number_of_parameters(cell, parameters, model):
    units = hidden_size_for(cell, parameters, 16, model)

    def distance(hidden_size: int) -> int:
        layer = Recurrent(cell, 16, hidden_size, model.num_layers, model.bidirectional)
        return abs(count_parameters(layer) - parameters)

    assert distance(units) <= min(distance(units + 1), distance(max(1, units - 1)))


def test_too_few_parameters_are_refused():
    with pytest.raises(InputError, match="is too small: one unit of this cell has 72"):
        hidden_size_for("lstm", 10, 16, FORWARD)


def test_heads_divide_the_hidden_size():
    units = hidden_size_for({"name": "mlstm", "heads": 6}, 20_000, 16, FORWARD)
    assert units % 6 == 0

    def distance(hidden_size: int) -> int:
        layer = Recurrent({"name": "mlstm", "heads": 6}, 16, hidden_size)
        return abs(count_parameters(layer) - 20_000)

    assert distance(units) == min(distance(units - 6), distance(units), distance(units + 6))


@pytest.mark.parametrize("cell", ["gru", "mlstm"])
@pytest.mark.parametrize("encoder", [None, "transformer"])
def test_an_encoder_that_reads_words_and_characters_gets_its_parameters(cell, encoder):
    config = TaggerConfig(num_layers=2, encoder=encoder)
    before = torch.get_rng_state()
    sized = with_parameters(config, cell, INPUTS, 50_000)
    assert torch.get_rng_state().equal(before)
    built = TaggerNetwork(sized, cell, INPUTS, 5)
    assert built.input_size == 300
    assert count_parameters(built.encoder) == pytest.approx(50_000, rel=0.1)
    assert with_parameters(sized, cell, INPUTS, count_parameters(built.encoder)) == sized
