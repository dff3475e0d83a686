"""Streaming input of `seqtag tag`: raw text, or a data format as training reads it.

Readers yield an `Item` for each sentence, and `PAUSE` when no more input is available for now,
so that sentences from a pipe are tagged as soon as they arrive.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from seqtag.data.formats.base import find_format, read_source, with_input_errors
from seqtag.data.formats.layout import Layout, split_at_blanks
from seqtag.data.formats.lines import Source, text_pieces
from seqtag.data.formats.sentence import InputLines
from seqtag.data.formats.sentence import Sentence as Words
from seqtag.data.text.split import Sentence, Token, split_text
from seqtag.data.text.tokenizers import DEFAULT_TOKENIZER

PAUSE = None
# Input formats without columns, and their descriptions.
PLAIN = {
    "text": (
        "raw text, which is split into sentences and tokens; the end of a line ends a sentence, "
        "except with --wrapped. Offsets in the output count characters from the start of the input."
    ),
    "tokens": (
        "one sentence per line, tokens separated by spaces; an empty line is an empty sentence"
    ),
}
# Longer lines or paragraphs of raw text are cut, so that memory stays bounded.
_LONGEST = 1 << 20


class Record(NamedTuple):
    """A text of the input, and the offset of its start in the offsets of its tokens."""

    text: str
    start: int = 0


class Item(NamedTuple):
    """A sentence to tag.

    Attributes:
        sentence: the tokens.
        features: values of further columns by name.
        id: the ``id`` in the input, which is copied to the output; None if there is none.
        line: line of the input at which the sentence begins.
        source: the lines of the input, if its format keeps them.
        shares_line: whether other sentences may be from the same line (raw text in JSONL).
        record: the text that the sentence is from; None if the input was words.
        ends_record: whether it is the last sentence of its record.
        meta: further data of the record.
    """

    sentence: Sentence
    features: Mapping[str, Sequence[str]]
    id: Any = None
    line: int = 1
    shares_line: bool = False
    source: InputLines | None = None
    record: Record | None = None
    ends_record: bool = True
    meta: Mapping[str, Any] | None = None


def read_items(
    source: Source,
    format_: str,
    layout: Layout | None = None,
    wrapped: bool = False,
    tokenizer: str = DEFAULT_TOKENIZER,
) -> Iterator[Item | None]:
    """Yield the sentences of `source`, and `PAUSE` (None) when no more input is available.

    Args:
        source: the input.
        format_: ``text``, ``tokens`` or the name of a data format.
        layout: (data formats) the columns to read.
        wrapped: (text) only an empty line ends a paragraph; other line ends are like spaces.
        tokenizer: (raw text) how it is split into tokens.

    Raises:
        InputError: naming file and line, for bytes that are not in the encoding, for lines that are
            not in the format, and for a missing column.
    """
    if format_ == "text":
        yield from _read_text(source, wrapped, tokenizer)
        return
    if layout is None or format_ in PLAIN:
        sentences = with_input_errors(_read_tokens(source), source.name, format_)
    else:
        sentences = read_source(source, find_format(format_), layout)
    for sentence in sentences:
        if sentence is None:
            yield PAUSE
        elif sentence.text is not None:
            parts = split_text(sentence.text, tokenizer=tokenizer) or [Sentence([], "")]
            record = Record(sentence.text)
            for number, part in enumerate(parts, 1):
                yield Item(
                    *(part, {}, sentence.id, sentence.line),
                    shares_line=True,
                    record=record,
                    ends_record=number == len(parts),
                    meta=sentence.meta,
                )
        else:
            names = layout.features if layout is not None else ()
            features = dict(zip(names, sentence.features, strict=True))
            tokens = Sentence([Token(word) for word in sentence.tokens])
            yield Item(tokens, features, sentence.id, sentence.line, source=sentence.source)


def _read_tokens(source: Source) -> Iterator[Words | None]:
    for numbered in source.numbered_lines():
        yield numbered and Words(split_at_blanks(numbered[1]), [], [], 0, numbered[0])


def _read_text(source: Source, wrapped: bool, tokenizer: str) -> Iterator[Item | None]:
    def items(text: str, offset: int) -> Iterator[Item]:
        parts = split_text(text, wrapped=wrapped, offset=offset, tokenizer=tokenizer)
        record = Record(text.rstrip("\r\n"), offset)
        for number, part in enumerate(parts, 1):
            yield Item(part, {}, record=record, ends_record=number == len(parts))

    offset, paragraph = 0, ""
    for line in lines(source, _LONGEST):
        if line is PAUSE:
            yield PAUSE
            continue
        paragraph += line
        if wrapped and line.strip() and len(paragraph) < _LONGEST:
            continue
        yield from items(paragraph, offset)
        offset, paragraph = offset + len(paragraph), ""
    yield from items(paragraph, offset)


def lines(source: Source, longest: int | None = None) -> Iterator[str | None]:
    r"""Yield the lines with their ends (``\n`` only), and `PAUSE` after each piece of input.

    A line of more than `longest` characters is yielded in parts, cut after a space if possible.
    """
    pieces: list[str] = []
    size = 0
    for text in text_pieces(source):
        first, *others = text.split("\n")
        pieces.append(first)
        size += len(first)
        if others:
            yield "".join(pieces) + "\n"
            yield from (line + "\n" for line in others[:-1])
            pieces, size = [others[-1]], len(others[-1])
        if longest is not None and size > longest:
            line = "".join(pieces)
            cut = line.rfind(" ") + 1 or len(line)
            yield line[:cut]
            pieces, size = [line[cut:]], len(line) - cut
        yield PAUSE
    if size:
        yield "".join(pieces)
