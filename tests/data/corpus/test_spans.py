"""Corpora of texts with spans: policies, notes, folders, and what `seqtag check` reports."""

import json

import pytest

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.data.corpus.documents import annotated_documents
from seqtag.data.doctor.spans import cut_spans, span_findings, without_refusal
from seqtag.data.formats.span_options import SpanOptions
from seqtag.errors import InputError

ROWS = [
    {"id": 1, "text": "Ann left Berlinale. Eve met Bob.", "label": [[0, 4, "P"], [9, 15, "L"]]},
    {"id": 2, "text": "Eve left.", "label": [[0, 3, "P"]]},
    {"id": 3, "text": "Nobody looked."},
]


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    return str(file)


def config(path, **options):
    return CorpusConfig("spans", path, spans=SpanOptions(**options), dev_fraction=0)


def test_spans_that_do_not_fit_are_refused_with_their_number(path):
    message = r"a\.jsonl:1: 'Ann ' \(P, 0-4\) is among the spans that .*; 2 spans in all do not fit"
    with pytest.raises(InputError, match=message):
        load_corpus(config(path))


def test_widened_and_counted(path):
    corpus = load_corpus(config(path, policy="widen"))
    rows = corpus.splits["train"]
    assert rows["labels"][0] == ["B-P", "O", "B-L", "O"]
    assert rows["doc"][:] == [0, 0, 1]
    assert "train: 1 records without annotations, left out (first: a.jsonl:3)" in corpus.notes
    assert any("spans that cut a token, widened" in note for note in corpus.notes)
    everything = load_corpus(config(path, policy="widen", unlabelled="outside"))
    assert everything.splits["train"].num_rows == 4


def test_check_lists_all_of_them_and_counts_the_tokenizers(path):
    strict = config(path)
    findings = span_findings(load_corpus(without_refusal(strict)), strict)
    errors = [finding for finding in findings if finding.level == "error"]
    assert [finding.examples for finding in errors] == [
        ("a.jsonl:1: 'Ann ' (P, 0-4)",),
        ("a.jsonl:1: 'Berlin' (L, 9-15)",),
    ]
    cut = cut_spans(annotated_documents(strict))
    assert cut == {"default": 1, "whitespace": 1, "finest": 1, "characters": 0}


def test_brat_folders_are_splits_and_read_again_after_a_change(tmp_path):
    for split in ("train", "dev"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "a.txt").write_text("Ann left.")
        (tmp_path / split / "a.ann").write_text("T1\tP 0 3\tAnn\n")
    corpus = load_corpus(config(str(tmp_path)))
    assert {s: rows["labels"][0] for s, rows in corpus.splits.items()} == {
        split: ["B-P", "O", "O"] for split in ("train", "dev")
    }
    assert corpus.splits["train"]["where"][0] == "train/a.txt"
    (tmp_path / "dev" / "a.ann").write_text("T1\tQ 0 3\tAnn\n")
    assert load_corpus(config(str(tmp_path))).splits["dev"]["labels"][0][0] == "B-Q"


@pytest.mark.parametrize(
    "options", [{"scheme": "bioes"}, {"features": ("x",)}, {"streaming": True}]
)
def test_settings_that_do_not_apply(path, options):
    with pytest.raises(InputError, match=r"data\."):
        CorpusConfig("spans", path, **options)
