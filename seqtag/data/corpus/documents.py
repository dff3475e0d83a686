"""The documents of a corpus of texts with spans, as annotated: before they become sentences."""

from __future__ import annotations

from collections.abc import Iterator

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.splits import find_sources
from seqtag.data.formats.annotation.base import AnnotationFormat
from seqtag.data.formats.base import find_format
from seqtag.data.formats.document import Document
from seqtag.data.formats.lines import open_source


def annotated_documents(config: CorpusConfig, split: str = "train") -> Iterator[Document]:
    """Yield the annotated documents of a split: id, text and spans of each.

        for document in annotated_documents(config):
            print(document.id, document.text, document.spans)

    Records that are left out of training are left out here, too. A corpus of another format has no
    documents.
    """
    format = find_format(config.format)
    sources = find_sources(config) if isinstance(format, AnnotationFormat) else {}
    for file in sources[split].files() if split in sources else ():
        with open_source(file, config.encoding) as source:
            for document in format.documents(source, config.layout()):
                if document is not None and not document.left_out and document.spans is not None:
                    yield document
