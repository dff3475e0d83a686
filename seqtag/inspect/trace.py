"""Gates and states of a tagger's encoder, word by word.

Legend: B sentences, T words, S steps of the encoder (words, or subword pieces), D features of a
step, H hidden units.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqtag.cells import Cell
from seqtag.data.text.split import replace_surrogates
from seqtag.errors import InputError, unknown
from seqtag.model.network import TaggerNetwork
from seqtag.recurrent.entries import Entries
from seqtag.recurrent.layer import Recurrent
from seqtag.tagging.tagger import Tagger

# Sentences per batch.
_BATCH = 32
# The order in which gates and states are shown: gates, what they let in, memory, output.
_ORDER = "ifrozncmh"

Values = Mapping[str, np.ndarray]  # every gate and state by name, each (T, H)


class Trace(NamedTuple):
    """Gates and states of a tagger's encoder on one sentence.

    Attributes:
        tokens: the words.
        labels: the tagger's label for each word.
        values: by layer and direction, every gate and state of the cell by name, (T, H): the
            forget gate of the first layer is ``values["l0.fwd"]["f"]``. In both directions, words
            are in the order of the sentence. With subword pieces, a word's values are those at its
            first piece, where its label is predicted.
    """

    tokens: tuple[str, ...]
    labels: tuple[str, ...]
    values: Mapping[str, Values]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the trace as arrays: ``l0.fwd/f`` (T, H), ..., ``tokens`` and ``labels`` (T)."""
        named = {
            f"{layer}/{name}": value_TH
            for layer, values in self.values.items()
            for name, value_TH in values.items()
        }
        return {"tokens": np.array(self.tokens), "labels": np.array(self.labels), **named}


def trace(
    tagger: Tagger, tokens: Sequence[str], features: Mapping[str, Sequence[str]] | None = None
) -> Trace:
    """Return the gates and states of a tagger's encoder on one sentence.

        trace(tagger, ["Anna", "left", "."]).values["l0.fwd"]["f"]

    Args:
        tagger: the tagger.
        tokens: the words of the sentence.
        features: for each further column that the tagger reads, one value per word.

    Raises:
        InputError: for a sentence without words, or a missing column.
    """
    columns = {name: [values] for name, values in features.items()} if features else None
    return next(traces(tagger, [tokens], columns))


def traces(
    tagger: Tagger,
    sentences: Sequence[Sequence[str]],
    features: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> Iterator[Trace]:
    """Yield the trace of each sentence, computed in batches.

    Args:
        tagger: the tagger.
        sentences: the words of each sentence.
        features: for each further column that the tagger reads, its values for each sentence.

    Raises:
        InputError: for a sentence without words, or a missing column, before any sentence is run.
    """
    for number, tokens in enumerate(sentences):
        if not tokens:
            raise InputError(f"sentence {number + 1} has no words: there is nothing to trace")
    words = [tuple(map(replace_surrogates, tokens)) for tokens in sentences]
    labels = tagger.predict(words, features)
    for first in range(0, len(words), _BATCH):
        rows = slice(first, first + _BATCH)
        columns = {name: (features or {})[name][rows] for name in tagger.features}
        values = _run(tagger.network, tagger.read(words[rows], columns))
        for row, (tokens, predicted) in enumerate(zip(words[rows], labels[rows], strict=True)):
            own = {
                layer: {name: value_BTH[row, : len(tokens)] for name, value_BTH in named.items()}
                for layer, named in values.items()
            }
            yield Trace(tokens, tuple(predicted), own)


def encoder_input(network: TaggerNetwork, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the encoder's input for a batch, (B, S, D), and the lengths in steps, (B)."""
    arguments: list[Any] = []
    handle = network.encoder.register_forward_pre_hook(lambda _, args: arguments.extend(args))
    try:
        network.encode(inputs)
    finally:
        handle.remove()
    x_BSD, lengths_B = arguments
    return x_BSD.gather() if isinstance(x_BSD, Entries) else x_BSD, lengths_B


def layer_names(encoder: Recurrent) -> list[str]:
    """Return the layers and directions of an encoder by the names that its traces have."""
    return [f"l{index}.{way}" for index in range(encoder.num_layers) for way in encoder.directions]


def check_layer(encoder: Recurrent, name: str) -> str:
    """Return the name of a layer and direction, such as ``l0.fwd``, unchanged.

    Raises:
        InputError: if the encoder has no such layer; the message suggests the closest name.
    """
    known = layer_names(encoder)
    if name not in known:
        raise unknown("layer", name, known)
    return name


def display_order(cell: Cell, values: Values) -> Values:
    """Return gates and states in the order for display: gates first, the output last."""

    def rank(name: str) -> int:
        if name == cell.states[0]:
            return len(_ORDER)
        if len(name) == 1 and name in _ORDER:
            return _ORDER.index(name)
        return len(_ORDER) - 1 if name in cell.states else -1

    return {name: values[name] for name in sorted(values, key=rank)}


@torch.inference_mode()
def _run(network: TaggerNetwork, inputs: Mapping[str, Tensor]) -> dict[str, dict[str, np.ndarray]]:
    """Return every gate and state by layer and name, each (B, T, H)."""
    x_BSD, lengths_B = encoder_input(network, inputs)
    values = network.recurrent(x_BSD, lengths_B, trace=True)[2]
    first_BT = inputs.get("first_piece_BT") if network.pieces is not None else None
    return {
        layer: {name: _at_words(value_BSH, first_BT).cpu().numpy() for name, value_BSH in v.items()}
        for layer, v in values.items()
    }


def _at_words(value_BSH: Tensor, first_BT: Tensor | None) -> Tensor:
    if first_BT is None:
        return value_BSH
    return value_BSH.take_along_dim(first_BT[:, :, None], 1)
