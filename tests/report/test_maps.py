import numpy as np
import pandas as pd
import pytest

from seqtag.report.maps import plot_overview, plot_two_factors

ORDER = ["lstm, bias 1", "rnn"]


def test_one_map_per_setup(pronoun):
    figure = plot_two_factors(pronoun, "factor_attractors", "test", ORDER)
    lstm, rnn, bar = figure.axes
    assert [panel.get_title(loc="left") for panel in (lstm, rnn)] == ORDER
    rows = pronoun.rows("factors", "test")
    rows = rows[rows["name"] == "rnn"].sort_values(["factor_attractors", "factor_distance"])
    shares = rnn.images[0].get_array()
    np.testing.assert_allclose(shares.ravel(), rows["accuracy"])
    assert rnn.images[0].get_clim() == (0, 1)
    assert [text.get_text() for text in rnn.get_xticklabels()] == ["5", "20", "100"]
    assert [text.get_text() for text in lstm.get_yticklabels()] == ["0", "4"]
    numbers = [text.get_text() for text in rnn.texts]
    assert len(numbers) == 6
    assert numbers[0] == "100"
    assert float(numbers[2]) == pytest.approx(100 * shares[0, 2], abs=0.1)
    assert bar.get_ylabel() == "accuracy"


def test_a_frame_marks_the_training_range(pronoun):
    figure = plot_two_factors(pronoun, "factor_attractors", "test", ORDER)
    (frame,) = figure.axes[0].patches
    assert frame.get_bbox().bounds == (-0.5, -0.5, 2, 1)


def test_overview_colours_go_from_chance_to_100_per_cent():
    columns = pd.MultiIndex.from_product([["within", "beyond"], ["p", "q"]])
    accuracy = pd.DataFrame([[1.0, 0.5, 0.75, 0.999], [0.9, np.nan, 0.4, 0.5]], ["a", "b"], columns)
    chance = pd.DataFrame([[0.5] * 4] * 2, ["a", "b"], columns)
    figure = plot_overview(accuracy, chance, ["within", "beyond"], ["b", "a"])
    within, beyond, _ = figure.axes
    assert [text.get_text() for text in beyond.get_yticklabels()] == ["b", "a"]
    assert [text.get_text() for text in beyond.texts] == ["40", "50", "75", "99"]
    shown = beyond.images[0].get_array()
    assert shown.ravel().tolist() == pytest.approx(
        [0, 0, 0.5, 0.998]
    )  # values below chance are drawn as chance
    assert within.images[0].get_array().mask.ravel().tolist() == [False, True, False, False]
