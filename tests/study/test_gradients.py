import numpy as np
import pandas as pd
import pytest

from seqtag.study.gradients import mean_curves, mean_slopes

ABOUT = {"probe": "pronoun", "name": "lstm", "when": "initial", "state": "c"}


def test_curves_are_geometric_means_with_a_range():
    norms = {0: (0.0, 0.0), 1: (1.0, 0.01), 2: (0.5, 0.5)}
    rows = [{**ABOUT, "k": k, "norm": norm} for k, pair in norms.items() for norm in pair]
    table = mean_curves(pd.DataFrame(rows)).set_index("k")
    assert table["norm"].tolist() == pytest.approx([0.0, 0.1, 0.5])
    assert table["least"].tolist() == [0.0, 0.01, 0.5]
    assert table["most"].tolist() == [0.0, 1.0, 0.5]


def test_slopes_become_factors():
    rows = [
        {**ABOUT, "slope": np.log(0.9), "kept": np.log(0.5)},
        {**ABOUT, "slope": np.log(0.4), "kept": np.log(0.5)},
        {**ABOUT, "name": "rnn", "slope": 0.1, "kept": np.nan},
    ]
    lstm, rnn = mean_slopes(pd.DataFrame(rows)).to_dict("records")
    assert (lstm["factor"], lstm["least"], lstm["most"]) == pytest.approx((0.6, 0.4, 0.9))
    assert (lstm["kept"], lstm["runs"]) == (pytest.approx(0.5), 2)
    assert rnn["factor"] == pytest.approx(np.exp(0.1))
    assert np.isnan(rnn["kept"])
