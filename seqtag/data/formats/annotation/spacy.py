"""spaCy: DocBin files (.spacy), read without running anything that they contain.

A DocBin is zlib-compressed MessagePack with arrays of numbers. Only its words, spaces and entities
are decoded, by `message_pack`; user data and span groups are not. spaCy itself is needed for the
ids of strings, and for writing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from seqtag.data.formats.annotation.base import AnnotationFormat
from seqtag.data.formats.annotation.message_pack import decode
from seqtag.data.formats.base import register
from seqtag.data.formats.document import CharSpan, Document, OutputOptions, TokenOffsets
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.text.split import replace_surrogates
from seqtag.errors import InputError

_MAX_BYTES = 1 << 30
_UNKNOWN_SPACES = "documents without information on spaces, whose words were joined by spaces"
# The first byte of zlib data with the usual window size.
ZLIB_START = b"\x78"
_INSTALL = "pip install 'seqtag[spacy]'"


@register("spacy")
class Spacy(AnnotationFormat):
    """DocBin files: the entities (`doc.ents`) of each Doc.

    Tokens whose entity is unset (`ent_iob` 0, "missing") have no label; a Doc in which all are
    unset has not been annotated.
    """

    endings = (".spacy",)
    writes = "documents"
    tag_input = "spaCy's DocBin (.spacy); needs spaCy"
    tag_output = "spaCy's DocBin (.spacy), as training data of spaCy; needs spaCy, and memory"

    def documents(self, source: Source, layout: Layout) -> Iterator[Document]:
        """Yield the document of each Doc."""
        parts = _decoded(source)
        strings = _string_store(parts["strings"])
        attributes = _attributes()
        try:
            yield from _documents(parts, strings, attributes, source.name)
        except (KeyError, ValueError, TypeError, IndexError, OverflowError) as error:
            raise _damaged(source.name, error) from None

    def check_output(self) -> None:
        """Raise an InputError if spaCy is not installed."""
        if find_spec("spacy") is None:
            raise InputError(f"--format spacy: spaCy is not installed: {_INSTALL}")

    def write_documents(
        self, documents: Iterable[Document], options: OutputOptions
    ) -> Iterator[bytes]:
        """Yield a DocBin with all documents, at the end."""
        spacy = import_spacy()
        from spacy.tokens import DocBin

        vocab = spacy.blank("xx").vocab
        docs = DocBin(attrs=["ORTH", "SPACY", "ENT_IOB", "ENT_TYPE", "SENT_START"])
        for document in documents:
            docs.add(make_doc(vocab, document))
        yield docs.to_bytes()


def import_spacy() -> Any:
    """Return the module spacy.

    Raises:
        InputError: if it is not installed.
    """
    try:
        import spacy
    except ImportError:
        raise InputError(f"spaCy is not installed, which .spacy files need: {_INSTALL}") from None
    return spacy


def make_doc(vocab: Any, document: Document) -> Any:
    """Return a spaCy Doc with the text, tokens, sentences and spans of a document.

    White space that is not a single space after a token becomes a token, as spaCy does it, so that
    ``doc.text`` is the text.
    """
    from spacy.tokens import Doc, Span

    text = replace_surrogates(document.text)
    words: list[str] = []
    spaces: list[bool] = []
    sentence_starts: list[bool] = []
    first_at: dict[int, int] = {}
    last_at: dict[int, int] = {}
    done = 0

    def add_blank(end: int) -> None:
        nonlocal done
        if done < end and spaces and not spaces[-1] and text[done] == " ":
            spaces[-1] = True
            done += 1
        if done < end:
            words.append(text[done:end])
            spaces.append(False)
            sentence_starts.append(len(words) == 1)
            done = end

    for sentence in document.sentences:
        for position, (start, end) in enumerate(sentence):
            add_blank(start)
            first_at[start], last_at[end] = len(words), len(words)
            words.append(text[start:end])
            spaces.append(False)
            sentence_starts.append(position == 0 or len(words) == 1)
            done = end
    add_blank(len(text))
    doc = Doc(vocab, words=words, spaces=spaces, sent_starts=sentence_starts)
    entities = [
        Span(doc, first_at[span.start], last_at[span.end] + 1, label=span.type)
        for span in document.spans or ()
    ]
    doc.set_ents(entities, default="outside")
    return doc


def _decoded(source: Source) -> dict[str, Any]:
    """Return the parts of a DocBin.

    Raises:
        InputError: for other files, and for one that is too large.
    """
    if source.folder is not None:
        raise InputError(f"{source.name}: a folder; name the .spacy file in it")
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(source.raw.read(_MAX_BYTES), _MAX_BYTES)
    except zlib.error as error:
        raise InputError(f"{source.name}: not a DocBin of spaCy: {error}") from None
    if not unpacker.eof:
        large = f"larger than {_MAX_BYTES >> 20:,} MiB" if unpacker.unconsumed_tail else "cut short"
        raise InputError(f"{source.name}: this DocBin of spaCy is {large}")
    try:
        parts = decode(data)
    except InputError as error:
        raise InputError(f"{source.name}: not a DocBin of spaCy: {error}") from None
    needed = ("attrs", "tokens", "spaces", "lengths", "strings")
    if not isinstance(parts, dict) or not all(name in parts for name in needed):
        raise InputError(f"{source.name}: not a DocBin of spaCy: parts of it are missing")
    return parts


def _string_store(strings: Any) -> Any:
    import_spacy()
    from spacy.strings import StringStore

    if not isinstance(strings, list) or not all(isinstance(one, str) for one in strings):
        raise InputError("the strings of a DocBin must be a list of strings")
    return StringStore(strings)


def _attributes() -> tuple[int, int, int]:
    from spacy.attrs import ENT_IOB, ENT_TYPE, ORTH

    return ORTH, ENT_IOB, ENT_TYPE


def _documents(
    parts: dict[str, Any], strings: Any, attributes: tuple[int, int, int], name: str
) -> Iterator[Document]:
    import numpy as np

    columns = list(parts["attrs"])
    lengths = np.frombuffer(parts["lengths"], dtype="<i4")
    tokens = np.frombuffer(parts["tokens"], dtype="<u8").reshape(-1, len(columns))
    spaces = np.frombuffer(parts["spaces"], dtype=np.uint8) != 0
    if (lengths < 0).any() or not lengths.sum() == len(tokens) == len(spaces):
        raise ValueError("the numbers of words, spaces and documents differ")
    orth, iob, type_ = (columns.index(one) if one in columns else None for one in attributes)
    if orth is None:
        raise ValueError("the words are missing")
    flags = parts.get("flags") or [{}] * len(lengths)
    if not all(isinstance(one, dict) for one in flags):
        raise ValueError("the flags of a document are not a mapping")
    start = 0
    for number, length in enumerate(lengths.tolist(), 1):
        rows = tokens[start : start + length]
        words = [strings[int(one)] for one in rows[:, orth]]
        unknown_spaces = bool(flags[number - 1].get("has_unknown_spaces"))
        follows = [True] * length if unknown_spaces else spaces[start : start + length].tolist()
        start += length
        text, offsets = _joined(words, follows)
        labels: list[tuple[int, str]] | None = None
        if iob is not None and type_ is not None:
            types = [strings[int(one)] if one else "" for one in rows[:, type_]]
            labels = list(zip(rows[:, iob].tolist(), types, strict=True))
        spans, missing = _entities(labels, offsets)
        yield Document(
            *(text, spans, None, {}, number, f"{name}: document {number}"),
            unlabelled=tuple(missing),
            remarks=(_UNKNOWN_SPACES,) * unknown_spaces,
        )


def _joined(words: Sequence[str], follows: Sequence[bool]) -> tuple[str, TokenOffsets]:
    """Return the text of words, and the offsets of each; some are followed by a space."""
    pieces, offsets, end = [], [], 0
    for word, space in zip(words, follows, strict=True):
        offsets.append((end, end + len(word)))
        pieces.append(word + " " * space)
        end += len(pieces[-1])
    return "".join(pieces), tuple(offsets)


def _entities(
    labels: list[tuple[int, str]] | None, offsets: TokenOffsets
) -> tuple[tuple[CharSpan, ...] | None, list[tuple[int, int]]]:
    """Return the entities of a Doc and the parts that have none set.

    spaCy's codes are 0: not set, 1: I, 2: O, 3: B.
    """
    if labels is None or (labels and all(code == 0 for code, _ in labels)):
        return None, []
    spans: list[CharSpan] = []
    missing = []
    is_open = False
    for (code, type_), (start, end) in zip(labels, offsets, strict=True):
        if code not in (0, 1, 2, 3):
            raise ValueError(f"{code} is not a code of an entity")
        if code == 1 and is_open and spans[-1].type == type_:
            spans[-1] = spans[-1]._replace(end=end)
        elif code in (1, 3):
            # A B without a type means that no entity may begin here.
            if type_:
                spans.append(CharSpan(start, end, type_))
            is_open = bool(type_)
        else:
            is_open = False
            if code == 0:
                missing.append((start, end))
    return tuple(spans), missing


def _damaged(name: str, error: Exception) -> InputError:
    detail = " ".join(str(error).split())[:200]
    return InputError(f"{name}: this DocBin of spaCy is damaged ({detail})")
