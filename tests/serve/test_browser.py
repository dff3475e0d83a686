"""The page in a real browser: Chromium, driven by Playwright.

`python -m pytest -n 0 -m browser` runs these tests.
"""

from __future__ import annotations

import re
import threading
import time

import pytest

from seqtag.serve.app import application
from seqtag.serve.limits import Limits
from seqtag.serve.models import Models
from seqtag.serve.server import listen, server_of, url_of

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default::ResourceWarning")]
TEXT = "Alex Graves is going to Paris. Anna stays in 1999."
HOSTILE = (
    '<img src=x onerror=alert(1)> & "x" \u202eevil\u202c \u200b شلوم Anna שלום <script>1</script>'
)
# Faster than typing.
SUBMIT = """text => {
  document.querySelector("#text").value = text;
  document.querySelector("#form").requestSubmit();
}"""


@pytest.fixture(scope="module")
def url(tagger, plain_tagger, build_any):
    other = build_any(scheme="bio", decoder="softmax")
    models = Models({"entities": tagger, "other": other, "parts": plain_tagger})
    limits = Limits()
    with listen("127.0.0.1", 0) as listener:
        server = server_of(application(models, limits, workers=1), limits)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield url_of(listener)
        server.should_exit = True
        thread.join()


@pytest.fixture
def open_page(browser, url):
    """Return a function that opens the page; nothing may be written to the console."""
    said, pages = [], []

    def open_(path="/", **options):
        page = browser.new_page(**options)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(url + path)
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    # The browser itself reports refused requests.
    assert [text for text in said if "status of 422" not in text] == []


@pytest.fixture
def page(open_page):
    page = open_page()
    write(page, TEXT)
    return page


def write(page, text):
    """Fill in a text, and wait for the result."""
    page.fill("#text", text)
    page.evaluate("document.querySelectorAll('.pane').forEach((p) => (p.dataset.old = 'yes'))")
    with page.expect_response("**/tag"):
        page.click("#form button[type=submit]")
    settled(page, "document.querySelector('.pane') && !document.querySelector('.pane[data-old]')")
    settled(page, "document.querySelector('#status').textContent.includes('token')")


def marks(page, pane=0):
    """Return the marked texts of a pane with their labels."""
    found = page.locator(".pane").nth(pane).locator(".result > p mark")
    return [tuple(text.split("\n")) for text in found.all_inner_texts()]


def settled(page, script):
    """Wait until a script returns something true; the page itself may not evaluate text."""
    end = time.monotonic() + 20
    while not page.evaluate(script):
        assert time.monotonic() < end, script
        page.wait_for_timeout(50)


def expected(tagger, text=TEXT):
    """Return what the page shows, as one string for each span."""
    return [f"{span.text}{span.type}" for s in tagger.tag(text) for span in s.spans]


def test_text_is_tagged_while_it_is_typed(page, tagger):
    assert ["".join(parts) for parts in marks(page)] == expected(tagger)
    page.fill("#text", "Paris.")
    settled(page, "document.querySelector('.result').textContent.startsWith('Paris')")
    assert ["".join(parts) for parts in marks(page)] == expected(tagger, "Paris.")
    assert "1 sentence, 2 tokens" in page.inner_text("#status")


def test_hover_shows_the_probabilities(page, tagger):
    page.locator("mark").first.hover()
    page.wait_for_selector("#card:not([hidden])")
    card = page.inner_text("#card")
    (sentence, *_) = tagger.tag(TEXT, top_labels=1)
    assert sentence.spans[0].type in card
    assert next(iter(dict(sentence.top_labels[sentence.spans[0].first_token]))) in card
    assert "%" in card
    page.keyboard.press("Escape")
    assert page.is_hidden("#card")


def test_probabilities_alternatives_and_unknown_words(page, tagger):
    page.check("#probabilities")
    settled(page, "document.querySelector('mark .chip').textContent.includes('%')")
    page.check("#alternatives")
    page.wait_for_selector(".alternatives li")
    best = tagger.tag(TEXT, alternatives=5)
    assert page.locator(".alternatives li").count() == sum(len(s.alternatives) for s in best)
    assert page.locator("mark[tabindex] .alternatives").count() == 0
    page.fill("#text", "Zyx stays.")
    page.check("#unknown")
    page.wait_for_selector(".result u")
    assert page.inner_text(".result u") == "Zyx"


def test_two_models_side_by_side(page):
    page.select_option("#other", "other")
    settled(page, "document.querySelectorAll('.pane').length === 2")
    assert page.locator(".pane h2").all_inner_texts() == ["entities", "other"]
    texts = ["".join(parts) for parts in marks(page, 0)], ["".join(p) for p in marks(page, 1)]
    differing = page.locator("mark.differs").count()
    assert (differing > 0) == (texts[0] != texts[1])
    status = page.inner_text("#status")
    assert ("differ" in status) if differing else ("agree" in status)
    page.select_option("#other", "parts")
    settled(page, "document.querySelector('#status').textContent.includes('different labels')")


def test_labels_are_explained_and_can_be_hidden(page):
    assert "person" in page.inner_text("#legend")
    label = page.locator("mark").first.get_attribute("data-label")
    button = page.get_by_role("button", name=label, exact=True)
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert page.locator("mark").first.evaluate("mark => mark.classList.contains('off')")
    page.get_by_role("button", name=label, exact=True).click()
    assert not page.locator("mark").first.evaluate("mark => mark.classList.contains('off')")


def test_the_keyboard_reaches_everything(page):
    page.focus("#text")
    with page.expect_response("**/tag"):
        page.keyboard.press("Control+Enter")
    assert page.evaluate("document.activeElement.id") == "text"
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"model", "other", "probabilities", "alternatives", "unknown", "MARK"} <= set(seen)
    # One stop for all marks; arrow keys move between them, and show the card.
    assert seen.count("MARK") == 1
    page.locator("mark").first.focus()
    page.keyboard.press("End")
    last = page.locator("mark").count() - 1
    assert page.evaluate("document.activeElement === [...document.querySelectorAll('mark')].at(-1)")
    assert page.is_visible("#card")
    page.keyboard.press("ArrowLeft")
    assert page.locator("mark").nth(last - 1).evaluate("e => document.activeElement === e")
    page.focus("#tab-tag")
    page.keyboard.press("ArrowRight")
    assert page.is_visible("#view-gates")
    assert page.is_hidden("#view-tag")
    page.wait_for_selector(".seqtag-picture")


def test_a_new_answer_keeps_the_focus_on_the_same_mark(page):
    page.locator("mark").first.focus()
    page.keyboard.press("End")
    last = page.locator("mark").count() - 1
    assert last > 0
    page.evaluate("document.querySelector('mark').dataset.old = 'yes'")
    with page.expect_response("**/tag"):
        page.evaluate("document.querySelector('#form').requestSubmit()")
    settled(page, "!document.querySelector('mark[data-old]')")
    assert page.locator("mark").nth(last).evaluate("e => document.activeElement === e")
    assert page.locator("mark[tabindex='0']").count() == 1


def test_screen_readers_get_names_and_roles(page):
    assert page.get_by_role("textbox", name="Text", exact=True).count() == 1
    assert page.get_by_role("tab", name="Tag", selected=True).count() == 1
    mark = page.locator("mark").first
    assert mark.get_attribute("role") == "button"
    assert re.search(r", (person|place), probability \d", mark.get_attribute("aria-label"))
    assert page.get_by_role("status").first.inner_text()
    unnamed = page.evaluate(
        """[...document.querySelectorAll("button, input, select, textarea, a")].filter((e) =>
        !e.textContent.trim() && !e.labels?.length && !e.getAttribute("aria-label")).length"""
    )
    assert unnamed == 0
    page.fill("#text", "")
    write(page, "")
    assert page.locator("mark").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_contrast(open_page, scheme):
    page = open_page(color_scheme=scheme)
    page.wait_for_selector("mark")
    worst = page.evaluate(CONTRAST)
    assert worst >= 4.5


# The least contrast (WCAG) of text and of labels on marks of any hue.
CONTRAST = """() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => {
      const share = v / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const mark = document.querySelector("mark");
  const chip = mark.querySelector(".chip");
  let least = ratio(light(getComputedStyle(document.querySelector("#status")).color),
    light(getComputedStyle(document.body).backgroundColor));
  mark.style.transition = chip.style.transition = "none";
  for (let hue = 0; hue < 360; hue += 5) {
    mark.style.setProperty("--hue", hue);
    const under = light(getComputedStyle(mark).backgroundColor);
    for (const one of [mark, chip]) {
      least = Math.min(least, ratio(light(getComputedStyle(one).color), under));
    }
  }
  return least;
}"""


@pytest.mark.parametrize("path", ["/", "/#gates", "/api"])
def test_a_narrow_screen_scrolls_in_one_direction(open_page, path):
    page = open_page(path, viewport={"width": 360, "height": 700})
    if path == "/":
        write(page, f"{TEXT} {'x' * 300}")
        for name in ("probabilities", "alternatives", "unknown"):
            page.check(f"#{name}")
        page.select_option("#other", "parts")
        page.wait_for_selector(".panes.two .alternatives")
        page.locator("mark").first.hover()
    if path == "/#gates":
        page.wait_for_selector(".sq-main")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_markup_and_directions_are_text(page):
    write(page, HOSTILE)
    shown = page.locator(".result").inner_text()
    assert "<img src" in shown
    assert "\\u202e" in shown
    assert "\u202e" not in shown
    assert page.locator(".result img, .result script").count() == 0
    write(page, "שלום עולם.")
    direction = "e => getComputedStyle(e).direction"
    assert page.locator(".result p").first.evaluate(direction) == "rtl"


def test_a_text_of_100000_characters(page, tagger):
    text = (TEXT + "\n") * (100_000 // len(TEXT))
    with page.expect_response("**/tag", timeout=60_000):
        page.evaluate(SUBMIT, text)
    settled(page, "document.querySelectorAll('.result p').length > 1000")
    assert page.locator(".result p").count() == text.count("\n")
    assert page.locator("mark").count() == len(expected(tagger, text))


def test_errors_are_shown(page, open_page):
    with page.expect_response("**/tag"):
        page.evaluate(SUBMIT, "a " * 30_000)
    page.wait_for_selector("#error:not([hidden])")
    assert "30,000 tokens" in page.inner_text("#error")
    write(page, TEXT)
    assert page.is_hidden("#error")


def test_gates_of_two_sentences(open_page):
    page = open_page("/#gates")
    page.wait_for_selector(".sq-main")
    page.fill("#trace-a", "Anna stays in Paris.")
    page.fill("#trace-b", "Alex stays in Paris.")
    with page.expect_response("**/trace"):
        page.click("#trace-form button[type=submit]")
    settled(page, "document.querySelector('#picture').textContent.includes('Anna')")
    assert "Alex" in page.inner_text("#picture")
    page.fill("#trace-a", " ")
    page.fill("#trace-b", " ")
    page.click("#trace-form button[type=submit]")
    page.wait_for_selector("#trace-error:not([hidden])")


def test_the_page_of_the_interface(open_page):
    page = open_page("/api")
    assert page.get_by_role("heading", name="POST /tag").count() == 1
