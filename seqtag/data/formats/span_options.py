"""Options of `data=spans`: how the files of annotation tools are read."""

from dataclasses import dataclass
from typing import Literal

from seqtag.checks import Text, check_fields
from seqtag.errors import InputError

TOOLS = ("doccano", "label_studio", "prodigy", "brat", "spacy")


@dataclass(frozen=True)
class SpanOptions:
    """How annotated spans of characters become labels of tokens.

    Attributes:
        tool: the tool that wrote the files; auto: recognised by their content.
        policy: what to do with spans that are not whole tokens of one sentence: refuse the file,
            leave such spans out, or widen them to whole tokens.
        unlabelled: what to do with records without annotations: leave them out, or read them as
            records without spans.
        annotations: (label_studio) what is read: the annotations of people, or predictions.
        from_name: (label_studio) name of the Labels tag whose spans are read. None: all.
    """

    tool: Literal["auto", "doccano", "label_studio", "prodigy", "brat", "spacy"] = "auto"
    policy: Literal["error", "skip", "widen"] = "error"
    unlabelled: Literal["skip", "outside"] = "skip"
    annotations: Literal["people", "predictions"] = "people"
    from_name: Text | None = None

    def __post_init__(self) -> None:
        check_fields(self, "data.spans")
        if self.tool not in ("auto", "label_studio") and (name := self.only_for_label_studio()):
            raise InputError(f"data.spans.{name} is only for data.spans.tool=label_studio")

    def only_for_label_studio(self) -> str | None:
        """Return the first option that is set and only has an effect on files of Label Studio."""
        if self.from_name is not None:
            return "from_name"
        return "annotations" if self.annotations != "people" else None
