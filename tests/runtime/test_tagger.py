"""The tagger of an exported folder gives the results of the tagger that was exported."""

from __future__ import annotations

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from runtime.conftest import OPTIONS

from seqtag.errors import InputError
from seqtag.runtime import Tagger, network, spellings

TEXT = "Alex Graves is going  to Paris. Anna 💃 stays, ﬁnally?\n\nThe énd of 1999"
WORDS = [["Alex", "goes", "."], [], ["Anna"], ["to", "Paris", "in", "1999", "."], ["\ud800x", "É"]]
EXTRAS = {"probabilities": True, "certainty": True, "alternatives": 4, "top_labels": 2}


def columns_of(tagger, sentences):
    return {name: [[w[:1].upper() for w in s] for s in sentences] for name in tagger.features}


def assert_same(found, expected):
    """Check that sentences are equal, but for probabilities, which are close."""
    for one, other in zip(found, expected, strict=True):
        for name in ("text", "tokens", "labels"):
            assert getattr(one, name) == getattr(other, name)
        bounds = [
            [(s.type, s.start, s.end, s.text, s.first_token) for s in t.spans] for t in (one, other)
        ]
        assert bounds[0] == bounds[1]
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        assert one.certainty == pytest.approx(other.certainty, abs=1e-5)
        assert [a.labels for a in one.alternatives] == [a.labels for a in other.alternatives]
        for a, b in zip(one.alternatives, other.alternatives, strict=True):
            assert a.probability == pytest.approx(b.probability, abs=1e-5)
        assert [[label for label, _ in token] for token in one.top_labels] == [
            [label for label, _ in token] for token in other.top_labels
        ]


@pytest.mark.parametrize("name", OPTIONS)
def test_results_are_those_of_the_tagger(export_of, name):
    tagger, folder = export_of(name)
    loaded = Tagger.load(folder)
    columns = columns_of(tagger, WORDS)
    for change in (
        lambda t: t,
        lambda t: t.with_bias({"PER": 3.0, "O": 0.2}),
        lambda t: t.with_scheme("bmes"),
    ):
        one, other = change(loaded), change(tagger)
        assert one.predict(WORDS, columns) == other.predict(WORDS, columns)
        assert_same(one.tag(WORDS, columns, **EXTRAS), other.tag(WORDS, columns, **EXTRAS))
        if not tagger.features:
            assert_same(one.tag(TEXT, **EXTRAS), other.tag(TEXT, **EXTRAS))
    assert loaded.features == tagger.features
    assert list(loaded.stream(WORDS, features=columns)) == loaded.tag(WORDS, columns)
    assert loaded.unknown_words(["Alex", "Zoë"]) == tagger.unknown_words(["Alex", "Zoë"])


@settings(max_examples=25)
@given(sentences=st.lists(st.lists(st.text(max_size=6), max_size=7), max_size=5))
def test_any_words(export_of, sentences):
    tagger, folder = export_of("crf")
    loaded = Tagger.load(folder) if not hasattr(export_of, "loaded") else export_of.loaded
    export_of.loaded = loaded
    assert loaded.predict(sentences) == tagger.predict(sentences)


@pytest.mark.parametrize("name", ["crf", "recurrent characters"])
def test_int8_gives_labels(export_of, name):
    loaded = Tagger.load(export_of(name, quantised=True)[1])
    first, again = (loaded.tag(WORDS, probabilities=True) for _ in range(2))
    assert first == again
    assert [len(sentence.labels) for sentence in first] == list(map(len, WORDS))


def test_known_spellings_change_nothing(export_of, monkeypatch):
    tagger, folder = export_of("crf")
    loaded, rng = Tagger.load(folder), np.random.default_rng(0)
    monkeypatch.setattr(spellings, "_MOST_BYTES", 4 * 6 * 20)  # emptied often
    small = Tagger.load(folder)
    words = ["Alex", "goes", "to", "Paris", *(f"w{n}" for n in range(40))]
    for _ in range(20):
        sentences = [rng.choice(words, rng.integers(1, 9)).tolist() for _ in range(3)]
        expected = tagger.predict(sentences)
        assert loaded.predict(sentences) == small.predict(sentences) == expected


def test_threads_share_a_tagger(export_of):
    tagger, folder = export_of("crf")
    loaded = Tagger.load(folder, threads=3)
    sentences = [[f"w{n % 90}", "goes", "."] * (n % 9) for n in range(400)]
    expected = tagger.predict(sentences)
    assert loaded.predict(sentences) == expected
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: loaded.predict(sentences), range(4)):
            assert found == expected


def test_copies_and_pickles(export_of):
    loaded = Tagger.load(export_of("crf")[1]).with_bias({"PER": 2.0}).with_scheme("bioes")
    expected = loaded.tag(WORDS, certainty=True)
    for other in (copy.copy(loaded), copy.deepcopy(loaded), pickle.loads(pickle.dumps(loaded))):
        assert other.tag(WORDS, certainty=True) == expected


# Errors


def change_json(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_model_folder_is_not_an_exported_folder(folder):
    with pytest.raises(InputError, match=r"there is no model.onnx; `seqtag export` makes"):
        Tagger.load(folder)


@pytest.mark.parametrize("content", [b"", b"x", b"\x08\x08\x12\x00" * 9])
def test_a_damaged_graph(exported_folder, content):
    (exported_folder / "model.onnx").write_bytes(content)
    with pytest.raises(InputError, match=r"model.onnx: onnxruntime cannot load it: ") as caught:
        Tagger.load(exported_folder)
    assert "\n" not in str(caught.value)


def test_a_truncated_graph(exported_folder):
    path = exported_folder / "model.onnx"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match=r"model\.onnx"):
        Tagger.load(exported_folder)


@pytest.mark.parametrize(
    ("version", "message"),
    [(network.VERSION + 1, "pip install --upgrade seqtag"), (None, "not a version"), (True, "not")],
)
def test_other_versions(exported_folder, version, message):
    change_json(exported_folder / "export.json", version=version)
    with pytest.raises(InputError, match=f"export.json: .*{message}"):
        Tagger.load(exported_folder)


def test_files_of_another_tagger(exported_folder, export_of):
    for name, message in (("labels.json", "labels of labels.json"), ("tokenizer.json", "reads")):
        path = exported_folder / name
        before = path.read_bytes()
        if name == "labels.json":
            path.write_bytes((export_of("bio")[1] / name).read_bytes())
        else:
            (exported_folder / "model.onnx").write_bytes(
                (export_of("columns")[1] / "model.onnx").read_bytes()
            )
        with pytest.raises(InputError, match=message):
            Tagger.load(exported_folder)
        path.write_bytes(before)


def test_weights_that_are_not_finite(exported_folder):
    path = exported_folder / "model.onnx"
    model = onnx.load(path)
    for weights in model.graph.initializer:
        array = numpy_helper.to_array(weights)
        if array.shape == (10, 9):  # from two directions of 5 units to 9 labels
            weights.CopyFrom(numpy_helper.from_array(np.full_like(array, np.nan), weights.name))
    onnx.save(model, path)
    with pytest.raises(InputError, match=r"not finite numbers: its model.onnx is damaged"):
        Tagger.load(exported_folder).predict(WORDS)


@pytest.mark.parametrize("threads", [0, -1, True, 1.5, "2"])
def test_a_wrong_number_of_threads(exported_folder, threads):
    with pytest.raises(InputError, match=r"threads=.*whole number of at least 1"):
        Tagger.load(exported_folder, threads)


def test_a_regular_expression_without_pyarrow(exported_folder, monkeypatch):
    import sys

    from seqtag.data.text import tokenizers

    change_json(exported_folder / "config.json", data={"tokenizer": "[a-z]+"})
    tokenizers._user_pattern.cache_clear()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="needs the library pyarrow, which is not installed"):
        Tagger.load(exported_folder)
