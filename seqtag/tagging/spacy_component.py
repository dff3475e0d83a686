"""A tagger as a component of a spaCy pipeline; spaCy finds it by its entry point.

    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("seqtag", config={"model": "logs/train/first/model"})
    print(nlp("Alex Graves left Munich.").ents)

spaCy imports this module in every program that uses a pipeline, so it imports torch only when a
tagger is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import srsly
from spacy.language import Language
from spacy.parts_of_speech import IDS as POS_IDS
from spacy.tokens import Doc, Span, Token
from spacy.util import minibatch

from seqtag.data.text.split import split_text
from seqtag.errors import InputError

if TYPE_CHECKING:
    from seqtag.tagging.output import TaggedSentence
    from seqtag.tagging.tagger import Tagger

_ATTRIBUTES = ("auto", "tag", "pos")


class SpacyTagger:
    """Sets the entities of documents, or with plain labels an attribute of their tokens.

    The words are spaCy's tokens without those of white space. Sentences are those of the document;
    if it has none, seqtag splits its text.

    A folder on disk is loaded at once, another model at the first document. A pipeline that was
    saved contains the model folder and no longer needs `model`.

    Args:
        model: the model folder, or OWNER/NAME on the Hugging Face hub.
        revision: branch, tag or commit on the hub.
        device: the device of the network.
        attribute: the attribute for plain labels: ``tag`` (``token.tag_``), ``pos``
            (``token.pos_``), or an extension, as in ``_.chunk``. ``auto``: ``pos`` if all labels
            are universal parts of speech, else ``tag``.
    """

    def __init__(
        self,
        model: str | None,
        revision: str | None = None,
        device: str = "cpu",
        attribute: str = "auto",
    ) -> None:
        name = attribute.removeprefix("_.")
        if attribute not in _ATTRIBUTES and (name == attribute or not name.isidentifier()):
            raise InputError(
                f"attribute {attribute!r}: expected {', '.join(_ATTRIBUTES)}, or an extension "
                "such as '_.chunk'"
            )
        self.model, self.revision, self.device = model, revision, device
        self.attribute = attribute
        self._tagger: Tagger | None = None
        if model is not None and Path(model).exists():
            self._use(self._load(model, revision))

    @property
    def tagger(self) -> Tagger:
        """The tagger, which is loaded if it was not.

        Raises:
            InputError: if it cannot be loaded, or reads further columns than the words.
        """
        if self._tagger is None:
            if self.model is None:
                raise InputError(
                    'seqtag: no model: nlp.add_pipe("seqtag", config={"model": "FOLDER"})'
                )
            self._use(self._load(self.model, self.revision))
        return self._tagger

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of spans, or the plain labels; empty before the tagger is loaded."""
        if self._tagger is None:
            return ()
        labels = self._tagger.labels
        return labels.labels if labels.scheme == "plain" else labels.types

    def __call__(self, doc: Doc) -> Doc:
        """Tag a document."""
        self._tag([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128, **_: Any) -> Iterator[Doc]:
        """Tag documents, the sentences of `batch_size` documents at a time."""
        for docs in minibatch(stream, batch_size):
            self._tag(docs)
            yield from docs

    def to_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> None:
        """Write the model folder."""
        self.tagger.save(path)

    def from_disk(self, path: str | Path, exclude: Iterable[str] = ()) -> SpacyTagger:
        """Load the model folder, in place of `model`."""
        self._use(self._load(Path(path), None))
        return self

    def to_bytes(self, exclude: Iterable[str] = ()) -> bytes:
        """Return the files of the model folder."""
        with TemporaryDirectory() as folder:
            self.to_disk(folder)
            files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        return srsly.msgpack_dumps(files)

    def from_bytes(self, data: bytes, exclude: Iterable[str] = ()) -> SpacyTagger:
        """Load the model folder that `to_bytes` returned."""
        from seqtag.model_folder.config import FILES

        with TemporaryDirectory() as folder:
            files = srsly.msgpack_loads(data)
            for name in FILES:
                if isinstance(files, dict) and isinstance(files.get(name), bytes):
                    (Path(folder) / name).write_bytes(files[name])
            return self.from_disk(folder)

    def _load(self, model: str | Path, revision: str | None) -> Tagger:
        from seqtag.tagging.tagger import Tagger  # torch

        return Tagger.load(model, self.device, revision)

    def _use(self, tagger: Tagger) -> None:
        if tagger.features:
            raise InputError(
                f"seqtag: this tagger reads further columns ({', '.join(tagger.features)}), which "
                "a document of spaCy does not have"
            )
        labels = tagger.labels
        if labels.scheme != "plain" and self.attribute != "auto":
            raise InputError("attribute: only for plain labels; spans become doc.ents")
        if self.attribute == "pos" and (other := set(labels.labels) - POS_IDS.keys()):
            raise InputError(
                f"attribute pos: {min(other)!r} is not a universal part of speech: use 'tag', or "
                "an extension such as '_.label'"
            )
        if self.attribute.startswith("_.") and not Token.has_extension(self.attribute[2:]):
            Token.set_extension(self.attribute[2:], default=None)
        self._tagger = tagger

    def _tag(self, docs: list[Doc]) -> None:
        tagger = self.tagger
        sentences = [(doc, tokens) for doc in docs for tokens in _sentences(doc)]
        tagged = tagger.tag([[token.text for token in tokens] for _, tokens in sentences])
        pairs = zip(sentences, tagged, strict=True)
        found = {id(doc): [] for doc in docs}
        for (doc, tokens), sentence in pairs:
            found[id(doc)].append((tokens, sentence))
        for doc in docs:
            if tagger.labels.scheme == "plain":
                self._set_labels(found[id(doc)])
            else:
                _set_entities(doc, found[id(doc)])

    def _set_labels(self, sentences: list[tuple[list[Token], TaggedSentence]]) -> None:
        """Set the attribute of the tokens."""
        name = self.attribute
        if name == "auto":
            name = "pos" if set(self.labels) <= POS_IDS.keys() else "tag"
        for tokens, sentence in sentences:
            for token, label in zip(tokens, sentence.labels, strict=True):
                if name.startswith("_."):
                    token._.set(name[2:], label)
                else:
                    setattr(token, f"{name}_", label)


def _sentences(doc: Doc) -> Iterator[list[Token]]:
    """Yield the tokens of each sentence, without those of white space."""
    words = [token for token in doc if not token.is_space]
    if doc.has_annotation("SENT_START"):
        starts = {sentence.start_char for sentence in doc.sents}
    else:
        starts = {sentence.tokens[0].start for sentence in split_text(doc.text)}
    ordered = sorted(starts)
    number = 0

    def sentence_of(token: Token) -> int:
        nonlocal number
        while number < len(ordered) and ordered[number] <= token.idx:
            number += 1
        return number

    for _, tokens in groupby(words, sentence_of):
        yield list(tokens)


def _set_entities(doc: Doc, sentences: list[tuple[list[Token], TaggedSentence]]) -> None:
    """Set the entities; earlier ones stay if they do not overlap with these."""
    found = [
        Span(doc, tokens[span.first_token].i, tokens[span.last_token].i + 1, label=span.type)
        for tokens, sentence in sentences
        for span in sentence.spans
    ]
    taken = {position for span in found for position in range(span.start, span.end)}
    kept = [span for span in doc.ents if taken.isdisjoint(range(span.start, span.end))]
    doc.set_ents([*found, *kept], default="outside")


@Language.factory(
    "seqtag",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", "token.tag", "token.pos"],
    default_config={"model": None, "revision": None, "device": "cpu", "attribute": "auto"},
)
def make_spacy_tagger(
    nlp: Language,
    name: str,
    model: str | None,
    revision: str | None,
    device: str,
    attribute: str,
) -> SpacyTagger:
    """Return the component for `nlp.add_pipe`."""
    return SpacyTagger(model, revision, device, attribute)
