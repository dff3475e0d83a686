"""Recognition of notations: corpora of other traditions, and what stays plain."""

import random
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.labels import (
    SCHEMES,
    Notation,
    Span,
    convert,
    find_notation,
    neighbours,
    problems,
    scheme_of,
    spans,
    spans_to_labels,
    written_in,
)

LIKE_BIOES = ("bioes", "bilou", "bmes", "bmewo")
# Spans of one, two and three tokens of two types; some touch.
SENTENCES = [
    ([Span("PER", 0, 1), Span("PER", 1, 4), Span("LOC", 4, 6)], 8),
    ([Span("LOC", 1, 2), Span("PER", 3, 6), Span("PER", 6, 7)], 9),
    ([], 3),
    ([Span("PER", 0, 3)], 5),
]


def pairs_of(corpus):
    return Counter(chain(*map(neighbours, corpus)))


def written(notation):
    labels = [spans_to_labels(*sentence, notation.scheme) for sentence in SENTENCES]
    return [[notation.write(label) for label in sentence] for sentence in labels]


@pytest.mark.parametrize("scheme", [s for s in SCHEMES if s not in ("plain", "io")])
def test_schemes_in_standard_form(scheme):
    assert find_notation(pairs_of(written(Notation(scheme)))) == Notation(scheme)


@pytest.mark.parametrize("scheme", ["bio", *LIKE_BIOES])
@pytest.mark.parametrize("separator", list("-_:./|=+#~ "))
@pytest.mark.parametrize("suffix", [False, True])
@pytest.mark.parametrize(("lower", "outside"), [(False, "O"), (True, "o"), (True, "O")])
def test_other_notations(scheme, separator, suffix, lower, outside):
    notation = Notation(scheme, separator, suffix, lower, outside)
    corpus = written(notation)
    assert find_notation(pairs_of(corpus)) == notation
    assert written_in(chain(*corpus), scheme) == notation


@pytest.mark.parametrize(
    ("corpus", "notation"),
    [
        # ResumeNER, Weibo, MSRA and word segmentation.
        ("B-NAME M-NAME E-NAME O B-ORG M-ORG M-ORG E-ORG S-ORG O", Notation("bmes")),
        ("B-CONT M-CONT E-CONT O O O", Notation("bmes")),
        ("O B-PER.NOM I-PER.NOM O B-GPE.NAM", Notation("bio")),
        ("B-NR M-NR E-NR O O B-NS E-NS", Notation("bmes")),
        ("B E S S B M E B M M E S", Notation("bmes")),
        ("B M E W O", Notation("bmewo")),
        ("B-X M-X V-X E-X W-Y O", Notation("bmewo")),
        ("B-X E-X S-X O", Notation("bioes")),
        ("b i o o b i", Notation("bio", lower=True, outside="o")),
        ("PER-B PER-I O LOC-B O", Notation("bio", suffix=True)),
        ("B-PER I-PER o o o o o", Notation("bio", outside="o")),
        ("I-X E-X O I-X E-X E-X", Notation("ioe2")),
        ("I-X I-X O I-X E-X I-X O", Notation("ioe1")),
        # Half of the labels are of a scheme, but a letter is wrong: the error names its place.
        ("B-X M-X M-X E-X O S-X I-X", Notation("bmes")),
        ("B-X I-X O M-X", Notation("bio")),
    ],
)
def test_corpora(corpus, notation):
    assert find_notation(pairs_of([corpus.split()])) == notation


@pytest.mark.parametrize(
    "corpus",
    [
        "NN NNP VB IN CD SYM S I",
        "S/NP NP NP/S N S\\NP",
        "M F N PL",
        "b a c d e",
        "SG PL O",
        "PER PER O LOC O O O",
        "root nsubj nsubj:pass obl:tmod",
        "B-PER B_PER b-per O",
        # The letters are there, but the order of labels is not that of spans.
        "b_x o i_x o e_x o b_x i_x o s_x i_x",
        "I_X I_X O O",
        "S.M S.F S.N O",
        "M E B S M E B S M E B S",
    ],
)
def test_other_tag_sets_stay_plain(corpus):
    assert find_notation(pairs_of([corpus.split()] * 9)) == Notation("plain")


def test_half_bio_and_half_bioes_is_bioes():
    bio, bioes = (written(Notation(scheme)) for scheme in ("bio", "bioes"))
    assert find_notation(pairs_of(5 * bio + 3 * bioes)) == Notation("bioes")
    assert find_notation(pairs_of(300 * bio + bioes)) == Notation("bio")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_given_scheme_is_standard_unless_another_notation_reads_all_labels(scheme):
    assert written_in(["B-X", "b_x", "PER"], scheme) == Notation(scheme)


random_labels = st.sampled_from(
    [f"{letter}{sep}{type_}" for letter in "BIESMWLUVOXb" for sep in "-_" for type_ in ("X", "B")]
    + ["O", "o", "B", "I", "M", "E", "S", "", "X", "-", None, "X_B", "人-B"]
)


@pytest.mark.fuzz("schemes")
@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.lists(random_labels, max_size=8), max_size=4))
def test_any_labels_are_read_or_refused(corpus):
    check_reading(corpus)


def check_reading(corpus):
    """Check that any labels are read in some notation, or refused by an InputError."""
    pairs = pairs_of(corpus)
    notation = find_notation(pairs)
    if scheme_of(pairs) != "plain":
        assert notation.is_standard
    for labels in corpus:
        try:
            standard = [None if label is None else notation.parse(label) for label in labels]
        except InputError:
            continue
        if notation.scheme != "plain":
            for target in SCHEMES[2:]:
                again = convert(standard, notation.scheme, target)
                assert [label is None for label in again] == [label is None for label in labels]


def test_many_random_labels():
    generator = random.Random(0)
    letters = "BIESMWLUVObiesmwo"
    for _ in range(300):
        pool = [
            "".join(generator.choices(letters + "-_:XY人\u2010 ", k=generator.randint(0, 5)))
            for _ in range(generator.randint(1, 5))
        ]
        pool += ["O", None, f"{generator.choice(letters)}-X", f"X_{generator.choice(letters)}"]
        check_reading([generator.choices(pool, k=generator.randint(0, 9)) for _ in range(4)])


def test_problems_of_the_sentences():
    for scheme in SCHEMES[2:]:
        for sentence in SENTENCES:
            labels = spans_to_labels(*sentence, scheme)
            assert problems(labels, scheme) == []
            assert spans(labels, scheme, "strict") == sentence[0]
