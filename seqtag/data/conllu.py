"""CoNLL-U (and CoNLL-U Plus) files, through the conllu library."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from conllu import parse_token_and_metadata
from conllu.exceptions import ParseException
from conllu.parser import DEFAULT_FIELDS, parse_line

from seqtag.data.config import CorpusConfig, require_columns
from seqtag.data.lines import SourceFile, text_lines
from seqtag.data.sentence import Sentence
from seqtag.errors import InputError, did_you_mean

_NEWDOC = re.compile(r"#\s*newdoc\b")
_PLUS = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
# Fields of key=value pairs, of which `feats.Number` takes one value.
_PAIRED = ("feats", "misc")
_UNSUITED = ("id", "deps")


def read_conllu(file: SourceFile, config: CorpusConfig) -> Iterator[Sentence]:
    """Yield the sentences of a CoNLL-U file, without multi-word tokens and empty nodes.

    Columns are the fields of the format (form, lemma, upos, xpos, feats, head, deprel, misc), or
    one feature of feats or misc (``feats.Number``, ``misc.SpaceAfter``). What a token lacks is
    `config.absent`. A ``newdoc`` comment starts a document.

    Raises:
        InputError: for a line that is no CoNLL-U, and a column that does not exist. (A feature
            that no token has is not known before all is read: see `known_keys`.)
    """
    fields = tuple(DEFAULT_FIELDS)
    wanted = (config.token_column, config.label_column, *config.features)
    # Made at the first token: only then it is known that no global.columns comes.
    getters: list[Callable[[dict[str, Any]], str]] = []
    # What comes before a part of a file ends in a sentence.
    doc, seen_sentence = 0, file.start > 0
    paired = [name for name in wanted if name.partition(".")[0] in _PAIRED and "." in name]
    for first, block in _blocks(file, config.encoding):
        for line in block:
            plus = _PLUS.match(line)
            if plus:
                fields, getters = tuple(plus[1].lower().split()), []
            if seen_sentence and _NEWDOC.match(line):
                doc, seen_sentence = doc + 1, False
        numbered = [(first + i, line) for i, line in enumerate(block) if not line.startswith("#")]
        if not numbered:
            continue
        getters = getters or _getters(file, config, fields)
        words = _words(file, numbered, fields, wanted)
        if not words:
            continue
        seen_sentence = True
        token_values, label_values, *features = (
            [get(word) for _, word in words] for get in getters
        )
        lines = [number for number, _ in words]
        for column in paired:
            _refuse_hidden_key(file, words, column)
        yield Sentence(token_values, label_values, features, doc, lines[0], lines)


def _blocks(file: SourceFile, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the lines of each run of lines that are not blank."""
    block: list[str] = []
    number = 0
    for number, line in enumerate(text_lines(file, encoding), file.first_line):
        if line.strip(" \t"):
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []
    if block:
        yield number + 1 - len(block), block


def _words(
    file: SourceFile,
    numbered: list[tuple[int, str]],
    fields: tuple[str, ...],
    wanted: tuple[str, ...],
) -> list[tuple[int, dict[str, Any]]]:
    """Parse the token lines of one sentence; return (line, token) for each syntactic word."""
    for number, line in numbered:
        width = line.count("\t") + 1
        if width != len(fields):
            spaces = "; columns are parted by single tabs" if width == 1 else ""
            raise InputError(
                f"{file.name}:{number}: {width} column{'s' * (width != 1)} where CoNLL-U has "
                f"{len(fields)}{spaces}: {line[:60]!r}"
            )
        # The library also splits at two spaces, which would move every cell behind them.
        if "  " in line.rpartition("\t")[0]:
            raise InputError(f"{file.name}:{number}: two spaces in a row within a cell")
    # Columns behind the last one that is asked for cost time and are left unparsed.
    needed = {column.partition(".")[0] for column in wanted} | {"id"}
    read = fields[: max(i for i, field in enumerate(fields) if field in needed) + 1]
    try:
        parsed = parse_token_and_metadata("\n".join(line for _, line in numbered), fields=read)
    except ParseException as error:
        raise _at_line(file, numbered, read, error) from None
    words = []
    for (number, _), token in zip(numbered, parsed, strict=True):
        if token.get("id") is None:
            raise InputError(f"{file.name}:{number}: a token without an id")
        if isinstance(token["id"], int):
            words.append((number, token))
    return words


def _at_line(
    file: SourceFile,
    numbered: list[tuple[int, str]],
    fields: tuple[str, ...],
    error: ParseException,
) -> InputError:
    for number, line in numbered:
        try:
            parse_line(line.strip(), fields)
        except ParseException as fault:
            return InputError(f"{file.name}:{number}: {fault}")
    return InputError(f"{file.name}:{numbered[0][0]}: {error}")


def _getters(
    file: SourceFile, config: CorpusConfig, fields: tuple[str, ...]
) -> list[Callable[[dict[str, Any]], str]]:
    """Return what takes each wanted column from a token: tokens, labels, features."""
    if "id" not in fields:
        raise InputError(f"{file.name}: global.columns has no ID column")
    wanted = (config.token_column, config.label_column, *config.features)
    plain = [field for field in fields if field not in _UNSUITED]
    paired = [name for name in wanted if name.partition(".")[0] in _PAIRED and name not in plain]
    require_columns(config, plain + [name for name in paired if name.partition(".")[2]], file.name)
    return [_getter(name, config.absent, name in paired) for name in wanted]


def _getter(name: str, absent: str, paired: bool) -> Callable[[dict[str, Any]], str]:
    field, _, key = name.partition(".")
    if paired:
        return lambda token: (token.get(field) or {}).get(key) or absent
    if field in _PAIRED:
        return lambda token: _joined(token.get(field)) or absent
    if field in ("form", "lemma"):
        return lambda token: token.get(field, "")
    return lambda token: absent if token.get(name) in (None, "_", "") else str(token[name])


def _refuse_hidden_key(
    file: SourceFile, words: list[tuple[int, dict[str, Any]]], column: str
) -> None:
    """Raise an InputError where a key stands within another one's value, and would be lost.

    In ``SpaceAfter=No name=B-PER`` a space is in the place of the bar.
    """
    field, _, key = column.partition(".")
    for number, word in words:
        pairs = word.get(field)
        if pairs and key not in pairs:
            for other, value in pairs.items():
                # The library leaves out what follows a second "=".
                if other.strip() == key or re.search(rf"[\s,;]{re.escape(key)}\s*$", value or ""):
                    raise InputError(
                        f"{file.name}:{number}: {field} has {f'{other}={value}'!r}, in which "
                        f"{key!r} is not read as a key: between pairs CoNLL-U has a bar, and no "
                        "spaces (A=1|B=2)"
                    )


def _joined(pairs: dict[str, str | None] | None) -> str:
    """Write parsed key=value pairs as the file had them."""
    return "|".join(
        key if value == "" else f"{key}={'_' if value is None else value}"
        for key, value in (pairs or {}).items()
    )


def known_keys(file: SourceFile, encoding: str, field: str) -> set[str]:
    """Return the keys that any token of a file has in feats or misc."""
    keys: set[str] = set()
    for first, block in _blocks(file, encoding):
        numbered = [(first + i, line) for i, line in enumerate(block) if not line.startswith("#")]
        if numbered:
            for _, word in _words(file, numbered, tuple(DEFAULT_FIELDS), (field,)):
                keys.update(word.get(field) or ())
    return keys


def no_such_key(files: list[SourceFile], config: CorpusConfig, column: str) -> InputError:
    """Return the InputError for a feature that no token of the training split has."""
    field, _, key = column.partition(".")
    known = sorted(set().union(*(known_keys(file, config.encoding, field) for file in files)))
    return InputError(
        f"{', '.join(file.name for file in files)}: no token has {column!r}"
        f"{did_you_mean(key, known)}; {field} has: {', '.join(known) or 'nothing'}"
    )
