"""Labels that nearly follow a scheme: the messages, and that their advice works."""

import shlex
from collections import Counter

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from seqtag.commands.overrides import quote_values
from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.corpus.near_schemes import find_near_scheme, label_hint, read_loosely
from seqtag.data.doctor.doctor import examine
from seqtag.errors import InputError

BIO = "Eva B-PER\nran O\n\nBob B-PER\nXu I-PER\nsat O\n"
BIOES = "Eva S-PER\nran O\n\nBob B-PER\nXu E-PER\nsat O\n"


def load(write, text, name="train.txt", **settings):
    path = write(name, text)
    return load_corpus(
        CorpusConfig(**{"format": "column", "path": str(path), "dev_fraction": 0, **settings})
    )


def finding_of(corpus):
    """Return the finding about the labels, which is also a note of the corpus."""
    (finding,) = [f for f in examine(corpus).findings if "the labels are nearly" in f.message]
    assert f"{finding.where}: {finding.message}" in corpus.notes
    assert finding.level == "warning"
    return finding


VARIANTS = {
    "hyphen U+2010": ("-", "\u2010", r"B\u2010PER"),
    "hyphen U+2011": ("-", "\u2011", r"B\u2011PER"),
    "hyphen U+2013": ("-", "\u2013", r"B\u2013PER"),
    "hyphen U+FF0D": ("-", "\uff0d", r"B\uff0dPER"),
    "words": ("B-", "BEGIN-", "BEGIN-PER"),
    "no hyphen": ("-", "", "BPER"),
    "OTHER": (" O", " OTHER", "OTHER"),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_the_advice_replaces_the_labels(write, variant, ends):
    old, new, shown = VARIANTS[variant]
    text = (BIO + "he O\n" * 6).replace(old, new).replace("\n", ends)
    if variant == "words":
        text = text.replace("I-", "INSIDE-")
    corpus = load(write, text)
    assert corpus.scheme == "plain"
    finding = finding_of(corpus)
    assert f"'{shown}' for " in finding.message
    assert finding.where.startswith("train.txt:")
    (argument,) = shlex.split(finding.message.partition(". Set ")[2].partition(", or set")[0])
    (word,) = quote_values([argument])
    value = OverridesParser.create().parse_override(word).value()
    again = load(write, text, label_map=value)
    assert again.scheme == "bio"
    assert not [note for note in again.notes if "nearly" in note]
    labels = [label for row in again.splits["train"]["labels"] for label in row]
    assert labels == ["B-PER", "O", "B-PER", "I-PER", *["O"] * 7]


def test_types_without_letters(write):
    text = "Eva PER\nXu PER\nran O\nin O\nBonn LOC\n. O\nX O\n"
    (finding,) = [f for f in examine(load(write, text)).findings if "data.scheme=io" in f.message]
    assert (finding.level, finding.where) == ("warning", "train.txt:1")
    for scheme in ("io", "plain"):
        notes = load(write, text, scheme=scheme).notes
        assert not [note for note in notes if "data.scheme=io" in note]


@pytest.mark.parametrize("outside", ["0", "OTHER", "null"])
def test_another_sign_for_outside(write, outside):
    text = BIO.replace(" O", f" {outside}") + f"he {outside}\n" * 9
    finding = finding_of(load(write, text))
    assert f"'{outside}' for O" in finding.message
    assert finding.where == "train.txt:2"


def test_absent_of_conllu(write):
    line = "{}\t{}\t_\t_\t_\t_\t_\t_\t_\t{}\n"
    words = [("Eva", "name=B-PER"), *[("x", "_")] * 5]
    text = "".join(line.format(i, *word) for i, word in enumerate(words, 1)) + "\n"
    settings = {"format": "conllu", "label_column": "misc.name"}
    finding = finding_of(load(write, text, "train.conllu", **settings))
    assert "Set data.absent=O, or" in finding.message
    corpus = load(write, text, "train.conllu", **settings, absent="O")
    assert corpus.scheme == "bio"
    # If most tokens have a label, the scheme is detected, and `_` is not in it.
    text = text.replace("x\t_\t_\t_\t_\t_\t_\t_\t_\n", "x\t_\t_\t_\t_\t_\t_\t_\tname=I-PER\n", 4)
    with pytest.raises(InputError, match=r"train\.conllu:6: .*data\.absent=O"):
        load(write, text, "train.conllu", **settings)


def test_an_entity_after_a_space_in_misc_is_not_lost(write):
    line = "1\tEva\t_\t_\t_\t_\t_\t_\t_\t{}\n\n"
    settings = {"format": "conllu", "label_column": "misc.name", "absent": "O"}
    good = line.format("SpaceAfter=No|name=B-PER")
    assert load(write, good, "a.conllu", **settings).splits["train"][0]["labels"] == ["B-PER"]
    for sign in (" ", ", ", ";"):
        text = good + line.format(f"SpaceAfter=No{sign}name=B-PER")
        with pytest.raises(InputError, match=r"b\.conllu:3: misc is .*'name' is not read"):
            load(write, text, "b.conllu", **settings)


def test_a_space_after_every_label(write):
    text = BIO.replace(" ", "\t").replace("\n", " \n")
    with pytest.raises(InputError, match=r"train\.txt:2: 'O ' .*It is 'O' with spaces"):
        load(write, text.replace(" \n \n", " \n\n"), separator="tab")
    text = "Eva\tPER \nran\tX \n" * 3
    report = examine(load(write, text, "b.txt", separator="tab"))
    (finding,) = [f for f in report.findings if "labels with spaces" in f.message]
    assert (finding.level, finding.where, finding.examples) == (
        *("warning", "b.txt:1"),
        ("'PER '", "'X '"),
    )


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("# id", "is a comment, set data.comment, e.g. \"data.comment='# id'\""),
        ("token label", "is a header, delete it"),
        ("ran o", "nearly 'O'"),
        ("ran M-PER", "nearly 'I-PER'"),
    ],
)
def test_a_single_label_that_is_not_in_the_scheme_is_explained(write, line, advice):
    with pytest.raises(InputError) as caught:
        load(write, f"{line}\n{BIO}", scheme="bio")
    assert "train.txt:1: " in str(caught.value)
    assert advice in str(caught.value)


def test_comments_of_another_width_are_named(write):
    with pytest.raises(InputError, match=r"""train\.txt:1: .*set "data\.comment='# id'": lines"""):
        load(write, "# id 12 domain=en\n" + BIO)


def test_bilou_is_reported(write):
    text = BIOES.replace("S-", "U-").replace("E-", "L-")
    corpus = load(write, text)
    assert "the labels are BILOU; L and U were converted to E and S (BIOES)" in corpus.notes
    messages = [finding.message for finding in examine(corpus).findings]
    assert "label scheme: bilou, converted to bioes" in messages
    assert corpus.splits["train"]["labels"][0] == ["S-PER", "O"]


@pytest.mark.parametrize(
    "labels",
    [
        "O B-PER I-PER",
        "B I O",
        "B I E S",
        "NN NNP VB IN CD SYM S I",
        "S/NP NP NP/S N S\\NP",
        "M F N PL",
        "SG PL",
        "a b c d e",
        "0 1 2",
        "O",
        "positive negative other",
        "root nsubj nsubj:pass obl:tmod",
        "Case=Nom Case=Acc _",
    ],
)
def test_other_tag_sets_are_left_alone(labels):
    assert find_near_scheme(Counter(labels.split(" "))) is None


@pytest.mark.parametrize("brackets", ["(PER* *) * (LOC)", "(A0* (V*) * *))"])
def test_brackets(brackets):
    assert find_near_scheme(Counter(brackets.split(" "))).departures == ("brackets",)


@given(st.text(max_size=12))
def test_any_text_can_be_interpreted(label):
    reading = read_loosely(label)
    if reading is not None and not reading.departures:
        assert reading.meant == label.replace("L-", "E-", 1).replace("U-", "S-", 1) or label in "LU"
    assert isinstance(label_hint(label, label), str)
