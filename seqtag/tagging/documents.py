"""Combine tagged sentences to the documents that they come from."""

from collections.abc import Iterable, Iterator, Sequence

from seqtag.data.formats.document import CharSpan, Document
from seqtag.tagging.output import TaggedSentence
from seqtag.tagging.readers import Item, Record


def documents(tagged: Iterable[tuple[Item, TaggedSentence]]) -> Iterator[Document]:
    """Yield the document of each record of the input, as soon as its last sentence is tagged.

    A sentence that was given as words is a document by itself, with spaces between the words.
    """
    waiting: list[TaggedSentence] = []
    for item, sentence in tagged:
        waiting.append(sentence)
        if item.ends_record:
            record = item.record
            text, start = (None, 0) if record is None else (record.text, record.start)
            yield document_of(waiting, text, start, item)
            waiting = []


def own_document(tagged: tuple[Item, TaggedSentence]) -> tuple[Item, TaggedSentence]:
    """Return a sentence that is a document by itself, separated from the rest of its record."""
    item, sentence = tagged
    record = None
    if sentence.text is not None:
        record = Record(sentence.text, sentence.tokens[0].start or 0)
    return item._replace(record=record, ends_record=True), sentence


def document_of(
    sentences: Sequence[TaggedSentence],
    text: str | None = None,
    start: int = 0,
    item: Item | None = None,
) -> Document:
    """Return sentences as one document, with offsets in its text.

    Args:
        sentences: the sentences.
        text: the text that they come from. None: their texts, or their words with spaces between
            them; if they have offsets, at these offsets.
        start: offset of the text in the input.
        item: the last sentence as it was read, with its id and further data.
    """
    by_words = any(sentence.text is None for sentence in sentences)
    if by_words:
        text, offsets = _joined(sentences)
    else:
        offsets = [
            [((token.start or 0) - start, (token.end or 0) - start) for token in sentence.tokens]
            for sentence in sentences
        ]
        if text is None:
            text = _rebuilt(sentences, start)
    spans = tuple(
        CharSpan(at[span.first_token][0], at[span.last_token][1], span.type, span.probability)
        for sentence, at in zip(sentences, offsets, strict=True)
        for span in sentence.spans
    )
    return Document(
        text=text,
        spans=spans,
        id=None if item is None else item.id,
        meta=(item.meta if item is not None else None) or {},
        line=1 if item is None else item.line,
        sentences=tuple(tuple(at) for at in offsets),
    )


def _joined(
    sentences: Sequence[TaggedSentence],
) -> tuple[str, list[list[tuple[int, int]]]]:
    """Return the words of sentences with spaces between them, and the offsets of each."""
    pieces: list[str] = []
    offsets = []
    position = 0
    for sentence in sentences:
        at = []
        for token in sentence.tokens:
            at.append((position, position + len(token.text)))
            pieces.append(token.text)
            position += len(token.text) + 1
        offsets.append(at)
    return " ".join(pieces), offsets


def _rebuilt(sentences: Sequence[TaggedSentence], start: int) -> str:
    """Return the texts of sentences at their offsets, with spaces between them."""
    text = ""
    for sentence in sentences:
        if sentence.tokens:
            text = text.ljust((sentence.tokens[0].start or 0) - start) + (sentence.text or "")
    return text
