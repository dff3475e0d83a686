"""Rows of inspected runs: what they hold, how they add up, and the tables and picture of them."""

import numpy as np
import pandas as pd
import pytest
from shared.holding import UNITS, holding_tagger

from seqtag.errors import InputError
from seqtag.report.inside_seeds import plot_seeds
from seqtag.report.style import as_png
from seqtag.study.inside import memory_state, output_state, top_layer
from seqtag.study.inside_markdown import fewest_units
from seqtag.study.inside_results import INSPECTIONS, add_inspections, rows_of_inspection
from seqtag.study.result_tables import markdown, parse_layout

ABOUT = {
    **{"study": "", "probe": "first_symbol", "version": 1, "encoder": "recurrent", "cell": "lstm"},
    **{"start": "bias 1", "layers": 1, "hidden": UNITS, "parameters": 264, "config": "0a1b2c3d"},
    **{"seed": 1, "data_seed": 0, "sequences": 100, "seqtag": "0.2.0", "sentences": 30},
    **{"inspect_seed": 0, "control": "word", "fill": "zero"},
}


@pytest.fixture(scope="module")
def rows(inside):
    return rows_of_inspection(inside, ABOUT, ("c", "h"), "l0.fwd")


@pytest.fixture(scope="module")
def filled(rows, tmp_path_factory):
    """Return the folder of a study with three seeds, which differ in what is read and answered."""
    place = tmp_path_factory.mktemp("results")
    for seed in (1, 2, 3):
        changed = rows.assign(seed=seed, accuracy=rows["accuracy"] * (1 - 0.01 * seed))
        own = place / "inspected" / str(seed)
        own.mkdir(parents=True)
        (own / "inside.csv").write_text(INSPECTIONS.text(changed))
    assert add_inspections([place / "inspected" / "1"], "mine", place) == (1, len(rows))
    assert add_inspections([place / "inspected"], "mine", place) == (3, 2 * len(rows))
    return place


def test_a_row_has_what_the_tables_have(rows, inside):
    assert list(rows.columns) == list(INSPECTIONS.columns)
    read = rows[(rows["kind"] == "read") & (rows["state"] == "c") & (rows["split"] == "test")]
    own = inside.decoding[inside.decoding["split"] == "test"]
    assert read["slice"].tolist() == own["distance"].tolist()
    assert read["accuracy"].tolist() == own["accuracy"].tolist()
    assert read["other_low"].tolist() == own["control_low"].tolist()
    # In the training range there is one row for all distances.
    assert rows[(rows["kind"] == "read") & (rows["split"] == "dev")]["slice"].tolist() == ["all"]
    # The picture's probe has one subject only.
    assert "switch" not in set(rows["kind"])
    silenced = rows[rows["kind"] == "silenced"]
    by_order = {order: own["size"].tolist() for order, own in silenced.groupby("order")}
    assert by_order == {"none": [0], "probe weight": [1, 2, 3, 4], "single unit": [1, 2, 3, 4]}
    random = inside.silencing[inside.silencing["order"] == "random"]
    chosen = silenced[silenced["order"] == "single unit"]
    assert chosen["other"].tolist() == random["accuracy"].tolist()
    assert silenced[silenced["order"] == "none"]["other"].isna().all()


def test_rows_survive_the_file(rows, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(INSPECTIONS.text(rows))
    again = INSPECTIONS.read(path)
    numbers = list(INSPECTIONS.numbers)
    words = [name for name in INSPECTIONS.columns if name not in numbers]
    pd.testing.assert_frame_equal(again[words], rows[words])
    np.testing.assert_allclose(again[numbers].to_numpy(), rows[numbers].to_numpy(), rtol=1e-5)


def test_inspections_add_up_and_are_added_once(filled, rows):
    before = (filled / "mine.csv").read_bytes()
    assert add_inspections([filled / "inspected"], "mine", filled) == (3, 0)
    assert (filled / "mine.csv").read_bytes() == before
    other = filled / "other"
    other.mkdir()
    (other / "inside.csv").write_text(INSPECTIONS.text(rows.assign(sentences=40, seed=4)))
    with pytest.raises(InputError, match=r"first_symbol differ in sentences \(30 and 40\)"):
        add_inspections([other], "mine", filled)
    (other / "inside.csv").write_text(INSPECTIONS.text(rows.assign(accuracy=0.5)))
    with pytest.raises(InputError, match=r"lstm, seed 1, .* is there already with other figures"):
        add_inspections([other], "mine", filled)
    with pytest.raises(InputError, match=r"no inside\.csv here or below; `seqtag inspect RUNS`"):
        add_inspections([filled / "inspected" / "1" / "none"], "mine", filled)


def table_of(filled, options):
    layout = parse_layout(f"study=mine probe=first_symbol {options}", "README.md")
    lines = markdown(layout, filled).splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_table_of_linear_probes(filled):
    head, _, dev, test = table_of(filled, "figure=read")
    assert head == ["model", "seeds", "state", "split", "accuracy", "control task", "selectivity"]
    assert dev[:5] == ["`lstm`", "3", "`c`", "`dev`", "98.0 (97.0 to 99.0)"]
    assert test[3] == "`test`"
    head, _, line = table_of(filled, "figure=read_distance")
    assert head[3:] == ["0", "1", "2–3", "4–7", "8–15", "16–31"]
    assert line[3:] == ["98.0 (97.0 to 99.0)"] * 6


def test_a_table_of_silenced_units(filled):
    head, _, line = table_of(filled, "figure=units margin=5")
    assert head[3:6] == ["right, none silenced", "fewest units, by single effect", head[5]]
    assert line[:5] == ["`lstm`", f"{UNITS}", "3", "98.0 (97.0 to 99.0)", "1"]
    # With one random unit of six silenced the answer is mostly right.
    assert float(line[5].split()[0]) > 70


def test_a_table_without_rows_is_refused(filled):
    with pytest.raises(InputError, match="no rows of kind switch for"):
        table_of(filled, "figure=switch")


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.9, 0.4, 0.3, 0.35], (2, 0.8)),
        ([0.9, 0.36, 0.6, 0.35], (4, 0.6)),  # not before all larger sizes stay near chance
        ([0.9, 0.8, 0.7, 0.6], (None, 0.6)),
        ([0.3, 0.3, 0.3, 0.3], (1, 0.9)),
    ],
)
def test_the_fewest_units(accuracies, expected):
    table = pd.DataFrame({"size": [1, 2, 3, 4], "accuracy": accuracies, "chance": 0.35})
    assert fewest_units(table.assign(other=[0.9, 0.8, 0.7, 0.6]), 0.05) == expected


def test_a_picture_over_seeds(filled):
    rows = INSPECTIONS.read(filled / "mine.csv")
    figure = plot_seeds(pd.concat([rows, rows.assign(config="x")]))
    shown = [panel for panel in figure.axes if panel.get_visible()]
    assert [panel.get_title(loc="left") for panel in shown] == [
        *("lstm, 6 units", "lstm, 6 units, x"),
    ]
    median = rows[(rows["order"] == "single unit") & (rows["seed"] == 2)]["accuracy"]
    assert shown[0].get_lines()[0].get_ydata().tolist() == median.tolist()
    assert as_png(figure).startswith(b"\x89PNG")


def test_the_states_and_the_layer_of_a_row():
    tagger = holding_tagger()
    assert (memory_state(tagger), output_state(tagger), top_layer(tagger)) == ("c", "h", "l0.fwd")
