"""States at each word, of recurrent encoders and Transformers."""

import numpy as np
import pytest
import torch

from seqtag.errors import InputError
from seqtag.inspect.states import check_state, encoder_states
from seqtag.inspect.trace import trace

WORDS = ["Anna", "saw", "Paris", "."]


def test_a_recurrent_encoder_has_its_traces(tagger):
    (states,) = encoder_states(tagger, [WORDS])
    values = trace(tagger, WORDS).values
    assert list(states) == ["l0.fwd", "l0.bwd", "l1.fwd", "l1.bwd"]
    assert list(states["l0.fwd"]) == ["i", "f", "o", "z", "c", "h"]
    assert (states["l1.bwd"]["c"] == values["l1.bwd"]["c"]).all()


@pytest.mark.parametrize("cell", ["mlstm", "mamba2", "slstm", "lem"])
def test_every_gate_and_state_is_a_vector_at_each_word(cell, build_tagger):
    tagger = build_tagger(cell, hidden_size=8)
    (states,) = encoder_states(tagger, [WORDS])
    assert all(value.ndim == 2 and len(value) == 4 for value in states["l0.fwd"].values())


@pytest.mark.parametrize("pieces", [False, True])
def test_a_transformer_has_the_output_of_each_layer(pieces, build_tagger):
    tagger = build_tagger(pieces=pieces, encoder="transformer", hidden_size=8, num_layers=2)
    sentences = [WORDS, ["Anna"], [*WORDS, *WORDS]]
    alone = [next(encoder_states(tagger, [words])) for words in sentences]
    for words, states, own in zip(sentences, encoder_states(tagger, sentences), alone, strict=True):
        assert {layer: list(values) for layer, values in states.items()} == {
            "l0": ["y"],
            "l1": ["y"],
        }
        for layer, values in states.items():
            assert values["y"].shape == (len(words), 8)
            assert np.allclose(values["y"], own[layer]["y"], atol=1e-5)
    inputs = tagger.read([WORDS])
    with torch.inference_mode():
        last = tagger.network.encoder.norm(torch.from_numpy(alone[0]["l1"]["y"]))
        assert torch.allclose(last, tagger.network.encode(inputs)[0], atol=1e-5)


def test_unknown_layers_and_states_are_refused(tagger, build_tagger):
    with pytest.raises(InputError, match="unknown layer"):
        check_state(tagger, "l2.fwd", None)
    with pytest.raises(InputError, match="unknown gate or state 'q'; known: c, f, h, i, o, z"):
        check_state(tagger, "l0.fwd", ["h", "q"])
    transformer = build_tagger(encoder="transformer", hidden_size=8)
    check_state(transformer, "l0", ["y"])
    with pytest.raises(InputError, match="unknown layer"):
        check_state(transformer, "l0.fwd", None)
