"""Corpora on the Hugging Face hub: data sets, or files in one, whose ending says the format."""

from seqtag.data.formats.base import Format, register


@register("hub")
class Hub(Format):
    """A data set of the Hugging Face hub, loaded by `seqtag.data.corpus.hub`.

    If the path is a file instead, its ending says the format (`format_by_ending`).
    """

    label_column = "ner_tags"
