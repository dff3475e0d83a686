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

_LAST = 2**63 - 1  # as the end of a slice


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
    """Run the convolutions of all widths as sums of rows, one for each position in a window.

    The rows of each position are products of the characters' vectors with the kernels, which the
    runtime computes once, when it loads the graph. Kernels are preceded by zeros up to the greatest
    width k, so that all end at the same position of a window. Padding before a word is character 0.
    Padding after it is character V, whose row is -inf at the position where a kernel begins: so
    windows of only padding are ignored.
    """
    widths = [convolution.weight.shape[2] for convolution in module.convolutions]
    most = max(widths)
    kernels_CkF = np.concatenate(
        [
            np.pad(as_array(c.weight), ((0, 0), (0, 0), (most - width, 0))).transpose(1, 2, 0)
            for c, width in zip(module.convolutions, widths, strict=True)
        ],
        axis=2,
    )
    begins_F = most - np.repeat(widths, [len(c.bias) for c in module.convolutions])
    begins_kF = np.where(begins_F == np.arange(most)[:, None], -np.inf, 0.0)
    vectors_VC = store.stored(graph, as_array(module.embedding.weight))
    tables = _tables(graph, vectors_VC, kernels_CkF, begins_kF)
    around_UX = _padded(graph, module, characters_UW, lengths_U, most - 1)
    scores_UPF = ""
    for position, table_VF in enumerate(tables):
        # The characters at this position of all windows.
        ends = graph.ints(position + 1 - most or _LAST)
        ids_UP = graph.op("Slice", around_UX, graph.ints(position), ends, graph.ints(1))
        rows_UPF = graph.op("Gather", table_VF, ids_UP)
        scores_UPF = graph.op("Add", scores_UPF, rows_UPF) if scores_UPF else rows_UPF
    best_UF = graph.op("ReduceMax", scores_UPF, axes=[1], keepdims=0)
    bias_F = np.concatenate([as_array(c.bias) for c in module.convolutions])
    return graph.op("Add", best_UF, graph.constant(bias_F))


def _tables(
    graph: Graph, vectors_VC: str, kernels_CkF: np.ndarray, begins_kF: np.ndarray
) -> list[str]:
    """Return what each character adds to each filter (V + 1, F) by its position in a window."""
    size, width, _ = kernels_CkF.shape
    kernels = graph.constant(kernels_CkF.reshape(size, -1))
    rows = graph.op("MatMul", vectors_VC, kernels)
    padding = graph.op("Gather", rows, graph.ints(0))
    after = graph.op("Add", padding, graph.constant(begins_kF.reshape(1, -1), np.float32))
    return graph.ops("Split", graph.op("Concat", rows, after, axis=0), outputs=width, axis=1)


def _padded(
    graph: Graph, module: CharacterCNN, characters_UW: str, lengths_U: str, steps: int
) -> str:
    """Return the characters with padding on both sides (U, X); a word has at least one."""
    zero, one = graph.constant(np.int64(0)), graph.constant(np.int64(1))
    time = graph.op("Squeeze", graph.op("Shape", characters_UW, start=1))
    w_W = graph.op("Range", zero, time, one)
    lengths_U1 = graph.op("Unsqueeze", graph.op("Max", lengths_U, one), graph.ints(1))
    after = graph.constant(np.int64(module.embedding.num_embeddings))
    ids_UW = graph.op("Where", graph.op("Less", w_W, lengths_U1), characters_UW, after)
    ids_UX = graph.op("Pad", ids_UW, graph.ints(0, steps, 0, 0), zero)
    return graph.op("Pad", ids_UX, graph.ints(0, 0, 0, steps), after)
