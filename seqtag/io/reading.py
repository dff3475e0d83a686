"""Input of `seqtag tag`: bytes to lines to sentences, read as they come.

Readers yield an `Item` for each sentence and `PAUSE` where nothing more is at hand for now, so
that what came through a pipe can be tagged before more comes.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from seqtag.errors import InputError, did_you_mean
from seqtag.io.text import Sentence, Token, split_text

PAUSE = None
TOKENS = "tokens"
_CHUNK = 1 << 16
# A line or paragraph of raw text longer than this is cut, so that memory stays bounded.
_LONGEST = 1 << 20
_CONLLU = ("id", TOKENS, "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")


class Item(NamedTuple):
    """A sentence to tag.

    Attributes:
        sentence: its tokens.
        features: values of further columns by name.
        id: what the input calls it, handed on to the output; None for nothing.
    """

    sentence: Sentence
    features: Mapping[str, Sequence[str]]
    id: Any = None


@dataclass(frozen=True)
class Source:
    """Where input comes from and what is to be read from it.

    Attributes:
        raw: the bytes.
        name: the file's name, for messages.
        encoding: of the text.
        features: columns to read beside the tokens.
        columns: (conll) names of the file's columns, or None for the tokens and then `features`.
        wrapped: (text) lines are broken anywhere; only an empty one ends a paragraph.
    """

    raw: BinaryIO
    name: str
    encoding: str = "utf-8"
    features: Sequence[str] = ()
    columns: Sequence[str] | None = None
    wrapped: bool = False


def read_items(source: Source, format_: str) -> Iterator[Item | None]:
    """Yield the sentences of `source`, read as `format_`, one of `INPUT_FORMATS`.

    Raises:
        InputError: naming file and line, for bytes that are no text in the encoding, for lines
            that the format does not have, and for a column that is not there.
    """
    return INPUT_FORMATS[format_](source)


def lines(source: Source, longest: int | None = None) -> Iterator[str | None]:
    r"""Yield the lines with their ends (``\n`` only), and `PAUSE` after each piece of input.

    A line of more than `longest` characters comes in parts, cut behind a space if there is one.
    """
    pieces: list[str] = []
    size = 0
    for text in _decoded(source):
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


def _decoded(source: Source) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(source.encoding)()
    line, at_start, chunk = 1, True, b" "
    while chunk:
        try:
            chunk = source.raw.read1(_CHUNK)  # type: ignore[attr-defined]
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(source.encoding, "ignore")
            raise InputError(
                f"{source.name}:{line + good.count(chr(10))}: not {source.encoding} (byte "
                f"0x{error.object[error.start]:02x}, {error.reason}): set --encoding"
            ) from None
        except (UnicodeError, OSError) as error:
            raise InputError(f"{source.name}:{line}: cannot be read: {error}") from None
        if at_start and text:
            text, at_start = text.removeprefix("\ufeff"), False
        line += text.count("\n")
        if text:
            yield text


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


def _read_tokens(source: Source) -> Iterator[Item | None]:
    for line in lines(source):
        if line is PAUSE:
            yield PAUSE
        elif words := line.split():
            yield _item([words], (TOKENS,))


def _read_conll(source: Source) -> Iterator[Item | None]:
    columns = tuple(source.columns or (TOKENS, *source.features))
    return _read_columns(source, columns, conllu=False)


def _read_conllu(source: Source) -> Iterator[Item | None]:
    return _read_columns(source, _CONLLU, conllu=True)


def _read_columns(source: Source, columns: Sequence[str], conllu: bool) -> Iterator[Item | None]:
    wanted = (TOKENS, *source.features)
    for name in wanted:
        if name not in columns:
            raise InputError(
                f"{source.name}: no column {name!r}{did_you_mean(name, columns)} among "
                f"{', '.join(columns)}"
            )
    kept = [number for number, name in enumerate(columns) if name in wanted]
    names = [columns[number] for number in kept]
    rows: list[list[str]] = []
    number = 0
    for line in lines(source):
        if line is PAUSE:
            yield PAUSE
            continue
        number += 1
        line = line.rstrip("\r\n")
        cells = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or cells[0] == "-DOCSTART-":
            if rows:
                yield _item(list(zip(*rows, strict=True)), names)
            rows = []
        elif conllu and (line.startswith("#") or not cells[0].isdigit()):
            continue  # comments, words written together, words left out
        elif len(cells) <= kept[-1]:
            raise InputError(
                f"{source.name}:{number}: {len(cells)} columns where {kept[-1] + 1} or more are "
                f"expected ({', '.join(columns[: kept[-1] + 1])}): set --columns"
            )
        else:
            rows.append([cells[i] for i in kept])
    if rows:
        yield _item(list(zip(*rows, strict=True)), names)


def _item(columns: Sequence[Sequence[str]], names: Sequence[str]) -> Item:
    by_name = dict(zip(names, columns, strict=True))
    return Item(Sentence([Token(word) for word in by_name.pop(TOKENS)]), by_name)


def _read_jsonl(source: Source) -> Iterator[Item | None]:
    number = 0
    for line in lines(source):
        if line is PAUSE:
            yield PAUSE
            continue
        number += 1
        if not line.strip():
            continue
        where = f"{source.name}:{number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: no JSON: {error}") from None
        if not isinstance(record, dict) or not ("tokens" in record or "text" in record):
            raise InputError(f'{where}: {{"tokens": ["..."]}} or {{"text": "..."}} is expected')
        yield from _record(record, source.features, where)


def _record(record: Mapping[str, Any], features: Sequence[str], where: str) -> Iterator[Item]:
    id_ = record.get("id")
    if "tokens" not in record:
        if not isinstance(record["text"], str) or features:
            needed = f'"tokens" and "{features[0]}"' if features else "a string"
            raise InputError(f'{where}: "text" does not do: {needed} is expected')
        yield from (Item(sentence, {}, id_) for sentence in split_text(record["text"]))
        return
    for name in ("tokens", *features):
        values = record.get(name)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise InputError(f"{where}: {name!r} must be there as a list of strings")
        if len(values) != len(record["tokens"]):
            raise InputError(
                f"{where}: {len(record['tokens'])} tokens, but {len(values)} values of {name!r}"
            )
    if record["tokens"]:
        tokens = [Token(word) for word in record["tokens"]]
        yield Item(Sentence(tokens), {name: record[name] for name in features}, id_)


INPUT_FORMATS = {
    "text": _read_text,
    "tokens": _read_tokens,
    "conll": _read_conll,
    "conllu": _read_conllu,
    "jsonl": _read_jsonl,
}
