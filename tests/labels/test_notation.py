"""Notations: labels in standard form and as written, and the errors."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.labels import SCHEMES, Notation, Span, check_labels, spans, spans_to_labels

steady = settings(max_examples=60, deadline=None, derandomize=True)
SPANNING = [scheme for scheme in SCHEMES if scheme not in ("plain", "io")]
NOTATIONS = st.builds(
    Notation,
    scheme=st.sampled_from(SPANNING),
    separator=st.sampled_from("-_:./|=+#~ "),
    suffix=st.booleans(),
    lower=st.booleans(),
    outside=st.sampled_from("Oo"),
)


@pytest.mark.parametrize(
    ("notation", "written", "standard"),
    [
        (Notation("bmes"), "M-PER", "M-PER"),
        (Notation("bmes", separator="_", suffix=True), "PER_NAM_M", "M-PER_NAM"),
        (Notation("bio", lower=True, outside="o"), "b-per", "B-per"),
        (Notation("bio", lower=True, outside="o"), "o", "O"),
        (Notation("bioes", lower=True), "s", "S"),
        (Notation("io"), "PER", "PER"),
        (Notation("plain"), "b-per", "b-per"),
    ],
)
def test_labels_are_read_and_written(notation, written, standard):
    assert notation.read(written) == standard
    assert notation.write(standard) == written


@steady
@given(NOTATIONS, st.sampled_from(["X", "a-b", "_x", "人名", "b", "x:y ", "_"]), st.integers(1, 3))
def test_labels_come_back(notation, type_, length):
    labels = spans_to_labels([Span(type_, 0, length)], length + 1, notation.scheme)
    check_labels(labels, notation.scheme)
    written = [notation.write(label) for label in labels]
    assert [notation.read(label) for label in written] == labels
    assert spans([notation.parse(label) for label in written], notation.scheme) == [
        Span(type_, 0, length)
    ]


@steady
@given(NOTATIONS, st.text(max_size=5))
def test_any_text_is_read_or_refused(notation, text):
    standard = notation.read(text)
    if standard is None:
        with pytest.raises(InputError, match="is not a label of the"):
            notation.parse(text)
    elif standard[0] not in "LUV":
        assert notation.write(standard) == text


def test_messages_show_labels_as_they_are_written():
    notation = Notation("bmes", separator="_", suffix=True, lower=True, outside="o")
    message = (
        "'B-X' is not a label of the bmes scheme; expected o, TYPE_b, TYPE_m, TYPE_e or TYPE_s"
    )
    with pytest.raises(InputError, match=message):
        notation.parse("B-X")
    assert notation.described() == "bmes, written TYPE_b and o"


@pytest.mark.parametrize("wrong", [{"separator": "--"}, {"separator": ""}, {"separator": "x"}])
def test_unknown_separators_are_refused(wrong):
    with pytest.raises(ValueError, match="separator"):
        Notation("bio", **wrong)


def test_unknown_schemes_are_refused():
    with pytest.raises(InputError, match="did you mean 'bmes'"):
        Notation("bmess")
    with pytest.raises(InputError, match="outside"):
        Notation("bio", outside="x")
