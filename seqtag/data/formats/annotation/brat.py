"""brat: a folder with a text file and a file of annotations (.ann) for each document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from seqtag.data.formats.annotation.base import AnnotationFormat, spans_of
from seqtag.data.formats.annotation.offsets import differs
from seqtag.data.formats.base import register
from seqtag.data.formats.document import CharSpan, Document, Fault, OutputOptions
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.errors import InputError, shown

DISCONTINUOUS = "are discontinuous"
_TEXT_BOUND = re.compile(r"(T\S*)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)(?:\t(.*))?")
# Lines of .ann files that are not spans: relations, events, attributes, modifications,
# normalizations, notes, equivalences.
_OTHER = ("R", "E", "A", "M", "N", "#", "*")
_SAFE_NAME = re.compile(r"[\w-][\w. -]{0,150}")
_EXPECTED = "expected is a line such as T1<tab>PER 0 5<tab>Alice"


@register("brat")
class Brat(AnnotationFormat):
    """A folder of pairs NAME.txt and NAME.ann, in subfolders too; offsets are code points.

    A text without an .ann file has not been annotated; an empty .ann file means no spans.
    """

    reads_folders = True
    writes = "folder"
    tag_input = "a folder of .txt files (--input FOLDER); names of files are copied to the output"
    tag_output = "a folder with .txt and .ann files (--output FOLDER), named by the id or number"

    def documents(self, source: Source, layout: Layout) -> Iterator[Document]:
        """Yield the document of each text file of a folder, in the order of their names."""
        folder = source.folder
        if folder is None:
            raise InputError(
                f"{source.name}: brat has two files for each text, NAME.txt and NAME.ann: name "
                "their folder instead"
            )
        texts = sorted(folder.rglob("*.txt"))
        for path in sorted(folder.rglob("*.ann")):
            if not path.with_suffix(".txt").is_file():
                raise InputError(f"{path}: without its text file {path.stem}.txt")
        if not texts:
            raise InputError(f"{source.name}: no .txt file in this folder")
        for number, path in enumerate(texts, 1):
            name = path.relative_to(folder)
            text = _read(path, source.place.encoding)
            annotations = path.with_suffix(".ann")
            spans, faults = None, ()
            place = f"{source.name}/{name}"
            if annotations.is_file():
                where = f"{source.name}/{name.with_suffix('.ann')}"
                lines = _read(annotations, source.place.encoding)
                spans, faults = parse_annotations(lines, text, where)
            id_ = str(name.with_suffix(""))
            yield Document(text, spans, id_, {}, number, place, tuple(faults))

    def write_folder(
        self, documents: Iterable[Document], folder: Path, options: OutputOptions
    ) -> None:
        """Write a text file and an .ann file for each document, named by its id if possible."""
        used: set[str] = set()
        for number, document in enumerate(documents, 1):
            name = _name(document, number, used)
            used.add(name.lower())
            try:
                text = document.text.encode()
            except UnicodeEncodeError:
                raise InputError(
                    f"{document.place}: the text contains a lone surrogate, which UTF-8 lacks"
                ) from None
            (folder / f"{name}.txt").write_bytes(text)
            (folder / f"{name}.ann").write_bytes(annotation_lines(document).encode())


def _read(path: Path, encoding: str) -> str:
    """Return the text of a file, with its line ends as they are."""
    try:
        return path.read_bytes().decode(encoding)
    except UnicodeError as error:
        raise InputError(f"{path}: not {encoding} ({error}): set data.encoding") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def parse_annotations(
    lines: str, text: str, where: str
) -> tuple[tuple[CharSpan, ...], tuple[Fault, ...]]:
    """Return the spans of an .ann file, and those that are discontinuous or have another text.

    Fragments with only white space between them, as in a span over several lines, are one span.

    Raises:
        InputError: for a line that is not in brat's format.
    """
    spans: list[CharSpan] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines.split("\n"), 1):
        line = line.removesuffix("\r").lstrip("\ufeff")
        if not line.strip() or line.startswith(_OTHER):
            continue
        match = _TEXT_BOUND.fullmatch(line)
        if match is None:
            raise InputError(f"{where}:{number}: {shown(line)}; {_EXPECTED}")
        fragments = sorted(
            (_number(start), _number(end))
            for start, _, end in (part.partition(" ") for part in match[3].split(";"))
        )
        found = _span(fragments, match[2], match[4], text)
        (spans if isinstance(found, CharSpan) else faults).append(found)  # type: ignore[arg-type]
    return tuple(spans), tuple(faults)


def _number(digits: str) -> int:
    """Return a number; one with too many digits lies outside of any text."""
    return int(digits[:18])


def _span(
    fragments: list[tuple[int, int]], type_: str, written: str | None, text: str
) -> CharSpan | Fault:
    start, end = fragments[0][0], fragments[-1][1]
    for (_, before), (after, _) in pairwise(fragments):
        if text[before:after].strip() or after < before:
            covered = f"{shown(text[start:end])} ({type_})"
            return Fault(DISCONTINUOUS, covered, start, end, type_)
    span = CharSpan(start, end, type_)
    return differs(span, written, text) or span


def annotation_lines(document: Document) -> str:
    """Return the .ann file of a document.

    Raises:
        InputError: for a type that brat cannot represent.
    """
    lines = []
    for number, (start, end, type_, _) in enumerate(spans_of(document), 1):
        if not re.fullmatch(r"[^\s;]+", type_):
            raise InputError(
                f"{shown(type_)}: brat's names of types contain no spaces; choose another --format"
            )
        text = re.sub(r"[\r\n\t\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", " ", document.text[start:end])
        lines.append(f"T{number}\t{type_} {start} {end}\t{text}\n")
    return "".join(lines)


def _name(document: Document, number: int, used: set[str]) -> str:
    """Return a name for the files of a document: its id if that is a safe and unused name."""
    name = "" if document.id is None else str(document.id).replace("/", "_")[:200]
    if _SAFE_NAME.fullmatch(name) and name.lower() not in used:
        return name
    while (name := f"text{number:06}") in used:
        number += 1
    return name
