import pytest

from seqtag.report.suites import suites


@pytest.fixture(scope="module")
def parts(results):
    return list(suites(results.suites, results.names))


def rows(table):
    return table.split("<tr><th scope=row>")[1:]


def test_a_row_for_each_group_and_setup(parts):
    heads = [row.split("</th>")[0] for row in rows(parts[0])]
    trained = "<small>trained on pronoun</small>"
    assert heads == [
        f"{group}: {name} {trained}"
        for group in ("gender agreement", "all")
        for name in ("lstm, bias 1", "rnn")
    ]


def test_scores_have_an_interval_or_a_range_of_several_runs(parts):
    lstm, rnn = rows(parts[0])[:2]
    assert "65.0 <small>60.0 to 70.0</small>" in lstm
    assert "80.0 <small>[70.0, 90.0]</small>" in rnn
    for row in (lstm, rnn):
        assert "40 <small>of 100</small>" in row
        assert "<td>55.0</td>" in row  # the ceiling
        assert "<td>80.8</td><td>88.2</td>" in row
        assert "–" in row  # no item has both sides


def test_groups_that_no_model_can_be_judged_on_are_named(parts):
    assert "verb_agreement" in parts[1]
    assert "verb" not in parts[0]


def test_a_suite_of_stereotypes_has_a_gap_and_no_accuracy(parts):
    table = parts[2]
    assert "winogender" in table
    assert "<td>30.0</td><td>70.0</td><td>40.0</td><td>50.0</td>" in table
    assert "occupation: rnn</th>" in table
    assert "score in pairs" not in table
