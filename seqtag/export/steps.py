"""The lengths of sequences as values of the graph, and what follows from them.

Legend: B batch, T time, D features.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seqtag.export.graph import INT32, Graph


class Steps(NamedTuple):
    """The lengths of sequences in the forms that layers and decoders need.

    lengths_B, short_lengths_B: numbers of steps, int64 and int32.
    inside_TB1: whether a step is before the end.
    goes_on_TB1: whether the next step is before the end.
    is_first_T: whether a step is the first one.
    """

    lengths_B: str
    short_lengths_B: str
    inside_TB1: str
    goes_on_TB1: str
    is_first_T: str

    @classmethod
    def of(cls, graph: Graph, lengths_B: str, x_TBD: str) -> Steps:
        """Return the steps of sequences x with these lengths (int64)."""
        zero, one = graph.constant(np.int64(0)), graph.constant(np.int64(1))
        time = graph.op("Squeeze", graph.op("Shape", x_TBD, start=0, end=1))
        t_T = graph.op("Range", zero, time, one)
        t_T11 = graph.op("Unsqueeze", t_T, graph.ints(1, 2))
        lengths_B1 = graph.op("Unsqueeze", lengths_B, graph.ints(1))
        return cls(
            lengths_B,
            graph.op("Cast", lengths_B, to=INT32),
            graph.op("Less", t_T11, lengths_B1),
            graph.op("Less", t_T11, graph.op("Sub", lengths_B1, one)),
            graph.op("Equal", t_T, zero),
        )


def reverse(graph: Graph, x_TBD: str, steps: Steps) -> str:
    """Return sequences reversed within their lengths; what follows the end stays in place."""
    return graph.op("ReverseSequence", x_TBD, steps.lengths_B, time_axis=0, batch_axis=1)
