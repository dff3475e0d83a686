"""Gates and states of sentences, as data of the interactive picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from seqtag.data.text.split import split_text
from seqtag.inspect.picture import MOST_WORDS, picture_data, trace_data
from seqtag.inspect.subject import answers_pronouns, subject_codes
from seqtag.model.encoders.registry import encoder_name
from seqtag.probes.pronoun import PronounProbe
from seqtag.serve.models import Models, Served
from seqtag.serve.requests import RequestError, TraceRequest, blamed_on
from seqtag.tagging.tagger import Tagger

# A sentence with a new subject and a person who is not the subject.
_EXAMPLE = {"distance": 12, "attractors": 1, "switches": 1}
_MOST = 2


class Traces(NamedTuple):
    """The work of a request: sentences, each by all taggers."""

    taggers: Sequence[Served]
    sentences: Sequence[Sequence[str]]

    def run(self) -> dict[str, Any]:
        """Return the data of the picture."""
        return picture_data(
            [
                trace_data(served.tagger, words, served.name, _codes(served.tagger))
                for served in self.taggers
                for words in self.sentences
            ]
        )


def describe_traces(served: Served) -> Mapping[str, Any]:
    """Return whether a tagger has gates to show, and a sentence that shows them well."""
    tagger = served.tagger
    is_recurrent = encoder_name(tagger.network.config.encoder) == "recurrent"
    example = None
    if is_recurrent and answers_pronouns(tagger):
        (item,) = PronounProbe().generate(1, "dev", _EXAMPLE, 0)
        example = " ".join(item.tokens)
    return {"gates": is_recurrent and not tagger.features, "example": example}


def plan_traces(request: TraceRequest, models: Models) -> Traces:
    """Return the work for a request.

    Raises:
        RequestError: naming the wrong field.
    """
    texts = (request.text,) if isinstance(request.text, str) else request.text
    names = (request.model,) if isinstance(request.model, str | None) else request.model
    for field, values in (("text", texts), ("model", names)):
        if not 1 <= len(values) <= _MOST:
            raise RequestError(f"{field} must have 1 or {_MOST} elements", field=field)
    with blamed_on("model"):
        taggers = [models.find(name) for name in names]
    for served in taggers:
        if not isinstance(served.tagger, Tagger) or not describe_traces(served)["gates"]:
            raise RequestError(f"{served.name} has no gates to show", field="model")
    tokenizer = taggers[0].tagger.tokenizer
    sentences = []
    for text in texts:
        parts = split_text(text, tokenizer=tokenizer)
        words = [token.text for part in parts for token in part.tokens]
        if not 1 <= len(words) <= MOST_WORDS:
            raise RequestError(
                f"text has {len(words):,} words; expected 1 to {MOST_WORDS:,}", field="text"
            )
        sentences.append(words)
    return Traces(taggers, sentences)


@cache
def _codes(tagger: Tagger) -> tuple[Any, ...]:
    """Return the units that code the subject's form, which takes seconds the first time."""
    return tuple(subject_codes(tagger))
