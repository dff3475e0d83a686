"""Read tab-separated tables with a header and without quoting (GAP, Winogender)."""

from collections.abc import Iterator, Sequence

from seqtag.data.formats.lines import SourceFile, text_lines
from seqtag.errors import InputError

Row = tuple[str, dict[str, str]]


def read_rows(file: SourceFile, headers: Sequence[Sequence[str]]) -> Iterator[Row]:
    """Yield each row as ("file:line", cells by column) of a table with one of these headers.

    Raises:
        InputError: for another header, or a row with a wrong number of cells.
    """
    lines = text_lines(file, "utf-8")
    header = next(lines, "").split("\t")
    if header not in [list(known) for known in headers]:
        expected = " or ".join(", ".join(known) for known in headers)
        raise InputError(
            f"{file.name}:1: the columns are {', '.join(header)}; expected: {expected}"
        )
    for number, line in enumerate(lines, start=2):
        cells = line.split("\t")
        if len(cells) != len(header):
            raise InputError(
                f"{file.name}:{number}: {len(cells)} cells; the header has {len(header)}"
            )
        yield f"{file.name}:{number}", dict(zip(header, cells, strict=True))
