"""Tagged sentences as a `Doc` of spaCy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seqtag.data.formats.annotation.spacy import import_spacy, make_doc
from seqtag.tagging.documents import document_of

if TYPE_CHECKING:
    from seqtag.tagging.output import TaggedSentence


def to_doc(sentences: Sequence[TaggedSentence], vocab: Any, text: str | None = None) -> Any:
    """Return tagged sentences as a Doc with tokens, sentences and entities.

        import spacy
        from seqtag import Tagger
        from seqtag.tagging.spacy_doc import to_doc

        text = "Alex Graves left Munich."
        doc = to_doc(Tagger.load("MODEL").tag(text), spacy.blank("en").vocab, text)
        print(doc.ents)

    Args:
        sentences: the sentences of one text, as `Tagger.tag` returns them.
        vocab: the vocabulary of a pipeline of spaCy.
        text: the text that was tagged, so that ``doc.text`` is equal to it. None: white space
            between sentences becomes spaces.

    Raises:
        InputError: if spaCy is not installed.
    """
    import_spacy()
    return make_doc(vocab, document_of(sentences, text))
