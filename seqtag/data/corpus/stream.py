"""Training splits that are streamed during training, as iterable data sets of `datasets`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from seqtag.data.config import CorpusConfig, StreamConfig
from seqtag.data.corpus.parts import Part, cut_files
from seqtag.data.corpus.schemes import LabelReader
from seqtag.data.formats.lines import SourceFile
from seqtag.data.formats.sentence import Sentence
from seqtag.data.label_map import LabelMap
from seqtag.errors import InputError

if TYPE_CHECKING:
    import datasets

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Stream:
    """A training split that is read during training.

    Attributes:
        rows: its records, in shards.
        sentence: converts a record to (sentence, where).
        name: its name in messages.
        features: names of the feature columns.
        config: how it is read.
        labels: labels that may occur in addition to those of the first sentences.
        reader: converts the labels of the records to the scheme of the corpus.
        label_map: replaces labels before that.
        guard: wraps records, given `name`, so that errors in reading them become InputErrors;
            None if `rows` does so itself.
    """

    rows: datasets.IterableDataset
    sentence: Callable[[Record], tuple[Sentence, str]]
    name: str
    features: tuple[str, ...]
    config: StreamConfig
    labels: tuple[str, ...] = ()
    reader: LabelReader = field(default_factory=LabelReader)
    label_map: LabelMap = field(default_factory=lambda: LabelMap({}))
    guard: Callable[[Iterable[Record], str], Iterable[Record]] | None = None

    def converting(self, reader: LabelReader, label_map: Mapping[str, str | None]) -> Stream:
        """Return this stream with its labels, and the names of labels, replaced and converted."""
        replaces = LabelMap(label_map)
        names = [label for label in replaces.apply(self.labels) if label is not None]
        labels = [label for name in names for label in reader.convert([name]) if label is not None]
        return replace(self, labels=tuple(labels), reader=reader, label_map=replaces)

    def read(self, records: Iterable[Record]) -> Iterator[dict[str, Any]]:
        """Yield records with the columns tokens, labels, features and where.

        Sentences without a token are left out.

        Raises:
            InputError: for a record that cannot be read or converted.
        """
        if self.guard is not None:
            records = self.guard(records, self.name)
        for record in records:
            sentence, where = self.sentence(record)
            if not sentence.tokens:
                continue
            try:
                labels = self.reader.convert(self.label_map.apply(sentence.labels))
            except InputError as error:
                raise InputError(f"{where}: {error}") from None
            yield {
                "tokens": sentence.tokens,
                "labels": labels,
                **dict(zip(self.features, sentence.features, strict=True)),
                "where": where,
            }


def stream_files(files: list[SourceFile], config: CorpusConfig) -> Stream:
    """Return files as a stream; large files are cut into several shards if possible."""
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
    """Return the beginning of each file as a part, with `fit_sentences` sentences in total."""
    count = -(-config.stream.fit_sentences // len(files))
    return [Part(file.name, partial(_beginning, file, config, count)) for file in files]


def _beginning(file: SourceFile, config: CorpusConfig, count: int) -> Iterator[Sentence]:
    return islice(config.read(file), count)
