from __future__ import annotations

import io

import pytest

from seqtag.data.formats.decoding import Place
from seqtag.data.formats.lines import Source
from seqtag.errors import InputError
from seqtag.tagging.readers import PAUSE, lines, read_items


def source_of(raw):
    return Source(raw, Place("x", "utf-8", "--encoding"))


class Drops(io.RawIOBase):
    """Returns its parts one by one, like a pipe."""

    def __init__(self, *parts):
        self.parts = list(parts)

    def read1(self, size):
        return self.parts.pop(0) if self.parts else b""


def test_lines_do_not_depend_on_the_pieces_of_a_pipe():
    whole = "añ\r\nb\n\n👍漢\u2028x\nend".encode()
    for cut in range(len(whole)):
        found = list(lines(source_of(Drops(whole[:cut] or b"", whole[cut:]))))
        if not cut:
            continue
        assert [line for line in found if line is not PAUSE] == [
            "añ\r\n",
            "b\n",
            "\n",
            "👍漢\u2028x\n",
            "end",
        ]


def test_available_lines_are_yielded_before_more_is_read():
    source = source_of(Drops(b"Anna. Al", b"ex\nBo\n"))
    kinds = [item and item.sentence.text for item in read_items(source, "text")]
    assert kinds == [None, "Anna.", "Alex", "Bo", None]


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_endless_line_is_cut_and_keeps_its_offsets(wrapped, monkeypatch):
    monkeypatch.setattr("seqtag.tagging.readers._LONGEST", 40)
    monkeypatch.setattr("seqtag.data.formats.lines._CHUNK", 16)
    text = "word and " * 50 + "x" * 90 + "\n" * wrapped + "more words " * 10
    source = source_of(io.BufferedReader(io.BytesIO(text.encode())))
    items = [i for i in read_items(source, "text", wrapped=wrapped) if i is not PAUSE]
    tokens = [token for item in items for token in item.sentence.tokens]
    assert all(text[t.start : t.end] == t.text for t in tokens)
    assert sum(len(t.text) for t in tokens) == len("".join(text.split()))
    assert max(len(item.sentence.tokens) for item in items) < 30


def test_the_line_of_a_bad_byte_does_not_depend_on_the_pieces():
    whole = b"a\n\xc3\xa9\nb\xe9c\n"
    for cut in range(1, len(whole)):
        with pytest.raises(InputError, match=r"^x:3: not utf-8 \(byte 0xe9"):
            list(lines(source_of(Drops(whole[:cut], whole[cut:]))))
    with pytest.raises(InputError, match=r"^x:1: not utf-8"):
        list(lines(source_of(Drops(b"ab\xc3"))))
