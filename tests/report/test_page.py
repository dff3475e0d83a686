from dataclasses import replace

import pytest

from seqtag.report.figures import Picture, pictures
from seqtag.report.formatting import interval, percent
from seqtag.report.page import render
from seqtag.report.sections import by_axis, by_contrast, differences, lags, overview


@pytest.fixture(scope="module")
def page(results):
    return render(results, [Picture("pronoun", "judged", "x", "caption <1>", b"png")])


def test_a_section_for_each_probe(page):
    for anchor in ("runs", "probe-pronoun", "probe-counting_ab", "suites", "definitions"):
        assert f'id="{anchor}"' in page
        assert f'href="#{anchor}"' in page


def test_texts_of_the_runs_are_escaped(page):
    assert "symbols &lt;b&gt;" in page
    assert "<b>" not in page
    assert "left &amp; out" in page
    assert "caption &lt;1&gt;" in page


def test_the_headline_has_intervals(results, page):
    row = next(p for p in results.probes if p.probe == "pronoun").rows("beyond", "test").iloc[0]
    share, around = interval(row["accuracy"], row["low"], row["high"])
    seeds = f"{percent(row['least'])} to {percent(row['most'])}"
    assert f"<td>{share} <small>{around} {seeds}</small></td>" in page
    assert "Accuracy within the training range" in page
    assert "Accuracy beyond the training range" in page


def test_if_there_are_more_probes_than_setups_probes_are_rows(results):
    many = [replace(results.probes[0], probe=f"p{number}") for number in range(6)]
    page = render(replace(results, probes=many), [])
    table = page[page.index("Accuracy within the training range") :].partition("</table>")[0]
    heads = table.partition("</thead>")[0]
    assert [name for name in ("lstm, bias 1", "rnn", "chance", "p0") if name in heads] == [
        *("lstm, bias 1", "rnn", "chance")
    ]
    assert "<th scope=row>p5</th>" in table


def test_medians_are_shown_if_there_are_several_seeds(pronoun, counting, results):
    assert "median over seeds" in overview(pronoun, "test", results.names)
    assert "median over seeds" not in overview(counting, "test", results.names)


def test_the_overview_has_d50_and_solved_up_to(counting, pronoun, results):
    table = overview(counting, "test", results.names)
    assert "14" in table  # solved up to 14
    assert "stale" not in table
    assert "stale, beyond" in overview(pronoun, "test", results.names)
    assert "&gt;\N{NO-BREAK SPACE}100<" in overview(pronoun, "test", results.names)


def test_a_long_axis_has_at_most_12_columns(counting, results):
    table = by_axis(counting, "test", results.names)
    assert table.count("<th scope=col>") == 13
    assert "<th scope=col>1</th>" in table
    assert "<th scope=col>30</th>" in table


def test_baselines_and_chance_are_in_the_table(pronoun, results):
    table = by_axis(pronoun, "test", results.names)
    assert "baseline: majority" in table
    assert "baseline: window" not in table  # it gives no answers
    assert ">33.3<" in table


def test_a_table_by_contrast_if_the_probe_has_any(pronoun, counting, results):
    table = by_contrast(pronoun, "test", results.names)
    assert "incongruent: rnn" in table
    assert "distance 100, others in range" in table
    assert by_contrast(counting, "test", results.names) == ""


def test_differences_are_relative_to_the_lstm(pronoun):
    table = differences(pronoun)
    assert "minus that of lstm, bias 1" in table
    (beyond,) = pronoun.differences.query("not within")["difference"]
    assert f"{100 * beyond:+.1f}" in table
    assert beyond < -0.1


def test_the_table_of_lags_has_the_sequences_they_took(results):
    table = lags(results.learn, results.names)
    assert "1 of 1 <small>200</small>" in table
    assert "0 of 1" in table
    assert "budget 1,000 sequences" in table


def test_a_picture_is_in_its_part_of_the_section(results):
    drawn = [Picture("pronoun", part, part, f"[{part}]", b"") for part in ("gradients", "learn")]
    page = render(results, drawn)
    places = [
        page.rindex(text)
        for text in ("at one lag alone</h3>", "[learn]", "gradient reaches</h3>", "[gradients]")
    ]
    assert places == sorted(places)


@pytest.mark.slow
def test_a_report_has_all_its_pictures(results):
    names = [picture.name for picture in pictures(results)]
    assert names == [
        "overview",
        "counting_ab-accuracy-test",
        *("pronoun-accuracy-test", "pronoun-accuracy-templates", "pronoun-distance-attractors"),
        *("pronoun-errors", "pronoun-seeds", "pronoun-learn"),
        "pronoun-gradients",
    ]
