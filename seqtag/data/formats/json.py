"""JSON: objects with lists of tokens and labels, one per line or in one array."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, BinaryIO

from seqtag.data.formats.base import Format, register
from seqtag.data.formats.decoding import Place
from seqtag.data.formats.json_array import JsonText
from seqtag.data.formats.json_object import checked_object, parse_object
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source, text_pieces
from seqtag.data.formats.nested import has_column
from seqtag.data.formats.records import RecordReader
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, shown

# The key of tokens in a file to be tagged that does not use the key of the training corpus.
_TOKENS = "tokens"
_EXPECTED = (
    'one object per line is expected, {"tokens": [...], "labels": [...]}, or one array of them'
)
# Characters that JSON does not escape but some programs treat as line ends.
LINE_ENDS_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"}


@register("json")
class Json(Format):
    """One object per line, or an array of objects, which may be the value of a key of an object.

    For tagging an object may contain raw text instead of tokens. In an array, line numbers in
    messages are numbers of records, from 1.
    """

    endings = (".jsonl", ".json", ".ndjson")
    decodes_labels = True
    has_text = True
    tag_input = (
        'one JSON object per line: {"tokens": ["A", "sentence"]} or {"text": "Raw text."}; further '
        'columns as lists next to "tokens"; an "id" is copied to the output; or one JSON array of '
        "such objects"
    )
    tag_output = (
        "one JSON object per line: text and offsets (raw text only), tokens, labels, spans; "
        'sentences of {"text": ...} have the "line" number of their input'
    )

    def read(self, source: Source, layout: Layout) -> Iterator[Sentence | None]:
        """Yield the sentence of each line that is not empty, or of each object of an array."""
        read = _Training if layout.label_column is not None else _Tagging
        records = read(source.name, layout)
        pieces = text_pieces(source)
        if not source.is_later_part:
            text = JsonText(source.name, pieces)
            if text.start_array(records.keys):
                for found in text.records():
                    yield found and records.sentence(found.number, found.value, found.escapes)
                return
            pieces = chain([text.text] if text.text else [], pieces)
        for numbered in source.numbered_lines(keep_returns=True, pieces=pieces):
            if numbered is None:
                yield None
            elif numbered[1].strip(" \t"):
                yield records.sentence_of_line(*numbered)

    def can_be_cut(self, raw: BinaryIO, layout: Layout) -> bool:
        """Return whether a line can be read independently of earlier lines."""
        if layout.document_column is not None:
            return False
        pieces = text_pieces(Source(raw, Place("", layout.encoding)))
        try:
            return not JsonText("", pieces).start_array([layout.token_column.partition(".")[0]])
        except InputError:  # it is reported when the file is read
            return False

    def next_break(self, raw: BinaryIO, layout: Layout) -> int:
        """Return the current position, since each line is a sentence."""
        return raw.tell()

    def write(self, record: Mapping[str, Any]) -> str:
        """Return a line with a JSON object."""
        return json.dumps(record, ensure_ascii=False).translate(LINE_ENDS_ESCAPED) + "\n"


class _Training:
    """Converts objects to labelled sentences.

    Attributes:
        keys: the keys of which each object has at least one.
        expected: the expected content, for messages.
    """

    expected = _EXPECTED

    def __init__(self, name: str, layout: Layout) -> None:
        self.name, self.layout = name, layout
        self.reader, self.used = RecordReader(name, layout), list(layout.columns_to_read())
        self.used += [column.partition(".")[0] for column in self.used]
        self.keys = [layout.token_column, layout.token_column.partition(".")[0]]

    def sentence_of_line(self, number: int, line: str) -> Sentence:
        """Return the sentence of a line."""
        record = parse_object(line, f"{self.name}:{number}", self.used, self.expected)
        return self.sentence(number, record, "\\u" in line)

    def sentence(self, number: int, record: dict[str, Any], escapes: bool) -> Sentence:
        """Return the sentence of an object; `escapes` is whether its text has Unicode escapes."""
        where = f"{self.name}:{number}"
        checked_object(record, where, self.used)
        if not has_column(record, self.layout.token_column):
            _refuse_wrapped(record, where, self.expected)
        return self.reader.sentence(record, number, escapes=escapes)


class _Tagging(_Training):
    """Converts objects to sentences to be tagged, of tokens or of raw text.

    The key of tokens is that of the training corpus or "tokens". Lone surrogates are kept.
    """

    def __init__(self, name: str, layout: Layout) -> None:
        super().__init__(name, layout)
        self.default_reader = RecordReader(name, replace(layout, token_column=_TOKENS))
        self.used += [_TOKENS, "text", "id"]
        self.keys += [_TOKENS, "text"]
        self.expected = f'{{"{layout.token_column}": ["..."]}} or {{"text": "..."}} is expected'

    def sentence(self, number: int, record: dict[str, Any], escapes: bool) -> Sentence:
        """Return the sentence of an object, or its raw text, not split into sentences yet."""
        where = f"{self.name}:{number}"
        checked_object(record, where, self.used)
        if has_column(record, self.layout.token_column):
            sentence = self.reader.sentence(record, number)
        elif _TOKENS in record:
            sentence = self.default_reader.sentence(record, number)
        else:
            meta = {key: value for key, value in record.items() if key not in ("text", "id")}
            sentence = Sentence([], [], [], 0, number, text=self._text(record, where), meta=meta)
        text = record.get("text")
        if sentence.text is None and not sentence.tokens and isinstance(text, str) and text.strip():
            raise InputError(
                f"{where}: there is a text, but its list of tokens is empty: remove the key of the "
                "tokens, or, for a file of Prodigy, use --input-format prodigy"
            )
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
