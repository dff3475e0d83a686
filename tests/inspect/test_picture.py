"""The data of the interactive picture."""

import base64
import json

import numpy as np
import pytest

from seqtag.errors import InputError
from seqtag.inspect import picture
from seqtag.inspect.picture import picture_data, trace_data
from seqtag.inspect.trace import trace

WORDS = ["Anna", "saw", "Zyx", "."]


def unpacked(packed, shape):
    kind = "<u2" if packed["bits"] == 16 else "u1"
    whole = np.frombuffer(base64.b64decode(packed["data"]), kind).reshape(shape)
    return packed["low"] + whole * (packed["high"] - packed["low"]) / (2 ** packed["bits"] - 1)


def test_the_values_are_those_of_the_trace(tagger):
    data = trace_data(tagger, WORDS, "one")
    traced = trace(tagger, WORDS)
    assert [layer["name"] for layer in data["layers"]] == list(traced.values)
    for layer in data["layers"]:
        assert layer["units"] == 5
        for name, value_TH in traced.values[layer["name"]].items():
            packed = layer["values"][name]
            read_TH = unpacked(packed, value_TH.shape)
            np.testing.assert_allclose(read_TH, value_TH, atol=packed["high"] / 20_000)
            assert (packed["low"], packed["high"]) == (0, 1) or packed["low"] == -packed["high"]


def test_words_labels_and_probabilities(tagger):
    data = trace_data(tagger, WORDS)
    assert (data["name"], data["cell"]) == ("lstm", "lstm")
    assert (data["tokens"], data["unknown"]) == (WORDS, [2])
    ((_, p_1TK),) = tagger.probabilities([WORDS])
    read_TK = unpacked(data["probabilities"], p_1TK[0].shape)
    np.testing.assert_allclose(read_TK, p_1TK[0], atol=1 / 255)
    best = [data["label_names"][k] for k in read_TK.argmax(axis=1)]
    assert best == data["labels"]
    assert data["codes"] == data["persons"] == data["guide"] == []
    assert data["code"] is None


def test_the_data_are_json_and_long_sentences_take_a_byte_for_a_value(tagger, monkeypatch):
    whole = json.dumps(picture_data([trace_data(tagger, WORDS)]), allow_nan=False)
    monkeypatch.setattr(picture, "_MOST_PRECISE", 10)
    small = json.dumps(picture_data([trace_data(tagger, WORDS)]), allow_nan=False)
    assert len(small) < len(whole)
    assert {v["bits"] for v in trace_data(tagger, WORDS)["layers"][0]["values"].values()} == {8}


def test_control_characters_are_escaped_and_direction_is_found(tagger):
    data = trace_data(tagger, ["<b>", "\u202eleft", "\ud800"])
    assert data["tokens"] == ["<b>", "\\u202eleft", "�"]
    assert not data["rtl"]
    assert trace_data(tagger, ["שלום", "עולם", "a"])["rtl"]


def test_values_that_the_definition_does_not_explain_are_in_a_last_step(build_tagger):
    tagger = build_tagger("lstm")
    walk = trace_data(tagger, WORDS)["walk"]
    assert [step["title"] for step in walk] == ["throw away", "store", "update", "output"]
    explained = type(tagger.network.recurrent.cell).walk
    try:
        type(tagger.network.recurrent.cell).walk = ()
        (rest,) = trace_data(tagger, WORDS)["walk"]
    finally:
        type(tagger.network.recurrent.cell).walk = explained
    assert rest["title"] == "other values"
    assert set(rest["values"]) == set("ifzoch")


def test_sentences_that_are_too_long_or_empty_are_refused(tagger):
    with pytest.raises(InputError, match=r"the sentence has 2,001 words; .* at most 2,000"):
        trace_data(tagger, ["a"] * 2001)
    with pytest.raises(InputError, match="has no words"):
        trace_data(tagger, [])
