from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch

from seqtag import Tagger
from seqtag.data.encode.labelset import LabelSet
from seqtag.data.text.split import split_text
from seqtag.errors import InputError
from seqtag.labels import spans
from seqtag.tagging import base, batches

TEXT = "Alex Graves is going  to Paris. Anna 💃 stays, really?\n\nThe end"
WORDS = [["Alex", "goes", "."], [], ["Anna"], ["to", "Paris", "in", "1999", "."]]


def test_raw_text_gives_exact_offsets(tagger):
    found = tagger.tag(TEXT, probabilities=True)
    assert [s.tokens for s in found] == [tuple(s.tokens) for s in split_text(TEXT)]
    assert any(s.spans for s in found)
    for sentence in found:
        for token in sentence.tokens:
            assert TEXT[token.start : token.end] == token.text
        for span in sentence.spans:
            assert TEXT[span.start : span.end] == span.text
            covered = sentence.probabilities[span.first_token : span.last_token + 1]
            assert span.probability == min(covered)
        expected = [(s.type, s.start, s.end - 1) for s in spans(sentence.labels, "bio")]
        assert [(s.type, s.first_token, s.last_token) for s in sentence.spans] == expected


def test_sentences_of_words_have_no_offsets(tagger):
    found = tagger.tag(WORDS)
    assert [[t.text for t in s.tokens] for s in found] == WORDS
    assert all(t.start is None and t.end is None for s in found for t in s.tokens)
    assert all(s.probabilities is None and s.text is None for s in found)
    span = next(span for s in found for span in s.spans)
    assert span.start is None
    assert span.probability is None
    words = next(s for s in found if s.spans).tokens[span.first_token : span.last_token + 1]
    assert span.text == " ".join(token.text for token in words)


def test_predict_gives_the_labels_of_tag(tagger):
    assert tagger.predict(WORDS) == [list(s.labels) for s in tagger.tag(WORDS)]
    assert [len(labels) for labels in tagger.predict(WORDS)] == [3, 0, 1, 5]


def test_labels_do_not_depend_on_the_batch(tagger, monkeypatch):
    sentences = [WORDS[i % 4] + ["Paris"] * (i % 7) for i in range(50)]
    together = tagger.tag(sentences, probabilities=True)
    monkeypatch.setattr(batches, "_BATCH_TOKENS", 10)
    monkeypatch.setattr(batches, "_BATCH_SENTENCES", 2)
    apart = tagger.tag(sentences, probabilities=True)
    assert [s.labels for s in together] == [s.labels for s in apart]
    for one, other in zip(together, apart, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)


def test_batches_contain_each_row_once_within_the_limits(monkeypatch):
    monkeypatch.setattr(batches, "_BATCH_TOKENS", 100)
    monkeypatch.setattr(batches, "_BATCH_SENTENCES", 8)
    lengths = np.random.default_rng(0).integers(0, 40, 300).tolist()
    lengths.append(500)
    found = list(batches.batches_by_length(lengths))
    rows = sorted(itertools.chain.from_iterable(found))
    assert rows == [row for row, length in enumerate(lengths) if length]
    for batch in found:
        longest = max(lengths[row] for row in batch)
        assert len(batch) == 1 or (len(batch) <= 8 and len(batch) * longest <= 100)


@pytest.mark.parametrize("nothing", ["", " \n", [], ()])
def test_empty_input_gives_empty_output(tagger, nothing):
    assert tagger.tag(nothing) == []
    assert list(tagger.stream([])) == []


def test_predict_with_empty_sentences(tagger):
    assert tagger.predict([]) == []
    assert tagger.predict([[], []]) == [[], []]
    assert tagger.tag([[]], probabilities=True)[0].probabilities == ()


@pytest.mark.parametrize("scheme", ["bio", "bioes"])
def test_probabilities_belong_to_the_returned_labels(build_tagger, scheme):
    tagger = build_tagger(scheme=scheme)
    words = ["Alex", "goes", "to", "Paris"]
    (sentence,) = tagger.tag([words], probabilities=True)
    p_TK = tagger.network.probabilities(tagger.indexer.encode([words]))[0]
    for row, label, found in zip(p_TK, sentence.labels, sentence.probabilities, strict=True):
        same = {label, label.replace("B-", "S-"), label.replace("I-", "E-")}
        known = tagger.labels.labels
        expected = sum(float(row[known.index(name)]) for name in same if name in known)
        assert found == pytest.approx(expected, abs=1e-6)
        assert 0.0 <= found <= 1.0


def test_softmax_probabilities(build_tagger):
    labels = LabelSet(["A", "B"], "plain", "plain")
    tagger = build_tagger(labels=labels, decoder="softmax")
    for sentence in tagger.tag(TEXT, probabilities=True):
        assert all(p >= 0.5 for p in sentence.probabilities)
        assert sentence.spans == ()


def test_features_are_required(build_tagger):
    tagger = build_tagger(features=("pos",))
    assert tagger.features == ("pos",)
    with pytest.raises(InputError, match="'pos'"):
        tagger.tag("Raw text.")
    with pytest.raises(InputError, match="'pos'"):
        tagger.predict([["a"]], {"upos": [["X"]]})
    with pytest.raises(InputError, match="1 sentences, but there are 2 sentences of words"):
        tagger.predict([["a"], ["b"]], {"pos": [["X"]]})
    with pytest.raises(InputError, match="sentence 2: 1 words, but 2 values"):
        tagger.predict([["a"], ["b"]], {"pos": [["X"], ["X", "Y"]]})
    sentences = [["Alex"], ["Alex", "Graves", "is"]]
    found = tagger.tag(sentences, {"pos": [["NNP"], ["NNP", "VBZ", "?"]], "more": []})
    assert [len(s.labels) for s in found] == [1, 3]


def test_features_change_the_labels(build_tagger):
    tagger = build_tagger(features=("pos",))
    a, b = (
        tagger.tag([["Alex", "is"]], {"pos": [pos]}, probabilities=True)[0].probabilities
        for pos in (["NNP", "VBZ"], ["TO", "."])
    )
    assert a != b


@pytest.mark.parametrize("wrong", [["Alex", "goes"], [["Alex", 3]], [["Alex", None]]])
def test_other_input_than_sentences_is_refused(tagger, wrong):
    with pytest.raises(InputError, match="words"):
        tagger.tag(wrong)
    with pytest.raises(InputError, match="words"):
        tagger.predict(wrong)


def test_streams_read_ahead_within_bounds(tagger):
    taken = itertools.count()

    def endless():
        while True:
            next(taken)
            yield ["Anna", "stays"]

    stream = tagger.stream(endless())
    first = next(stream)
    assert first.labels == tuple(tagger.predict([["Anna", "stays"]])[0])
    assert next(taken) <= base._WINDOW
    rest = list(itertools.islice(stream, base._WINDOW + 5))
    assert len(rest) == base._WINDOW + 5


def test_a_sentence_of_fifty_thousand_tokens(tagger):
    words = ["Alex", "Graves", "goes", "."] * 12_500
    (labels,) = tagger.predict([words])
    assert len(labels) == 50_000


@pytest.mark.parametrize(
    "text",
    ["\ud800 x\udfff", "\x00\x01", "\u200b\u200d", "e\u0301" * 9, "漢字", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "ﷺ" * 99, ""],
)
def test_any_characters_can_be_tagged(build_tagger, text):
    for options in ({}, {"encode": {"subwords": {"vocab_size": 40}}, "subword_size": 3}):
        tagger = build_tagger(**options)
        for sentence in tagger.tag(text, probabilities=True):
            assert all(text[t.start : t.end] == t.text for t in sentence.tokens)
        assert len(tagger.predict([["a", text]])[0]) == 2


def test_plain_values_are_json_and_readable_as_a_corpus(tagger):
    sentence = tagger.tag(TEXT, probabilities=True)[0]
    plain = json.loads(json.dumps(sentence.to_plain()))
    assert plain["tokens"] == ["Alex", "Graves", "is", "going", "to", "Paris", "."]
    assert plain["offsets"][4] == [22, 24]
    assert plain["labels"] == list(sentence.labels)
    assert plain["text"] == "Alex Graves is going  to Paris."
    assert len(plain["probabilities"]) == 7
    for span in plain["spans"]:
        assert span["text"] == TEXT[span["start"] : span["end"]]
    bare = tagger.tag([["Anna"]])[0].to_plain()
    assert list(bare) == ["tokens", "labels", "spans"]


def test_the_network_stays_in_evaluation_mode(build_tagger):
    tagger = build_tagger()
    tagger.network.train()
    assert not Tagger(tagger.network, tagger.indexer, tagger.labels, "lstm").network.training


@pytest.mark.parametrize("device", ["nowhere", "cuda:99", "cpu:x"])
def test_an_unavailable_device(folder, device):
    with pytest.raises(InputError, match=device):
        Tagger.load(folder, device)


def test_results_do_not_depend_on_threads(tagger, set_threads):
    """Batches run in parallel, one thread each; the caller's number of threads stays."""
    sentences = [["The", "cat", "sat"] * n for n in range(1, 60)] * 5
    expected = tagger.predict(sentences)
    set_threads(3)
    assert tagger.predict(sentences) == expected
    assert torch.get_num_threads() == 3


def test_an_error_in_a_worker_is_raised(tagger, monkeypatch, set_threads):
    def fails(*scores):
        raise MemoryError("no room")

    monkeypatch.setattr(tagger.network, "best_labels", fails)
    set_threads(2)
    with pytest.raises(MemoryError, match="no room"):
        tagger.predict([["A", "cat"]] * 300)


@pytest.fixture
def default_dtype():
    """Return `torch.set_default_dtype`; restore the default after the test."""
    before = torch.get_default_dtype()
    yield torch.set_default_dtype
    torch.set_default_dtype(before)


INPUTS = {
    "characters": {},
    "subwords": {"encode": {"subwords": {"vocab_size": 40}}, "subword_size": 3},
    "subwords alone": {
        **{"encode": {"subwords": {"vocab_size": 40}}, "subword_size": 3},
        **{"words": None, "characters": None},
    },
    "recurrent characters": {"characters": {"encoder": "gru", "size": 3, "hidden_size": 4}},
    "an own kernel": {"decoder": "softmax", "characters": None},
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", INPUTS)
def test_any_default_dtype(build_tagger, tmp_path, default_dtype, name, dtype):
    tagger = build_tagger(**INPUTS[name])
    expected = tagger.tag(WORDS, probabilities=True)
    tagger.save(tmp_path / "model")
    default_dtype(dtype)
    loaded = Tagger.load(tmp_path / "model")
    assert {weight.dtype for weight in loaded.network.parameters()} == {torch.float32}
    for one in (tagger, loaded):
        assert one.tag(WORDS, probabilities=True) == expected
    loaded.save(tmp_path / "again")
    weights = [tmp_path / folder / "model.safetensors" for folder in ("model", "again")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", INPUTS)
def test_weights_of_any_precision(build_tagger, tmp_path, name, dtype):
    tagger = build_tagger(**INPUTS[name])
    expected = tagger.tag(WORDS, probabilities=True)
    tagger.network.to(dtype)
    tagger.save(tmp_path / "model")
    loaded = Tagger.load(tmp_path / "model")
    assert {weight.dtype for weight in loaded.network.parameters()} == {dtype}
    found = loaded.tag(WORDS, probabilities=True)
    assert found == tagger.tag(WORDS, probabilities=True)
    if dtype == torch.float64:
        assert [s.labels for s in found] == [s.labels for s in expected]


def test_labels_in_another_scheme(tagger):
    words = [["Alex", "Graves", "left", "Paris"], ["Anna"]]
    for scheme in ("bio", "bioes", "bmes", "io", "corpus"):
        other = tagger.with_scheme(scheme)
        expected = [tagger.labels.rewrite(row, scheme) for row in tagger.predict(words)]
        assert other.predict(words) == other.with_bias({"PER": 1.0}).predict(words) == expected
        tagged = other.tag(words)
        assert [list(sentence.labels) for sentence in tagged] == expected
        assert [s.spans for s in tagged] == [s.spans for s in tagger.tag(words)]
        assert list(other.stream(words)) == tagged
    with pytest.raises(InputError, match="did you mean 'bmes'"):
        tagger.with_scheme("bmess")
    with pytest.raises(InputError, match="cannot be converted"):
        tagger.with_scheme("plain")
