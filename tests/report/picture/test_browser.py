"""The interactive picture in Chromium: pointing, keys, comparison, narrow windows, any words."""

import re

import numpy as np
import pytest

from seqtag.inspect.picture import picture_data, trace_data
from seqtag.inspect.subject import Code
from seqtag.report.picture import picture_page

pytestmark = pytest.mark.browser

SENTENCE = ["the", "old", "king", "saw", "Anna", "again", "."]
HOSTILE = ["<img src=x onerror=alert(1)>", "</script>", "שלום", "a" * 200, "\u202e"]


def code_for(tagger) -> Code:
    """Return a made-up code of units 2 and 0 of the tagger's first layer."""
    size = tagger.network.recurrent.hidden_size
    r_H = np.linspace(-0.9, 0.9, size)
    return Code("l0.fwd", "c", ("M",), ("F",), r_H, np.zeros(size), np.full(size, 0.2), (2, 0))


@pytest.fixture(scope="session")
def taggers(build_picture_tagger):
    return {name: build_picture_tagger(name) for name in ("lstm", "gru")}


@pytest.fixture
def show(taggers, tmp_path, open_page):
    """Return a function that opens the page of some (cell, words) pairs."""

    def opened(*pairs, **options):
        traces = [
            trace_data(
                taggers[cell],
                words,
                cell,
                [code_for(taggers[cell])] if cell == "lstm" else [],
            )
            for cell, words in pairs
        ]
        file = tmp_path / "page.html"
        file.write_text(picture_page("Inside", picture_data(traces)), encoding="utf-8")
        page = open_page(file.as_uri(), **options)
        page.get_by_role("listbox").first.wait_for()
        return page

    return opened


def reading(page) -> str:
    return page.get_by_role("status").inner_text()


def point(page, label: str, column: float, row: float) -> None:
    """Point at a share of the width and height of a plot, without its names of units."""
    plot = page.get_by_role("group", name=re.compile(label)).locator("canvas")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + column * box["width"], box["y"] + row * box["height"])


def test_pointing_at_a_unit_reads_its_values(show):
    page = show(("lstm", SENTENCE), viewport={"width": 1200, "height": 2400})
    assert "Point at a word" in reading(page)
    point(page, "c: memory", 2.5 / 7, 0.75)
    text = reading(page)
    assert re.match(r"king\s+word 3", text)
    assert "l0.fwd 0" in text
    found = re.search(r"c = f c′ \+ i z = ([\d.]+) × (\S+) \+ ([\d.]+) × (\S+) = (\S+)", text)
    f, c, i, z, result = (float(part.strip("()").replace("−", "-")) for part in found.groups())
    assert f * c + i * z == pytest.approx(result, abs=0.03)
    option = page.locator(".sq-token[aria-selected=true]")
    assert option.get_attribute("aria-label").startswith("king, word 3 of 7")


def test_keys_choose_words_and_units(show):
    page = show(("lstm", SENTENCE))
    words = page.get_by_role("listbox")
    words.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    assert re.match(r"old\s+word 2", reading(page))
    assert "l0.fwd 0" in reading(page)
    chosen = words.get_attribute("aria-activedescendant")
    assert page.locator(f"#{chosen}").get_attribute("aria-selected") == "true"
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    assert re.match(r"\.\s+word 7", reading(page))
    assert "l0.fwd" not in reading(page)


def test_one_gate_with_all_units_in_several_orders(show):
    page = show(("lstm", SENTENCE))
    page.get_by_role("radio", name="f: forget gate").check()
    assert page.locator(".sq-step h2").all_inner_texts() == ["1throw away"]
    page.get_by_role("combobox", name="Units").select_option("all")
    page.get_by_role("combobox", name="Sort by").select_option("position")
    names = page.locator(".sq-step .sq-gutter span").all_inner_texts()
    assert names == [f"l0.fwd {unit}" for unit in range(5)]
    page.get_by_role("combobox", name="Sort by").select_option("correlation")
    assert page.locator(".sq-step .sq-gutter span").first.inner_text() in ("l0.fwd 0", "l0.fwd 4")


def test_two_sentences_and_their_difference(show):
    other = [*SENTENCE[:4], "Paris", *SENTENCE[5:]]
    page = show(("lstm", SENTENCE), ("lstm", other), viewport={"width": 1300, "height": 2400})
    assert page.locator(".sq-name").all_inner_texts() == ["A: Anna", "B: Paris"]
    page.get_by_role("radio", name="B − A").check()
    assert "“Anna” and “Paris”" in page.locator(".sq-lead").inner_text()
    point(page, "c: memory", 0.5 / 7, 0.25)
    before = re.findall(r"c = f c′ \+ i z = .*? = (\S+)", reading(page))
    assert before[0] == before[1]
    page.get_by_role("combobox", name="Units").select_option("all")
    page.get_by_role("combobox", name="Sort by").select_option("difference")


def test_two_cells_side_by_side(show):
    page = show(("lstm", SENTENCE), ("gru", SENTENCE), viewport={"width": 1300, "height": 900})
    assert page.locator(".sq-name").all_inner_texts() == ["A: lstm", "B: gru"]
    assert page.get_by_role("radio", name="B − A").count() == 0
    titles = page.locator(".sq-step h2").all_inner_texts()
    assert "1look back" in titles
    assert "1throw away" in titles


def test_the_table_has_the_same_values(show):
    page = show(("lstm", SENTENCE))
    page.get_by_text("The values as a table").click()
    table = page.get_by_role("table")
    assert table.get_by_role("row").count() == len(SENTENCE) + 1
    assert "l0.fwd 2" in table.get_by_role("columnheader").all_inner_texts()


@pytest.mark.parametrize("width", [360, 700])
def test_a_narrow_window_has_no_horizontal_scrolling(show, width):
    long = SENTENCE * 6
    page = show(("lstm", long), ("gru", long), viewport={"width": width, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator(".sq-head .sq-cell").count() == 1
    page.get_by_role("radio", name="B", exact=True).check()
    assert page.get_by_role("radio", name="n: candidate").count() == 1


def test_hostile_words_are_text(show):
    page = show(("lstm", HOSTILE))
    assert page.locator(".sq-token").count() == len(HOSTILE)
    assert "A word with a question mark did not occur" in page.locator(".sq-answers").inner_text()
    assert page.locator(".sq-words img, .sq-words script").count() == 0
    assert HOSTILE[0] in page.locator(".sq-token").first.get_attribute("aria-label")


def test_a_right_to_left_text_starts_at_the_right(show):
    page = show(("lstm", ["שלום", "עולם", "."]))
    first, second = (page.locator(".sq-token").nth(i).bounding_box()["x"] for i in (0, 1))
    assert first > second
    page.get_by_role("listbox").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert "word 2" in reading(page)


def test_a_change_of_the_colour_scheme_redraws(show):
    tall = {"width": 1200, "height": 2400}
    page = show(("lstm", SENTENCE), color_scheme="light", viewport=tall)
    plot = page.get_by_role("group", name=re.compile("f: forget")).locator("canvas")
    point(page, "f: forget", 0.5, 0.5)
    light = plot.evaluate("canvas => canvas.toDataURL()")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "light => light !== "
        "document.querySelector('[aria-label^=\"f: forget\"] canvas').toDataURL()",
        arg=light,
    )


def test_long_sentences_stay_fluid(show):
    page = show(("lstm", SENTENCE * 57), viewport={"width": 1200, "height": 900})
    page.get_by_role("combobox", name="Units").select_option("all")
    took = page.evaluate(
        """async () => {
          const plot = document.querySelector('.sq-plot');
          const start = performance.now();
          for (let i = 1; i <= 20; i++) {
            plot.scrollLeft = 100 * i;
            await new Promise(requestAnimationFrame);
          }
          return (performance.now() - start) / 20;
        }"""
    )
    assert took < 100
    lefts = page.evaluate("[...document.querySelectorAll('.sq-plot')].map((p) => p.scrollLeft)")
    assert set(lefts) == {2000}
