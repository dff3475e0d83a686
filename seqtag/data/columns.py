"""Column files: a token a line with its labels in columns, sentences parted by empty lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from seqtag.data.config import REST, CorpusConfig
from seqtag.data.lines import SourceFile, text_lines
from seqtag.data.sentence import Sentence
from seqtag.errors import InputError

_NAMES = {None: "null (spaces and tabs)", "\t": "tab", " ": "space", ",": "comma", ";": "semicolon"}


def read_column(file: SourceFile, config: CorpusConfig) -> Iterator[Sentence]:
    """Yield the sentences of a column file.

    A line with nothing but spaces and tabs ends a sentence, and so does a document marker.

    Raises:
        InputError: for a line with the wrong number of columns or an empty label.
    """
    columns = list(config.columns)
    wanted = len(columns) - (columns[-1] == REST)
    exact = columns[-1] != REST
    split = _splitter(config.separator)
    token_index = columns.index(config.token_column)
    comment, marker = config.comment, config.document_marker
    rows: list[list[str]] = []
    lines: list[int] = []
    # What comes before a part of a file ends in a sentence.
    doc, doc_has_sentences = 0, file.start > 0
    for number, line in enumerate(text_lines(file, config.encoding), file.first_line):
        is_marker = False
        if line.strip(" \t"):
            if comment is not None and line.startswith(comment):
                continue
            cells = split(line)
            is_marker = marker is not None and (
                line.startswith(marker) or marker in cells[token_index : token_index + 1]
            )
            if not is_marker:
                if len(cells) != wanted and (exact or len(cells) < wanted):
                    raise _wrong_width(file, number, line, len(cells), config)
                rows.append(cells)
                lines.append(number)
                continue
        if rows:
            yield _sentence(file, config, rows, lines, doc)
            rows, lines, doc_has_sentences = [], [], True
        if is_marker and doc_has_sentences:
            doc, doc_has_sentences = doc + 1, False
    if rows:
        yield _sentence(file, config, rows, lines, doc)


def _splitter(separator: str | None) -> Callable[[str], list[str]]:
    if separator is not None:
        return lambda line: line.split(separator)
    # Not str.split(): it would also split at U+0085, U+2028, no-break spaces and separators.
    return lambda line: [cell for cell in line.replace("\t", " ").split(" ") if cell]


def _sentence(
    file: SourceFile, config: CorpusConfig, rows: list[list[str]], lines: list[int], doc: int
) -> Sentence:
    by_name = dict(zip(config.columns, zip(*rows, strict=False), strict=False))
    labels = list(by_name[config.label_column])
    if "" in labels:
        raise InputError(
            f"{file.name}:{lines[labels.index('')]}: the label (column "
            f"{config.label_column!r}) is empty"
        )
    return Sentence(
        tokens=list(by_name[config.token_column]),
        labels=labels,
        features=[[cell or config.absent for cell in by_name[name]] for name in config.features],
        doc=doc,
        line=lines[0],
        lines=lines,
    )


def _wrong_width(
    file: SourceFile, number: int, line: str, width: int, config: CorpusConfig
) -> InputError:
    columns = config.columns
    wanted = len(columns) - (columns[-1] == REST)
    shown = line if len(line) <= 60 else line[:57] + "..."
    message = (
        f"{file.name}:{number}: {width} column{'s' * (width != 1)} where data.columns has {wanted}"
        f"{' or more' * (columns[-1] == REST)} ({', '.join(columns)}): {shown!r}"
    )
    if line.startswith("#") and config.comment is None:
        start = " ".join(line.split()[:2]) if line.startswith("# ") else "#"
        return InputError(
            f'{message}; if it is a comment, set "data.comment={start[:20]!r}": lines that begin '
            "with that are skipped"
        )
    for separator, name in _NAMES.items():
        if separator != config.separator and len(_splitter(separator)(line)) == wanted:
            return InputError(f"{message}; it has {wanted} with data.separator={name}")
    return InputError(
        f"{message}; data.separator is {_NAMES.get(config.separator, repr(config.separator))}; "
        "name every column of the file in data.columns, '_' for one to skip"
    )
