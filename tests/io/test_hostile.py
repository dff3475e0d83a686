"""Folders that are damaged, or that somebody made to do harm."""

from __future__ import annotations

import json
import os
import pickle
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer as Subwords
from tokenizers import models

from seqtag.errors import InputError
from seqtag.io.artifact import FILES, FORMAT, load_folder
from seqtag.io.tagger import Tagger

READ = FILES[:-1]


def change(path: Path, **values) -> None:
    """Set keys of a JSON file; a dotted key goes down, None of a key removes nothing."""
    content = json.loads(path.read_text("utf-8"))
    for key, value in values.items():
        *above, last = key.split("__")
        place = content
        for part in above:
            place = place[part]
        place[last] = value
    path.write_text(json.dumps(content), "utf-8")


def test_no_folder(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        load_folder(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        load_folder(tmp_path / "file")


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("damage", ["missing", "empty", "short", "noise", "folder", "list"])
def test_a_damaged_file_is_named(folder, name, damage):
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        noise = bytes(range(255, 0, -1)) * 4
        cut = {"empty": b"", "short": content[: len(content) // 2], "noise": noise, "list": b"[]"}
        path.write_bytes(cut[damage])
    with pytest.raises(InputError, match=name):
        load_folder(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_no_file(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(InputError, match="no regular file"):
        load_folder(folder)


@pytest.mark.parametrize("number", [FORMAT + 1, 10**30])
def test_a_later_format_is_refused_with_what_to_do(folder, number):
    change(folder / "config.json", format=number, seqtag="9.0", surprise={"new": "things"})
    with pytest.raises(InputError, match=r"seqtag '9.0'.*pip install --upgrade seqtag"):
        load_folder(folder)


class _Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("name", READ)
def test_a_pickle_is_not_opened(folder, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (folder / name).write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(InputError, match=name):
        load_folder(folder)
    torch.save({"x": _Bomb()}, folder / name)
    with pytest.raises(InputError, match=name):
        load_folder(folder)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 0}, "not a format"),
        ({"format": "1"}, "not a format"),
        ({"format": True}, "not a format"),
        ({"_target_": "os.system"}, "unknown key '_target_'"),
        ({"model": None}, "'model'"),
        ({"cell": 3}, "'cell'"),
        ({"data": "x"}, "'data'"),
        ({"cell": "os.system"}, "unknown cell 'os.system'"),
        ({"cell": {"_target_": "os.system"}}, "'name' is missing"),
        ({"cell": {"name": "lstm", "_target_": "os.system"}}, "unknown key '_target_'"),
        ({"cell": {"name": ["lstm"]}}, "unknown cell"),
        ({"cell": {"name": "lstm", "forget_bias": "x"}}, None),
        ({"model___target_": "os.system"}, "unknown key '_target_'"),
        ({"model__words___target_": "os.system"}, "unknown key '_target_'"),
        ({"model__characters__encoder": "os.system"}, "unknown cell"),
        ({"model__words": 7}, None),
        ({"model__words": None}, "embedding.words"),
        ({"model__bidirectional": False}, "has no place|asks for"),
        ({"model__input_dropout": "x"}, None),
        ({"model__input_dropout": None}, None),
        ({"model__hidden_size": 10**9}, "overflow|asks for"),
        ({"model__hidden_size": 10**30}, None),
        ({"model__hidden_size": 10**5}, "asks for"),
        ({"model__hidden_size": "5"}, "whole number"),
        ({"model__num_layers": 10**9}, "num_layers"),
        ({"model__case_size": 10**12}, "case"),
        ({"model__characters__filters": 10**7}, "asks for"),
        ({"model__characters__widths": [10**9]}, "characters"),
        ({"model__characters__widths": "abc"}, "widths"),
        ({"model__characters__widths": 3}, None),
        ({"model__subword_size": 10**9}, "subword"),
        ({"model__language_model": 1.0, "model__language_model_words": 10**12}, "language_model"),
        ({"model__decoder": "softmax"}, "no place"),
        ({"model__decoder": ["crf"]}, "decoder"),
    ],
)
def test_a_hostile_config_is_refused(folder, values, message):
    change(folder / "config.json", **values)
    with pytest.raises(InputError, match=message) as caught:
        load_folder(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"labels": ["O"] * 7}, "different"),
        ({"labels": []}, "at least one"),
        ({"labels": ["O", 1]}, "strings"),
        ({"labels": ["O", "PER"]}, None),
        ({"labels": [str(i) for i in range(100_000)]}, None),
        ({"scheme": "os.system"}, "unknown scheme"),
        ({"scheme": ["bio"]}, "unknown scheme"),
        ({"scheme": "plain"}, "do not mix"),
    ],
)
def test_hostile_labels_are_refused(folder, values, message):
    change(folder / "labels.json", **values)
    with pytest.raises(InputError, match=message) as caught:
        load_folder(folder)
    assert str(folder) in str(caught.value)


def _vocabulary(ids, unknown="<unk>"):
    # Filled in by hand: the library writes a vocabulary by counting up to its highest id.
    plain = json.loads(Subwords(models.WordLevel({}, unk_token=unknown)).to_str())
    plain["model"]["vocab"] = ids
    return {"num_frequent": 2, "tokenizer": json.dumps(plain)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"config__max_characters": "x"}, None),
        ({"config__surprise": 1}, "unknown key 'surprise'"),
        ({"config__subwords": {"kind": "bpe", "path": "/etc/passwd"}, "subwords": 3}, None),
        ({"words": _vocabulary({"<pad>": 0, "<unk>": 1, "a": 10**9})}, "ids of 'words'"),
        ({"characters": _vocabulary({"a": 0})}, "ids of 'characters'"),
        ({"words": {"num_frequent": None, "tokenizer": "{}"}}, None),
        ({"words__tokenizer": "[" * 100_000}, None),
        ({"features": []}, None),
        ({"features": {"pos": 1}}, None),
        ({"words": _vocabulary({"<pad>": 0, "<unk>": 1})}, "embedding.words"),
    ],
)
def test_a_hostile_encoder_is_refused(folder, values, message):
    change(folder / "tokenizer.json", **values)
    with pytest.raises(InputError, match=message) as caught:
        load_folder(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    "part",
    [
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
        {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
        {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [], "unk_token": "zzz"}},
        {"model": {"type": "BPE", "vocab": {"a": 10**9}, "merges": []}},
    ],
    ids=["panics on loading", "panics on use", "fails on use", "gaps"],
)
def test_hostile_subwords_are_refused(tmp_path, build_tagger, part):
    build_tagger(encode={"subwords": {"vocab_size": 40}}, subword_size=3).save(tmp_path / "model")
    path = tmp_path / "model" / "tokenizer.json"
    subwords = json.loads(json.loads(path.read_text("utf-8"))["subwords"])
    change(path, subwords=json.dumps(subwords | part))
    with pytest.raises(InputError, match=r"tokenizer\.json"):
        load_folder(tmp_path / "model")


def test_subwords_are_neither_filled_up_nor_cut(tmp_path, build_tagger):
    build_tagger(encode={"subwords": {"vocab_size": 40}}, subword_size=3).save(tmp_path / "model")
    wanted = Tagger.load(tmp_path / "model").encoder.encode([["Paris"]])["piece_lengths_B"]
    path = tmp_path / "model" / "tokenizer.json"
    subwords = Subwords.from_str(json.loads(path.read_text("utf-8"))["subwords"])
    subwords.enable_padding(length=10**5)
    change(path, subwords=subwords.to_str())
    found = Tagger.load(tmp_path / "model").encoder.encode([["Paris"]])["piece_lengths_B"]
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("fault", ["missing", "further", "shape", "dtype"])
def test_tensors_must_be_those_of_the_network(folder, fault):
    path = folder / "model.safetensors"
    weights = load_file(path)
    bias = weights.pop("projection.bias")
    if fault != "missing":
        weights["projection.bias"] = {
            "further": bias,
            "shape": bias[:-1].clone(),
            "dtype": bias.double(),
        }[fault]
    if fault == "further":
        weights["os.system"] = bias.clone()
    save_file(weights, path)
    with pytest.raises(InputError, match=r"model\.safetensors.*(projection\.bias|os\.system)"):
        load_folder(folder)


def test_a_header_cannot_promise_more_than_the_file_has(folder):
    change(folder / "config.json", model__hidden_size=10**5)
    header = {
        "projection.bias": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}
    }
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(InputError, match=r"model\.safetensors"):
        load_folder(folder)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + text)
    with pytest.raises(InputError, match=r"model\.safetensors"):
        load_folder(folder)
