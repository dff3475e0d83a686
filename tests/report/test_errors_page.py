"""The page of errors: what it shows, and that words and labels of strangers stay text."""

import re

import pytest

from seqtag.metrics.analysis import Analysis
from seqtag.metrics.examples import Sentence
from seqtag.report.errors_page import errors_page

EVIL = "<script>alert(1)</script>"


def scores(analysis, **more):
    figures = {"sentences": 2, "tokens": 4, "accuracy": 0.5, "unknown_tokens": 1}
    figures |= {"unknown_accuracy": 0.5, "macro_f1": 0.5, "metric": "accuracy"}
    if analysis.spanning:
        figures |= {"f1": 0.5, "precision": 0.5, "recall": 0.5}
    return {**figures, **analysis.figures(), **more}


def page(gold, predicted, scheme, trained, tokens=None, **more):
    analysis = Analysis(trained, scheme, 5)
    tokens = tokens or [f"w{number}" for number in range(len(gold))]
    unknown = [number == 0 for number in range(len(gold))]
    probabilities = [0.75] * len(gold)
    analysis.add(Sentence(tokens, gold, predicted, unknown, probabilities, "t.txt:7"))
    return errors_page("Errors", analysis, scores(analysis, **more))


def test_spans_have_a_section_for_each_kind_of_error():
    gold = ["B-A", "I-A", "O", "B-B", "O", "B-A"]
    predicted = ["B-A", "O", "B-A", "O", "O", "B-B"]
    text = page(gold, predicted, "bio", ["O", "B-A", "I-A", "B-B", "I-B"])
    for kind in ("missed", "spurious", "type", "boundary"):
        assert f'id="kind-{kind}"' in text
    assert 'id="kind-type-and-boundary"' not in text
    assert "75 % · t.txt:7" in text
    assert "<u>w0</u>" in text
    assert "Labels unseen in training" not in text


def test_plain_labels_have_pairs():
    text = page(["N", "V", "N"], ["N", "N", "V"], "plain", ["N", "V"])
    assert "N → V" in text
    assert "V → N" in text
    assert "kind-" not in text


def test_labels_unseen_in_training_have_a_section():
    text = page(["B-NEW", "O"], ["O", "O"], "bio", ["O", "B-A", "I-A"])
    assert "Labels unseen in training" in text


@pytest.mark.parametrize("scheme", ["plain", "bio"])
def test_everything_is_escaped(scheme):
    start = "" if scheme == "plain" else "B-"
    labels = [f"{start}{EVIL}", f'{start}" onload="x']
    text = page(labels, labels[::-1], scheme, ["O", labels[0]], tokens=[EVIL, "\x1b[2J\ud800"])
    assert "<script" not in text
    assert 'onload="' not in text
    assert "\x1b" not in text
    text.encode()


def test_long_sentences_and_words_are_cut():
    gold = ["O"] * 400
    predicted = [*gold]
    predicted[200] = "B-A"
    text = page(gold, predicted, "bio", ["O", "B-A", "I-A"], tokens=["x" * 10_000] * 400)
    assert len(text) < 40_000
    assert text.count("…") >= 62


def test_the_page_needs_no_other_file():
    text = page(["N", "V"], ["V", "N"], "plain", ["N", "V"])
    assert not re.search(r'src=|href="?[^"#]', text)
    assert "prefers-color-scheme:dark" in text


def test_a_corpus_without_errors_and_an_empty_one():
    assert "Confusion matrix" in page(["O"], ["O"], "bio", ["O", "B-A", "I-A"])
    empty = Analysis(["O", "B-A", "I-A"], "bio", 5)
    figures = scores(empty, sentences=0, tokens=0, unknown_tokens=0)
    assert "Confusion matrix" in errors_page("Errors", empty, figures)
