"""CoNLL-U (and CoNLL-U Plus) files; ids and heads are parsed by the conllu library."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from conllu.exceptions import ParseException
from conllu.parser import DEFAULT_FIELDS, parse_id_value, parse_int_value

from seqtag.data.config import CorpusConfig
from seqtag.data.formats.layout import Layout, names_twice
from seqtag.data.formats.lines import SourceFile, file_lines
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, did_you_mean

_NEWDOC = re.compile(r"#\s*newdoc\b")
_PLUS = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
# Fields of key=value pairs, of which `feats.Number` takes one value.
_PAIRED = ("feats", "misc")
_UNSUITED = ("id", "deps")
# A longer number is not one of a token; Python refuses to read one of more than 4,300 digits.
_DIGITS = 9

Row = tuple[int, list[str]]


class Block(NamedTuple):
    """Lines between blank ones.

    Attributes:
        comments: line numbers and comments.
        rows: line numbers and cells of the lines with tokens.
    """

    comments: list[tuple[int, str]]
    rows: list[tuple[int, str]]


def read_conllu(file: SourceFile, config: CorpusConfig) -> Iterator[Sentence]:
    """Yield the sentences of a CoNLL-U file.

    Raises:
        InputError: as `conllu_sentences` does.
    """
    lines = file_lines(file, config.encoding)
    # What comes before a part of a file ends in a sentence.
    found = conllu_sentences(lines, Layout.of(config), file.name, file.first_line, file.start > 0)
    return (sentence for sentence in found if sentence is not None)


def conllu_sentences(
    line_lists: Iterable[list[str]],
    layout: Layout,
    name: str,
    first_line: int = 1,
    in_document: bool = False,
) -> Iterator[Sentence | None]:
    """Yield the sentences of CoNLL-U lines, and None after each list of lines.

    Multi-word tokens and empty nodes are left out; a sentence of nothing else has no tokens.
    Columns are the fields of the format (form, lemma, upos, xpos, feats, head, deprel, misc), or
    one feature of feats or misc (``feats.Number``, ``misc.SpaceAfter``). What a token lacks is
    `layout.absent`. A ``newdoc`` comment starts a document.

    Args:
        line_lists: the lines without their ends.
        layout: which columns are read.
        name: what messages call the file.
        first_line: number of the first line.
        in_document: there are sentences before these in the file and its first document.

    Raises:
        InputError: for a line that is not CoNLL-U, and a column that does not exist. (A feature
            that no token has is not known before all is read: see `known_keys`.)
    """
    fields = tuple(DEFAULT_FIELDS)
    begun = in_document
    # Made at the first token: only then it is known that no global.columns comes.
    getters: list[Callable[[list[str]], str]] = []
    keyed: list[str] = []
    doc = 0
    for block in _blocks(line_lists, first_line):
        if block is None:
            yield None
            continue
        for number, line in block.comments:
            if plus := _PLUS.match(line):
                fields = _plus_fields(f"{name}:{number}", plus[1], fields if begun else None)
            if in_document and _NEWDOC.match(line):
                doc, in_document = doc + 1, False
        if not block.rows:
            continue
        if not getters:
            keyed = _keyed(layout, fields)
            getters = _getters(f"{name}:{block.rows[0][0]}", layout, fields)
        begun = True
        words, again = _words(name, block.rows, fields)
        in_document = in_document or bool(words)
        try:
            values = [[get(cells) for _, cells in words] for get in getters]
        except ParseException:
            raise _at_line(name, words, getters) from None
        for column in keyed:
            _refuse_hidden_key(name, words, column, fields)
        if again:
            raise again
        tokens, labels, *features = values if layout.label_column else (values[0], [], *values[1:])
        lines = [number for number, _ in words]
        if "" in tokens:
            line = lines[tokens.index("")]
            raise InputError(f"{name}:{line}: the token (column {layout.token_column!r}) is empty")
        yield Sentence(
            tokens, labels, features, doc, lines[0] if lines else block.rows[0][0], lines
        )


def _blocks(line_lists: Iterable[list[str]], first_line: int) -> Iterator[Block | None]:
    """Yield the lines between blank ones, and None after each list of lines."""
    block = Block([], [])
    following = first_line
    for lines in line_lists:
        for number, line in enumerate(lines, following):
            if line.startswith("#"):
                block.comments.append((number, line))
            elif line.strip(" \t"):
                block.rows.append((number, line))
            elif block.rows or block.comments:
                yield block
                block = Block([], [])
        following += len(lines)
        yield None
    if block.rows or block.comments:
        yield block


def _plus_fields(where: str, names: str, before: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the fields that global.columns names; `before` are those of tokens read before it."""
    fields = tuple(names.lower().split())
    if before is not None and fields != before:
        raise InputError(
            f"{where}: global.columns after the first sentence; it belongs on the first line"
        )
    if "id" not in fields:
        raise InputError(f"{where}: global.columns has no ID column")
    if twice := names_twice(fields):
        raise InputError(f"{where}: global.columns names {twice[0]!r} twice")
    return fields


def _words(
    name: str, rows: list[tuple[int, str]], fields: tuple[str, ...]
) -> tuple[list[Row], InputError | None]:
    """Return line and cells of each syntactic word among the token lines of one sentence.

    Also return the InputError for the first id that does not rise, or None.
    """
    words: list[Row] = []
    again = None
    id_index, last = fields.index("id"), -1
    for number, line in rows:
        cells = line.split("\t")
        if len(cells) != len(fields):
            raise _wrong_width(f"{name}:{number}", line, len(cells), len(fields))
        if "  " in line and "  " in line.rpartition("\t")[0]:
            raise InputError(f"{name}:{number}: two spaces in a row within a cell")
        cell = cells[id_index]
        if cell != str(last + 1):
            word = _word_id(f"{name}:{number}", cell)
            if word is None:
                continue
            if word <= last and again is None:
                again = InputError(
                    f"{name}:{number}: id {cell} after id {last}: within a sentence ids rise; "
                    "is the empty line between two sentences missing?"
                )
            last = word
        else:
            last += 1
        words.append((number, cells))
    return words, again


def _wrong_width(where: str, line: str, width: int, wanted: int) -> InputError:
    spaces = "; columns are parted by single tabs" if width == 1 else ""
    return InputError(
        f"{where}: {width} column{'s' * (width != 1)} where CoNLL-U has {wanted}{spaces}: "
        f"{line[:60]!r}"
    )


def _word_id(where: str, cell: str) -> int | None:
    """Return the number of a word; None for a range of words and an empty node."""
    if len(cell) > 2 * _DIGITS + 1:
        raise InputError(
            f"{where}: {cell[:_DIGITS]}... ({len(cell):,} characters) is not a valid ID"
        )
    try:
        found = parse_id_value(cell)
    except ParseException as error:
        raise InputError(f"{where}: {error}") from None
    if found is None:
        raise InputError(f"{where}: a token without an id")
    return found if isinstance(found, int) else None


def _at_line(
    name: str, words: list[Row], getters: list[Callable[[list[str]], str]]
) -> InputError | None:
    """Return the InputError for the first line with a cell that cannot be parsed."""
    for number, cells in words:
        for get in getters:
            try:
                get(cells)
            except ParseException as error:
                return InputError(f"{name}:{number}: {error}")
    return None


def _getters(
    where: str, layout: Layout, fields: tuple[str, ...]
) -> list[Callable[[list[str]], str]]:
    """Return what takes each column to be read from the cells: tokens, labels, features."""
    plain = [field for field in fields if field not in _UNSUITED]
    keyed = _keyed(layout, fields)
    layout.require(plain + keyed, where)
    return [_getter(column, layout.absent, fields, column in keyed) for column in _wanted(layout)]


def _wanted(layout: Layout) -> list[str]:
    """Return the columns that are read: tokens, labels if there are any, features."""
    columns = (layout.token_column, layout.label_column, *layout.features)
    return [column for column in columns if column is not None]


def _keyed(layout: Layout, fields: tuple[str, ...]) -> list[str]:
    """Return the columns that are one key of a field of pairs: feats.Number, misc.name."""
    return [
        column
        for column in _wanted(layout)
        if column not in fields
        and (parts := column.partition("."))[0] in _PAIRED
        and parts[0] in fields
        and parts[2]
    ]


def _getter(
    column: str, absent: str, fields: tuple[str, ...], keyed: bool
) -> Callable[[list[str]], str]:
    field, _, key = column.partition(".") if keyed else (column, "", "")
    index = fields.index(field)
    if keyed:
        return lambda cells: _pairs(cells[index]).get(key) or absent
    if field in ("form", "lemma"):
        return lambda cells: cells[index]
    if field == "head":
        return lambda cells: absent if (head := _head(cells[index])) is None else str(head)
    return lambda cells: absent if cells[index] in ("_", "") else cells[index]


def _head(cell: str) -> int | None:
    if len(cell) > _DIGITS:
        raise ParseException(f"Failed parsing field 'head': {cell[:_DIGITS]}... is too long")
    try:
        return parse_int_value(cell)
    except ParseException as error:
        raise ParseException(f"Failed parsing field 'head': {error}") from None


def _pairs(cell: str) -> dict[str, str]:
    """Return the key=value pairs of a cell; "" for a key without a value."""
    if cell == "_":
        return {}
    parts = (part.partition("=") for part in cell.split("|"))
    return {key: "" if value == "_" else value for key, _, value in parts if key not in ("", "_")}


def _refuse_hidden_key(name: str, words: list[Row], column: str, fields: tuple[str, ...]) -> None:
    """Raise an InputError where a key stands within another one's value, and would be lost.

    In ``SpaceAfter=No name=B-PER`` a space is in the place of the bar.
    """
    field, _, key = column.partition(".")
    index = fields.index(field)
    for number, cells in words:
        cell = cells[index]
        if key in cell and key not in _pairs(cell):
            escaped = re.escape(key)
            if re.search(rf"[\s,;]{escaped}\s*=|(?:^|\|){escaped}\s+=", cell):
                raise InputError(
                    f"{name}:{number}: {field} is {cell[:60]!r}, in which {key!r} is not read as a "
                    "key: between pairs CoNLL-U has a bar, and no spaces (A=1|B=2)"
                )


def known_keys(file: SourceFile, encoding: str, field: str) -> set[str]:
    """Return the keys that any token of a file has in feats or misc."""
    layout = Layout((), token_column=field)
    keys: set[str] = set()
    for sentence in conllu_sentences(file_lines(file, encoding), layout, file.name):
        for cell in sentence.tokens if sentence is not None else ():
            keys.update(_pairs(cell))
    return keys


def no_such_key(files: list[SourceFile], config: CorpusConfig, column: str) -> InputError:
    """Return the InputError for a feature that no token of the training split has."""
    field, _, key = column.partition(".")
    known = sorted(set().union(*(known_keys(file, config.encoding, field) for file in files)))
    return InputError(
        f"{', '.join(file.name for file in files)}: no token has {column!r}"
        f"{did_you_mean(key, known)}; {field} has: {', '.join(known) or 'nothing'}"
    )
