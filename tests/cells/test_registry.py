"""The registry builds what it knows and names what it does not."""

import dataclasses
import pickle

import pytest

from seqtag.cells import PRESETS, Gru, Lstm, Rnn, build_cell, describe
from seqtag.errors import InputError


def test_names_and_mappings():
    assert build_cell("lstm") == Lstm()
    assert build_cell({"name": "lstm", "forget_bias": 0}) == Lstm(forget_bias=0)
    assert build_cell({"name": "rnn", "activation": "relu"}) == Rnn("relu")
    assert build_cell(Gru()) == Gru()


@pytest.mark.parametrize("name", PRESETS)
def test_plain_values_build_the_same_spec(name):
    spec = build_cell(name)
    assert build_cell({"name": name, **describe(spec)}) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.anything = 1


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("lstn", "unknown cell 'lstn'.*did you mean 'lstm'"),
        ("os.system", "unknown cell"),
        ({"name": "lstm", "forget_bais": 1.0}, "'forget_bais'.*did you mean 'forget_bias'"),
        ({"name": "gru", "forget_bias": 1.0}, "cell 'gru': unknown key 'forget_bias'"),
        ({"forget_bias": 1.0}, "'name' is missing"),
        ({"name": ["lstm"]}, "unknown cell"),
        ({"name": "lstm", "forget_bias": "1"}, "forget_bias must be a finite number"),
        ({"name": "lstm", "forget_bias": float("nan")}, "forget_bias must be a finite number"),
        ({"name": "lstm", "forget_bias": True}, "forget_bias must be a finite number"),
        ({"name": "rnn", "activation": "rellu"}, "did you mean 'relu'"),
        ({"name": "rnn", "activation": ["relu"]}, "unknown activation"),
        (3, "a cell is a name or a mapping"),
    ],
)
def test_mistakes(cell, message):
    with pytest.raises(InputError, match=message):
        build_cell(cell)
