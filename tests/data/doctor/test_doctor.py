"""The data doctor: each kind of finding, its level, its place and its count."""

import dataclasses
import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.doctor.coverage import examine_gazetteers, examine_vectors
from seqtag.data.doctor.doctor import examine, render
from seqtag.inputs.gazetteers import Gazetteers


@pytest.fixture
def report(write, tmp_path):
    """Return a function that examines column files given as {split: text}."""

    def examined(settings=None, **splits):
        for split, text in splits.items():
            write(f"{split}.txt", text)
        config = {"format": "column", "path": str(tmp_path), "dev_fraction": 0, **(settings or {})}
        return examine(load_corpus(CorpusConfig(**config)))

    return examined


def finding_with(report, words):
    (finding,) = [finding for finding in report.findings if words in finding.message]
    return finding


def text(*sentences):
    """Return column text of sentences, which are strings "token/label token/label"."""
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
    assert finding_with(result, "label scheme: bio").level == "info"
    assert finding_with(result, "tokens unknown in training: 33.3%").split == "test"


def test_a_converted_scheme_is_reported(report):
    result = report(train=text("a/I-X b/I-X c/B-X"))
    assert finding_with(result, "label scheme: iob1, converted to bio")


def test_illegal_transitions(report):
    result = report({"scheme": "bio"}, train=GOOD + text("x/O y/I-PER", "x/O y/I-LOC z/O w/I-PER"))
    finding = finding_with(result, "illegal transitions under bio")
    assert (finding.level, finding.count, finding.where) == ("warning", 3, "train.txt:9")
    assert finding.examples[0] == "I-PER may not follow O"
    assert result.exit_code == 0


def test_enormous_and_odd_sentences(report):
    long = text(" ".join(["w/O"] * 1001))
    result = report({"separator": "tab"}, train=GOOD + long + "x\xa0y\tO\nx\u200b\tO\n")
    assert finding_with(result, "more than 1,000 tokens (longest: 1,001)").level == "warning"
    finding = finding_with(result, "zero-width")
    assert (finding.level, finding.count) == ("info", 2)
    assert finding.examples == (r"'x\xa0y'", r"'x\u200b'")


def test_a_token_that_is_the_empty_string(write):
    lines = '{"tokens": ["a", "b"], "labels": ["X", "Y"]}\n{"tokens": [""], "labels": ["X"]}\n'
    config = CorpusConfig(format="json", path=str(write("a.jsonl", lines)), dev_fraction=0)
    assert finding_with(examine(load_corpus(config)), "the empty string").where == "a.jsonl:2"


def test_sentences_left_out(write):
    lines = '{"tokens": ["a"], "labels": ["X"]}\n{"tokens": [], "labels": []}\n'
    config = CorpusConfig(format="json", path=str(write("a.jsonl", lines)))
    finding = finding_with(examine(load_corpus(config)), "left out")
    assert (finding.level, finding.count, finding.where) == ("warning", 1, "a.jsonl:2")


def test_duplicates_within_and_across(report):
    long = "one/O two/O three/O four/O five/O Anna/B-PER"
    short = "Yes/O ./O"
    result = report(train=GOOD + text(long, short, short), dev=text(short), test=text(long, short))
    again = finding_with(result, "sentences that are repeated: 1 of 5 (20.0%), 0 of them longer")
    assert (again.level, again.split) == ("info", "train")
    across = {f.split: f for f in result.findings if "also in the train split" in f.message}
    assert across["dev"].level == "info"
    assert (across["test"].level, across["test"].count) == ("warning", 2)
    assert across["test"].examples == ("test.txt:1 = train.txt:9",)


def test_conflicting_labels(report):
    result = report(train=GOOD + text("May/O runs/O", "May/B-PER runs/O"))
    finding = finding_with(result, "occurred before with other labels")
    assert (finding.level, finding.count) == ("warning", 1)
    assert finding.examples == ("train.txt:12 and train.txt:9",)
    assert "words with more than one label: 1 of 6" in finding_with(result, "more than one").message


def test_labels_unseen_in_training(report):
    result = report(train=GOOD, test=text("x/O y/B-LOC", "y/B-LOC z/B-ORG"))
    finding = finding_with(result, "labels that do not occur in training")
    assert (finding.level, finding.count, finding.where) == ("warning", 2, "test.txt:1")
    assert finding.examples == ("B-LOC (2 times)", "B-ORG (1 times)")


def test_rare_labels_and_labels_that_differ_in_case(report):
    result = report(train=GOOD + text("x/B-per"))
    assert finding_with(result, "fewer than 5 tokens").examples[0] == "I-PER (1)"
    finding = finding_with(result, "differ only in case or in spaces")
    assert (finding.level, finding.examples) == ("warning", ("'PER' and 'per'",))


def test_many_unknown_words_are_a_warning(report):
    result = report(train=GOOD, test=text("x/O y/O z/B-PER"))
    assert finding_with(result, "tokens unknown in training: 100.0%").level == "warning"


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
    assert finding_with(result, message).level == "error"
    assert result.findings[0].level == "error"


def test_no_labels_at_all(write):
    lines = '{"tokens": ["a"], "labels": [null]}\n'
    config = CorpusConfig(format="json", path=str(write("a.jsonl", lines)))
    result = examine(load_corpus(config))
    assert finding_with(result, "no labels").level == "error"
    assert result.sizes[0].scored == 0


def test_notes_of_the_corpus_are_findings(report):
    result = report({"dev_fraction": 0.5}, train=GOOD)
    assert finding_with(result, "held out 1 of 2 training sentences").level == "info"


def test_rendering_escapes_square_brackets_and_control_characters(report):
    result = report(train=GOOD + text("a\x1b[1m/B-[red] b/O"))
    console = Console(file=io.StringIO(), width=120)
    console.print(render(result))
    shown = console.file.getvalue()
    assert "B-[red] (1)" in shown
    assert "\x1b[1m" not in shown
    for words in ("Splits", "train", "unknown words", "Findings", "label scheme: bio"):
        assert words in shown


def test_a_csv_with_one_token_per_row(write):
    rows = ["Sentence #,Word,POS,Tag"]
    for number in range(1, 13):
        rows += [f"Sentence: {number},Eva,NNP,B-PER", ',"ran,fast",VBD,O']
    path = write("ner.csv", "\n".join(rows) + "\n")
    config = CorpusConfig(
        format="csv", path=str(path), token_column="Word", label_column="Tag", dev_fraction=0
    )
    corpus = load_corpus(config)
    finding = finding_with(examine(corpus), "sentences have a single token")
    assert (finding.level, finding.where) == ("warning", "ner.csv:2")
    assert f"{finding.where}: {finding.message}" in corpus.notes
    assert "set data.sentence_column" in finding.message
    again = load_corpus(replace(config, sentence_column="Sentence #")).splits["train"]
    assert again.num_rows == 12
    assert again[0]["tokens"] == ["Eva", "ran,fast"]


def test_an_empty_line_after_every_token(report):
    result = report(train="a O\n\nb B-PER\n\n" * 6)
    finding = finding_with(result, "sentences have a single token")
    assert (finding.where, finding.count) == ("train.txt:1", 12)
    assert "every token is followed by an empty line" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"B-PER w{i}\nI-PER w{i + 1}\nO x\n\n" for i in range(9)),
        "".join(f"{'NV'[i % 2]} word{i}\n" for i in range(200)),
    ],
)
def test_swapped_tokens_and_labels(report, text):
    finding = finding_with(report(train=text), "seem to be swapped")
    assert (finding.level, finding.where) == ("error", "train.txt:1")
    assert "data.columns, or data.token_column (now 'tokens')" in finding.message


@pytest.mark.parametrize(
    ("text", "words", "level", "where"),
    [
        ("1 a\n2 b\n3 a\n\n1 c\n2 b\n", "the tokens are 1, 2, 3", "error", "train.txt:1"),
        ("x a\n" * 12 + "x b\n", "every token is 'x'", "error", "train.txt:1"),
        ("w a\nv b\n" * 150, "all 300 tokens are one sentence", "warning", "train.txt:1"),
        (
            "Word Tag\n\n" + GOOD.replace("\t", " ").replace("B-", "").replace("I-", ""),
            "a header is read",
            "warning",
            "train.txt:1",
        ),
    ],
)
def test_misread_columns(report, text, words, level, where):
    finding = finding_with(report(train=text), words)
    assert (finding.level, finding.where) == (level, where)


def test_document_markers_read_as_sentences(write):
    lines = '{"tokens": ["-DOCSTART-"], "labels": ["O"]}\n'
    lines += '{"tokens": ["Eva", "ran"], "labels": ["B-PER", "O"]}\n'
    config = CorpusConfig(format="json", path=str(write("a.jsonl", lines)), dev_fraction=0)
    finding = finding_with(examine(load_corpus(config)), "sentences of the token -DOCSTART-")
    assert (finding.level, finding.where) == ("warning", "a.jsonl:1")


def test_words_in_two_forms_also_across_splits(report):
    train = GOOD + text("caf\u00e9/O", "cafe\u0301/O")
    result = report(train=train, test=text("na\u00efve/O", "nai\u0308ve/O", "caf\u00e9/O"))
    first, second = [f for f in result.findings if "NFC, NFD" in f.message]
    assert (first.split, first.where, first.count) == ("train", "train.txt:11", 1)
    assert first.examples == (r"'cafe\u0301' and 'caf\xe9'",)
    assert (second.split, second.where) == ("test", "test.txt:3")


def test_words_that_are_normalized_have_one_form(report):
    train = GOOD + text("caf\u00e9/O", "cafe\u0301/O")
    result = report({"normalize": "NFC"}, train=train, test=text("cafe\u0301/O"))
    assert not [finding for finding in result.findings if "NFC" in finding.message]
    assert result.sizes[1].unknown == 0


def test_utf8_read_as_another_encoding(report):
    words = ["caf\u00e9", "na\u00efve", "r\u00f4le", "\u00fcber", "se\u00f1or"]
    train = GOOD + text(*(f"{word}/O" for word in words))
    finding = finding_with(report({"encoding": "latin-1"}, train=train), "read in another encoding")
    assert (finding.level, finding.where, finding.count) == ("warning", "train.txt:9", 5)
    assert finding.examples[0] == "caf\u00c3\u00a9 for caf\u00e9"
    assert not [f for f in report(train=train).findings if "encoding" in f.message]


def test_a_feature_that_never_changes(report):
    settings = {"columns": ["tokens", "pos", "labels"], "features": ["pos"]}
    result = report(settings, train="Eva X B-PER\nran X O\n")
    assert finding_with(result, "the feature 'pos' is 'X' at every token").level == "warning"


def test_a_typo_in_a_label(report):
    many = text(*["Eva/B-PER ran/O"] * 200)
    finding = finding_with(report(train=many + text("Bob/B-PRE", "Xu/B-LOC")), "typos?")
    assert (finding.where, finding.examples) == ("train.txt:601", ("PRE (1) and PER (200)",))


def test_files_left_out_are_a_warning(write):
    corpus = load_corpus(CorpusConfig(format="column", path=str(write("train.txt", GOOD))))
    corpus = dataclasses.replace(
        corpus, notes=("eval.txt: left out, since its name contains no split",)
    )
    assert finding_with(examine(corpus), "eval.txt").level == "warning"


@pytest.mark.parametrize(
    ("content", "level", "text"),
    [
        ("a 1 2\nz 3 4\n", "info", "words of this split with a vector in .*: 1 of 2 words .50.0%."),
        ("2 3\nb 1 2 3\na 3 4 5\n", "info", "2 of 2"),
        ("z 1 2\ny 3 4\n", "error", "none of the .* words of the vocabulary has a vector"),
        ("a 1 2\nb 3 x\n", "error", "v.txt:2: "),
        ("nothing\n", "error", "v.txt:1: not a line of word vectors"),
        ("", "error", "v.txt:1: not a line of word vectors"),
    ],
)
def test_word_vectors_are_compared_with_the_words(write, content, level, text):
    corpus = load_corpus(
        CorpusConfig(format="column", path=str(write("c/train.txt", "a B-X\nb O\n\n" * 3)))
    )
    finding = examine_vectors(str(write("v.txt", content)), corpus)
    assert finding.level == level
    assert re.search(text, finding.message)
    report = examine(corpus).with_finding(finding)
    assert report.exit_code == max(examine(corpus).exit_code, level == "error")
    missing = examine_vectors("no/such.txt", corpus)
    assert "no/such.txt: there is no such file of word vectors" in missing.message


def test_matches_of_gazetteers(write):
    rows = "New O\nYork O\nand O\nＲｏｍｅ O\n\nrome O\nYork O\n"
    for normalize, ignore_case, expected in (
        (None, False, "0 of 3 names occur in this split, 0 times"),
        ("NFKC", False, "2 of 3 names occur in this split, 2 times"),
        ("NFKC", True, "2 of 3 names occur in this split, 3 times"),
    ):
        config = CorpusConfig("column", str(write("c.txt", rows)), normalize=normalize)
        lists = {"city": ["New York", "Rome", "Oslo"]}
        if normalize is None:
            lists = {"city": ["York City", "Rome", "Oslo"]}
        corpus = load_corpus(replace(config, dev_fraction=0))
        (finding,) = examine_gazetteers(Gazetteers(lists, ignore_case), corpus)
        assert finding.message == f"gazetteer city: {expected}"
        assert finding.level == ("warning" if normalize is None else "info")
