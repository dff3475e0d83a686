from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from seqtag.data.encode.labelset import LabelSet
from seqtag.data.text.split import Token
from seqtag.errors import InputError
from seqtag.files import open_output
from seqtag.tagging.output import TaggedSentence, TaggedSpan
from seqtag.tagging.readers import Item
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


def test_a_device_is_not_replaced_by_a_file():
    with open_output(os.devnull) as output:
        output.write(b"x")
    assert not Path(os.devnull).is_file()
