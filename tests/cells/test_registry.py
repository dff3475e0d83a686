"""The registry builds cells by name, and names mistakes."""

import dataclasses
import json
import pickle
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from shared.cells import ALL as PRESETS

from seqtag import cells
from seqtag.cells import Gru, Lstm, Rnn, build_cell, describe
from seqtag.errors import InputError

CONF = Path(__file__).parents[2] / "conf"


def test_cells_are_built_from_names_and_mappings():
    assert build_cell("lstm") == Lstm()
    assert build_cell({"name": "lstm", "forget_bias": 0}) == Lstm(forget_bias=0)
    assert build_cell({"name": "rnn", "activation": "relu"}) == Rnn("relu")
    assert build_cell(Gru()) == Gru()


@pytest.mark.parametrize("name", PRESETS)
def test_plain_values_build_the_same_spec(name):
    spec = build_cell(name)
    fields = describe(spec)
    assert json.loads(json.dumps(fields)) == fields
    assert build_cell({"name": name, **fields}) == spec
    # Any name of the family gives the same cell, because all fields are set.
    family = next(n for n, cell in PRESETS.items() if type(cell) is type(spec))
    assert build_cell({"name": family, **fields}) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.anything = 1


@pytest.mark.parametrize("name", PRESETS)
def test_repr_evaluates_to_the_spec(name):
    names = {public: getattr(cells, public) for public in cells.__all__}
    assert eval(repr(PRESETS[name]), names) == PRESETS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_docstrings_give_shapes_and_source(name):
    text = type(PRESETS[name]).__doc__
    assert "W (" in text
    assert "Source: " in text
    for field in dataclasses.fields(PRESETS[name]):
        assert f"        {field.name}: " in text, field.name


def test_there_is_a_config_for_each_preset():
    assert {path.stem for path in (CONF / "cell").glob("*.yaml")} == set(PRESETS)


def test_the_readme_lists_every_name():
    pages = (CONF.parent / "README.md", CONF.parent / "seqtag" / "cells" / "README.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages if page.is_file())
    assert [name for name in PRESETS if f"`{name}`" not in text] == []


def composed(*overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.to_container(compose(overrides=list(overrides)).cell)


@pytest.mark.parametrize("name", PRESETS)
def test_configs_equal_the_presets(name):
    assert composed(f"+cell={name}") == {"name": name, **describe(PRESETS[name])}


def test_options_of_a_config_can_be_overridden():
    cell = build_cell(composed("+cell=lstm_peephole", "cell.peepholes=[o,i]"))
    assert cell == Lstm(peepholes=("i", "o"))
    cell = build_cell(composed("+cell=cifg", "cell.chrono=50", "cell.output_gate=none"))
    assert cell == Lstm(input_gate="coupled", output_gate="none", chrono=50)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("lstn", "unknown cell 'lstn'.*did you mean 'lstm'"),
        ("os.system", "unknown cell"),
        ({"name": "lstm", "forget_bais": 1.0}, "'forget_bais'.*did you mean 'forget_bias'"),
        ("lstm_peepholes", "unknown cell 'lstm_peepholes'.*did you mean 'lstm_peephole'"),
        ({"name": "nig", "peepholes": ["i"]}, "cell 'nig': peepholes: i cannot have one"),
        ({"name": "nfg", "chrono": 9}, "cell 'nfg': chrono starts the forget gate"),
        ({"name": "gru", "chrono": 2}, "cell 'gru': chrono must be 0"),
        ({"name": "janet", "beta": "1"}, "beta must be a finite number"),
        ({"name": "indrnn", "activation": "identity"}, "unknown activation 'identity'"),
        ({"name": "mingru", "forget_bias": 1.0}, "cell 'mingru': unknown key 'forget_bias'"),
        ({"name": "gru", "forget_bias": 1.0}, "cell 'gru': unknown key 'forget_bias'"),
        ({"forget_bias": 1.0}, "'name' is missing"),
        ({"name": ["lstm"]}, "unknown cell"),
        ({"name": "lstm", "forget_bias": "1"}, "forget_bias must be a finite number"),
        ({"name": "lstm", "forget_bias": float("nan")}, "forget_bias must be a finite number"),
        ({"name": "lstm", "forget_bias": True}, "forget_bias must be a finite number"),
        ({"name": "rnn", "activation": "rellu"}, "did you mean 'relu'"),
        ({"name": "rnn", "activation": ["relu"]}, "activation must be text, not"),
        (3, "a cell is a name or a mapping"),
    ],
)
def test_invalid_descriptions_are_refused(cell, message):
    with pytest.raises(InputError, match=message):
        build_cell(cell)
