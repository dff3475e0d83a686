"""JSON lines: one object with lists of tokens and labels per line."""

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

# The key of tokens in a file to be tagged that does not use the key of the training corpus.
_TOKENS = "tokens"
_EXPECTED = 'one object per line is expected (JSONL): {"tokens": [...], "labels": [...]}'
# Characters that JSON does not escape but some programs treat as line ends.
LINE_ENDS_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"}
_KINDS = {list: "array", str: "string", int: "number", float: "number"}


@register("json")
class Json(Format):
    """One object per line; for tagging it may contain raw text instead of tokens."""

    endings = (".jsonl", ".json", ".ndjson")
    decodes_labels = True
    has_text = True
    tag_input = (
        'one JSON object per line: {"tokens": ["A", "sentence"]} or {"text": "Raw text."}; further '
        'columns as lists next to "tokens"; an "id" is copied to the output'
    )
    tag_output = (
        "one JSON object per line: text and offsets (raw text only), tokens, labels, spans; "
        'sentences of {"text": ...} have the "line" number of their input'
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
        """Return whether a line can be read independently of earlier lines."""
        return layout.document_column is None

    def next_break(self, raw: BinaryIO, layout: Layout) -> int:
        """Return the current position, since each line is a sentence."""
        return raw.tell()

    def write(self, record: Mapping[str, Any]) -> str:
        """Return a line with a JSON object."""
        return json.dumps(record, ensure_ascii=False).translate(LINE_ENDS_ESCAPED) + "\n"


class _Training:
    """Converts lines to labelled sentences."""

    def __init__(self, name: str, layout: Layout) -> None:
        self.name, self.layout = name, layout
        self.reader, self.used = RecordReader(name, layout), list(layout.columns_to_read())

    def sentence(self, number: int, line: str) -> Sentence:
        """Return the sentence of a line."""
        where = f"{self.name}:{number}"
        record = parse_object(line, where, self.used, _EXPECTED)
        if self.layout.token_column not in record:
            _refuse_wrapped(record, where, _EXPECTED)
        return self.reader.sentence(record, number, escapes="\\u" in line)


class _Tagging(_Training):
    """Converts lines to sentences to be tagged, of tokens or of raw text.

    The key of tokens is that of the training corpus or "tokens". Lone surrogates are kept.
    """

    def __init__(self, name: str, layout: Layout) -> None:
        super().__init__(name, layout)
        self.default_reader = RecordReader(name, replace(layout, token_column=_TOKENS))
        self.used += [_TOKENS, "text", "id"]
        self.expected = f'{{"{layout.token_column}": ["..."]}} or {{"text": "..."}} is expected'

    def sentence(self, number: int, line: str) -> Sentence:
        """Return the sentence of a line, or its raw text, which is not split into sentences yet."""
        where = f"{self.name}:{number}"
        record = parse_object(line, where, self.used, self.expected)
        if self.layout.token_column in record:
            sentence = self.reader.sentence(record, number)
        elif _TOKENS in record:
            sentence = self.default_reader.sentence(record, number)
        else:
            sentence = Sentence([], [], [], 0, number, text=self._text(record, where))
        id_ = record.get("id")
        try:
            json.dumps(id_, allow_nan=False)
        except ValueError:
            raise InputError(f"{where}: 'id' contains a number that is not valid JSON") from None
        return sentence._replace(id=id_)

    def _text(self, record: Mapping[str, Any], where: str) -> str:
        if "text" not in record:
            _refuse_wrapped(record, where, self.expected)
            raise InputError(f"{where}: {self.expected}")
        text, features = record["text"], self.layout.features
        if isinstance(text, str) and not features:
            return text
        if features:
            needed = f'it also reads a column: "tokens" and "{features[0]}" are expected'
            raise InputError(f'{where}: "text" is not enough for this tagger, {needed}')
        raise InputError(f'{where}: "text" must be a string')


def _refuse_wrapped(record: Mapping[str, Any], where: str, expected: str) -> None:
    """Raise an InputError for an object that contains a list of records."""
    for key, value in record.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            raise InputError(f"{where}: the records are in a list under {shown(key)}; {expected}")


class _WithRepeatedKeys(dict[str, Any]):
    """A JSON object with repeated keys, each of which has its last value.

    Attributes:
        repeated: the keys that occur more than once.
    """

    repeated: frozenset[str] = frozenset()


def parse_object(text: str, where: str, used: Iterable[str], expected: str) -> dict[str, Any]:
    """Return the JSON object of a line.

    Args:
        text: the line.
        where: its file and number, for messages.
        used: the keys that will be read.
        expected: the expected content of a line, for messages.

    Raises:
        InputError: if the line is not JSON, is beyond Python's limits (thousands of nested
            brackets or digits), is not an object, or repeats a key in `used`.
    """
    try:
        value = _decode(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON: {describe_fault(error)}; {expected}") from None
    if not isinstance(value, dict):
        raise InputError(f"{where}: a JSON {_KINDS.get(type(value), 'value')}; {expected}")
    if isinstance(value, _WithRepeatedKeys):
        for key in used:
            if key in value.repeated:
                raise InputError(f"{where}: the key {key!r} occurs more than once")
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


def describe_fault(error: ValueError | RecursionError) -> str:
    """Return a description of a JSON error, without the parser's own line number."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    if isinstance(error, RecursionError):
        return "its brackets are nested too deeply"
    return "a number has too many digits"
