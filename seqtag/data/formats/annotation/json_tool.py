"""The base class of annotation formats whose files contain JSON objects."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from seqtag.data.formats.annotation.base import AnnotationFormat
from seqtag.data.formats.annotation.json_records import Record, json_records
from seqtag.data.formats.document import Document
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.files import utf8_bytes


class JsonTool(AnnotationFormat):
    """A format of JSON objects, each a document."""

    writes = "documents"

    @staticmethod
    @abstractmethod
    def matches(record: Mapping[str, Any]) -> bool:
        """Return whether an object has the form of an annotated record of this tool."""

    @abstractmethod
    def document(self, record: Record, layout: Layout) -> Document:
        """Return the document of an object."""

    def documents(self, source: Source, layout: Layout) -> Iterator[Document | None]:
        """Yield the document of each object of a file."""
        return self.documents_of(json_records(source), layout)

    def documents_of(
        self, records: Iterable[Record | None], layout: Layout
    ) -> Iterator[Document | None]:
        """Yield the document of each object."""
        for record in records:
            yield None if record is None else self.document(record, layout)


def documents_from(
    documents: Iterable[Document], written: Callable[[Document], str]
) -> Iterator[bytes]:
    """Yield documents as UTF-8 text; lone surrogates are escaped."""
    for document in documents:
        yield utf8_bytes(written(document))
