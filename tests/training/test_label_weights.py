import pytest

from seqtag.data.encode.labelset import LabelSet
from seqtag.errors import InputError
from seqtag.training.label_weights import label_weights

SPANS = LabelSet.fit([["B-PER", "O"]], "bio", "bio")


def test_a_type_stands_for_its_labels_and_a_label_comes_first():
    assert label_weights({"PER": 2.0, "O": 0.5, "I-PER": 4.0}, SPANS) == [0.5, 2.0, 4.0]
    assert label_weights({"NOUN": 3.0}, LabelSet(["NOUN", "VERB-X"], "plain", "plain")) == [3.0, 1]


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match=r"model\.label_weights.*PRE.*did you mean 'PER'"):
        label_weights({"PRE": 2.0}, SPANS)
