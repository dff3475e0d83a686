from __future__ import annotations

import json
import math
import stat

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.labels import Notation
from seqtag.model_folder import config as config_file
from seqtag.model_folder import folder as artifact
from seqtag.model_folder.folder import FILES, FORMAT
from seqtag.tagging.tagger import Tagger

TEXT = "Alex Graves is going to  Paris. Anna 💃 stays, really?"
READ = FILES[:-1]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"decoder": "softmax", "case_size": 2},
        {"scheme": "bio", "num_layers": 2, "layer_norm": True},
        {"encode": {"subwords": {"vocab_size": 40}}, "subword_size": 3, "words": None},
        {"characters": {"encoder": "gru", "hidden_size": 3}},
    ],
)
def test_a_loaded_tagger_equals_the_saved_one(tmp_path, build_tagger, options):
    tagger = build_tagger(**options)
    tagger.save(tmp_path / "model")
    loaded = Tagger.load(tmp_path / "model")
    assert loaded.tag(TEXT, probabilities=True) == tagger.tag(TEXT, probabilities=True)
    assert loaded.cell == tagger.cell
    assert loaded.data == tagger.data
    assert not loaded.network.training


def test_files_of_a_model_folder(tmp_path, tagger):
    figures = {"splits": {"test": {"accuracy": 0.9, "f1": math.nan, "tokens": np.int64(1200)}}}
    tagger.save(tmp_path / "new" / "model", figures)
    folder = tmp_path / "new" / "model"
    assert sorted(p.name for p in folder.iterdir()) == sorted(FILES)
    assert [p.name for p in folder.parent.iterdir()] == ["model"]
    assert len({stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}) == 1
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config["format"] == FORMAT
    assert config["figures"]["splits"]["test"] == {"accuracy": 0.9, "f1": None, "tokens": 1200}
    assert Tagger.load(folder).figures == config["figures"]


def test_a_version_that_reads_format_1_refuses_a_new_folder(tmp_path, tagger, monkeypatch):
    tagger.save(tmp_path / "model")
    monkeypatch.setattr(config_file, "FORMAT", 1)
    with pytest.raises(InputError, match=r"format 2, written by seqtag .* reads formats up to 1"):
        Tagger.load(tmp_path / "model")


def test_the_error_for_a_run_folder_names_its_model_folder(tmp_path, tagger):
    tagger.save(tmp_path / "model")
    with pytest.raises(InputError) as raised:
        Tagger.load(tmp_path)
    model = tmp_path / "model"
    assert str(raised.value) == f"{tmp_path} is a run folder; the model folder is {model}"
    (model / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json: is missing"):
        Tagger.load(tmp_path)


def test_saving_again_keeps_the_figures(tmp_path, tagger):
    tagger.save(tmp_path / "a", {"seconds": 3})
    Tagger.load(tmp_path / "a").save(tmp_path / "b")
    assert Tagger.load(tmp_path / "b").figures == {"seconds": 3}


def test_the_card_has_metadata_and_tables(tmp_path, tagger):
    from huggingface_hub import ModelCard

    per_label = {"PER": {"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 7}}
    scores = {"sentences": 3, "accuracy": 0.912, "f1": 0.5, "per_label": per_label}
    tagger.save(tmp_path / "my|model", {"splits": {"test": scores}})
    card = ModelCard.load(tmp_path / "my|model" / "README.md")
    assert card.text.lstrip().startswith("# Tagger of LOC, PER: BiLSTM-CRF\n")
    assert card.data.library_name == "seqtag"
    assert card.data.pipeline_tag == "token-classification"
    assert "| test | 3 | 91.20% | 50.00% |" in card.text
    assert "| `PER` | 50.00% | 100.00% | 66.67% | 7 |" in card.text
    assert "with their number in the test split: `LOC` (0), `PER` (7)." in card.text
    assert {result.metric_type for result in card.data.eval_results} == {"f1", "accuracy"}


def test_the_card_names_the_corpus_and_shows_no_accuracy_of_no_words(tmp_path, tagger):
    from huggingface_hub import ModelCard

    parts = {"probe": "pronoun", "path": str(tmp_path / "corpus"), "format": "probe"}
    named = Tagger(tagger.network, tagger.indexer, tagger.labels, tagger.cell, parts)
    scores = {"sentences": 3, "accuracy": 0.912, "unknown_accuracy": 0.0, "unknown_tokens": 0}
    named.save(tmp_path / "model", {"splits": {"test": scores}})
    card = ModelCard.load(tmp_path / "model" / "README.md").text
    assert "# Tagger of LOC, PER: BiLSTM-CRF on corpus\n" in card
    assert "| `probe` | pronoun |" in card
    assert "| `path` | corpus |" in card
    assert str(tmp_path) not in card
    assert "unknown" not in card
    named.save(tmp_path / "model", {"splits": {"test": scores | {"unknown_tokens": 2}}})
    assert "unknown_accuracy" in (tmp_path / "model" / "README.md").read_text()


def test_the_card_names_the_notation_of_the_corpus(tmp_path, tagger, plain_tagger):
    labels = LabelSet(tagger.labels.labels, "bioes", "bio", Notation("bmes", "_", suffix=True))
    written = Tagger(tagger.network, tagger.indexer, labels, "mgu")
    written.save(tmp_path / "written")
    card = (tmp_path / "written" / "README.md").read_text()
    assert "bmes, written TYPE_B and O; `--scheme corpus` writes them so." in card
    assert "# Tagger of LOC, PER: bidirectional mgu-CRF\n" in card
    plain_tagger.save(tmp_path / "plain")
    assert "# Tagger of 3 labels: BiLSTM-CRF\n" in (tmp_path / "plain" / "README.md").read_text()


def test_heads_of_the_language_model_are_not_saved(tmp_path, build_tagger):
    tagger = build_tagger(language_model=0.1)
    tagger.save(tmp_path / "model")
    assert not any("language" in name for name in load_file(tmp_path / "model/model.safetensors"))
    assert Tagger.load(tmp_path / "model").tag(TEXT) == tagger.tag(TEXT)


def test_saving_over_a_folder_replaces_it_and_keeps_other_files(folder, build_tagger):
    (folder / ".git").mkdir()
    (folder / "notes.txt").write_text("mine")
    other = build_tagger(hidden_size=7)
    other.save(folder)
    assert Tagger.load(folder).network.config.hidden_size == 7
    assert sorted(p.name for p in folder.iterdir()) == sorted([*FILES, ".git", "notes.txt"])
    assert [p.name for p in folder.parent.iterdir()] == ["model"]


def test_saving_through_a_link_replaces_what_it_points_to(tmp_path, folder, tagger):
    (tmp_path / "link").symlink_to(folder)
    tagger.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert Tagger.load(folder).labels.labels == tagger.labels.labels


@pytest.mark.parametrize("what", ["file", "other"])
def test_saving_does_not_replace_other_folders_or_files(tmp_path, tagger, what):
    place = tmp_path / "place"
    if what == "file":
        place.write_text("mine")
    else:
        place.mkdir()
        (place / "thesis.tex").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="place: "):
        tagger.save(place)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failure_while_saving_leaves_the_old_folder(folder, tagger, monkeypatch):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    monkeypatch.setattr(artifact, "save_file", _no_space)
    with pytest.raises(InputError, match="No space"):
        tagger.save(folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert [p.name for p in folder.parent.iterdir()] == ["model"]


def _no_space(*args, **keywords):
    raise OSError(28, "No space left on device")


def test_loading_does_not_change_the_random_state(folder):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    Tagger.load(folder)
    assert torch.equal(torch.rand(3), expected)


def test_a_folder_of_links_loads(tmp_path, folder):
    # The cache of the Hugging Face hub stores files as links.
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in READ:
        (linked / name).symlink_to(folder / name)
    assert Tagger.load(linked).tag("Alex.") == Tagger.load(folder).tag("Alex.")
