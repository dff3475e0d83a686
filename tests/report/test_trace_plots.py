import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from seqtag.report.style import DPI, WIDTH, as_png
from seqtag.report.trace_page import StillPicture, trace_page
from seqtag.report.trace_plots import (
    plot_gradients,
    plot_half_lives,
    plot_switch,
    plot_trace,
)

TITLES = {"f": "forget gate", "c": "memory"}


def draw(tokens, labels=None, units=None, hidden=6):
    rng = np.random.default_rng(0)
    shape = (len(tokens), hidden)
    values = {"f": rng.uniform(size=shape), "c": rng.normal(size=shape)}
    return plot_trace(tokens, labels or ["O"] * len(tokens), values, TITLES, "c", units)


def words(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[1].get_xticklabels()]


def test_one_panel_per_name_above_the_words():
    figure = draw(["Anna", "left", "."], ["B-PER", "O", "O"])
    panels = figure.axes[:2]
    assert [panel.get_title(loc="left") for panel in panels] == ["f: forget gate", "c: memory"]
    assert [panel.images[0].get_array().shape for panel in panels] == [(6, 3), (6, 3)]
    assert words(figure) == ["Anna", "left", "."]
    above = panels[0].child_axes[0]
    assert [text.get_text() for text in above.get_xticklabels()] == ["B-PER", "O", "O"]
    assert figure.get_figwidth() == WIDTH


def test_colour_ranges_of_shares_and_of_other_values():
    shares, states = (panel.images[0].get_clim() for panel in draw(["a", "b"]).axes[:2])
    assert shares == (0.0, 1.0)
    assert states[0] == -states[1] < 0


def test_units_that_vary_most_are_ordered_by_their_peaks():
    state_TH = np.array([[0.0, 0.1, 2.0, 0.0], [0.0, 0.1, 0.0, -3.0], [1.0, 0.1, 0.0, 0.0]])
    figure = plot_trace(["a", "b", "c"], ["O"] * 3, {"c": state_TH}, TITLES, "c", 3)
    shown_HT = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown_HT, state_TH[:, [2, 3, 0]].T)
    assert "3 of 4 units" in figure.get_supylabel()


def test_chosen_units_are_drawn_in_order_with_their_numbers():
    figure = draw(["a", "b"], units=[3, 1])
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["3", "1"]


def test_chosen_gates_and_states_are_drawn_in_order():
    values = {name: np.zeros((2, 3)) for name in "ifch"}
    figure = plot_trace(["a", "b"], ["O", "O"], values, TITLES, "c", None, ["f", "c"])
    titles = [panel.get_title(loc="left") for panel in figure.axes[:2]]
    assert titles == ["f: forget gate", "c: memory"]


def test_words_are_not_formulas_and_are_shortened():
    figure = draw(["$x", "$y", "a" * 30, "<b>"])
    assert words(figure) == ["$x", "$y", "a" * 13 + "…", "<b>"]
    assert not any(text.get_parse_math() for text in figure.axes[1].get_xticklabels())


def test_a_script_that_the_font_lacks_is_drawn_without_a_warning():
    assert as_png(draw(["日本", "🙂"]))


def test_a_picture_of_a_long_text_has_a_limited_width():
    figure = draw([str(n) for n in range(2000)], hidden=2)
    assert figure.get_figwidth() == pytest.approx(60)
    assert words(figure)[:3] == ["0", "14", "28"]
    assert figure.axes[0].get_xticks().tolist() == []
    last = [axes for axes in figure.axes if axes.get_xlabel() == "one word in 14 is shown"]
    assert len(last) == 1


@pytest.mark.slow
def test_the_number_of_ticks_does_not_grow_with_the_text():
    """Ticks take most of the drawing time."""
    counts = []
    for length in (20, 300, 1500):
        figure = draw(["word"] * length, hidden=2)
        counts.append(sum(len(axes.get_xticks()) for axes in figure.axes))
        if length == 300:
            assert as_png(figure)
    assert counts[0] >= 20
    assert max(counts) < 1000


def test_a_page_of_still_pictures_needs_no_other_file():
    png = as_png(draw(["one", "two"]))
    text = trace_page(
        "Inside <it>",
        None,
        {"layer l0.fwd": StillPicture("<what it shows>", png, [("<a term>", "is this")])},
    )
    assert "<script" not in text
    assert "<dt>&lt;a term&gt;</dt><dd>is this</dd>" in text
    assert "Inside &lt;it&gt;" in text
    assert "<p>&lt;what it shows&gt;</p>" in text
    (source,) = re.findall('src="([^"]*)"', text)
    kind, data = source.split(",")
    assert kind == "data:image/png;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert picture.width == round(WIDTH * DPI)
    assert f'width="{round(WIDTH * 96)}"' in text
    assert "http" not in text


def test_gradient_curves_are_paired_on_a_logarithmic_axis():
    lags = np.arange(50)
    norms = {"lstm, initial": 0.5**lags, "gru, initial": 0.8**lags, "lstm, trained": 0.9**lags}
    norms["lstm, trained"][0] = 0.0
    curves = {label: (lags, norm_K) for label, norm_K in norms.items()}
    (axes,) = plot_gradients(curves, dashed=["lstm, initial", "gru, initial"]).axes
    assert axes.get_yscale() == "log"
    assert [line.get_label() for line in axes.lines] == list(curves)
    one, other, trained = axes.lines
    assert one.get_color() == trained.get_color() != other.get_color()
    assert trained.get_linestyle() == "-" != one.get_linestyle()
    assert trained.get_xdata().tolist() == lags[1:].tolist()
    assert axes.get_ylim()[0] < 0.5**49


def test_half_lives_are_drawn_as_cumulative_shares_of_units():
    lives = {"l0.fwd": np.array([np.inf, 0.0, 8.0, 2.0]), "l0.bwd": np.array([1.0, 3.0])}
    (axes,) = plot_half_lives(lives).axes
    one, other = axes.lines
    assert one.get_xdata().tolist() == [0.1, 2.0, 8.0]
    assert one.get_ydata().tolist() == [25, 50, 75]
    assert other.get_ydata().tolist() == [50, 100]
    assert [line.get_label() for line in axes.lines] == ["l0.fwd: median 5", "l0.bwd: median 2"]


def test_one_panel_per_group_of_units_and_one_line_per_kind_of_event():
    places = np.arange(-2, 3)
    mean = np.array([0.9, 0.8, 0.2, 0.7, np.nan])
    bands = {"new subject": (mean, mean - 0.1, mean + 0.1), "attractor": (mean, mean, mean)}
    figure = plot_switch(places, {"all units": bands, "some": bands}, "the person's word")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["all units", "some"]
    for axes in figure.axes:
        first, second, here = axes.lines
        np.testing.assert_array_equal(first.get_ydata(), mean)
        assert first.get_color() != second.get_color()
        assert here.get_xdata() == [0, 0]
    assert figure.axes[1].get_xlabel() == "tokens from the person's word"
    apart = {f"unit {number}": {"new subject": mean, "attractor": mean} for number in range(4)}
    figure = plot_switch(places, {"all units": bands}, "the person's word", apart)
    assert [axes.get_title(loc="left") for axes in figure.axes if len(axes.lines) == 3] == [
        "all units",
        *apart,
    ]
    assert as_png(figure)
