"""Labels of a run's cell."""

import pytest

from seqtag.study.describe import cell_label, start_label


@pytest.mark.parametrize(
    ("cell", "label", "start"),
    [
        ("lstm", "lstm", "bias 1"),
        ({"name": "lstm", "peepholes": ["i", "o"]}, "lstm(peepholes=i,o)", "bias 1"),
        ({"name": "lstm", "forget_bias": 0.5}, "lstm", "bias 0.5"),
        ("nfg", "nfg", ""),
        ({"name": "lstm", "chrono": 100}, "lstm", "chrono 100"),
        ({"name": "cifg", "chrono": 70}, "cifg", "chrono 70"),
        ("rnn", "rnn", ""),
    ],
)
def test_labels_of_a_cell(cell, label, start):
    assert cell_label(cell) == label
    assert start_label(cell) == start
