"""Inputs of an exported graph: arrays of the indexer, and values that may be left out.

Legend: U words of `characters`, V words spelled before, F features of a word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from seqtag.export.graph import FLOAT, INT64, Form, Graph

SPELLINGS, KNOWN_SPELLINGS = "spellings", "known_spellings"


class Inputs:
    """The inputs of a graph, which grow with each array that is asked for.

        inputs("words_BT")  # "words"

    Attributes:
        forms: the form of each input.
        arrays: by the name of an input, the array of the indexer that it takes.
        outputs: the form of each output that an input of the word has.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.forms: dict[str, Form] = {}
        self.arrays: dict[str, str] = {}
        self.outputs: dict[str, Form] = {}

    def __call__(self, array: str) -> str:
        """Return the name of the input that takes an array."""
        name, shape = array, "BT"
        if not array.startswith("feature."):
            name, shape = re.fullmatch(r"(.+)_([A-Z]+)", array).groups()
        self.forms[name] = (INT64, [*shape])
        self.arrays[name] = array
        return name

    def optional(self, name: str, value: np.ndarray, shape: Sequence[str | int]) -> str:
        """Return the name of an input that may be left out, and has this value then."""
        dtype = self._graph.default(name, value)
        self.forms[name] = (dtype, shape)
        return name

    def with_known(self, spelled_UF: str, size: int) -> str:
        """Return the vectors of words followed by those of an optional input: (U + V, F).

        So a caller can keep the vectors of words (the output ``spellings``), pass them as
        ``known_spellings``, and leave these words out of ``characters``, but for one: recurrent
        layers of ONNX Runtime crash on a batch of 0.
        """
        self._graph.rename(spelled_UF, SPELLINGS)
        self.outputs[SPELLINGS] = (FLOAT, ["U", size])
        empty = np.zeros((0, size), np.float32)
        known_VF = self.optional(KNOWN_SPELLINGS, empty, ["V", size])
        return self._graph.op("Concat", SPELLINGS, known_VF, axis=0)
