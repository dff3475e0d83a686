"""Training splits that are read while training goes on, through datasets' iterable data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from seqtag.data.config import CorpusConfig, StreamConfig
from seqtag.data.corpus.parts import Part, cut_files
from seqtag.data.formats.lines import SourceFile
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError
from seqtag.labels import convert

if TYPE_CHECKING:
    import datasets

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Stream:
    """A training split to be read on the way.

    Attributes:
        rows: its records, in shards.
        sentence: a record as a sentence.
        name: what messages call it.
        features: names of the further columns.
        config: how it is read.
        labels: labels that may come, beside those of the first sentences.
        schemes: the scheme that the labels are written in, and the one they are kept in.
        guard: given records and `name`, yields the records and turns what reading them raises into
            an InputError; None where `rows` does that itself.
    """

    rows: datasets.IterableDataset
    sentence: Callable[[Record], tuple[Sentence, str]]
    name: str
    features: tuple[str, ...]
    config: StreamConfig
    labels: tuple[str, ...] = ()
    schemes: tuple[str, str] = ("plain", "plain")
    guard: Callable[[Iterable[Record], str], Iterable[Record]] | None = None

    def read(self, records: Iterable[Record]) -> Iterator[dict[str, Any]]:
        """Yield records as the columns of a corpus: tokens, labels, the features, and where.

        Sentences without a token are left out.
        """
        if self.guard is not None:
            records = self.guard(records, self.name)
        for record in records:
            sentence, where = self.sentence(record)
            if not sentence.tokens:
                continue
            labels = sentence.labels
            if self.schemes[0] != "plain":
                try:
                    labels = convert(labels, *self.schemes)
                except InputError as error:
                    raise InputError(f"{where}: {error}") from None
            yield {
                "tokens": sentence.tokens,
                "labels": labels,
                **dict(zip(self.features, sentence.features, strict=True)),
                "where": where,
            }


def stream_files(files: list[SourceFile], config: CorpusConfig) -> Stream:
    """Return files as a stream; a large one that can be cut is several shards."""
    import datasets

    shards = cut_files(files, config)
    rows = datasets.IterableDataset.from_generator(
        _sentences_of, gen_kwargs={"files": shards, "config": config}
    )
    as_read = itemgetter("sentence", "where")
    return Stream(
        rows, as_read, files[0].name, config.features, config.stream, config.label_names or ()
    )


def _sentences_of(files: list[SourceFile], config: CorpusConfig) -> Iterator[dict[str, Any]]:
    for file in files:
        for sentence in config.read(file):
            yield {"sentence": sentence, "where": f"{file.name}:{sentence.line}"}


def first_sentences(files: list[SourceFile], config: CorpusConfig) -> list[Part]:
    """Return the beginnings of files: a part each, as many sentences as the stream is fitted to."""
    count = -(-config.stream.fit_sentences // len(files))
    return [Part(file.name, partial(_beginning, file, config, count)) for file in files]


def _beginning(file: SourceFile, config: CorpusConfig, count: int) -> Iterator[Sentence]:
    return islice(config.read(file), count)
