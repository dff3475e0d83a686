"""The main score of an evaluation, with the keys of this version and of earlier ones."""

import pytest

from seqtag.metrics.main import main_score


@pytest.mark.parametrize(
    ("figures", "main"),
    [
        ({"accuracy": 0.5, "f1": 0.4, "metric": "f1"}, ("f1", 0.4)),
        ({"accuracy": 0.5, "f1": 0.4, "metric": "accuracy"}, ("accuracy", 0.5)),
        ({"accuracy": 0.5, "kappa": 0.1, "metric": "kappa"}, ("kappa", 0.1)),
        # Files of earlier versions, and files that have been edited.
        ({"accuracy": 0.5, "f1": 0.4}, ("f1", 0.4)),
        ({"accuracy": 0.5}, ("accuracy", 0.5)),
        ({"accuracy": 0.5, "metric": "kappa"}, ("accuracy", 0.5)),
        ({"accuracy": 0.5, "metric": ["f1"]}, ("accuracy", 0.5)),
        ({}, ("accuracy", None)),
    ],
)
def test_main_score(figures, main):
    assert main_score(figures) == main
