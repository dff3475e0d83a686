"""Label schemes compared with seqeval and with brute force, and round trips."""

import itertools
import subprocess
import sys
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, IOE1, IOE2, Tokens

from seqtag.errors import InputError
from seqtag.labels import (
    Problem,
    Span,
    allowed_transitions,
    convert,
    neighbours,
    problems,
    scheme_of,
    spans,
    spans_to_labels,
)

steady = settings(max_examples=60, deadline=None, derandomize=True)
few = settings(max_examples=12, deadline=None, derandomize=True)
# The letters of each scheme that can separate two spans of one type that touch.
LETTERS = {
    "iob1": "BI",
    "bio": "BI",
    "ioe1": "IE",
    "ioe2": "IE",
    "bioes": "BIES",
    "bilou": "BILU",
    "bmes": "BMES",
    "bmewo": "BMEW",
}
SPAN_SCHEMES = tuple(LETTERS)
# The schemes that seqeval reads, too.
SEQEVAL = {"iob1": IOB1, "bio": IOB2, "ioe1": IOE1, "ioe2": IOE2, "bioes": IOBES, "bilou": BILOU}
# Hyphens inside a type, and letters alone; seqeval names the type of those "_" too.
TYPES = ("-X", "-Y", "-a-b", "")


def label_lists(letters, types=TYPES):
    labels = ["O", *(letter + type_ for letter in letters for type_ in types)]
    return st.lists(st.sampled_from(labels), max_size=12)


def span_lists(types=("X", "Y", "a-b", "_")):
    """Return a strategy of (spans, length): random pieces of a sentence, some of them spans."""

    def build(pieces):
        drawn, start = [], 0
        for length, type_ in pieces:
            if type_ is not None:
                drawn.append(Span(type_, start, start + length))
            start += length
        return drawn, start

    piece = st.tuples(st.integers(1, 4), st.sampled_from((None, *types)))
    return st.lists(piece, max_size=6).map(build)


def seqeval_default(labels):
    return [Span(type_, start, end + 1) for type_, start, end in get_entities(list(labels))]


def seqeval_strict(labels, scheme):
    return [
        Span(entity.tag, entity.start, entity.end) for entity in Tokens(labels, scheme).entities
    ]


@steady
@given(label_lists("BI"))
def test_bio_spans_equal_those_of_seqeval(labels):
    assert spans(labels, "bio") == seqeval_default(labels)
    assert spans(labels, "bio", "strict") == seqeval_strict(labels, IOB2)


@steady
@given(label_lists("BIES"))
def test_bioes_spans_equal_those_of_seqeval(labels):
    assert spans(labels, "bioes") == seqeval_default(labels)
    assert spans(labels, "bioes", "strict") == seqeval_strict(labels, IOBES)


@steady
@given(label_lists("BILU"))
def test_bilou_letters_equal_bioes_letters(labels):
    as_bioes = [label.replace("L", "E", 1).replace("U", "S", 1) for label in labels]
    assert spans(labels, "bioes") == spans(as_bioes, "bioes")
    assert spans(labels, "bioes", "strict") == seqeval_strict(labels, BILOU)
    assert convert(labels, "bioes", "bioes") == as_bioes


@steady
@given(label_lists("BI"))
def test_iob1_spans_equal_those_of_conlleval(labels):
    assert spans(labels, "iob1") == seqeval_default(labels)


@steady
@given(label_lists("IE"))
def test_ioe_spans_equal_those_of_seqeval(labels):
    assert spans(labels, "ioe1") == spans(labels, "ioe2") == seqeval_default(labels)
    assert spans(labels, "ioe2", "strict") == seqeval_strict(labels, IOE2)


@pytest.mark.parametrize("scheme", SEQEVAL)
@steady
@given(drawn=span_lists())
def test_seqeval_reads_the_spans_that_were_encoded(scheme, drawn):
    labels = spans_to_labels(*drawn, scheme)
    strict = seqeval_strict(labels, SEQEVAL[scheme])
    # Strict seqeval loses some legal spans of IOB1 and IOE1, and finds no others.
    assert strict == drawn[0] if scheme not in ("iob1", "ioe1") else {*strict} <= {*drawn[0]}
    if scheme != "bilou":
        assert seqeval_default(labels) == drawn[0]


@steady
@given(label_lists("BMEW"))
def test_letters_of_bmewo_equal_those_of_bioes(labels):
    names = {"M": "I", "W": "S"}
    as_bioes = [names.get(label[0], label[0]) + label[1:] for label in labels]
    assert convert(labels, "bmewo", "bioes") == as_bioes
    assert convert(as_bioes, "bioes", "bmewo") == labels
    assert spans(labels, "bmewo", "strict") == spans(as_bioes, "bioes", "strict")
    assert len(problems(labels, "bmewo")) == len(problems(as_bioes, "bioes"))


@steady
@given(span_lists(("X", "Y", "a-b", "人")))
def test_io_joins_spans_of_a_type_that_touch(drawn):
    labels = spans_to_labels(*drawn, "io")
    tokens = [
        {span.type for span in drawn[0] if span.start <= t < span.end} for t in range(drawn[1])
    ]
    assert labels == [next(iter(types), "O") for types in tokens]
    assert problems(labels, "io") == []
    assert convert(convert(labels, "io", "bio"), "bio", "io") == labels


@pytest.mark.parametrize("scheme", SPAN_SCHEMES)
@steady
@given(drawn=span_lists())
def test_spans_and_labels_are_inverse(scheme, drawn):
    expected, length = drawn
    labels = spans_to_labels(expected, length, scheme)
    assert len(labels) == length
    assert problems(labels, scheme) == []
    assert spans(labels, scheme) == spans(labels, scheme, "strict") == expected


@pytest.mark.parametrize("source", SPAN_SCHEMES)
@pytest.mark.parametrize("target", SPAN_SCHEMES)
@few
@given(drawn=span_lists(), ignored=st.sets(st.integers(0, 20)))
def test_conversion_and_back_is_the_identity(source, target, drawn, ignored):
    labels = spans_to_labels(*drawn, source)
    assert convert(convert(labels, source, target), target, source) == labels
    # Ignored tokens can make the other labels illegal; after a repair the round trip must hold.
    partial = [None if position in ignored else label for position, label in enumerate(labels)]
    converted = convert(partial, source, target)
    assert [label is None for label in converted] == [label is None for label in partial]
    assert convert(convert(converted, target, source), source, target) == converted
    assert spans(converted, target) == spans(partial, source)


@pytest.mark.parametrize("scheme", SPAN_SCHEMES)
@steady
@given(data=st.data())
def test_labels_are_legal_if_their_spans_encode_to_them(scheme, data):
    labels = data.draw(label_lists(LETTERS[scheme]))
    encoded = spans_to_labels(spans(labels, scheme), len(labels), scheme)
    assert (problems(labels, scheme) == []) == (encoded == labels)


@pytest.mark.parametrize("scheme", SPAN_SCHEMES)
def test_transitions_allow_exactly_the_legal_sequences(scheme):
    letters = "BIESL" if scheme == "bioes" else LETTERS[scheme]
    labels = ["O", *(letter + type_ for letter in letters for type_ in ("-X", "-Y"))]
    allowed = allowed_transitions(labels, scheme)
    for length in (1, 2, 3):
        for path in itertools.product(range(len(labels)), repeat=length):
            steps = all(allowed.between[i][j] for i, j in itertools.pairwise(path))
            is_allowed = allowed.start[path[0]] and steps and allowed.end[path[-1]]
            assert is_allowed == (problems([labels[i] for i in path], scheme) == [])


def test_plain_transitions_are_all_allowed():
    allowed = allowed_transitions(["NOUN", "VERB", "B-"], "plain")
    assert [part.shape for part in allowed] == [(3,), (3, 3), (3,)]
    assert all(part.all() for part in allowed)
    for scheme in ("bio", "plain"):
        assert [part.shape for part in allowed_transitions([], scheme)] == [(0,), (0, 0), (0,)]


def test_messages_of_problems():
    assert problems(["O", "I-X", "B-X", "I-Y"], "bio") == [
        Problem(1, "I-X may not follow O"),
        Problem(3, "I-Y may not follow B-X"),
    ]
    assert problems(["I-X"], "bio") == [Problem(0, "I-X may not begin a sentence")]
    assert problems(["S-X", "B-X"], "bioes") == [Problem(1, "B-X may not end a sentence")]
    assert problems(["B-X", "O"], "bioes") == [Problem(1, "O may not follow B-X")]
    assert problems(["I-X", "B-X", "O", "B-X"], "iob1") == [Problem(3, "B-X may not follow O")]
    assert problems(["A", ""], "plain") == [Problem(1, "the label is empty")]
    message = "'X-B' is not a label of the bio scheme; expected O, B-TYPE or I-TYPE"
    assert problems(["B-X", "X-B", "I-X"], "bio") == [Problem(1, message)]
    assert problems([], "bio") == problems([], "plain") == []


@pytest.mark.parametrize(
    "label", ["", "-", "-X", "B-", "BX", "B_X", "b-X", "O-X", "BI-X", "X", "\n"]
)
@pytest.mark.parametrize("scheme", SPAN_SCHEMES)
def test_strings_outside_the_scheme_are_refused(label, scheme):
    assert [problem.position for problem in problems(["O", label], scheme)] == [1]
    for refuse in (
        lambda: spans([label], scheme),
        lambda: spans(["O", label], scheme, "strict"),
        lambda: convert([label], scheme, "bio"),
        lambda: convert([label], scheme, scheme),
        lambda: allowed_transitions([label], scheme),
    ):
        message = f"is not a label of the {scheme} scheme; expected O, {LETTERS[scheme][0]}-TYPE"
        with pytest.raises(InputError, match=message):
            refuse()


def test_a_letter_of_another_scheme_is_refused():
    with pytest.raises(InputError, match="'E-X' is not a label of the bio scheme"):
        spans(["B-X", "E-X"], "bio")


def test_the_type_is_everything_after_the_first_hyphen():
    assert spans(["B-foo-bar", "I-foo-bar", "B--x", "B-y-"], "bio") == [
        Span("foo-bar", 0, 2),
        Span("-x", 2, 3),
        Span("y-", 3, 4),
    ]
    assert convert(["B-foo-bar", "I-foo-bar"], "bio", "bioes") == ["B-foo-bar", "E-foo-bar"]


def test_letters_without_a_type():
    assert spans(["B", "I", "B-_"], "bio") == [Span("_", 0, 2), Span("_", 2, 3)]
    assert convert(["B", "I", "B-_"], "bio", "bioes") == ["B", "E", "S"]


def test_conversion_between_iob1_and_bio():
    iob1 = ["I-X", "I-X", "B-X", "I-Y", "O", "I-Y"]
    bio = ["B-X", "I-X", "B-X", "B-Y", "O", "B-Y"]
    assert convert(iob1, "iob1", "bio") == bio
    assert convert(bio, "bio", "iob1") == iob1


def test_spans_skip_ignored_tokens():
    assert spans(["B-X", None, "I-X", None], "bio") == [Span("X", 0, 3)]
    assert spans([None, "B-X", None, "E-X"], "bioes", "strict") == [Span("X", 1, 4)]
    assert convert(["B-X", None, "I-X"], "bio", "bioes") == ["B-X", None, "E-X"]
    assert convert(["I-X", None, "B-X"], "iob1", "bio") == ["B-X", None, "B-X"]
    assert problems(["B-X", None, "I-Y", "O", None], "bioes") == [
        Problem(3, "O may not follow I-Y")
    ]
    assert spans([None, None], "bio") == []


def test_conversion_to_the_same_scheme_repairs_nothing():
    assert convert(["O", "I-X", None], "bio", "bio") == ["O", "I-X", None]
    assert convert(["anything", "", None], "plain", "plain") == ["anything", "", None]


def test_wrong_schemes_and_policies_are_refused():
    with pytest.raises(InputError, match="did you mean 'bioes'"):
        spans([], "bioess")
    with pytest.raises(InputError, match="plain labels do not encode spans"):
        spans([], "plain")
    with pytest.raises(InputError, match="plain labels do not encode spans"):
        convert(["O"], "bio", "plain")
    with pytest.raises(InputError, match="plain labels do not encode spans"):
        convert(["O"], "plain", "bio")
    with pytest.raises(InputError, match="known: repair, strict"):
        spans([], "bio", "lenient")


@pytest.mark.parametrize(
    "bad",
    [
        [Span("X", 0, 2), Span("X", 1, 3)],
        [Span("X", 2, 4)],
        [Span("X", 1, 1)],
        [Span("X", -1, 1)],
        [Span("", 0, 1)],
    ],
)
def test_impossible_spans_are_refused(bad):
    with pytest.raises(ValueError, match="overlapping or outside 3 tokens"):
        spans_to_labels(bad, 3, "bio")


@pytest.mark.parametrize("scheme", ["iob1", "bio", "ioe1", "ioe2", "bioes", "bilou"])
@steady
@given(drawn=st.lists(span_lists(("X", "Y")), min_size=1, max_size=4))
def test_detected_scheme_reads_the_same_spans(scheme, drawn):
    corpus = [spans_to_labels(*sentence, scheme) for sentence in drawn]
    detected = scheme_of(Counter(chain(*map(neighbours, corpus))))
    if detected == "plain":
        assert not any(corpus)
    # Labels can fit several schemes; the detected one must give the same spans.
    for labels in corpus if detected != "plain" else []:
        if scheme == "bilou":
            labels = convert(labels, scheme, "bioes")
        assert problems(labels, detected) == []
        assert spans(labels, detected) == spans(labels, "bioes" if scheme == "bilou" else scheme)


@pytest.mark.parametrize(
    ("corpus", "scheme"),
    [
        ([["I-X", "I-X", "O"], ["I-X", "B-X"]], "iob1"),
        ([["B-X", "I-X", "O"], ["B-Y"]], "bio"),
        ([["B-X", "E-X", "O"], ["S-Y"]], "bioes"),
        ([["B-X", "L-X", "O"], ["U-Y"]], "bioes"),
        ([["NOUN", "VERB", "O", "I"]], "plain"),
        ([["S-PRO", "A", "V", "S"]], "plain"),
        ([["S", "O"]], "plain"),
        ([["B", "I", "O"]], "bio"),
        ([["I", "O"]], "iob1"),
        ([["O", "O"]], "bio"),
        ([["B", "I", "O", "NOUN"]], "plain"),
        ([], "plain"),
        ([[], [None, None]], "plain"),
        # A few wrong labels do not change the scheme.
        ([["B-X", "I-X", "O", "X-B"]], "bio"),
        ([["B-X", "I-X", "O", "B_X", "B-Y"]], "bio"),
        ([["B-X", "O"]] * 3 + [["O", "I-X"]], "bio"),
        ([["I-X", "O"]] * 3 + [["O", "B-X"]], "iob1"),
        ([["B-X", "I-X", "O"]] * 3 + [["S-X"]], "bio"),
        ([["B-X", "E-X", "O"]] * 3 + [["B-X", "I-X"]], "bioes"),
        # Nothing is known about a label next to an ignored token.
        ([[None, "I-X", "O"], ["B-X"]], "bio"),
    ],
)
def test_scheme_detection(corpus, scheme):
    assert scheme_of(Counter(chain(*map(neighbours, corpus)))) == scheme


def test_neither_torch_nor_numpy_is_imported():
    code = "import sys, seqtag.labels; print('torch' in sys.modules or 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
