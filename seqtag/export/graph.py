"""`Graph`: builds an ONNX graph from calls of operators.

Values are named by strings, as in ONNX. The graphs of loops (`Scan`, `If`) may use every value of
the graph around them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from seqtag.errors import InputError

# The newest operator is LayerNormalization of version 17; later versions need a newer runtime.
OPSET, IR_VERSION = 17, 8
MICROSOFT = "com.microsoft"
# Protocol buffers cannot be larger.
_MOST_BYTES = 2**31 - 1

FLOAT, DOUBLE, INT64, BOOL = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.BOOL,
)
INT32 = TensorProto.INT32


class Graph:
    """An ONNX graph under construction.

        graph = Graph()
        y = graph.op("Add", "x", graph.constant(np.float32(1)))

    Args:
        outer: the graph around this one; None for the main graph.
    """

    def __init__(self, outer: Graph | None = None) -> None:
        self._outer = outer
        self._nodes: list[onnx.NodeProto] = []
        main = self if outer is None else outer._main
        self._main: Graph = main
        if main is self:
            self._numbers: Iterator[int] = count()
            self._constants: dict[Any, str] = {}
            self._initializers: list[onnx.TensorProto] = []
            self._domains = {""}
            self._bytes = 0

    def op(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operator with one output, and return the name of the output."""
        (output,) = self.ops(operator, *inputs, outputs=1, domain=domain, **attributes)
        return output

    def ops(
        self, operator: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add an operator, and return the names of its outputs; an input "" is left out."""
        names = [self.new_name(operator) for _ in range(outputs)]
        self._nodes.append(
            helper.make_node(operator, inputs, names, name=names[0], domain=domain, **attributes)
        )
        self._main._domains.add(domain)
        return names

    def computes(self, name: str) -> bool:
        """Return whether a value is the output of an operator of this graph itself."""
        return any(name in node.output for node in self._nodes)

    def rename(self, output: str, name: str) -> None:
        """Give the output of an operator that no other operator reads another name."""
        for node in self._nodes:
            node.output[:] = [name if value == output else value for value in node.output]

    def new_name(self, hint: str) -> str:
        """Return a name that no other value of the model has."""
        return f"{hint.lower()}_{next(self._main._numbers)}"

    def constant(self, value: Any, dtype: Any = None) -> str:
        """Return the name of a constant; equal constants are stored once."""
        array = np.array(value, dtype, order="C")
        main = self._main
        key = (array.dtype.str, array.shape, hashlib.sha256(array).digest())
        if key not in main._constants:
            main._bytes += array.nbytes
            if main._bytes > _MOST_BYTES:
                raise InputError("the weights exceed 2 GiB, the limit of an ONNX file")
            main._constants[key] = name = self.new_name("constant")
            main._initializers.append(numpy_helper.from_array(array, name))
        return main._constants[key]

    def default(self, name: str, value: np.ndarray) -> int:
        """Give an input of the main graph a value for callers that give none; return its type."""
        self._main._initializers.append(numpy_helper.from_array(value, name))
        return helper.np_dtype_to_tensor_dtype(value.dtype)

    def ints(self, *values: int) -> str:
        """Return the name of a constant vector of int64."""
        return self.constant(np.array(values, np.int64))

    def scan(
        self,
        body: Graph,
        states: Mapping[str, tuple[str, str]],
        sequences: Mapping[str, str],
        results: Sequence[str],
        reverse: bool = False,
    ) -> list[str]:
        """Run a body over the first axis of sequences; return final states, then results.

        Args:
            body: the graph of one step, created with `Graph(outer)`.
            states: the name in the body of each previous state: its new value in the body, and its
                initial value in this graph.
            sequences: by the name in the body of one element: the sequence in this graph.
            results: values of the body to collect.
            reverse: begin at the last element; results keep the order of the sequences.
        """
        news, starts = zip(*states.values(), strict=True) if states else ((), ())
        produced: list[str] = []
        for name in (*news, *results):
            # An output must be computed in the body, and differ from other outputs.
            copied = name in produced or not body.computes(name)
            produced.append(body.op("Identity", name) if copied else name)
        inner = body.build("body", dict.fromkeys((*states, *sequences)), dict.fromkeys(produced))
        directions = {}
        if reverse:
            directions = {
                "scan_input_directions": [1] * len(sequences),
                "scan_output_directions": [1] * len(results),
            }
        return self.ops(
            "Scan",
            *starts,
            *sequences.values(),
            outputs=len(produced),
            body=inner,
            num_scan_inputs=len(sequences),
            **directions,
        )

    def choose(self, condition: str, then: tuple[Graph, str], other: tuple[Graph, str]) -> str:
        """Return the value of one of two graphs by a condition; only that graph is run."""
        branches = {
            name: graph.build(name, {}, {value: None})
            for name, (graph, value) in (("then_branch", then), ("else_branch", other))
        }
        return self.op("If", condition, **branches)

    def build(
        self, name: str, inputs: Mapping[str, Form | None], outputs: Mapping[str, Form | None]
    ) -> onnx.GraphProto:
        """Return the finished graph; None is the form of a value whose form is inferred."""
        initializers = self._initializers if self._outer is None else []
        return helper.make_graph(
            self._nodes,
            name,
            [_described(*item) for item in inputs.items()],
            [_described(*item) for item in outputs.items()],
            initializers,
        )

    def model(
        self, name: str, inputs: Mapping[str, Form], outputs: Mapping[str, Form]
    ) -> onnx.ModelProto:
        """Return the main graph as a checked model."""
        versions = {"": OPSET, MICROSOFT: 1}
        model = helper.make_model(
            self.build(name, inputs, outputs),
            opset_imports=[helper.make_opsetid(d, versions[d]) for d in sorted(self._domains)],
            ir_version=IR_VERSION,
            producer_name="seqtag",
        )
        onnx.checker.check_model(model, full_check=True)
        return model


# Data type, and the size or the name of each dimension.
Form = tuple[int, Sequence[str | int]]


def _described(name: str, form: Form | None) -> onnx.ValueInfoProto:
    if form is None:
        return helper.make_empty_tensor_value_info(name)
    return helper.make_tensor_value_info(name, *form)
