"""Labels of a run's cell, and the size of its encoder."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtag.errors import InputError
from seqtag.model.config import TaggerConfig
from seqtag.model.size import count_parameters
from seqtag.recurrent.layer import Recurrent
from seqtag.study.describe import (
    cell_label,
    hidden_size_for,
    start_label,
)

FORWARD = TaggerConfig(num_layers=1, bidirectional=False)
BIDIRECTIONAL = TaggerConfig(num_layers=2)


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


@settings(derandomize=True, deadline=None, max_examples=20)
@given(
    st.sampled_from(["lstm", "gru", "rnn", "cifg", "lstm_peephole"]),
    st.integers(2000, 200_000),
    st.sampled_from([FORWARD, BIDIRECTIONAL]),
)
def test_the_hidden_size_is_the_closest_to_a_number_of_parameters(cell, parameters, model):
    units = hidden_size_for(cell, parameters, 16, model)

    def distance(hidden_size: int) -> int:
        layer = Recurrent(cell, 16, hidden_size, model.num_layers, model.bidirectional)
        return abs(count_parameters(layer) - parameters)

    assert distance(units) <= min(distance(units + 1), distance(max(1, units - 1)))


def test_too_few_parameters_are_refused():
    with pytest.raises(InputError, match="is too small: one unit of this cell has 72"):
        hidden_size_for("lstm", 10, 16, FORWARD)


def test_heads_divide_the_hidden_size():
    units = hidden_size_for({"name": "mlstm", "heads": 6}, 20_000, 16, FORWARD)
    assert units % 6 == 0

    def distance(hidden_size: int) -> int:
        layer = Recurrent({"name": "mlstm", "heads": 6}, 16, hidden_size)
        return abs(count_parameters(layer) - 20_000)

    assert distance(units) == min(distance(units - 6), distance(units), distance(units + 6))
