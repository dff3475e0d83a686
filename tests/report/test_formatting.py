import math

import pytest

from seqtag.report.formatting import DASH, interval, percent, spread, with_separators


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100.0"), (0.9999, "99.9"), (0.57, "57.0"), (0.0, "0.0"), (math.nan, DASH)],
)
def test_only_a_share_of_1_is_100(share, text):
    assert percent(share) == text


def test_tenths_of_a_per_cent_are_exact():
    assert [percent(tenth / 1000) for tenth in range(1001)] == [
        f"{t / 10:.1f}" for t in range(1001)
    ]


def test_missing_values_are_dashes():
    assert interval(math.nan, 0, 1) == spread(math.nan, 0, 1) == with_separators(math.nan) == DASH


def test_intervals_and_ranges():
    assert interval(0.5, 0.25, 0.75) == ("50.0", "[25.0, 75.0]")
    assert spread(0.5, 0.25, 1) == ("50.0", "25.0 to 100.0")
    assert interval(0.5, 0.2509, 0.7501) == ("50.0", "[25.0, 75.1]")
    assert interval(1.0, 0.9996, 1.0) == ("100.0", "[99.9, 100.0]")
    assert spread(0.5, 0.5, 0.5) == "50.0"
    assert spread(70, 60, 1000, with_separators) == ("70", "60 to 1,000")
    assert with_separators(2.5) == "2.5"
