"""The Hugging Face hub as the place of a corpus: data sets, or files of one by their endings."""

from seqtag.data.formats.base import Format, register


@register("hub")
class Hub(Format):
    """A data set of the hub, which `seqtag.data.corpus.hub` loads.

    Files on the hub, and local ones, have the format of their ending (`format_of`).
    """

    label_column = "ner_tags"
