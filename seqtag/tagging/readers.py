"""Input of `seqtag tag`: bytes to lines to sentences, read as they come.

Readers yield an `Item` for each sentence and `PAUSE` where nothing more is at hand for now, so
that what came through a pipe can be tagged before more comes. Columns and CoNLL-U are read by the
readers that training has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from seqtag.data.formats import sentence as data
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.json_lines import parse_object
from seqtag.data.formats.layout import Layout, split_at_blanks
from seqtag.data.formats.lines import TextSource, line_lists, text_pieces
from seqtag.data.formats.registry import not_read, of_input
from seqtag.errors import InputError
from seqtag.tagging.layouts import TOKENS
from seqtag.tagging.text import Sentence, Token, split_text

PAUSE = None
_PLAIN = Layout((TOKENS,), TOKENS)
# A line or paragraph of raw text longer than this is cut, so that memory stays bounded.
_LONGEST = 1 << 20


class Item(NamedTuple):
    """A sentence to tag.

    Attributes:
        sentence: its tokens.
        features: values of further columns by name.
        id: what the input calls it, handed on to the output; None for nothing.
        line: line of the input where it begins.
        shares_line: further sentences may be of the same line: of one raw text in JSONL.
    """

    sentence: Sentence
    features: Mapping[str, Sequence[str]]
    id: Any = None
    line: int = 1
    shares_line: bool = False


@dataclass(frozen=True)
class Source:
    """Where input comes from and what is to be read from it.

    Attributes:
        raw: the bytes.
        name: the file's name, for messages.
        encoding: of the text.
        layout: (conll, conllu, jsonl) the columns to be read.
        wrapped: (text) lines are broken anywhere; only an empty one ends a paragraph.
    """

    raw: BinaryIO
    name: str
    encoding: str = "utf-8"
    layout: Layout = _PLAIN
    wrapped: bool = False

    @property
    def text(self) -> TextSource:
        """The input as text."""
        return TextSource(self.raw, Place(self.name, self.encoding, "--encoding"))


def read_items(source: Source, format_: str) -> Iterator[Item | None]:
    """Yield the sentences of `source`, read as `format_`, one of `INPUT_FORMATS`.

    Raises:
        InputError: naming file and line, for bytes that are no text in the encoding, for lines
            that the format does not have, and for a column that is not there.
    """
    line = 1
    try:
        for item in INPUT_FORMATS[format_](source):
            yield item
            line = line if item is PAUSE else item.line
    except InputError:
        raise
    except Exception as error:
        if not of_input(error):
            raise
        raise not_read(error, f"{source.name}:{line}", format_) from error


def lines(source: Source, longest: int | None = None) -> Iterator[str | None]:
    r"""Yield the lines with their ends (``\n`` only), and `PAUSE` after each piece of input.

    A line of more than `longest` characters comes in parts, cut behind a space if there is one.
    """
    pieces: list[str] = []
    size = 0
    for text in text_pieces(source.text):
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


def _read_text(source: Source) -> Iterator[Item | None]:
    offset, paragraph = 0, ""
    for line in lines(source, _LONGEST):
        if line is PAUSE:
            yield PAUSE
            continue
        paragraph += line
        if source.wrapped and line.strip() and len(paragraph) < _LONGEST:
            continue
        for sentence in split_text(paragraph, wrapped=source.wrapped, offset=offset):
            yield Item(sentence, {})
        offset, paragraph = offset + len(paragraph), ""
    for sentence in split_text(paragraph, wrapped=source.wrapped, offset=offset):
        yield Item(sentence, {})


def _numbered(line_lists_: Iterable[list[str]]) -> Iterator[tuple[int, str] | None]:
    """Yield the lines with their numbers, and `PAUSE` after each list of them."""
    number = 0
    for found in line_lists_:
        yield from enumerate(found, number + 1)
        number += len(found)
        yield PAUSE


def _read_tokens(source: Source) -> Iterator[Item | None]:
    for numbered in _numbered(line_lists(source.text)):
        if numbered is PAUSE:
            yield PAUSE
        else:
            number, line = numbered
            yield Item(_split(split_at_blanks(line)), {}, line=number)


def _read_conll(source: Source) -> Iterator[Item | None]:
    from seqtag.data.formats.column import column_sentences

    found = column_sentences(line_lists(source.text), source.layout, source.name)
    return map(_of_layout(source.layout), found)


def _read_conllu(source: Source) -> Iterator[Item | None]:
    from seqtag.data.formats.conllu import conllu_sentences

    found = conllu_sentences(line_lists(source.text), source.layout, source.name)
    return map(_of_layout(source.layout), found)


def _of_layout(layout: Layout) -> Any:
    """Return the function that makes an item of what a reader of training yields."""

    def to_item(sentence: data.Sentence | None) -> Item | None:
        if sentence is None:
            return PAUSE
        features = dict(zip(layout.features, sentence.features, strict=True))
        return Item(_split(sentence.tokens), features, line=sentence.line)

    return to_item


def _split(words: Sequence[str]) -> Sentence:
    return Sentence([Token(word) for word in words])


def _read_jsonl(source: Source) -> Iterator[Item | None]:
    for numbered in _numbered(line_lists(source.text, keep_returns=True)):
        if numbered is PAUSE:
            yield PAUSE
            continue
        number, line = numbered
        if line.strip(" \t"):
            layout = source.layout
            used = ("id", "text", TOKENS, layout.token_column, *layout.features)
            expected = f'{{"{layout.token_column}": ["..."]}} or {{"text": "..."}} is expected'
            record = parse_object(line, f"{source.name}:{number}", used, expected)
            _check_id(record.get("id"), f"{source.name}:{number}")
            yield from _record(record, source, number)


def _check_id(value: Any, where: str) -> None:
    """Refuse an id that could not be handed on: JSON has no infinite numbers, and no NaN."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise InputError(f"{where}: 'id' holds a number that JSON does not have") from None


def _record(record: Mapping[str, Any], source: Source, number: int) -> Iterator[Item]:
    """Yield the sentences of a record: one of tokens, and at least one of raw text."""
    layout, where, id_ = source.layout, f"{source.name}:{number}", record.get("id")
    column = layout.token_column if layout.token_column in record else TOKENS
    if column not in record:
        if "text" not in record:
            raise InputError(
                f'{where}: {{"{layout.token_column}": ["..."]}} or {{"text": "..."}} is expected'
            )
        if not isinstance(record["text"], str) or layout.features:
            needed = f'"tokens" and "{layout.features[0]}"' if layout.features else "a string"
            raise InputError(f'{where}: "text" does not do: {needed} is expected')
        for sentence in split_text(record["text"]) or [Sentence([], "")]:
            yield Item(sentence, {}, id_, number, shares_line=True)
        return
    tokens = record[column]
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise InputError(f"{where}: {column!r} must be there as a list of strings")
    features = {name: _feature(record, name, layout, where) for name in layout.features}
    for name, values in features.items():
        if len(values) != len(tokens):
            raise InputError(f"{where}: {len(tokens)} tokens, but {len(values)} values of {name!r}")
    yield Item(_split(tokens), features, id_, number)


def _feature(record: Mapping[str, Any], name: str, layout: Layout, where: str) -> list[str]:
    """Return the values of a further column, as training reads them."""
    values = record.get(name)
    known = (str, int, type(None))
    if not isinstance(values, list) or not all(
        isinstance(value, known) and not isinstance(value, bool) for value in values
    ):
        raise InputError(f"{where}: {name!r} must be there as a list of strings")
    return [layout.absent if value in (None, "") else str(value) for value in values]


INPUT_FORMATS = {
    "text": _read_text,
    "tokens": _read_tokens,
    "conll": _read_conll,
    "conllu": _read_conllu,
    "jsonl": _read_jsonl,
}
