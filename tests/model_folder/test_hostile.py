"""Model folders that are damaged or malicious are refused."""

from __future__ import annotations

import json
import os
import pickle
import struct
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer as Subwords
from tokenizers import models

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.model_folder.folder import FILES, FORMAT, load_folder
from seqtag.tagging.tagger import Tagger

READ = FILES[:-1]


def change(path: Path, **values) -> None:
    """Set keys of a JSON file; ``a__b`` is key ``b`` in the object ``a``."""
    content = json.loads(path.read_text("utf-8"))
    for key, value in values.items():
        *above, last = key.split("__")
        place = content
        for part in above:
            place = place[part]
        place[last] = value
    path.write_text(json.dumps(content), "utf-8")


def test_missing_folder(tmp_path):
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
def test_a_named_pipe_is_refused(folder):
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(InputError, match="not a regular file"):
        load_folder(folder)


@pytest.mark.parametrize("number", [FORMAT + 1, 10**30])
def test_a_newer_format_is_refused_with_a_remedy(folder, number):
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
        ({"packages": 3}, "'packages'"),
        ({"cell": "os.system", "packages": {"cell os.system": "\x1b[2J"}}, r"package '\\x1b\[2J'"),
        ({"model___target_": "os.system"}, "unknown key '_target_'"),
        ({"model__words___target_": "os.system"}, "unknown key '_target_'"),
        ({"model__characters__encoder": "os.system"}, "unknown encoder 'os.system'"),
        ({"model__words": 7}, None),
        ({"model__words": None}, "embedding.words"),
        ({"model__bidirectional": False}, "network has no tensor|requires"),
        ({"model__input_dropout": "x"}, None),
        ({"model__input_dropout": None}, None),
        ({"model__hidden_size": 10**9}, "hidden_size must be a whole number from 1 to"),
        ({"model__hidden_size": 10**30}, None),
        ({"model__hidden_size": 10**5}, "requires"),
        ({"model__hidden_size": "5"}, "whole number"),
        ({"model__num_layers": 10**9}, "num_layers"),
        ({"model__case_size": 10**12}, "case"),
        ({"model__characters__filters": 10**7}, "filters must be a whole number from 1 to"),
        ({"model__characters__widths": [10**9]}, "characters"),
        ({"model__characters__widths": "abc"}, "widths"),
        ({"model__characters__widths": 3}, None),
        ({"model__subword_size": 10**9}, "subword"),
        ({"model__language_model": 1.0, "model__language_model_words": 10**12}, "language_model"),
        ({"model__characters__widths": [1] * 200_000}, "widths must be a list"),
        ({"model__num_layers": 500}, "model.num_layers require 1,000 parts"),
        ({"model__hidden_size": 10**4000}, None),
        ({"model__decoder": "softmax"}, "network has no tensor"),
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
        ({"labels": []}, "non-empty and all different"),
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
        (
            {"words": _vocabulary({"<pad>": 0, "<unk>": 1, "a": 10**9})},
            "vocabulary of words: its ids",
        ),
        ({"characters": _vocabulary({"a": 0})}, "vocabulary of characters"),
        ({"words": {"num_frequent": None, "tokenizer": "{}"}}, None),
        ({"words__tokenizer": "[" * 100_000}, None),
        ({"features": []}, None),
        ({"features": {"pos": 1}}, None),
        ({"words": _vocabulary({"<pad>": 0, "<unk>": 1})}, "embedding.words"),
    ],
)
def test_a_hostile_indexer_is_refused(folder, values, message):
    change(folder / "tokenizer.json", **values)
    with pytest.raises(InputError, match=message) as caught:
        load_folder(folder)
    assert str(folder) in str(caught.value)


GROWS = {"type": "Replace", "pattern": {"String": "T"}, "content": "TT"}
REGEX = {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}
BPE = {"type": "BPE", "vocab": {"a": 0}, "merges": []}


@pytest.mark.parametrize(
    "part",
    [
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
        {"normalizer": GROWS},
        {"normalizer": {"type": "Sequence", "normalizers": [GROWS] * 40}},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "ByteLevel"}] * 2}},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}] * 11}},
        {"normalizer": {"type": "Prepend", "prepend": "T" * 10**6}},
        {"normalizer": REGEX},
        {"normalizer": {"type": "Sequence", "normalizers": [REGEX | {"content": "aa"}]}},
        {"normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": ""}},
        {"normalizer": {"type": "os.system"}},
        {"normalizer": {"type": ["NFC"]}},
        {"normalizer": [GROWS]},
        {"pre_tokenizer": {"type": "FixedLength", "length": 0}},
        {
            "pre_tokenizer": {
                **{"type": "Split", "behavior": "Isolated", "invert": False},
                "pattern": {"Regex": "(a+)+$"},
            }
        },
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}] * 9}},
        {"model": BPE | {"unk_token": "zzz"}},
        {"model": BPE | {"vocab": {"a": 10**9}}},
        {"model": BPE | {"vocab": {"a": -1}}},
        {"model": BPE | {"dropout": 0.5}},
        {"model": BPE | {"continuing_subword_prefix": "T" * 10**5}},
        {"model": BPE | {"type": "os.system"}},
        {"model": {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "b"}},
        {"model": {"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": None}},
        {"model": {"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": 7}},
        {"model": []},
        {"added_tokens": [{"id": 0, "content": ""}]},
        {"added_tokens": [{"id": 0, "content": "a"}] * 10_001},
        {"added_tokens": {}},
        {"surprise": 1},
    ],
    ids=lambda part: json.dumps(part)[:60],
)
def test_hostile_subwords_are_refused_also_in_training(tmp_path, build_tagger, part):
    build_tagger(encode={"subwords": {"vocab_size": 40}}, subword_size=3).save(tmp_path / "model")
    path = tmp_path / "model" / "tokenizer.json"
    text = json.dumps(json.loads(json.loads(path.read_text("utf-8"))["subwords"]) | part)
    change(path, subwords=text)
    started = time.process_time()
    with pytest.raises(InputError, match=r"tokenizer\.json"):
        load_folder(tmp_path / "model")
    own = tmp_path / "own.json"
    own.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"own\.json"):
        build_tagger(encode={"subwords": {"path": str(own)}}, subword_size=3)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "normalizer",
    [
        {"type": "Sequence", "normalizers": [GROWS] * 40},
        {"type": "Lowercase", "x": 1},
        REGEX,
    ],
)
def test_only_the_normalizers_of_seqtag_are_allowed(folder, normalizer):
    path = folder / "tokenizer.json"
    words = json.loads(json.loads(path.read_text("utf-8"))["words"]["tokenizer"])
    change(path, words__tokenizer=json.dumps(words | {"normalizer": normalizer}))
    with pytest.raises(InputError, match=r"tokenizer\.json: the vocabulary of words: "):
        load_folder(folder)


def test_needless_parts_of_subwords_are_left_out(tmp_path, build_tagger):
    """From otherwise valid files: a decoder, a post-processor, a model without its type."""
    build_tagger(encode={"subwords": {"vocab_size": 40}}, subword_size=3).save(tmp_path / "model")
    expected = Tagger.load(tmp_path / "model").indexer.encode([["Paris"]])["pieces_BS"]
    path = tmp_path / "model" / "tokenizer.json"
    plain = json.loads(json.loads(path.read_text("utf-8"))["subwords"])
    del plain["model"]["type"]
    plain["decoder"] = {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "aa"}
    plain["post_processor"] = {"type": "Nothing"}
    change(path, subwords=json.dumps(plain))
    loaded = Tagger.load(tmp_path / "model")
    assert torch.equal(loaded.indexer.encode([["Paris"]])["pieces_BS"], expected)
    assert json.loads(loaded.indexer.inputs["subwords"].to_plain())["decoder"] is None


@pytest.mark.parametrize("name", READ)
@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
@pytest.mark.parametrize("target", ["/dev/zero", "/dev/tty", "/proc/self/mem", "/proc/kmsg"])
def test_a_device_is_not_read(folder, name, target):
    (folder / name).unlink()
    (folder / name).symlink_to(target)
    with pytest.raises(InputError, match=name):
        load_folder(folder)


def test_a_file_above_the_size_limit_is_not_read(folder):
    with (folder / "labels.json").open("ab") as file:
        file.truncate(1 << 40)  # a sparse file, which needs no disk space
    with pytest.raises(InputError, match=r"labels\.json: 1,099,511,627,776 bytes are more than"):
        load_folder(folder)


@pytest.mark.parametrize("name", [name for name in READ if name.endswith(".json")])
@pytest.mark.parametrize(
    "text",
    [
        '{"a": ' + "[" * 10**6,
        '{"a": ' + "9" * 5000 + "}",
        '{"labels": ["O"], "labels": ["O"]}',
        '{"a": NaN}',
        '{"a": Infinity}',
        "{" + ",".join(f'"{i}": 0' for i in range(10**5)) + "}",
    ],
    ids=lambda text: text[:12],
)
def test_json_bombs_are_refused(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(InputError, match=name) as caught:
        load_folder(folder)
    assert len(str(caught.value)) < 1000


def save_as(folder: Path, build_tagger, labels: list[str], scheme: str, decoder: str) -> None:
    """Save a tagger with these labels, which seqtag itself would not write."""
    made = LabelSet(labels, scheme, scheme)
    # Without transitions, whose size is the square of the number of labels.
    made.__class__ = type("Free", (LabelSet,), {"transitions": None})
    build_tagger(labels=made, decoder=decoder).save(folder)


@pytest.mark.parametrize(
    ("count", "scheme", "letters", "decoder"),
    [
        (20_000, "bio", "B", "softmax"),
        (2_001, "bio", "B", "crf"),
        (500, "bioes", "BIES", "crf"),
        (1_000, "bio", "BI", "crf"),
    ],
)
def test_many_labels_load_quickly(tmp_path, build_tagger, count, scheme, letters, decoder):
    labels = ["O", *(f"{letter}-{i}" for i in range(count) for letter in letters)]
    save_as(tmp_path / "model", build_tagger, labels, scheme, decoder)
    started = time.process_time()
    tagger = Tagger.load(tmp_path / "model")
    assert time.process_time() - started < 4  # formerly a minute and 20 s
    assert len(tagger.predict([["Alex"]])[0]) == 1


@pytest.mark.parametrize(
    ("labels", "scheme", "length"),
    [
        (["I-PER"], "bio", 1),
        (["I-PER", "I-LOC"], "bio", 1),
        (["B-PER", "E-PER"], "bioes", 1),
        (["E-PER", "S-PER"], "bioes", None),
        (["B-PER"], "bio", None),
        (["I-PER", "E-PER"], "bioes", 1),
        (["B-PER", "I-PER"], "bioes", 1),
    ],
)
def test_labels_without_an_allowed_sequence_are_refused(
    tmp_path, build_tagger, labels, scheme, length
):
    save_as(tmp_path / "model", build_tagger, labels, scheme, "crf")
    if length is None:
        tagger = Tagger.load(tmp_path / "model")
        assert [len(found) for found in tagger.predict([["a"] * n for n in range(9)])] == [
            *range(9)
        ]
        return
    with pytest.raises(InputError, match=rf"labels\.json.*no sequence of {length} tokens"):
        load_folder(tmp_path / "model")
    change(tmp_path / "model" / "config.json", model__decoder="softmax")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("crf")}
    save_file(kept, tmp_path / "model" / "model.safetensors")
    assert len(Tagger.load(tmp_path / "model").predict([["Alex"]])[0]) == 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "name", ["projection.bias", "crf.transitions_KK", "embedding.words.weight"]
)
def test_weights_must_be_finite(folder, number, name):
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights[name].view(-1)[-1] = number
    save_file(weights, path)
    with pytest.raises(InputError, match=rf"model\.safetensors.*{name}.*not finite"):
        load_folder(folder)


@pytest.mark.parametrize("mark", ["\x1b[31m", "\n", "\t", "\0", "\x85", "\u2028", "\ud800"])
@pytest.mark.parametrize("scheme", ["bio", "plain"])
def test_labels_that_break_a_line_are_refused_also_in_training(folder, mark, scheme):
    label = f"B-{mark}X"
    change(folder / "labels.json", labels=["O", label], scheme=scheme, corpus_scheme=scheme)
    with pytest.raises(InputError, match=r"labels\.json: the label .* control character") as caught:
        load_folder(folder)
    assert mark not in str(caught.value)
    with pytest.raises(InputError, match="control character"):
        LabelSet.fit([["O", label]], scheme)


def test_subwords_are_neither_padded_nor_truncated(tmp_path, build_tagger):
    build_tagger(encode={"subwords": {"vocab_size": 40}}, subword_size=3).save(tmp_path / "model")
    expected = Tagger.load(tmp_path / "model").indexer.encode([["Paris"]])["piece_lengths_B"]
    path = tmp_path / "model" / "tokenizer.json"
    subwords = Subwords.from_str(json.loads(path.read_text("utf-8"))["subwords"])
    subwords.enable_padding(length=10**5)
    change(path, subwords=subwords.to_str())
    found = Tagger.load(tmp_path / "model").indexer.encode([["Paris"]])["piece_lengths_B"]
    assert torch.equal(found, expected)


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


def test_a_header_larger_than_the_file_is_refused(folder):
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
