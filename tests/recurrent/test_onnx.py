"""Comparison with ONNX Runtime's LSTM operator: peepholes, coupled gates, lengths, directions.

B batch, T time, D features in, H hidden units, N directions. The operator is float32; the
engines run in float64 on the same numbers.
"""

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, checker, helper, numpy_helper

from seqtag.cells import Lstm
from seqtag.recurrent import Recurrent

B, T, D, H = 5, 6, 3, 4
LENGTHS = (6, 1, 4, 2, 6)
ORDER = ("i", "o", "f", "z")  # the operator's name of z is c
PEEPHOLES = ("i", "o", "f")
CELLS = {
    "plain": Lstm(),
    "peepholes": Lstm(peepholes=("i", "f", "o")),
    "coupled_forget_gate": Lstm(peepholes=("i", "o"), forget_gate="coupled"),
    "coupled_input_gate": Lstm(input_gate="coupled"),
}


def by_gate(tensor, names):
    blocks = tensor.detach().numpy().astype(np.float32)
    return dict(zip(names, np.split(blocks, len(names)), strict=True))


def gates_of(cell, direction):
    """Return W, R, b and p of one direction by gate, in the form of the operator.

    With coupled gates the operator computes f = 1 - i and ignores the weights of f. For a cell with
    i = 1 - f, i is the sigmoid of the negative pre-activation of f.
    """
    weights = [direction.weight_input, direction.weight_recurrent, direction.bias]
    blocks = [by_gate(weight, cell.gates) for weight in weights]
    for block in blocks:
        if "i" not in block:
            block["i"] = -block["f"]
        # Weights that the operator ignores: reading them would change the result.
        block["f"] = block["f"] if "f" in cell.gates and "i" in cell.gates else 7 + block["i"]
    vectors = {
        k: getattr(direction, f"peephole_{k}").detach().numpy().astype(np.float32)
        if k in cell.peepholes
        else np.zeros(H, np.float32)
        for k in PEEPHOLES
    }
    return (*blocks, vectors)


def operator(layer):
    """Return a session with one LSTM node with the weights of a layer."""
    cell = layer.cell
    weights = [gates_of(cell, layer.layers[0][direction]) for direction in layer.directions]
    w_NGD, r_NGH, b_NG, p_NP = (
        np.stack(
            [
                np.concatenate([weights_of_direction[part][k] for k in order])
                for weights_of_direction in weights
            ]
        )
        for part, order in enumerate((ORDER, ORDER, ORDER, PEEPHOLES))
    )
    b_NG = np.concatenate([b_NG, np.zeros_like(b_NG)], axis=1)  # the operator has two biases
    node = helper.make_node(
        "LSTM",
        ["x", "W", "R", "B", "lengths", "h", "c", "P"],
        ["y", "end_h", "end_c"],
        hidden_size=H,
        direction="bidirectional" if layer.bidirectional else "forward",
        input_forget=int("coupled" in (cell.input_gate, cell.forget_gate)),
    )
    number, integer, directions = TensorProto.FLOAT, TensorProto.INT32, len(layer.directions)
    state = [directions, B, H]
    inputs = {"x": (number, [T, B, D]), "lengths": (integer, [B]), "h": (number, state)}
    inputs["c"] = (number, state)
    outputs = {"y": [T, directions, B, H], "end_h": state, "end_c": state}
    arrays = {"W": w_NGD, "R": r_NGH, "B": b_NG, "P": p_NP}
    graph = helper.make_graph(
        [node],
        "one_lstm",
        [helper.make_tensor_value_info(name, *form) for name, form in inputs.items()],
        [helper.make_tensor_value_info(name, number, form) for name, form in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("engine", ["cpu", "reference"])
@pytest.mark.parametrize("name", CELLS)
def test_equals_the_operator(name, engine, bidirectional):
    layer = Recurrent(CELLS[name], D, H, bidirectional=bidirectional, engine=engine)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-1, 1)
    session = operator(layer)
    layer = layer.double()
    directions = len(layer.directions)
    x_BTD, h, c = torch.randn(B, T, D), torch.randn(directions, B, H), torch.randn(directions, B, H)
    for lengths in ((T,) * B, LENGTHS):
        for start in ((h, c), (torch.zeros_like(h), torch.zeros_like(c))):
            arrays = {
                "x": x_BTD.transpose(0, 1).numpy(),
                "lengths": np.array(lengths, np.int32),
                "h": start[0].numpy(),
                "c": start[1].numpy(),
            }
            y_TNBH, *expected = (torch.from_numpy(part) for part in session.run(None, arrays))
            y_BTH, ends = layer(
                x_BTD.double(), torch.tensor(lengths), tuple(part.double() for part in start)
            )
            expected_y = y_TNBH.permute(2, 0, 1, 3).flatten(2)
            torch.testing.assert_close(y_BTH.float(), expected_y, rtol=1e-5, atol=2e-6)
            for end, expected_end in zip(ends, expected, strict=True):
                torch.testing.assert_close(end.float(), expected_end, rtol=1e-5, atol=2e-6)
