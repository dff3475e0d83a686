"""CoNLL-U and CoNLL-U Plus files; the conllu library parses ids and heads."""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from seqtag.data.formats.base import Format, read_file, register
from seqtag.data.formats.conllu_columns import MAX_DIGITS, ColumnReader, Row, pairs_of
from seqtag.data.formats.layout import Layout, repeated_names
from seqtag.data.formats.lines import Source, SourceFile, after_blank_line
from seqtag.data.formats.sentence import InputLines, Sentence
from seqtag.errors import InputError, did_you_mean

_FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_NEWDOC = re.compile(r"#\s*newdoc\b")
_PLUS = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
_WORD_LINE = re.compile(rb"\d+\t")


class Block(NamedTuple):
    """A block of lines between blank lines.

    Attributes:
        comments: line numbers and texts of comments.
        rows: line numbers and texts of token lines.
    """

    comments: list[tuple[int, str]]
    rows: list[tuple[int, str]]


@register("conllu")
class Conllu(Format):
    """CoNLL-U and CoNLL-U Plus: one token per line, ten tab-separated fields.

    Multi-word tokens and empty nodes are left out; a sentence that has nothing else is empty.
    A column is a field of the format (form, lemma, upos, xpos, feats, head, deprel, misc) or one
    feature in feats or misc (``feats.Number``, ``misc.SpaceAfter``). The value of a field or
    feature that a token lacks is `layout.absent`. A ``newdoc`` comment starts a document.
    """

    endings = (".conllu", ".conllup")
    token_column = "form"
    label_column = "upos"
    tag_input = (
        "CoNLL-U; the columns are those of the training corpus if that was CoNLL-U, otherwise "
        "form and the columns that the tagger reads"
    )

    def read(self, source: Source, layout: Layout) -> Iterator[Sentence | None]:
        """Yield the sentences.

        Raises:
            InputError: for a line that is not CoNLL-U, and for a column that does not exist. (A
                feature that no token has is only reported after reading: `explain_unfilled`.)
        """
        fields = _FIELDS
        name, columns, doc = source.name, None, 0
        # A later part of a file begins after a sentence, and so within a document.
        has_rows = in_document = source.is_later_part
        comments: list[tuple[int, str]] = []
        for block in _blocks(source):
            if block is None:
                yield None
                continue
            for number, line in block.comments:
                if plus := _PLUS.match(line):
                    fields = _plus_fields(f"{name}:{number}", plus[1], fields if has_rows else None)
                if in_document and _NEWDOC.match(line):
                    doc, in_document = doc + 1, False
            comments += block.comments
            if not block.rows:
                continue
            # Created with the first row, since global.columns can only come before it.
            columns = columns or ColumnReader(layout, fields, f"{name}:{block.rows[0][0]}")
            has_rows = True
            words, repeated_id = _words(name, block.rows, fields)
            in_document = in_document or bool(words)
            values = columns.values(name, words)
            if repeated_id:
                raise repeated_id
            if layout.label_column is None:
                values.insert(1, [])
            tokens, labels, *features = values
            lines = [number for number, _ in words]
            if "" in tokens:
                where = f"{name}:{lines[tokens.index('')]}"
                raise InputError(f"{where}: the token (column {layout.token_column!r}) is empty")
            first = lines[0] if lines else block.rows[0][0]
            origin = None
            if layout.label_column is None:
                origin = InputLines("conllu", fields, sorted(comments + block.rows), lines)
            comments = []
            yield Sentence(tokens, labels, features, doc, first, lines, source=origin)

    def can_be_cut(self, raw: BinaryIO, layout: Layout) -> bool:
        """Return whether a file has the standard columns, i.e. no global.columns at its start."""
        while (line := raw.readline()) and not _WORD_LINE.match(line):
            if b"global.columns" in line:
                return False
        return True

    def next_break(self, raw: BinaryIO, layout: Layout) -> int:
        """Return the next position after an empty line that follows a word."""
        return after_blank_line(raw, lambda line: _WORD_LINE.match(line) is not None)

    def explain_unfilled(
        self, files: list[SourceFile], layout: Layout, column: str
    ) -> InputError | None:
        """Return the error for a feature (feats.X, misc.X) that no token has."""
        field, dot, key = column.partition(".")
        if not dot:
            return None
        known: set[str] = set()
        field_layout = Layout((), token_column=field, encoding=layout.encoding)
        for sentence in (s for file in files for s in read_file(file, self, field_layout)):
            known.update(key for cell in sentence.tokens for key in pairs_of(cell))
        return InputError(
            f"{', '.join(file.name for file in files)}: no token has {column!r}"
            f"{did_you_mean(key, known)}; {field} has: {', '.join(sorted(known)) or 'nothing'}"
        )


def _blocks(source: Source) -> Iterator[Block | None]:
    """Yield the blocks of lines between blank lines, and None after each list of lines."""
    block = Block([], [])
    next_line = source.place.line
    for lines in source.lines():
        for number, line in enumerate(lines, next_line):
            if line.startswith("#"):
                block.comments.append((number, line))
            elif line.strip(" \t"):
                block.rows.append((number, line))
            elif block.rows or block.comments:
                yield block
                block = Block([], [])
        next_line += len(lines)
        yield None
    if block.rows or block.comments:
        yield block


def _plus_fields(where: str, names: str, before: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the fields that global.columns names.

    `before` are the fields of the token lines before it, None if there are none.
    """
    fields = tuple(names.lower().split())
    if before is not None and fields != before:
        raise InputError(
            f"{where}: global.columns after the first sentence; it belongs on the first line"
        )
    if "id" not in fields:
        raise InputError(f"{where}: global.columns has no ID column")
    if repeated := repeated_names(fields):
        raise InputError(f"{where}: global.columns names {repeated[0]!r} twice")
    return fields


def _words(
    name: str, rows: list[tuple[int, str]], fields: tuple[str, ...]
) -> tuple[list[Row], InputError | None]:
    """Return the line number and cells of each syntactic word of a sentence.

    Also return the InputError for the first id that does not increase, or None.
    """
    words: list[Row] = []
    repeated_id = None
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
            if word <= last and repeated_id is None:
                repeated_id = InputError(
                    f"{name}:{number}: id {cell} after id {last}: ids must increase within a "
                    "sentence; is the empty line between two sentences missing?"
                )
            last = word
        else:
            last += 1
        words.append((number, cells))
    return words, repeated_id


def _wrong_width(where: str, line: str, width: int, expected: int) -> InputError:
    spaces = "; columns are separated by single tabs" if width == 1 else ""
    return InputError(
        f"{where}: {width} column{'s' * (width != 1)} where CoNLL-U has {expected}{spaces}: "
        f"{line[:60]!r}"
    )


def _word_id(where: str, cell: str) -> int | None:
    """Return the number of a word; None for a multi-word token or an empty node."""
    if len(cell) > 2 * MAX_DIGITS + 1:
        raise InputError(
            f"{where}: {cell[:MAX_DIGITS]}... ({len(cell):,} characters) is not a valid ID"
        )
    from conllu.exceptions import ParseException
    from conllu.parser import parse_id_value

    try:
        number = parse_id_value(cell)
    except ParseException as error:
        raise InputError(f"{where}: {error}") from None
    if number is None:
        raise InputError(f"{where}: a token without an id")
    return number if isinstance(number, int) else None
