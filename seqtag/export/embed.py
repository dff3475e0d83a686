"""Exports the inputs of a word: from arrays of ids to vectors.

Legend: B sentences, T words, U distinct words, W characters of the longest one, P windows of a
word, C size of a character's vector, F features of a word, k characters of a window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from seqtag.errors import InputError
from seqtag.export.graph import INT64, Graph
from seqtag.export.inputs import Inputs
from seqtag.export.recurrent import as_array, run_layers
from seqtag.export.steps import Steps
from seqtag.export.weights import Weights
from seqtag.inputs import Input, PieceInput, WordInput
from seqtag.inputs.characters import Characters
from seqtag.inputs.features import Features
from seqtag.inputs.gazetteers import Gazetteers
from seqtag.inputs.modules.characters import CharacterCNN
from seqtag.inputs.modules.words import WordEmbedding
from seqtag.inputs.vocabulary import Vocabulary


def print_input(
    graph: Graph, store: Weights, kind: type[Input], module: Any, arrays: Inputs
) -> str:
    """Return the vectors (B, T, F) of an input; (B, S, F) of an input of pieces.

    Raises:
        InputError: for an input of an installed package that has a module or a method `vectors` of
            its own.
    """
    if kind is Characters:
        return _characters(graph, store, module, arrays)
    if kind is Features:
        columns = module._columns.items()
        parts = [
            store.rows(graph, as_array(module[name].weight), arrays(f"feature.{column}"))
            for column, name in columns
        ]
        return graph.op("Concat", *parts, axis=2)
    if kind is Gazetteers:
        rows = store.rows(graph, as_array(module.weight), arrays("gazetteers_BTG"))
        return graph.op("Reshape", rows, graph.ints(0, 0, -1))
    is_pieces = issubclass(kind, PieceInput)
    looked_up = (PieceInput if is_pieces else WordInput).vectors.__func__
    if getattr(kind.vectors, "__func__", None) is looked_up:
        ids = arrays("pieces_BS" if is_pieces else f"{kind.name}_BT")
        if type(module) is WordEmbedding:
            return _words(graph, store, module, ids)
        if type(module) is nn.Embedding:
            return store.rows(graph, as_array(module.weight), ids)
    raise InputError(
        f"the input {kind.name!r} cannot be exported: its vectors are not rows of an nn.Embedding"
    )


def _words(graph: Graph, store: Weights, module: WordEmbedding, words_BT: str) -> str:
    table_RD = as_array(module.weight)
    if module.fixed is not None:
        # A word has its fixed vector unless that is zero.
        fixed_RD = as_array(module.fixed)
        trained_RD = np.tile(table_RD[Vocabulary.UNKNOWN], (len(fixed_RD), 1))
        trained_RD[: len(table_RD)] = table_RD
        table_RD = np.where(fixed_RD.any(axis=1, keepdims=True), fixed_RD, trained_RD)
    return store.rows(graph, table_RD, words_BT)


def _characters(graph: Graph, store: Weights, module: Any, arrays: Inputs) -> str:
    characters_UW = arrays("characters_UW")
    is_character = graph.op("Not", graph.op("Equal", characters_UW, graph.constant(np.int64(0))))
    lengths_U = graph.op(
        "ReduceSum", graph.op("Cast", is_character, to=INT64), graph.ints(1), keepdims=0
    )
    run = _convolutions if isinstance(module, CharacterCNN) else _character_layer
    spelled_UF = run(graph, store, module, characters_UW, lengths_U)
    if not store.quantised or run is _convolutions:
        # Quantised layers measure the range of all words, so a vector depends on other words.
        spelled_UF = arrays.with_known(spelled_UF, module.output_size)
    return graph.op("Gather", spelled_UF, arrays("spelling_BT"))


def _character_layer(
    graph: Graph, store: Weights, module: Any, characters_UW: str, lengths_U: str
) -> str:
    x_UWC = store.rows(graph, as_array(module.embedding.weight), characters_UW)
    x_WUC = graph.op("Transpose", x_UWC, perm=[1, 0, 2])
    steps = Steps.of(graph, lengths_U, x_WUC)
    final_NUH = run_layers(graph, store, module.encoder, x_WUC, steps).final
    final_UNH = graph.op("Transpose", final_NUH, perm=[1, 0, 2])
    return graph.op("Reshape", final_UNH, graph.ints(0, -1))


def _convolutions(
    graph: Graph, store: Weights, module: CharacterCNN, characters_UW: str, lengths_U: str
) -> str:
    """Run the convolutions of all widths as one of the greatest width.

    Kernels are preceded by zeros, so that the last window with a character of a word has the same
    number for all kernels of a width.
    """
    widths = [convolution.weight.shape[2] for convolution in module.convolutions]
    widest = max(widths)
    kernels_FCk = np.concatenate(
        [
            np.pad(as_array(c.weight), ((0, 0), (0, 0), (widest - width, 0)))
            for c, width in zip(module.convolutions, widths, strict=True)
        ]
    )
    bias_F = np.concatenate([as_array(c.bias) for c in module.convolutions])
    around_UX = graph.op("Pad", characters_UW, graph.ints(0, widest - 1, 0, widest - 1))
    x_UXC = store.rows(graph, as_array(module.embedding.weight), around_UX)
    x_UCX = graph.op("Transpose", x_UXC, perm=[0, 2, 1])
    scores_UFP = graph.op("Conv", x_UCX, graph.constant(kernels_FCk), graph.constant(bias_F))
    # Windows of only padding are ignored: the vector of padding may differ from zero.
    lengths_U11 = graph.op("Unsqueeze", lengths_U, graph.ints(1, 2))
    lengths_U11 = graph.op("Max", lengths_U11, graph.constant(np.int64(1)))
    counts_F = np.repeat(widths, [len(c.bias) for c in module.convolutions]) - 1
    windows_UF1 = graph.op("Add", lengths_U11, graph.constant(counts_F[:, None], np.int64))
    count = graph.op("Squeeze", graph.op("Gather", graph.op("Shape", scores_UFP), graph.ints(2)))
    p_P = graph.op("Range", graph.constant(np.int64(0)), count, graph.constant(np.int64(1)))
    least = graph.constant(np.float32(-np.inf))
    scores_UFP = graph.op("Where", graph.op("Less", p_P, windows_UF1), scores_UFP, least)
    return graph.op("ReduceMax", scores_UFP, axes=[2], keepdims=0)
