"""The data doctor: each kind of finding, its level, its place and its count."""

import io

import pytest
from rich.console import Console

from seqtag.data.doctor import examine, render
from seqtag.data.sources import CorpusConfig, load_corpus


@pytest.fixture
def report(write, tmp_path):
    """Return a function that examines column files given as {split: text}."""

    def examined(settings=None, **splits):
        for split, text in splits.items():
            write(f"{split}.txt", text)
        config = {"format": "column", "path": str(tmp_path), "dev_fraction": 0, **(settings or {})}
        return examine(load_corpus(CorpusConfig(**config)))

    return examined


def found(report, words):
    (finding,) = [finding for finding in report.findings if words in finding.message]
    return finding


def text(*sentences):
    """Write sentences as column text; each is a string "token/label token/label"."""
    return "".join(
        "\n".join(pair.replace("/", "\t") for pair in sentence.split(" ")) + "\n\n"
        for sentence in sentences
    )


GOOD = text("Anna/B-PER sees/O Bob/B-PER", "Bob/B-PER Smith/I-PER runs/O")


def test_a_sound_corpus(report):
    result = report(train=GOOD, test=text("Bob/B-PER runs/O away/O"))
    assert result.exit_code == 0
    assert {finding.level for finding in result.findings} == {"info"}
    train, test = result.sizes
    assert (train.sentences, train.tokens, train.scored, train.labels) == (2, 6, 6, 3)
    assert (train.longest, train.documents, train.unknown) == (3, 1, None)
    assert test.unknown == pytest.approx(1 / 3)
    assert found(result, "label scheme: bio").level == "info"
    assert found(result, "tokens that training never has: 33.3%").split == "test"


def test_converted_scheme_is_told(report):
    result = report(train=text("a/I-X b/I-X c/B-X"))
    assert found(result, "label scheme: iob1, converted to bio")


def test_illegal_transitions(report):
    result = report({"scheme": "bio"}, train=GOOD + text("x/O y/I-PER", "x/O y/I-LOC z/O w/I-PER"))
    finding = found(result, "illegal transitions under bio")
    assert (finding.level, finding.count, finding.where) == ("warning", 3, "train.txt:9")
    assert finding.examples[0] == "I-PER may not follow O"
    assert result.exit_code == 0


def test_enormous_and_odd_sentences(report):
    long = text(" ".join(["w/O"] * 1001))
    result = report({"separator": "tab"}, train=GOOD + long + "x\xa0y\tO\nx\u200b\tO\n")
    assert found(result, "more than 1,000 tokens (longest: 1,001)").level == "warning"
    finding = found(result, "zero-width")
    assert (finding.level, finding.count) == ("info", 2)
    assert finding.examples == (r"'x\xa0y'", r"'x\u200b'")


def test_a_token_that_is_the_empty_string(write):
    lines = '{"tokens": ["a", "b"], "labels": ["X", "Y"]}\n{"tokens": [""], "labels": ["X"]}\n'
    config = CorpusConfig(format="json", path=str(write("a.jsonl", lines)), dev_fraction=0)
    assert found(examine(load_corpus(config)), "the empty string").where == "a.jsonl:2"


def test_sentences_left_out(write):
    lines = '{"tokens": ["a"], "labels": ["X"]}\n{"tokens": [], "labels": []}\n'
    config = CorpusConfig(format="json", path=str(write("a.jsonl", lines)))
    finding = found(examine(load_corpus(config)), "left out")
    assert (finding.level, finding.count, finding.where) == ("warning", 1, "a.jsonl:2")


def test_duplicates_within_and_across(report):
    long = "one/O two/O three/O four/O five/O Anna/B-PER"
    short = "Yes/O ./O"
    result = report(train=GOOD + text(long, short, short), dev=text(short), test=text(long, short))
    again = found(result, "this split already had: 1 of 5 (20.0%), 0 of them longer")
    assert (again.level, again.split) == ("info", "train")
    across = {f.split: f for f in result.findings if "the train split has too" in f.message}
    assert across["dev"].level == "info"
    assert (across["test"].level, across["test"].count) == ("warning", 2)
    assert across["test"].examples == ("test.txt:1 = train.txt:9",)


def test_conflicting_labels(report):
    result = report(train=GOOD + text("May/O runs/O", "May/B-PER runs/O"))
    finding = found(result, "seen before with other labels")
    assert (finding.level, finding.count) == ("warning", 1)
    assert finding.examples == ("train.txt:12 and train.txt:9",)
    assert "words with more than one label: 1 of 6" in found(result, "more than one").message


def test_labels_unseen_in_training(report):
    result = report(train=GOOD, test=text("x/O y/B-LOC", "y/B-LOC z/B-ORG"))
    finding = found(result, "labels that the training split never has")
    assert (finding.level, finding.count, finding.where) == ("warning", 2, "test.txt:1")
    assert finding.examples == ("B-LOC (2 times)", "B-ORG (1 times)")


def test_rare_labels_and_those_that_differ_in_case(report):
    result = report(train=GOOD + text("x/B-per"))
    assert found(result, "fewer than 5 tokens").examples[0] == "I-PER (1)"
    finding = found(result, "differ only in case")
    assert (finding.level, finding.examples) == ("warning", ("'PER' and 'per'",))


def test_many_unknown_words_are_a_warning(report):
    result = report(train=GOOD, test=text("x/O y/O z/B-PER"))
    assert found(result, "tokens that training never has: 100.0%").level == "warning"


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"train": text("a/O b/O")}, "every label is 'O': there is nothing to learn"),
        ({"test": GOOD}, "no training split, only test"),
    ],
)
def test_errors(report, splits, message):
    settings = {"files": {split: f"{split}.txt" for split in splits}}
    result = report(settings, **splits)
    assert result.exit_code == 1
    assert found(result, message).level == "error"
    assert result.findings[0].level == "error"


def test_no_labels_at_all(write):
    lines = '{"tokens": ["a"], "labels": [null]}\n'
    config = CorpusConfig(format="json", path=str(write("a.jsonl", lines)))
    result = examine(load_corpus(config))
    assert found(result, "no labels").level == "error"
    assert result.sizes[0].scored == 0


def test_notes_of_the_corpus_are_passed_on(report):
    result = report({"dev_fraction": 0.5}, train=GOOD)
    assert found(result, "held out 1 of 2 training sentences").level == "info"


def test_rendering_survives_square_brackets_and_controls(report):
    result = report(train=GOOD + text("a\x1b[1m/B-[red] b/O"))
    console = Console(file=io.StringIO(), width=120)
    console.print(render(result))
    shown = console.file.getvalue()
    assert "B-[red] (1)" in shown
    assert "\x1b[1m" not in shown
    for words in ("Splits", "train", "unknown words", "Findings", "label scheme: bio"):
        assert words in shown
