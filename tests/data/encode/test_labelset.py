"""Label sets: labels to ids and back, between the schemes of the corpus and the network."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.labels import NOT_SCORED, Notation, Span, convert, spans_to_labels

BIO = [["B-PER", "I-PER", "O"], [None, "B-LOC", "O"]]
BIOES = ("O", "B-LOC", "I-LOC", "E-LOC", "S-LOC", "B-PER", "I-PER", "E-PER", "S-PER")


def test_each_type_gets_every_label_of_the_scheme():
    labels = LabelSet.fit(BIO, "bio")
    assert labels.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert (labels.scheme, labels.types, len(labels)) == ("bio", ("LOC", "PER"), 5)
    assert labels.corpus_labels == labels.labels
    wider = LabelSet.fit(BIO, "bio", "bioes")
    assert wider.labels == BIOES
    assert wider.corpus_labels == labels.labels


def test_plain_labels():
    labels = LabelSet.fit([["VERB", None], ["B-X", "NOUN"]], "plain")
    assert labels.labels == ("B-X", "NOUN", "VERB")
    assert (labels.types, labels.transitions) == ((), None)
    assert labels.encode(["VERB", None, "ADV"]) == [2, NOT_SCORED, NOT_SCORED]
    assert labels.decode([2, 1]) == ["VERB", "NOUN"]


def test_unlabelled_tokens_and_unseen_labels_are_not_scored():
    labels = LabelSet.fit(BIO, "bio", "bioes")
    ids = labels.encode(["B-PER", None, "I-PER", "B-NEW", "O"])
    assert [labels.labels[i] if i >= 0 else None for i in ids] == [
        "B-PER",
        None,
        "E-PER",
        None,
        "O",
    ]
    assert ids[1] == ids[3] == NOT_SCORED


def test_labels_without_types():
    labels = LabelSet.fit([["B", "I", "O", "B"]], "bio", "bioes")
    assert labels.labels == ("O", "B", "I", "E", "S")
    assert labels.types == ("",)
    assert labels.corpus_labels == ("O", "B", "I")
    ids = labels.encode(["B", "I", "O", "B"])
    assert [labels.labels[i] for i in ids] == ["B", "E", "O", "S"]
    assert labels.decode(ids) == ["B", "I", "O", "B"]
    assert labels.transitions.start.tolist() == [True, True, False, False, True]


def test_a_type_that_means_no_type_is_not_lost_silently():
    labels = LabelSet.fit([["B-_", "O"]], "bio")
    assert labels.decode(labels.encode(["B-_", "I-_", "O"])) == ["B-_", "I-_", "O"]
    with pytest.raises(InputError, match="means no type"):
        LabelSet.fit([["B-_", "O"]], "bio", "bioes")


types = st.sampled_from(["A", "B-c", "é"])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(types, st.integers(1, 3), st.integers(0, 2)), max_size=5),
    st.sampled_from(["bio", "bioes"]),
    st.sampled_from(["auto", "bio", "bioes"]),
)
def test_legal_labels_come_back(parts, corpus_scheme, scheme):
    spans, end = [], 0
    for name, length, gap in parts:
        spans.append(Span(name, end, end + length))
        end += length + gap
    sentence = spans_to_labels(spans, end + 1, corpus_scheme)
    labels = LabelSet.fit([sentence], corpus_scheme, scheme)
    ids = labels.encode(sentence)
    assert NOT_SCORED not in ids
    assert labels.decode(ids) == sentence
    # The transitions allow the sequence of the network's labels.
    transitions = labels.transitions
    assert transitions.start[ids[0]]
    assert transitions.end[ids[-1]]
    assert all(transitions.between[i][j] for i, j in pairwise(ids))
    assert [labels.labels[i] for i in ids] == convert(sentence, corpus_scheme, labels.scheme)
    assert set(sentence) <= set(labels.corpus_labels)


@pytest.mark.parametrize(
    ("sentences", "arguments", "message"),
    [
        ([], ("bio",), "no labels"),
        ([[None, None]], ("plain",), "no labels"),
        (BIO, ("bio", "bioe"), "did you mean 'bioes'"),
        (BIO, ("bio", "iob1"), "scheme must be"),
        (BIO, ("bio", "plain"), "does not fit"),
        ([["NOUN"]], ("plain", "bio"), "does not fit"),
        ([["O", "X-PER"]], ("bio",), "'X-PER' is not a label of the bio scheme"),
    ],
)
def test_incompatible_arguments(sentences, arguments, message):
    with pytest.raises(InputError, match=message):
        LabelSet.fit(sentences, *arguments)


@pytest.mark.parametrize("arguments", [("bio",), ("bio", "bioes"), ("bioes", "bio")])
def test_labels_survive_being_saved(arguments):
    labels = LabelSet.fit(BIO, *arguments)
    loaded = LabelSet.from_plain(json.loads(json.dumps(labels.to_plain())))
    assert loaded.to_plain() == labels.to_plain()
    assert loaded.encode(BIO[0]) == labels.encode(BIO[0])


def test_labels_are_rewritten_in_other_schemes_and_as_the_corpus_wrote_them():
    notation = Notation("bmes", separator="_", suffix=True)
    labels = LabelSet.fit([["B-PER", "I-PER", "E-PER", "O"]], "bioes", "bio", notation)
    decoded = labels.decode([1, 2, 2, 0, 1])
    assert labels.rewrite(decoded, None) == decoded == ["B-PER", "I-PER", "E-PER", "O", "S-PER"]
    assert labels.rewrite(decoded, "corpus") == ["PER_B", "PER_M", "PER_E", "O", "PER_S"]
    assert labels.rewrite(decoded, "bio") == ["B-PER", "I-PER", "I-PER", "O", "B-PER"]
    assert labels.rewrite(decoded, "bmewo") == ["B-PER", "M-PER", "E-PER", "O", "W-PER"]
    assert labels.rewrite(decoded, "io") == ["PER", "PER", "PER", "O", "PER"]
    loaded = LabelSet.from_plain(json.loads(json.dumps(labels.to_plain())))
    assert loaded.notation == notation
    assert loaded.rewrite(decoded, "corpus") == labels.rewrite(decoded, "corpus")
    assert LabelSet.fit(BIO, "bio").to_plain().keys() == {"labels", "scheme", "corpus_scheme"}
    plain = LabelSet.fit([["NOUN"]], "plain")
    assert plain.rewrite(["NOUN"], "corpus") == plain.rewrite(["NOUN"], "plain") == ["NOUN"]
    for one, scheme in ((plain, "bio"), (labels, "plain")):
        with pytest.raises(InputError, match="cannot be converted to each other"):
            one.rewrite([], scheme)
    with pytest.raises(InputError, match="did you mean 'bmes'"):
        labels.rewrite([], "bmess")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"notation": {"scheme": "plain"}}, "do not mix"),
        ({"notation": {"scheme": "x"}}, "unknown scheme 'x'"),
        ({"notation": {"scheme": "bio", "separator": "x" * 9}}, "separator"),
        ({"notation": {"scheme": "bio", "lower": 1}}, "lower must be true or false"),
        ({"notation": []}, "must be a group of keys"),
        ({"labels": "O"}, "list of strings"),
        ({"labels": ["O", 1]}, "list of strings"),
        ({"labels": []}, "non-empty and all different"),
        ({"labels": ["O", "O"]}, "different"),
        ({"scheme": "iob1"}, "unknown scheme"),
        ({"scheme": ["bio"]}, "unknown scheme"),
        ({"scheme": "plain"}, "do not mix"),
        ({"labels": ["O", "NOUN"]}, "'NOUN' is not a label of the bio scheme"),
    ],
)
def test_a_damaged_label_file(change, message):
    plain = {**LabelSet.fit(BIO, "bio").to_plain(), **change}
    with pytest.raises(InputError, match=message) as caught:
        LabelSet.from_plain(plain, "x/labels.json")
    assert str(caught.value).startswith("x/labels.json")


@pytest.mark.parametrize("plain", [{}, [], None, {"labels": ["O"], "scheme": "bio"}])
def test_files_that_are_not_label_files(plain):
    with pytest.raises(InputError, match=r"labels\.json: not a label file"):
        LabelSet.from_plain(plain)


@given(
    st.lists(st.lists(st.sampled_from(["O", "B-x", "I-x", "B-y", "I-y", None]), max_size=9)),
    st.sampled_from([("bio", "bioes"), ("bioes", "bio")]),
)
def test_cached_conversion_equals_conversion(sentences, schemes):
    """Also for illegal sequences, and whatever was cached from earlier sentences."""
    source, target = schemes
    if source == "bioes":
        ends = {"B-y": "S-y", "I-y": "E-y", "I-x": "E-x"}
        sentences += [[ends.get(label, label) for label in labels] for labels in sentences]
    labels = LabelSet(["O"], target, source)
    for sentence in sentences:
        assert labels._reading(sentence) == convert(sentence, source, target)
