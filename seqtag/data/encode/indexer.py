"""Words to numbers: the one way in, for training and for tagging alike.

Legend: B sentences, T words of the longest sentence, U different words of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqtag.checks import from_plain
from seqtag.data.encode.counting import Sentences, count_strings, lists_of
from seqtag.data.encode.labelset import LabelSet
from seqtag.data.encode.wordforms import WordForms
from seqtag.errors import InputError, listed
from seqtag.inputs import INPUTS, Batch, Input, Training, WordInput
from seqtag.inputs.options import EncodeConfig
from seqtag.inputs.registry import standard_inputs
from seqtag.inputs.vocabulary import Vocabulary
from seqtag.labels import NOT_SCORED

# Raise it when the same sentences give another indexer: those made before are kept with a corpus.
INDEXER_VERSION = 1


class Indexer:
    """Turns sentences into padded tensors; built from a training split, saved in model folders.

    What follows from a word alone is computed once for each different word and remembered, so
    that a word costs one dictionary access from then on. Threads may share an indexer. Its copies
    and pickles hold what it is made of and none of the remembered words.

    Attributes:
        inputs: the inputs by name: all of this package, and those that the model adds.
    """

    def __init__(self, config: EncodeConfig, inputs: Mapping[str, Input]) -> None:
        self.config = config
        self.inputs = dict(inputs)
        self._forms = WordForms({n: i for n, i in inputs.items() if isinstance(i, WordInput)})

    @classmethod
    def fit(
        cls,
        sentences: Sentences,
        config: EncodeConfig,
        features: Sequence[str],
        added: Mapping[str, Any] | None = None,
    ) -> Indexer:
        """Build the vocabularies from training sentences.

        `sentences` are mappings with ``tokens`` and one list of strings per feature, or a data
        set of such columns; they may be read more than once. Memory grows with the number of
        different words alone. `added` are the options of further inputs (`added_inputs`).
        """
        training = Training(
            count_strings(sentences, "tokens"),
            config,
            features,
            lambda column: count_strings(sentences, column),
            lambda: lists_of(sentences, "tokens"),
        )
        made = {name: part.fit(training, None) for name, part in standard_inputs().items()}
        for name, options in (added or {}).items():
            made[name] = INPUTS[name].cls.fit(training, options)
        return cls(config, {name: input_ for name, input_ in made.items() if input_ is not None})

    @property
    def words(self) -> Vocabulary:
        """The vocabulary of words."""
        return self.inputs["words"].vocabulary

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the further columns that it reads."""
        columns = (name for input_ in self.inputs.values() for name in input_.columns)
        return tuple(dict.fromkeys(columns))

    def encode(
        self,
        sentences: Sequence[Sequence[str]],
        features: Mapping[str, Sequence[Sequence[str]]] | None = None,
    ) -> dict[str, Tensor]:
        """Encode a batch of sentences.

        Args:
            sentences: B lists of words.
            features: for each feature of the indexer, B lists of as many values.

        Returns:
            ``lengths_B``; ``spelling_BT``, the number of each word among the different words of
            the batch; and the arrays of each input (`Input.encode`). Ids of 0 are padding.

        Raises:
            InputError: if a feature that the indexer was built with is not given, or does not
                have a value for each word.
        """
        lengths = np.fromiter((len(s) for s in sentences), np.int64, len(sentences))
        forms, known = self._forms.lookup([word for sentence in sentences for word in sentence])
        mask_BT = np.arange(lengths.max(initial=0)) < lengths[:, None]
        distinct, rows = _distinct(forms)
        batch = Batch(lengths, mask_BT, forms, known, distinct, features or {})
        arrays = {"lengths_B": lengths, "spelling_BT": batch.padded(rows)}
        for input_ in self.inputs.values():
            arrays |= input_.encode(batch)
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def to_plain(self) -> dict[str, Any]:
        """Return everything the indexer is made of as JSON values."""
        plain: dict[str, Any] = {"config": asdict(self.config)}
        added = {name: input_.to_plain() for name, input_ in self.inputs.items()}
        for name, cls in standard_inputs().items():
            value = added.pop(name, None)
            if cls.stored:
                plain[name] = value
        return plain | ({"inputs": added} if added else {})

    @classmethod
    def from_plain(
        cls,
        plain: Mapping[str, Any],
        where: str = "tokenizer.json",
        added: Mapping[str, Any] | None = None,
    ) -> Indexer:
        """Rebuild an indexer from :meth:`to_plain`.

        `added` are the options of further inputs (`added_inputs`).

        Raises:
            InputError: if `plain` is not what :meth:`to_plain` makes, with these inputs.
        """
        added = added or {}
        try:
            config = from_plain(EncodeConfig, plain["config"], where)
            made = {
                name: part.from_plain(plain[name] if part.stored else None, config, None)
                for name, part in standard_inputs().items()
            }
            further = plain.get("inputs", {})
            if set(further) != set(added):
                raise InputError(
                    f"{where}: it has the inputs {listed(further)}, but model.inputs names "
                    f"{listed(added)}"
                )
            for name, options in added.items():
                made[name] = INPUTS[name].cls.from_plain(further[name], config, options)
        except InputError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"{where}: not an indexer of seqtag: {error!r}") from None
        return cls(config, {name: input_ for name, input_ in made.items() if input_ is not None})


def _distinct(forms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different words in the order they come in, and where among these each one is.

    Not in the order of their numbers, which depends on what was read before: a batch is to be the
    same in every process, and sums over its words to be rounded alike.
    """
    numbers, firsts, rows = np.unique(forms, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return numbers[order], places[rows]


def labelled_batch(
    columns: Mapping[str, Sequence[Any]], indexer: Indexer, labels: LabelSet
) -> dict[str, Any]:
    """Return ``inputs`` and ``labels_BT`` of some sentences, given as the columns of a corpus."""
    inputs = indexer.encode(columns["tokens"], columns)
    labels_BT = np.full(tuple(inputs["words_BT"].shape), NOT_SCORED, np.int64)
    for row, of_sentence in zip(labels_BT, columns["labels"], strict=True):
        row[: len(of_sentence)] = labels.encode(of_sentence)
    return {"inputs": inputs, "labels_BT": torch.from_numpy(labels_BT)}
