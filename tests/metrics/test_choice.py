"""Values of ``metric=``."""

import pytest

from seqtag.errors import InputError
from seqtag.metrics.choice import Choice, is_higher_better, parse_metric
from seqtag.metrics.main import score_text


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("f1", Choice("f1")),
        ("accuracy", Choice("accuracy")),
        ("loss", Choice("loss")),
        ("macro_f1", Choice("macro_f1")),
        ("f1.PER", Choice("f1", "PER")),
        ("recall.a.b", Choice("recall", "a.b")),
    ],
)
def test_choices(text, choice):
    assert parse_metric(text) == choice
    assert str(choice) == text
    assert is_higher_better(text) is (text != "loss")


@pytest.mark.parametrize("text", ["f2", "f1.", "los", "loss.PER", ""])
def test_unknown_metrics_are_refused(text):
    with pytest.raises(InputError, match="unknown metric"):
        parse_metric(text)


def test_a_loss_is_not_a_percentage():
    assert score_text("f1.PER", 0.5) == "50.00%"
    assert score_text("dev loss", 1.5) == "1.5000"
