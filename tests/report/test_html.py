import base64
from html.parser import HTMLParser

from seqtag.report import html

HOSTILE = "<script>alert('x')</script> & \"q\""
VOID = {"meta", "img", "br"}


class Balanced(HTMLParser):
    """Parser that checks that all tags are closed, and stores tags and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_all_texts_are_escaped():
    parts = [
        html.paragraph(HOSTILE),
        html.contents([(HOSTILE, HOSTILE)]),
        html.definitions([(HOSTILE, HOSTILE)]),
        html.table([HOSTILE], [[HOSTILE, (HOSTILE, HOSTILE)]], HOSTILE),
        html.table(["", "a"], [["b", "c"]], HOSTILE, folded=True),
        html.picture(b"", HOSTILE),
    ]
    page = html.page(HOSTILE, html.section(HOSTILE, parts, anchor=HOSTILE))
    parsed = Balanced(page)
    assert "script" not in {tag for tag, _ in parsed.tags}
    assert page.count("<script") == 0
    assert parsed.text.count(HOSTILE) == 14


def test_a_table_has_headings_of_columns_and_rows():
    parsed = Balanced(html.table(["", "n"], [["lstm", ("1", "[0, 2]")], ["rnn", "3"]], "counts"))
    scopes = [attrs["scope"] for tag, attrs in parsed.tags if tag == "th"]
    assert scopes == ["col", "col", "row", "row"]
    assert "caption" in {tag for tag, _ in parsed.tags}
    assert "1 [0, 2]" in parsed.text


def test_a_folded_table_shows_its_caption():
    parsed = Balanced(html.table(["a"], [["b"]], "what it is", folded=True))
    assert [tag for tag, _ in parsed.tags][:2] == ["details", "summary"]
    assert parsed.text.startswith("what it is")


def test_a_picture_is_embedded_in_the_page():
    ((_, _), (tag, attrs), *_) = Balanced(html.picture(b"png", "a curve")).tags
    assert (tag, attrs["alt"]) == ("img", "a curve")
    kind, data = attrs["src"].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == b"png"


def test_a_page_needs_no_other_file():
    text = html.page("t", html.paragraph("p"))
    for word in ("http", "//", "url(", "<link", "<script", "@import"):
        assert word not in text
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text
