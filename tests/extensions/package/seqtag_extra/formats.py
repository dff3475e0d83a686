"""A data format: a sentence per line, each token with a slash and its label."""

from seqtag.data.formats import Format, Sentence, register
from seqtag.errors import InputError


@register("mine")
class Slashed(Format):
    endings = (".sl",)
    label_column = "tag"
    tag_input = tag_output = "a sentence a line: He/PRON lives/VERB"

    def read(self, source, layout):
        for numbered in source.numbered_lines():
            if numbered is None:
                yield None
                continue
            number, line = numbered
            pairs = [cell.rpartition("/") for cell in line.split(" ") if cell]
            labels = [label for _, _, label in pairs] if layout.label_column else []
            if not all(token for token, _, _ in pairs):
                raise InputError(f"{source.name}:{number}: token/label is expected")
            yield Sentence([token for token, _, _ in pairs], labels, [], 0, number)

    def can_be_cut(self, raw, layout):
        return True

    def write(self, record):
        pairs = zip(record["tokens"], record["labels"], strict=True)
        return " ".join(f"{token}/{label}" for token, label in pairs) + "\n"
