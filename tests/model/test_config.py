"""Network configurations: invalid ones are refused with the name of the key."""

import json

import pytest

from seqtag.checks import from_plain
from seqtag.errors import InputError
from seqtag.model.config import CharacterConfig, TaggerConfig, WordConfig


@pytest.mark.parametrize(
    "config",
    [
        TaggerConfig(),
        TaggerConfig(words=None, characters=CharacterConfig(encoder="gru", widths=(3,))),
        TaggerConfig(words=WordConfig(7), characters=None, decoder="softmax", language_model=0.1),
    ],
)
def test_a_saved_configuration_is_read_back_unchanged(config):
    plain = json.loads(json.dumps(config.to_plain()))
    assert from_plain(TaggerConfig, plain, "model") == config


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"hidden_size": 0}, "hidden_size"),
        ({"num_layers": 1.5}, "num_layers"),
        ({"feature_size": True}, "feature_size"),
        ({"case_size": -1}, "case_size"),
        ({"subword_size": None}, "subword_size"),
        ({"input_dropout": 1.0}, "input_dropout"),
        ({"word_dropout": -0.1}, "word_dropout"),
        ({"output_dropout": "half"}, "output_dropout"),
        ({"layer_dropout": None}, "layer_dropout"),
        ({"locked_dropout": float("nan")}, "locked_dropout"),
        ({"decoder": "crv"}, "did you mean 'crf'"),
        ({"language_model": -1}, "language_model"),
        ({"language_model": "yes"}, "language_model"),
        ({"language_model_words": 1}, "language_model_words"),
        ({"language_model": 0.1, "bidirectional": False}, "both directions"),
        ({"words": 100}, "words must be"),
        ({"characters": "cnn"}, "characters must be"),
        ({"words": {"sice": 3}}, "words: unknown key 'sice' .did you mean 'size'"),
        ({"words": {"size": 0}}, "model.words.size must be"),
        ({"words": {"unknown_probability": 2}}, "unknown_probability"),
        ({"characters": {"widths": []}}, "model.characters.widths must be"),
        ({"characters": {"widths": 3}}, "widths"),
        ({"characters": {"widths": [2, 0]}}, "widths"),
        ({"characters": {"widths": "23"}}, "widths"),
        ({"characters": {"filters": None}}, "filters"),
        ({"characters": {"dropout": "a"}}, "dropout"),
        ({"hiden_size": 5}, "did you mean 'hidden_size'"),
    ],
)
def test_invalid_configurations_are_refused(wrong, key):
    with pytest.raises(InputError, match=key):
        from_plain(TaggerConfig, wrong, "model")
