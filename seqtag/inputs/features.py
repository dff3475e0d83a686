"""Feature columns of the corpus (``data.features``) as inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqtag.errors import InputError, listed
from seqtag.inputs.base import Batch, Input, Training
from seqtag.inputs.options import EncodeConfig, SizeOptions
from seqtag.inputs.registry import register
from seqtag.inputs.vocabulary import Vocabulary, build_vocabulary


@register("features")
class Features(Input):
    """The id of a word's value in each feature column (``data.features``)."""

    Options = SizeOptions
    key = "feature_size"
    order = 3

    def __init__(self, vocabularies: Mapping[str, Vocabulary]) -> None:
        self.vocabularies = dict(vocabularies)
        self.columns = tuple(self.vocabularies)

    @classmethod
    def options(cls, value: int) -> SizeOptions:
        """Return the options from ``model.feature_size``."""
        return SizeOptions(value)

    @classmethod
    def fit(cls, training: Training, options: None) -> Features:
        """Build a vocabulary for each column."""
        return cls({name: build_vocabulary(training.count(name)) for name in training.columns})

    @classmethod
    def from_plain(cls, plain: Any, encode: EncodeConfig, options: None) -> Features:
        """Read the vocabularies."""
        vocabularies = {
            name: Vocabulary.from_plain(part, f"the feature {name!r}")
            for name, part in plain.items()
        }
        return cls(vocabularies)

    def to_plain(self) -> Any:
        """Return the vocabularies by column."""
        return {name: column.to_plain() for name, column in self.vocabularies.items()}

    def extended(self, other: Features) -> Features:
        """Return the input with the values of `other` added.

        Raises:
            InputError: if the columns differ.
        """
        if self.columns != other.columns:
            raise InputError(
                f"the tagger reads the feature columns {listed(self.columns)}, the corpus has "
                f"{listed(other.columns)}: set data.features=[{','.join(self.columns)}]"
            )
        columns = self.vocabularies.items()
        return Features({name: own.merged(other.vocabularies[name]) for name, own in columns})

    def row_names(self) -> dict[str, Sequence[str]]:
        """Return the values of each column."""
        from seqtag.inputs.modules.columns import module_name

        return {
            f"{module_name(name)}.weight": column.strings()
            for name, column in self.vocabularies.items()
        }

    def encode(self, batch: Batch) -> dict[str, np.ndarray]:
        """Return ids ``feature.NAME`` (B, T) for each column."""
        arrays = {}
        for name, column in self.vocabularies.items():
            if name not in batch.columns:
                raise InputError(
                    f"this tagger also reads the column {name!r}, which the input does not have"
                )
            if [len(values) for values in batch.columns[name]] != batch.lengths.tolist():
                raise InputError(f"the column {name!r} does not have a value for each word")
            ids = [column[value] for sentence in batch.columns[name] for value in sentence]
            arrays[f"feature.{name}"] = batch.padded(np.array(ids, np.int64))
        return arrays

    def module(self, options: SizeOptions) -> Any:
        """Return an embedding for each column."""
        from seqtag.inputs.modules.columns import ColumnEmbeddings

        sizes = {name: len(column) for name, column in self.vocabularies.items()}
        return ColumnEmbeddings(sizes, options.size)

    def output_size(self, options: SizeOptions) -> int:
        """Return the total length of the vectors of all columns."""
        return options.size * len(self.columns)

    @classmethod
    def vectors(cls, module: Any, arrays: Mapping[str, Any]) -> Any:
        """Return the vectors of all columns, concatenated."""
        return module(arrays)

    def parts(self, options: SizeOptions) -> dict[str, int]:
        """Return the number of columns."""
        return {"the features of tokenizer.json": len(self.columns)}

    def titles(self) -> Sequence[str]:
        """Return the names of the columns."""
        return self.columns
