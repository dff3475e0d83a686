"""The main score among the figures of an evaluation, as this version and earlier ones name it."""

import pytest

from seqtag.metrics.main import main_score


@pytest.mark.parametrize(
    ("figures", "main"),
    [
        ({"accuracy": 0.5, "f1": 0.4, "metric": "f1"}, ("f1", 0.4)),
        ({"accuracy": 0.5, "f1": 0.4, "metric": "accuracy"}, ("accuracy", 0.5)),
        ({"accuracy": 0.5, "kappa": 0.1, "metric": "kappa"}, ("kappa", 0.1)),
        # Of earlier versions, and of files that others have changed.
        ({"accuracy": 0.5, "f1": 0.4}, ("f1", 0.4)),
        ({"accuracy": 0.5}, ("accuracy", 0.5)),
        ({"accuracy": 0.5, "metric": "kappa"}, ("accuracy", 0.5)),
        ({"accuracy": 0.5, "metric": ["f1"]}, ("accuracy", 0.5)),
        ({}, ("accuracy", None)),
    ],
)
def test_main_score(figures, main):
    assert main_score(figures) == main
