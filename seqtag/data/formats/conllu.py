"""CoNLL-U (and CoNLL-U Plus) files; ids and heads are parsed by the conllu library."""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from seqtag.data.formats.base import Format, read_file, register
from seqtag.data.formats.conllu_columns import DIGITS, Columns, Row, pairs_of
from seqtag.data.formats.layout import Layout, names_twice
from seqtag.data.formats.lines import Source, SourceFile, after_blank_line
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, did_you_mean

_FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_NEWDOC = re.compile(r"#\s*newdoc\b")
_PLUS = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
_WORD_LINE = re.compile(rb"\d+\t")


class Block(NamedTuple):
    """Lines between blank ones.

    Attributes:
        comments: line numbers and comments.
        rows: line numbers and cells of the lines with tokens.
    """

    comments: list[tuple[int, str]]
    rows: list[tuple[int, str]]


@register("conllu")
class Conllu(Format):
    """CoNLL-U: ten columns between tabs, of which further ones may be read than the labels.

    Multi-word tokens and empty nodes are left out; a sentence of nothing else has no tokens.
    Columns are the fields of the format (form, lemma, upos, xpos, feats, head, deprel, misc), or
    one feature of feats or misc (``feats.Number``, ``misc.SpaceAfter``). What a token lacks is
    `layout.absent`. A ``newdoc`` comment starts a document.
    """

    endings = (".conllu", ".conllup")
    token_column = "form"
    label_column = "upos"
    tag_input = (
        "CoNLL-U; the columns are those that the tagger was trained on, if that was CoNLL-U, else "
        "form and the columns that the tagger reads"
    )

    def read(self, source: Source, layout: Layout) -> Iterator[Sentence | None]:
        """Yield the sentences.

        Raises:
            InputError: for a line that is not CoNLL-U, and a column that does not exist. (A
                feature that no token has is not known before all is read: `explain_unfilled`.)
        """
        fields = _FIELDS
        name, columns, doc = source.name, None, 0
        # What comes before a part of a file ends in a sentence.
        begun = in_document = source.is_later_part
        for block in _blocks(source):
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
            # Only now it is known that no global.columns comes.
            columns = columns or Columns(layout, fields, f"{name}:{block.rows[0][0]}")
            begun = True
            words, again = _words(name, block.rows, fields)
            in_document = in_document or bool(words)
            values = columns.values(name, words)
            if again:
                raise again
            if layout.label_column is None:
                values.insert(1, [])
            tokens, labels, *features = values
            lines = [number for number, _ in words]
            if "" in tokens:
                where = f"{name}:{lines[tokens.index('')]}"
                raise InputError(f"{where}: the token (column {layout.token_column!r}) is empty")
            first = lines[0] if lines else block.rows[0][0]
            yield Sentence(tokens, labels, features, doc, first, lines)

    def can_be_cut(self, raw: BinaryIO, layout: Layout) -> bool:
        """Return whether a file has the usual columns; others are named before the first row."""
        while (line := raw.readline()) and not _WORD_LINE.match(line):
            if b"global.columns" in line:
                return False
        return True

    def next_break(self, raw: BinaryIO, layout: Layout) -> int:
        """Return the next place behind an empty line after a word."""
        return after_blank_line(raw, lambda line: _WORD_LINE.match(line) is not None)

    def explain_unfilled(
        self, files: list[SourceFile], layout: Layout, column: str
    ) -> InputError | None:
        """Return the error for a feature (feats.X, misc.X) that no token has."""
        field, dot, key = column.partition(".")
        if not dot:
            return None
        known: set[str] = set()
        of_field = Layout((), token_column=field, encoding=layout.encoding)
        for sentence in (s for file in files for s in read_file(file, self, of_field)):
            known.update(key for cell in sentence.tokens for key in pairs_of(cell))
        return InputError(
            f"{', '.join(file.name for file in files)}: no token has {column!r}"
            f"{did_you_mean(key, known)}; {field} has: {', '.join(sorted(known)) or 'nothing'}"
        )


def _blocks(source: Source) -> Iterator[Block | None]:
    """Yield the lines between blank ones, and None after each list of lines."""
    block = Block([], [])
    following = source.place.line
    for lines in source.lines():
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
    if len(cell) > 2 * DIGITS + 1:
        raise InputError(
            f"{where}: {cell[:DIGITS]}... ({len(cell):,} characters) is not a valid ID"
        )
    from conllu.exceptions import ParseException
    from conllu.parser import parse_id_value

    try:
        found = parse_id_value(cell)
    except ParseException as error:
        raise InputError(f"{where}: {error}") from None
    if found is None:
        raise InputError(f"{where}: a token without an id")
    return found if isinstance(found, int) else None
