"""The work that a request asks of a tagger.

A request is split into sentences, and these into parts, so that a long text does not keep others
waiting. The taggers' results are put together again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from seqtag.data.text.split import Sentence, Token, split_text
from seqtag.errors import listed
from seqtag.serve.limits import Limits
from seqtag.serve.models import Models, Served
from seqtag.serve.requests import RequestError, TagRequest, blamed_on
from seqtag.tagging.sentences import read_features, read_sentences

Plain = dict[str, Any]
Columns = Mapping[str, Sequence[list[str]]]


class Options(NamedTuple):
    """How sentences are tagged. Sentences with equal options may share a batch."""

    model: str
    scheme: str | None
    bias: tuple[tuple[str, float], ...]
    probabilities: bool
    certainty: bool
    alternatives: int
    top_labels: int
    unknown: bool


class Part(NamedTuple):
    """Some sentences of a request, with their further columns."""

    sentences: Sequence[Sentence]
    features: Columns
    tokens: int


@dataclass(frozen=True)
class Work:
    """The sentences of a request, and how they are tagged.

    Attributes:
        options: how they are tagged.
        sentences: all sentences of the request.
        features: by further column, the values of each sentence.
        counts: for a list of texts, the number of sentences of each; else None.
    """

    options: Options
    sentences: Sequence[Sentence]
    features: Columns
    counts: Sequence[int] | None

    def parts(self, most_tokens: int) -> Iterator[Part]:
        """Yield parts of at most that many tokens; a longer sentence is a part of its own."""
        first = tokens = 0
        for number, sentence in enumerate(self.sentences):
            length = len(sentence.tokens)
            if number > first and tokens + length > most_tokens:
                yield self._part(first, number, tokens)
                first, tokens = number, 0
            tokens += length
        if first < len(self.sentences):
            yield self._part(first, len(self.sentences), tokens)

    def _part(self, first: int, end: int, tokens: int) -> Part:
        features = {name: column[first:end] for name, column in self.features.items()}
        return Part(self.sentences[first:end], features, tokens)

    def answer(self, sentences: Sequence[Plain]) -> Plain:
        """Return the answer with the tagged sentences."""
        if self.counts is None:
            return {"model": self.options.model, "sentences": list(sentences)}
        waiting = iter(sentences)
        texts = [{"sentences": [next(waiting) for _ in range(count)]} for count in self.counts]
        return {"model": self.options.model, "texts": texts}


def plan(request: TagRequest, models: Models, limits: Limits) -> Work:
    """Return the work for a request.

    Raises:
        RequestError: naming the wrong field.
    """
    with blamed_on("model"):
        served = models.find(request.model)
    bias = tuple(sorted((request.bias or {}).items()))
    with blamed_on("bias"):
        served.variant(None, bias)
    with blamed_on("scheme"):
        served.variant(request.scheme, bias)
    sentences, counts = _sentences(request, served.tagger.tokenizer, limits)
    wanted = (request.probabilities, request.certainty, request.alternatives, request.top_labels)
    options = Options(served.name, request.scheme, bias, *wanted, request.unknown)
    return Work(options, sentences, _features(request, served, sentences), counts)


def run(models: Models, options: Options, parts: Sequence[Part]) -> list[list[Plain]]:
    """Tag the sentences of parts of any requests together; return them as JSON values."""
    tagger = models.find(options.model).variant(options.scheme, options.bias)
    sentences = [sentence for part in parts for sentence in part.sentences]
    features = {
        name: [values for part in parts for values in part.features[name]]
        for name in tagger.features
    }
    tagged = tagger.tag_sentences(
        sentences,
        features,
        options.probabilities,
        options.certainty,
        options.alternatives,
        options.top_labels,
    )
    plain = iter([sentence.to_plain() for sentence in tagged])
    results = [[next(plain) for _ in part.sentences] for part in parts]
    if options.unknown:
        for sentence in (one for result in results for one in result):
            sentence["unknown"] = [*map(tagger.indexer.is_unknown, sentence["tokens"])]
    return results


def _sentences(
    request: TagRequest, tokenizer: str, limits: Limits
) -> tuple[list[Sentence], list[int] | None]:
    """Return the sentences of a request, and for a list of texts their number in each text."""
    if (request.text is None) == (request.tokens is None):
        found = "neither" if request.text is None else "both"
        raise RequestError(f"give text or tokens, not {found}", field="text")
    counts = None
    if request.tokens is not None:
        field, given = "tokens", _as_sentences(request.tokens)
        _check_count(len(given), field, limits)
        with blamed_on("tokens"):
            words = read_sentences(given)
        sentences = [Sentence([Token(word) for word in row]) for row in words]
    else:
        field = "text"
        texts = (request.text,) if isinstance(request.text, str) else request.text or ()
        _check_count(len(texts), field, limits)
        split = [split_text(text, tokenizer=tokenizer) for text in texts]
        sentences = [sentence for part in split for sentence in part]
        if not isinstance(request.text, str):
            counts = [len(part) for part in split]
    for number, sentence in enumerate(sentences, 1):
        if len(sentence.tokens) > limits.sentence:
            raise RequestError(
                f"sentence {number} has {len(sentence.tokens):,} tokens, more than "
                f"{limits.sentence:,}: split it",
                field=field,
            )
    return sentences, counts


def _check_count(count: int, field: str, limits: Limits) -> None:
    if count > limits.texts:
        raise RequestError(
            f"{field} has {count:,} elements, more than {limits.texts:,}: send several requests",
            field=field,
        )


def _as_sentences(values: Sequence[Any]) -> Sequence[Any]:
    """Return a list of sentences, also for a single sentence of words."""
    return [values] if values and isinstance(values[0], str) else values


def _features(request: TagRequest, served: Served, sentences: Sequence[Sentence]) -> Columns:
    """Return the further columns that the tagger reads."""
    known = served.tagger.features
    given = {name: _as_sentences(values) for name, values in (request.features or {}).items()}
    for name in given:
        if name not in known:
            reads = listed(known) if known else "no further columns"
            raise RequestError(
                f"features: {served.name} reads {reads}, not {name!r}", field="features"
            )
    with blamed_on("features"):
        return read_features(given, known, [[t.text for t in s.tokens] for s in sentences])
