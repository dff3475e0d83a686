"""The base class of the formats of annotation tools."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator

from seqtag.data.formats.annotation.alignment import Aligned, align
from seqtag.data.formats.base import Format
from seqtag.data.formats.document import CharSpan, Document
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.formats.sentence import Remark, Sentence
from seqtag.data.formats.span_options import SpanOptions
from seqtag.data.text.split import split_text
from seqtag.errors import InputError, shown

LIKE_LABELS = (
    "records with span types that look like labels of tokens, kept as types; expected are types "
    "without B- and I-, which seqtag adds"
)
_PREFIXED = re.compile(r"[BIES]-\w")
CHECK = "seqtag check with the same settings lists all of them"


class AnnotationFormat(Format):
    """A format of texts with spans of characters; labels are BIO.

    A subclass defines `documents`. Each document is split into sentences and tokens as
    `seqtag tag` does it.
    """

    token_column = "text"
    decodes_labels = True
    has_text = True
    reads_spans = True

    @abstractmethod
    def documents(self, source: Source, layout: Layout) -> Iterator[Document | None]:
        """Yield the documents of a file or folder, and None when no more input is available yet.

        Raises:
            InputError: for input that is not in the format.
        """

    def read(self, source: Source, layout: Layout) -> Iterable[Sentence | None]:
        """Yield the sentences of all documents; without a label column, their texts."""
        documents = self.documents(source, layout)
        if layout.label_column is None:
            return _texts(documents)
        return _Labelled(source.name, layout).sentences(documents)


def _texts(documents: Iterable[Document | None]) -> Iterator[Sentence | None]:
    """Yield the text of each document, to be tagged; its annotations are not used."""
    for one in documents:
        if one is None:
            yield None
        else:
            yield Sentence([], [], [], 0, one.line, text=one.text, id=one.id, meta=one.meta)


class _Labelled:
    """Converts documents to labelled sentences."""

    def __init__(self, name: str, layout: Layout) -> None:
        self.name, self.layout = name, layout
        self.options = layout.spans or SpanOptions()
        self.problems, self.first_problem = 0, ""
        self.documents = self._records = 0

    def sentences(self, documents: Iterable[Document | None]) -> Iterator[Sentence | None]:
        """Yield labelled sentences, and sentences without tokens that only have remarks.

        Raises:
            InputError: at the end, if spans do not fit and the policy is to refuse them.
        """
        for document in documents:
            if document is None:
                yield None
            else:
                yield from self._sentences(document)
        if self.problems:
            total = f"; {self.problems:,} spans in all do not fit" if self.problems > 1 else ""
            raise InputError(
                f"{self.first_problem}{total}: {CHECK}; data.spans.policy=widen uses whole "
                "tokens, and skip leaves such spans out"
            )

    def _sentences(self, document: Document) -> Iterator[Sentence]:
        where = self._place(document)
        remarks = [Remark(message, where) for message in document.remarks]
        if document.tool:
            remarks.append(Remark(f"read as files of {document.tool}", where, counted=False))
        if document.left_out:
            remarks.append(Remark(f"{document.left_out}, which were left out", where))
        elif document.spans is None:
            outcome = "left out" if self.options.unlabelled == "skip" else "read as without spans"
            remarks.append(Remark(f"records without annotations, {outcome}", where))
        if document.left_out or (document.spans is None and self.options.unlabelled == "skip"):
            yield Sentence([], [], [], self.documents, document.line, remarks=tuple(remarks))
            return
        prefixed = (span.type for span in document.spans or () if _PREFIXED.match(span.type))
        remarks += [Remark(LIKE_LABELS, where, type_) for type_ in dict.fromkeys(prefixed)]
        aligned = self._aligned(document)
        for problem in aligned.problems:
            message = f"spans that {problem.kind}, {problem.remedy}"
            remarks.append(Remark(message, where, problem.text, is_problem=True))
            if self.options.policy == "error":
                self.problems += 1
                self.first_problem = self.first_problem or (
                    f"{where}: {problem.text} is among the spans that {problem.kind}"
                )
        if not aligned.sentences:
            remarks.append(Remark("records without text, left out", where))
            yield Sentence([], [], [], self.documents, document.line, remarks=tuple(remarks))
            return
        for tokens, labels in zip(aligned.sentences, aligned.labels, strict=True):
            yield Sentence(
                *([token.text for token in tokens], labels, [], self.documents, document.line),
                place=document.place or None,
                remarks=tuple(remarks),
            )
            remarks = []
        self.documents += 1

    def _place(self, document: Document) -> str:
        """Return the place of a document for messages; several on one line are told apart."""
        self._records += 1
        where = document.place or f"{self.name}:{document.line}"
        if self._records > document.line and where.endswith(f":{document.line}"):
            own = "" if document.id is None else f", id {shown(document.id)}"
            return f"{where} (record {self._records}{own})"
        return where

    def _aligned(self, document: Document) -> Aligned:
        sentences = split_text(document.text, tokenizer=self.layout.tokenizer)
        return align(document, sentences, widen=self.options.policy == "widen")


def spans_of(document: Document) -> list[CharSpan]:
    """Return the spans of a document in the order of the text."""
    return sorted(document.spans or (), key=lambda span: (span.start, -span.end))
