"""JSON lines: an object with lists of tokens and labels on each line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from seqtag.data.formats.base import Format, register
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.formats.records import RecordReader
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, shown

# The key of the tokens of a file to be tagged, if they do not have that of the training corpus.
_TOKENS = "tokens"
_WANTED = 'one object per line is expected (JSONL): {"tokens": [...], "labels": [...]}'
# What some programs take for the end of a line, and JSON does not escape.
_LINE_ENDS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"}
_KINDS = {list: "array", str: "string", int: "number", float: "number"}


@register("json")
class Json(Format):
    """An object a line. To be tagged it may have raw text in place of tokens."""

    endings = (".jsonl", ".json", ".ndjson")
    decodes_labels = True
    tag_input = (
        'a JSON object a line: {"tokens": ["A", "sentence"]} or {"text": "Raw text."}; further '
        'columns as lists beside "tokens"; an "id" is handed on'
    )
    tag_output = (
        "a JSON object a line: text and offsets (raw text only), tokens, labels, spans; sentences "
        'of {"text": ...} have the "line" of the input that they are from'
    )

    def read(self, source: Source, layout: Layout) -> Iterator[Sentence | None]:
        """Yield the sentence of each line that is not empty."""
        read = _Training if layout.label_column is not None else _Tagging
        records = read(source.name, layout)
        for numbered in source.numbered_lines(keep_returns=True):
            if numbered is None:
                yield None
            elif numbered[1].strip(" \t"):
                yield records.sentence(*numbered)

    def can_be_cut(self, raw: BinaryIO, layout: Layout) -> bool:
        """Return whether a line can be read without those before it."""
        return layout.document_column is None

    def next_break(self, raw: BinaryIO, layout: Layout) -> int:
        """Return the place where the file stands: each line is a sentence."""
        return raw.tell()

    def write(self, record: Mapping[str, Any]) -> str:
        """Return a JSON object on a line."""
        return json.dumps(record, ensure_ascii=False).translate(_LINE_ENDS) + "\n"


class _Training:
    """Turns lines into labelled sentences."""

    def __init__(self, name: str, layout: Layout) -> None:
        self.name, self.layout = name, layout
        self.reader, self.used = RecordReader(name, layout), list(layout.wanted())

    def sentence(self, number: int, line: str) -> Sentence:
        """Return a line as a sentence."""
        where = f"{self.name}:{number}"
        record = parse_object(line, where, self.used, _WANTED)
        if self.layout.token_column not in record:
            _refuse_wrapped(record, where, _WANTED)
        return self.reader.sentence(record, number, escapes="\\u" in line)


class _Tagging(_Training):
    """Turns lines into sentences to be tagged: of tokens, which may have the usual name, or text.

    Half characters (lone surrogates) may be in them: they are handed on as they are.
    """

    def __init__(self, name: str, layout: Layout) -> None:
        super().__init__(name, layout)
        self.other = RecordReader(name, replace(layout, token_column=_TOKENS))
        self.used += [_TOKENS, "text", "id"]
        self.expected = f'{{"{layout.token_column}": ["..."]}} or {{"text": "..."}} is expected'

    def sentence(self, number: int, line: str) -> Sentence:
        """Return a line as a sentence, or as text that is still to be split into sentences."""
        where = f"{self.name}:{number}"
        record = parse_object(line, where, self.used, self.expected)
        if self.layout.token_column in record:
            sentence = self.reader.sentence(record, number)
        elif _TOKENS in record:
            sentence = self.other.sentence(record, number)
        else:
            sentence = Sentence([], [], [], 0, number, text=self._text(record, where))
        id_ = record.get("id")
        try:
            json.dumps(id_, allow_nan=False)
        except ValueError:
            raise InputError(f"{where}: 'id' holds a number that JSON does not have") from None
        return sentence._replace(id=id_)

    def _text(self, record: Mapping[str, Any], where: str) -> str:
        if "text" not in record:
            _refuse_wrapped(record, where, self.expected)
            raise InputError(f"{where}: {self.expected}")
        text, features = record["text"], self.layout.features
        if isinstance(text, str) and not features:
            return text
        needed = f'"tokens" and "{features[0]}"' if features else "a string"
        raise InputError(f'{where}: "text" does not do: {needed} is expected')


def _refuse_wrapped(record: Mapping[str, Any], where: str, expected: str) -> None:
    """Raise an InputError for an object that has all records in a list of its own."""
    for key, value in record.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            raise InputError(f"{where}: the records are in a list under {shown(key)}; {expected}")


class _WithRepeatedKeys(dict[str, Any]):
    """A JSON object that has some keys more than once; each has its last value.

    Attributes:
        repeated: those keys.
    """

    repeated: frozenset[str] = frozenset()


def parse_object(text: str, where: str, used: Iterable[str], expected: str) -> dict[str, Any]:
    """Return the JSON object that a line holds.

    Args:
        text: the line.
        where: its file and number, for messages.
        used: the keys that are going to be read.
        expected: what a line should hold, for messages.

    Raises:
        InputError: if it is not JSON, holds what Python cannot (brackets within thousands of
            brackets, an integer of thousands of digits) or anything but an object, or has one of
            the keys that are used more than once.
    """
    try:
        value = _decode(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON: {_fault(error)}; {expected}") from None
    if not isinstance(value, dict):
        raise InputError(f"{where}: a JSON {_KINDS.get(type(value), 'value')}; {expected}")
    if isinstance(value, _WithRepeatedKeys):
        for key in used:
            if key in value.repeated:
                raise InputError(f"{where}: the key {key!r} is there more than once")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    keys = [key for key, _ in pairs]
    value = _WithRepeatedKeys(value)
    value.repeated = frozenset(key for key in value if keys.count(key) > 1)
    return value


_decode = json.JSONDecoder(object_pairs_hook=_object).decode


def _fault(error: ValueError | RecursionError) -> str:
    """Return what is wrong with a line, without the line number that the parser counts."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    if isinstance(error, RecursionError):
        return "its brackets are nested too deeply"
    return "a number has too many digits"
