"""The base class of writers: tagged sentences in, text out."""

from seqtag.tagging.output import TaggedSentence
from seqtag.tagging.readers import Item


class Writer:
    """Turns tagged sentences into the text of an output file.

    The file is ``begin()``, then ``sentence(...)`` for each sentence in order, then ``end()``. A
    writer may return the text of a sentence later, with a following one or at the end.
    """

    def begin(self) -> str:
        """Return the text before the first sentence."""
        return ""

    def sentence(self, sentence: TaggedSentence, item: Item) -> str:
        """Return the text of a sentence; `item` is what was read."""
        raise NotImplementedError

    def end(self) -> str:
        """Return the text after the last sentence."""
        return ""
