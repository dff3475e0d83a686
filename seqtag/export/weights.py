"""How weights are stored in the graph and multiplied: in float32, or quantised to int8.

Legend: D features in, G features out, R rows of a table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from seqtag.export.graph import FLOAT, Graph

# With activations of 8 bits (unsigned), the sum of two products of weights up to 64 fits into 16
# bits. Instructions of processors without VNNI add pairs in 16 bits, and saturate.
PRODUCT_LIMIT = 64
TABLE_LIMIT = 127


class Weights(ABC):
    """A way to store matrices."""

    quantised: bool

    @abstractmethod
    def product(self, graph: Graph, x: str, matrix_DG: np.ndarray) -> str:
        """Return x times a matrix, or stacked matrices."""

    @abstractmethod
    def rows(self, graph: Graph, table_RD: np.ndarray, ids: str) -> str:
        """Return the rows of a table that the ids select."""

    @abstractmethod
    def stored(self, graph: Graph, matrix_GD: np.ndarray) -> str:
        """Return a matrix, or stacked matrices, as a value of the graph."""


class Float32(Weights):
    """Weights in float32."""

    quantised = False

    def product(self, graph: Graph, x: str, matrix_DG: np.ndarray) -> str:
        """Return x times a matrix, or stacked matrices."""
        return graph.op("MatMul", x, graph.constant(matrix_DG, np.float32))

    def rows(self, graph: Graph, table_RD: np.ndarray, ids: str) -> str:
        """Return the rows of a table that the ids select."""
        return graph.op("Gather", graph.constant(table_RD, np.float32), ids)

    def stored(self, graph: Graph, matrix_GD: np.ndarray) -> str:
        """Return a matrix, or stacked matrices, as a value of the graph."""
        return graph.constant(matrix_GD, np.float32)


class Int8(Weights):
    """Weights in int8, with a scale for each row of a table and each column of a product.

    Quantisation is dynamic: the range of the other factor is measured when the graph runs.
    """

    quantised = True

    def product(self, graph: Graph, x: str, matrix_DG: np.ndarray) -> str:
        """Return x times a matrix, or stacked matrices; x is quantised as a whole."""
        numbers_DG, scale_1G = quantise(matrix_DG, -2, PRODUCT_LIMIT)
        q, scale, zero = graph.ops("DynamicQuantizeLinear", x, outputs=3)
        y = graph.op("MatMulInteger", q, graph.constant(numbers_DG), zero)
        scale_1G = graph.op("Mul", scale, graph.constant(scale_1G))
        return graph.op("Mul", graph.op("Cast", y, to=FLOAT), scale_1G)

    def rows(self, graph: Graph, table_RD: np.ndarray, ids: str) -> str:
        """Return the rows of a table that the ids select."""
        numbers_RD, scale_R1 = quantise(table_RD, -1, TABLE_LIMIT)
        rows = graph.op("Cast", graph.op("Gather", graph.constant(numbers_RD), ids), to=FLOAT)
        return graph.op("Mul", rows, graph.op("Gather", graph.constant(scale_R1), ids))

    def stored(self, graph: Graph, matrix_GD: np.ndarray) -> str:
        """Return a matrix, or stacked matrices, restored to float32 when the graph is loaded."""
        numbers_GD, scale_G1 = quantise(matrix_GD, -1, TABLE_LIMIT)
        numbers_GD = graph.op("Cast", graph.constant(numbers_GD), to=FLOAT)
        return graph.op("Mul", numbers_GD, graph.constant(scale_G1))


def quantise(matrix: np.ndarray, axis: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return int8 numbers and float32 scales, whose product is about the matrix.

    Args:
        matrix: the numbers.
        axis: the axis along which all numbers have the same scale; its size becomes 1.
        most: the largest absolute value of a number.
    """
    scale = np.abs(matrix).max(axis=axis, keepdims=True) / most
    scale = np.where(scale == 0, 1.0, scale).astype(np.float32)
    return np.rint(matrix / scale).astype(np.int8), scale
