"""Convert sentences to arrays of ids, for training and tagging alike; importable without torch.

Legend: B sentences, T words of the longest sentence, U distinct words of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from seqtag.checks import from_plain
from seqtag.data.encode.counting import Sentences, column_lists, count_strings
from seqtag.data.encode.normalize import normalized, normalized_counts, normalized_lists
from seqtag.data.encode.word_cache import WordCache
from seqtag.errors import InputError, listed
from seqtag.inputs import INPUTS, Batch, Input, Training, WordInput
from seqtag.inputs.options import EncodeConfig
from seqtag.inputs.registry import standard_inputs
from seqtag.inputs.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

# Increase it when the same sentences give a different indexer: indexers are cached with a corpus.
INDEXER_VERSION = 1


class Indexer:
    """Converts sentences to padded arrays; built from a training split, saved in model folders.

        indexer = Indexer.fit([{"tokens": ["A", "word"]}], EncodeConfig(), features=())
        indexer.encode([["A", "sentence"]])["words_BT"]  # (B, T) ids

    Ids that depend on the word alone are computed once for each distinct word and cached.
    Threads can share an indexer. Its copies and pickles do not include the cached words.

    Attributes:
        config: the options of ``data.encode``.
        inputs: the inputs by name: those of this package, then those that `model.inputs` adds.
    """

    def __init__(self, config: EncodeConfig, inputs: Mapping[str, Input]) -> None:
        self.config = config
        self.inputs = dict(inputs)
        self._cache = WordCache({n: i for n, i in inputs.items() if isinstance(i, WordInput)})

    @classmethod
    def fit(
        cls,
        sentences: Sentences,
        config: EncodeConfig,
        features: Sequence[str],
        added: Mapping[str, Any] | None = None,
    ) -> Indexer:
        """Build the vocabularies from training sentences.

        Memory grows only with the number of distinct words.

        Args:
            sentences: mappings with ``tokens`` and one list of strings per feature, or a data
                set of such columns. They are read several times.
            config: the options of ``data.encode``.
            features: names of the feature columns.
            added: the options of further inputs by name (see `added_inputs`).
        """
        counts = count_strings(sentences, "tokens")
        words: Callable[[], Iterable[Sequence[str]]] = partial(column_lists, sentences, "tokens")
        if form := config.normalize:
            counts, words = normalized_counts(form, counts), partial(normalized_lists, form, words)
        training = Training(
            counts, config, features, lambda column: count_strings(sentences, column), words
        )
        inputs = {name: kind.fit(training, None) for name, kind in standard_inputs().items()}
        for name, options in (added or {}).items():
            inputs[name] = INPUTS[name].cls.fit(training, options)
        return cls(config, {name: input_ for name, input_ in inputs.items() if input_ is not None})

    def extended(self, other: Indexer) -> Indexer:
        """Return an indexer with the vocabularies of `other` added, and the options of this one."""
        others = other.inputs
        inputs = {
            name: input_.extended(others[name]) if name in others else input_
            for name, input_ in self.inputs.items()
        }
        return Indexer(self.config, inputs)

    @property
    def words(self) -> Vocabulary:
        """The vocabulary of words."""
        return self.inputs["words"].vocabulary

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the feature columns that the indexer reads."""
        columns = (name for input_ in self.inputs.values() for name in input_.columns)
        return tuple(dict.fromkeys(columns))

    def is_unknown(self, word: str) -> bool:
        """Return whether a word was not seen in training."""
        form = self.config.normalize
        return self.words.is_unknown(normalized(form, [word])[0] if form else word)

    def encode(
        self,
        sentences: Sequence[Sequence[str]],
        features: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ) -> dict[str, Tensor]:
        """Return `arrays` as tensors, on the CPU."""
        import torch

        arrays = self.arrays(sentences, features)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def arrays(
        self,
        sentences: Sequence[Sequence[str]],
        features: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ) -> dict[str, np.ndarray]:
        """Return the ids of a batch of sentences.

        Args:
            sentences: B lists of words.
            features: for each feature of the indexer, B lists with a value per word.

        Returns:
            ``lengths_B``; ``spelling_BT``, the number of each word among the distinct words of
            the batch; and the arrays of each input (`Input.encode`). Id 0 is padding.

        Raises:
            InputError: if a feature of the indexer is missing or does not have a value for each
                word.
        """
        lengths = np.fromiter((len(s) for s in sentences), np.int64, len(sentences))
        words = [word for sentence in sentences for word in sentence]
        if self.config.normalize is not None:
            words = normalized(self.config.normalize, words)
        numbers, table = self._cache.lookup(words)
        mask_BT = np.arange(lengths.max(initial=0)) < lengths[:, None]
        distinct, rows = _distinct(numbers)
        batch = Batch(lengths, mask_BT, numbers, table, distinct, features or {})
        arrays = {"lengths_B": lengths, "spelling_BT": batch.padded(rows)}
        for input_ in self.inputs.values():
            arrays |= input_.encode(batch)
        return arrays

    def to_plain(self) -> dict[str, Any]:
        """Return the indexer as JSON values."""
        encode = asdict(self.config)
        if encode["normalize"] is None:  # as in model folders of earlier versions
            del encode["normalize"]
        plain: dict[str, Any] = {"config": encode}
        added = {name: input_.to_plain() for name, input_ in self.inputs.items()}
        for name, cls in standard_inputs().items():
            value = added.pop(name, None)
            if cls.stored and not (cls.optional and value is None):
                plain[name] = value
        return plain | ({"inputs": added} if added else {})

    @classmethod
    def from_plain(
        cls,
        plain: Mapping[str, Any],
        where: str = "tokenizer.json",
        added: Mapping[str, Any] | None = None,
    ) -> Indexer:
        """Rebuild an indexer from the JSON values of :meth:`to_plain`.

        `added` are the options of further inputs by name (see `added_inputs`).

        Raises:
            InputError: if `plain` is not from :meth:`to_plain` of an indexer with these inputs.
        """
        added = added or {}
        try:
            config = from_plain(EncodeConfig, plain["config"], where)
            inputs = {}
            for name, kind in standard_inputs().items():
                needed = kind.stored and not kind.optional
                value = plain[name] if needed else plain.get(name) if kind.stored else None
                inputs[name] = kind.from_plain(value, config, None)
            further = plain.get("inputs", {})
            if set(further) != set(added):
                raise InputError(
                    f"{where}: it has the inputs {listed(further)}, but model.inputs names "
                    f"{listed(added)}"
                )
            for name, options in added.items():
                inputs[name] = INPUTS[name].cls.from_plain(further[name], config, options)
        except InputError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"{where}: not an indexer of seqtag: {error!r}") from None
        return cls(config, {name: input_ for name, input_ in inputs.items() if input_ is not None})


def _distinct(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct numbers in order of first occurrence, and each number's index in them.

    They are not sorted, because the numbers depend on the words that were cached before: a batch
    must be the same in every process, so that sums over its words are rounded alike.
    """
    values = numbers.tolist()
    index = {number: row for row, number in enumerate(dict.fromkeys(values))}
    distinct = np.fromiter(index, np.int64, len(index))
    return distinct, np.fromiter(map(index.__getitem__, values), np.int64, len(values))
