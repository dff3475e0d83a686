from __future__ import annotations

import csv
import io
import json
import os
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.encode.labelset import LabelSet
from seqtag.data.text.split import Token
from seqtag.errors import InputError
from seqtag.files import open_output
from seqtag.tagging.lowest import Lowest
from seqtag.tagging.output import TaggedSentence, TaggedSpan
from seqtag.tagging.readers import Item
from seqtag.tagging.unknown_words import UnknownWords, with_marks
from seqtag.tagging.writers import WriterOptions, text_line, writer_of

RAW = TaggedSentence(
    "Alex  Graves, in (Paris)",
    (
        Token("Alex", 5, 9),
        Token("Graves", 11, 17),
        Token(",", 17, 18),
        Token("in", 19, 21),
        Token("(", 22, 23),
        Token("Paris", 23, 28),
        Token(")", 28, 29),
    ),
    ("B-PER", "I-PER", "O", "O", "O", "B-LOC", "O"),
    (
        TaggedSpan("Alex  Graves", "PER", 5, 17, 0, 1, 0.5),
        TaggedSpan("Paris", "LOC", 23, 28, 5, 5, 0.25),
    ),
    (0.5, 0.75, 1.0, 1.0, 1.0, 0.25, 1.0),
)
SPLIT = TaggedSentence(
    None,
    (Token("Alex"), Token("Graves"), Token("met"), Token("Anna")),
    ("B-PER", "I-PER", "O", "B-PER"),
    (
        TaggedSpan("Alex Graves", "PER", None, None, 0, 1),
        TaggedSpan("Anna", "PER", None, None, 3, 3),
    ),
)


LABELS = LabelSet(["O", "B-LOC", "I-LOC", "B-PER", "I-PER"], "bio", "bio")
PLAIN = LabelSet(["B-PER", "I-PER", "O"], "plain", "plain")


def item_of(sentence, id_=None, line=None):
    return Item(sentence, {}, id_, line or 1, shares_line=line is not None)


def _write(format_, id_=None, line=None, labels=LABELS, **options):
    writer = writer_of(format_, labels, WriterOptions(**options))
    return lambda sentence: writer.sentence(sentence, item_of(sentence, id_, line))


def test_readable_text():
    assert text_line(RAW, False) == "[PER 0.50 Alex Graves], in ([LOC 0.25 Paris])\n"
    assert text_line(SPLIT, False) == "[PER Alex Graves] met [PER Anna]\n"
    assert text_line(SPLIT, True) == "Alex/B-PER Graves/I-PER met/O Anna/B-PER\n"
    assert text_line(RAW, True).startswith("Alex/B-PER/0.50 Graves/I-PER/0.75 ")


def test_column_format():
    as_column = _write("column")
    assert as_column(SPLIT) == "Alex\tB-PER\nGraves\tI-PER\nmet\tO\nAnna\tB-PER\n\n"
    assert as_column(RAW).startswith("Alex\tB-PER\t0.500000\n")
    for text in ("a\tb", "a\nb", "", " "):
        with pytest.raises(InputError, match="--format json"):
            as_column(TaggedSentence(None, (Token(text),), ("O",), ()))


def test_json_lines_have_no_line_breaks():
    sentence = TaggedSentence(None, (Token("a\nb\u2028"),), ("O",), ())
    line = _write("json", {"any": 1}, 7)(sentence)
    assert line.count("\n") == 1
    assert json.loads(line)["id"] == {"any": 1}
    assert json.loads(line)["line"] == 7


def test_csv():
    writer = writer_of("csv", LABELS, WriterOptions(probabilities=True))
    assert writer.begin() == "sentence,token,label,start,end,probability\n"
    assert writer.sentence(RAW, item_of(RAW)).splitlines()[:2] == [
        "1,Alex,B-PER,5,9,0.500000",
        "1,Graves,I-PER,11,17,0.750000",
    ]
    odd = TaggedSentence(None, (Token('a,"b\n'),), ("O",), ())
    writer = writer_of("csv", LABELS)
    text = writer.begin() + writer.sentence(odd, item_of(odd)) + writer.end()
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row == {"sentence": "1", "token": 'a,"b\n', "label": "O", "start": "", "end": ""}


def _html(sentence, labels=LABELS, **options):
    writer = writer_of("html", labels, WriterOptions(**options))
    return writer.begin() + writer.sentence(sentence, item_of(sentence)) + writer.end()


def test_html_highlights_spans():
    page = _html(RAW, title="a <b>")
    assert "<title>a &lt;b&gt;</title>" in page
    style = r'style="--hue:\d+" title="0\.5000"'
    assert re.search(rf"<mark {style}>Alex Graves<b>PER</b></mark>, in \(<mark ", page)
    assert len(set(re.findall(r"<mark style=.--hue:(\d+)", page))) == 2
    assert "http" not in page  # nothing is loaded from elsewhere


def test_html_of_plain_labels():
    page = _html(SPLIT, PLAIN)
    assert re.search(r"<span class=token style=\S+>Alex<b>B-PER</b></span> <span", page)


@given(st.text(), st.booleans())
def test_html_is_well_formed_for_any_text(text, plain):
    sentence = TaggedSentence(None, (Token(text), Token("x")), ("B-PER", "O"), ())
    sentence = replace(sentence, spans=(TaggedSpan(text, "PER", None, None, 0, 0, 0.5),))
    page = _html(sentence, PLAIN if plain else LABELS, title=text)
    body = page.partition("</style>")[2]
    tags = {name for tag in ("h1", "p", "span", "mark", "b", "html") for name in (tag, f"/{tag}")}
    assert set(re.findall(r"<(/?\w+)", body)) <= tags
    assert not any(ord(c) < 32 and c not in "\n\t" for c in page)


def test_marks_of_unknown_words():
    unknown = UnknownWords("(?)", {"Graves", "Paris", "met"}.__contains__)
    marked = with_marks(RAW, unknown)
    assert marked.text == "Alex  Graves(?), in (Paris(?))"
    for token in (*marked.tokens, *marked.spans):
        assert marked.text[token.start - 5 : token.end - 5] == token.text
    assert text_line(marked, False) == "[PER 0.50 Alex Graves(?)], in ([LOC 0.25 Paris(?)])\n"
    assert (
        text_line(with_marks(SPLIT, unknown), False) == "[PER Alex Graves(?)] met(?) [PER Anna]\n"
    )
    empty = TaggedSentence("", (), (), ())
    assert with_marks(empty, unknown) == empty


def test_lowest_keeps_the_lowest_and_the_earliest():
    rng = random.Random(0)
    scores = [rng.choice([0.1, 0.2, 0.3]) for _ in range(50)]
    for count in (1, 5, 50, 60):
        lowest = Lowest(count)
        for number, score in enumerate(scores):
            lowest.add(score, number)
        assert list(lowest) == sorted(range(50), key=lambda n: (scores[n], n))[:count]


def test_lowest_keeps_one_value_of_each_key():
    rng = random.Random(1)
    keys = [rng.randrange(20) for _ in range(100)]
    for count in (1, 5, 20, 30):
        lowest = Lowest(count)
        for key in keys:
            lowest.add(key % 7 / 7, key, key)
        first = sorted(set(keys), key=keys.index)
        assert list(lowest) == sorted(first, key=lambda key: key % 7)[:count]


def test_a_device_is_not_replaced_by_a_file():
    with open_output(os.devnull) as output:
        output.write(b"x")
    assert not Path(os.devnull).is_file()
