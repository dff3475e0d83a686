"""Log lines for options that set keys of other groups; errors for unknown presets."""

import pytest

from seqtag.commands.launch import launch
from seqtag.errors import InputError


@pytest.fixture
def logged(tmp_path, monkeypatch, capsys):
    """Return a function that launches a verb and returns the lines of the log."""
    monkeypatch.chdir(tmp_path)

    def run(verb, *arguments):
        assert launch(verb, lambda settings: 0, list(arguments)) == 0
        return [line.partition(" ")[2] for line in capsys.readouterr().err.splitlines()]

    return run


def test_a_preset_is_logged_with_the_keys_that_it_sets(logged):
    (line,) = [line for line in logged("train") if line.startswith("preset=")]
    assert line.startswith("preset=pronoun sets model.characters=null, model.decoder=softmax")
    assert line.endswith("(switch off with ~preset)")


def test_an_overridden_key_is_not_logged_with_the_preset(logged):
    (line,) = [line for line in logged("train", "model.decoder=crf") if "preset" in line]
    assert "model.decoder" not in line


def test_nothing_is_logged_without_a_preset(logged):
    assert not [line for line in logged("train", "~preset") if "preset" in line]


def test_a_regime_is_logged_with_the_keys_of_other_groups(logged):
    lines = [line for line in logged("probe", "regime=reach") if line.startswith("regime=")]
    assert lines == ["regime=reach sets optimizer.weight_decay=0.3"]
    lines = logged("probe", "probe=recall")
    assert "regime=reach sets optimizer.weight_decay=0.01" in lines


def test_settings_of_training_are_not_logged_without_a_training(logged):
    assert any("preset=" in line for line in logged("probe"))
    lines = logged("probe", "model_dir=x")
    assert not [line for line in lines if line.startswith(("preset=", "regime="))]


def test_a_preset_from_a_config_dir(logged, tmp_path):
    folder = tmp_path / "mine" / "preset"
    folder.mkdir(parents=True)
    (folder / "wide.yaml").write_text("# @package _global_\nmodel:\n  hidden_size: 300\n")
    lines = logged("train", "--config-dir", str(folder.parent), "preset=wide")
    assert any(line.startswith("preset=wide sets model.hidden_size=300") for line in lines)


def test_an_unknown_preset_is_refused(logged):
    with pytest.raises(InputError, match=r"unknown preset 'pronuon' \(did you mean 'pronoun'\?\)"):
        logged("train", "preset=pronuon")
