"""A trained tagger in use: its files are read again as a corpus, and offsets are exact."""

import argparse

import pytest

from seqtag import Tagger
from seqtag.commands.tag import add_arguments, run
from seqtag.commands.train import train
from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.data.formats.span_options import SpanOptions

LINES = [
    "Ada lives in Paris. Dr Bob Smith left Oslo.",
    "",
    "Eve lives in Rome.  Max lives in Oslo .",
    "It rains.",
]


def tag(*arguments):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert run(parser.parse_args([*map(str, arguments)])) == 0


@pytest.fixture
def model(configure, tmp_path):
    """Return the model folder of a trained tagger that makes no mistake in LINES."""
    train(configure("trainer.max_epochs=8"))
    return tmp_path / "run" / "model"


@pytest.fixture
def normalized_model(configure, corpus, tmp_path):
    """Return the model folder of a tagger of words in a normal form (NFKC)."""
    train(configure("trainer.max_epochs=8", "data.normalize=NFKC", "model.characters=null"))
    return tmp_path / "run" / "model"


def test_files_for_annotation_tools_are_read_again(model, tmp_path):
    text = "\n".join(LINES)
    source = tmp_path / "text.txt"
    source.write_text(text, encoding="utf-8")
    expected = [s for s in Tagger.load(model).tag(text) if s.tokens]
    found = [[(span.type, span.text) for span in sentence.spans] for sentence in expected]
    assert found[:2] == [
        [("PER", "Ada"), ("LOC", "Paris")],
        [("PER", "Bob Smith"), ("LOC", "Oslo")],
    ]
    predicted = SpanOptions("label_studio", annotations="predictions")
    for tool, name, options in (
        ("doccano", "a.jsonl", None),
        ("label_studio", "a.json", predicted),
        ("brat", "brat", None),
    ):
        output = tmp_path / name
        tag("--model", model, "--input", source, "--format", tool, "--output", output)
        corpus = load_corpus(CorpusConfig("spans", str(output), dev_fraction=0, spans=options))
        rows = corpus.splits["train"]
        assert rows["tokens"][:] == [[t.text for t in s.tokens] for s in expected], tool
        labels = Tagger.load(model).with_scheme("bio").tag(text)
        assert rows["labels"][:] == [list(s.labels) for s in labels if s.tokens], tool


def test_offsets_are_those_of_the_original_text(normalized_model, tmp_path):
    tagger = Tagger.load(normalized_model)
    (plain,) = tagger.tag("Ada lives in Rome.")
    wide = "Ａｄａ lives in  Ｒｏｍｅ."  # NFKC: the same words
    (sentence,) = tagger.tag(wide)
    assert sentence.labels == plain.labels
    assert [(s.type, s.text, wide[s.start : s.end]) for s in sentence.spans] == [
        ("PER", "Ａｄａ", "Ａｄａ"),
        ("LOC", "Ｒｏｍｅ", "Ｒｏｍｅ"),
    ]
    assert not tagger.unknown_words(["Ａｄａ", "Ｒｏｍｅ"])
    assert tagger.predict([["Ａｄａ", "lives"]]) == tagger.predict([["Ada", "lives"]])
    source, output = tmp_path / "wide.txt", tmp_path / "wide.jsonl"
    source.write_text(wide, encoding="utf-8")
    tag("--model", normalized_model, "--input", source, "--format", "jsonl", "--output", output)
    assert '"text": "Ａｄａ"' in output.read_text(encoding="utf-8")
