import io

import numpy as np
import pytest
import torch
from shared.cells import PRESETS

from seqtag.errors import InputError
from seqtag.inspect.trace import check_layer, display_order, layer_names, trace, traces

SENTENCE = ["Anna", "left", "the", "king", "."]


def test_values_of_all_layers_and_directions(tagger):
    traced = trace(tagger, SENTENCE)
    assert traced.tokens == tuple(SENTENCE)
    assert list(traced.labels) == tagger.predict([SENTENCE])[0]
    assert list(traced.values) == layer_names(tagger.network.encoder)
    assert list(traced.values) == ["l0.fwd", "l0.bwd", "l1.fwd", "l1.bwd"]
    assert {name: v.shape for name, v in traced.values["l1.bwd"].items()} == dict.fromkeys(
        "ifzoch", (5, 5)
    )


def test_outputs_are_those_that_labels_are_predicted_from(tagger):
    traced = trace(tagger, SENTENCE)
    with torch.no_grad():
        y_BTH = tagger.network.encode(tagger.indexer.encode([SENTENCE]))
    top = [traced.values[layer]["h"] for layer in ("l1.fwd", "l1.bwd")]
    np.testing.assert_allclose(np.concatenate(top, axis=1), y_BTH[0], atol=1e-6)


def test_values_satisfy_the_equations_of_the_cell(build_tagger):
    values = trace(build_tagger(), SENTENCE).values["l0.fwd"]
    previous_TH = np.vstack([np.zeros((1, 5)), values["c"][:-1]])
    expected_TH = values["f"] * previous_TH + values["i"] * values["z"]
    np.testing.assert_allclose(values["c"], expected_TH, atol=1e-6)
    np.testing.assert_allclose(values["h"], values["o"] * np.tanh(values["c"]), atol=1e-6)


def test_a_tagger_with_characters_is_traced(build_tagger):
    tagger = build_tagger(characters={"size": 4, "filters": 3, "widths": [2, 3]})
    with torch.inference_mode():
        y_BTH = tagger.network.encode(tagger.indexer.encode([SENTENCE]))
    np.testing.assert_allclose(trace(tagger, SENTENCE).values["l0.fwd"]["h"], y_BTH[0], atol=1e-6)


def test_with_pieces_a_word_has_the_values_of_its_first_piece(build_tagger):
    tagger = build_tagger(pieces=True)
    tokens = ["Annaleft", "again", "."]
    inputs = tagger.indexer.encode([tokens])
    assert inputs["pieces_BS"].shape[1] > len(tokens)
    with torch.inference_mode():
        y_BTH = tagger.network.encode(inputs)
    traced = trace(tagger, tokens)
    np.testing.assert_allclose(traced.values["l0.fwd"]["h"], y_BTH[0], atol=1e-6)


def test_traces_of_many_sentences_equal_those_of_each_alone(build_tagger):
    tagger = build_tagger("gru")
    sentences = [SENTENCE[: 1 + n % 5] for n in range(70)]
    for tokens, traced in zip(sentences, traces(tagger, sentences), strict=True):
        alone = trace(tagger, tokens)
        assert traced.tokens == alone.tokens
        assert traced.labels == alone.labels
        for name, value_TH in alone.values["l0.fwd"].items():
            np.testing.assert_allclose(traced.values["l0.fwd"][name], value_TH, atol=1e-6)


def test_arrays_can_be_saved_without_pickle(tagger):
    traced = trace(tagger, ["Łódź", "\ud800", "left"])
    to = io.BytesIO()
    np.savez(to, allow_pickle=False, **traced.arrays())
    to.seek(0)
    read = np.load(to, allow_pickle=False)
    assert read["tokens"].tolist() == ["Łódź", "\ufffd", "left"]
    assert read["labels"].tolist() == list(traced.labels)
    np.testing.assert_array_equal(read["l1.bwd/f"], traced.values["l1.bwd"]["f"])


def test_a_sentence_without_words_is_refused(tagger):
    with pytest.raises(InputError, match="sentence 2 has no words"):
        next(traces(tagger, [SENTENCE, []]))


def test_the_closest_layer_is_suggested(tagger):
    assert check_layer(tagger.network.encoder, "l1.bwd") == "l1.bwd"
    with pytest.raises(InputError, match=r"unknown layer 'l0.forward' \(did you mean 'l0.fwd'\?\)"):
        check_layer(tagger.network.encoder, "l0.forward")


@pytest.mark.parametrize("name", PRESETS)
def test_every_traced_name_of_every_cell_has_a_description(name, build_tagger):
    tagger = build_tagger(name)
    cell = tagger.network.encoder.cell
    values = display_order(cell, trace(tagger, SENTENCE).values["l0.fwd"])
    assert all(len(cell.meanings[key]) > len(key) for key in values)
    assert list(values)[-1] == cell.states[0]


def test_the_meaning_of_z_and_n_depends_on_the_cell():
    assert PRESETS["lstm"].meanings["z"] == "cell input"
    assert PRESETS["gru"].meanings["z"] == "update gate"
    assert PRESETS["gru"].meanings["n"] == "candidate"
    assert PRESETS["slstm"].meanings["n"] == "normaliser"
