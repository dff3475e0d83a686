"""Printed C++ compared with its programs, and the functions of the skeleton.

All functions for a dtype and an instruction set are one file, compiled once.
"""

import ctypes
import gc
from importlib.resources import files

import mpmath
import numpy as np
import pytest
import torch
from shared.cells import PRESETS

from seqtag.cells import Cell
from seqtag.cells.functions import sigmoid
from seqtag.recurrent.compiler.build import INSTRUCTIONS, build
from seqtag.recurrent.compiler.derivative import gradients
from seqtag.recurrent.compiler.graph import as_node, input_node
from seqtag.recurrent.compiler.plan import plan_of
from seqtag.recurrent.compiler.printer import TEMPLATES, print_function, print_kernel

DTYPES = {"float32": np.float32, "float64": np.float64}
HEADS = {
    "float32": "#define S float\n#define SINGLE 1\n",
    "float64": "#define S double\n#define SINGLE 0\n",
}
DRIVER = """
extern "C" void run_{name}(const S* from, S* to, i64 n) {{
  for (i64 k = 0; k < n; k += LANES) {{
    V x[{inputs}], y[{results}];
    for (int j = 0; j < {inputs}; j++) x[j] = load(from + j * n + k, n - k);
    {name}(x, y);
    for (int j = 0; j < {results}; j++) store(to + j * n + k, y[j], n - k);
  }}
}}
"""
PROGRAMS, RESULTS, B = 16, 3, 37
FUNCTIONS = {
    "exp": input_node(0).exp(),
    "tanh": input_node(0).tanh(),
    "sin": input_node(0).sin(),
    "cos": input_node(0).cos(),
    "sqrt": input_node(0).sqrt(),
    "sigmoid": input_node(0).sigmoid(),
    "log_sigmoid": input_node(0).log_sigmoid(),
    "relu": input_node(0).relu(),
    "maximum": input_node(0).maximum(input_node(1)),
    "at_least": input_node(0).at_least(input_node(1)),
    "above": input_node(0).above(input_node(1)),
    "constants": input_node(0) * 0.1
    + as_node(-np.inf).maximum(input_node(1))
    - 1e-30
    + 1e30 * input_node(0),
}


def print_file(dtype, functions):
    """Return a source with a function and its driver for each pair (inputs, results)."""
    skeleton = files("seqtag.recurrent.compiler") / "skeleton"
    parts = [HEADS[dtype], (skeleton / "vector.h").read_text(encoding="utf-8")]
    for name, (inputs, results) in functions.items():
        arguments = {node: f"x[{j}]" for j, node in enumerate(inputs)}
        places = [(f"y[{j}] = {{}}", node) for j, node in enumerate(results)]
        parts.append(print_function(f"INLINE void {name}(const V* x, V* y)", places, arguments))
        parts.append(DRIVER.format(name=name, inputs=len(inputs), results=len(results)))
    return "\n".join(parts)


def call(library, name, inputs, results=1):
    """Run a function of a library on rows of numbers."""
    inputs = np.ascontiguousarray(inputs)
    to = np.empty((results, inputs.shape[1]), inputs.dtype)
    run = getattr(library, f"run_{name}")
    run(
        ctypes.c_void_p(inputs.ctypes.data),
        ctypes.c_void_p(to.ctypes.data),
        ctypes.c_int64(inputs.shape[1]),
    )
    return to


@pytest.fixture(scope="module", params=DTYPES)
def dtype(request):
    return request.param


def capabilities():
    """Return the instruction sets of this processor, by torch's names, and the plain one."""
    best = torch.backends.cpu.get_cpu_capability()
    wider = list(INSTRUCTIONS)
    return ["DEFAULT", *(wider[wider.index(best) :] if best in wider else [])]


@pytest.fixture(scope="module", params=capabilities())
def functions(request, dtype):
    """The functions of the skeleton, compiled for one dtype and one instruction set."""
    inputs = [input_node(0), input_node(1)]
    source = print_file(dtype, {name: (inputs, [node]) for name, node in FUNCTIONS.items()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: request.param)
        library = build(source, f"functions_{dtype}")

    def run(name, first, second=None):
        first = np.asarray(first, DTYPES[dtype])
        second = np.zeros_like(first) if second is None else np.asarray(second, DTYPES[dtype])
        return call(library, name, np.stack([first, second]))[0]

    return run


def test_random_programs_and_their_derivatives(dtype, symbols, run, random_programs, interpret):
    programs = {}
    for seed in range(PROGRAMS):
        results = run(random_programs(seed, 14), symbols)[-RESULTS:]
        arriving = [input_node(("new", j)) for j in range(RESULTS)]
        adjoints = {}
        for node, grad in zip(results, arriving, strict=True):
            adjoints[node] = adjoints[node] + grad if node in adjoints else grad
        programs[f"program_{seed}"] = (
            [*symbols, *arriving],
            [*results, *gradients(adjoints, symbols)],
        )
    library = build(print_file(dtype, programs), f"programs_{dtype}")
    exact = 3e-5 if dtype == "float32" else 1e-11
    draw = np.random.default_rng(0)
    for name, (inputs, results) in programs.items():
        values_in = draw.standard_normal((len(inputs), B)).astype(DTYPES[dtype])
        values = dict(zip(inputs, torch.from_numpy(values_in.astype(np.float64)), strict=True))
        expected = torch.stack(interpret(results, values)).numpy()
        found = call(library, name, values_in, len(results))
        scale = np.maximum(1, np.abs(expected).max(axis=1, keepdims=True))
        assert (np.abs(found - expected) / scale).max() < exact, name


def test_every_operation_is_printed():
    assert {op for op in TEMPLATES if op not in FUNCTIONS} == {
        "add",
        "subtract",
        "multiply",
        "divide",
        "negate",
    }


def test_common_parts_are_printed_once():
    a, b = input_node(0), input_node(1)
    shared = (a * b).tanh()
    results = [("y = {}", shared + shared.exp())]
    text = print_function("void f()", results, {a: "x0", b: "x1"})
    assert text.count("tangent") == 1
    assert text.splitlines()[:3] == ["void f() {", "  V v0 = x0;", "  V v1 = x1;"]
    assert text.splitlines()[-2:] == ["  y = v5;", "}"]


@pytest.mark.parametrize("name", PRESETS)
def test_sources_are_the_same_each_time_and_differ_by_dtype(name):
    plan = plan_of(PRESETS[name])
    assert print_kernel(plan, "float32") == print_kernel(plan, "float32")
    assert print_kernel(plan, "float32") != print_kernel(plan, "float64")


class TwoOrders(Cell):
    """A cell that uses its gates in one of two orders."""

    gates = ("left", "right")
    states = ("h",)

    def __init__(self, reverse):
        self.reverse = reverse

    def step(self, wx, rh, state, unit):
        gates = reversed(self.gates) if self.reverse else self.gates
        first, second = (sigmoid(wx[gate] + rh[gate]) for gate in gates)
        return {"h": (first + second) * state["h"]}


def test_sources_do_not_depend_on_cells_traced_before():
    """Kernels are cached by their source, which fixes the order of sums."""
    source = print_kernel(plan_of(TwoOrders(False)), "float32")
    plan_of.cache_clear()
    gc.collect()
    other = plan_of(TwoOrders(True))  # the same nodes, created in another order
    assert print_kernel(plan_of(TwoOrders(False)), "float32") == source
    assert print_kernel(other, "float32") != source


def exact_values(name, points):
    """Return a function at float64 points, correctly rounded to float64."""
    with mpmath.workdps(40):
        meanings = {
            "exp": mpmath.exp,
            "tanh": mpmath.tanh,
            "sigmoid": lambda v: 1 / (1 + mpmath.exp(-v)),
            "log_sigmoid": lambda v: -mpmath.log1p(mpmath.exp(-v)),
        }
        return np.array([float(meanings[name](mpmath.mpf(float(v)))) for v in points])


# The largest error in units in the last place (ulp): float32 uses polynomials and rational
# functions, float64 the C library.
LARGEST_ERROR = {
    ("exp", "float32"): 2.5,
    ("tanh", "float32"): 6,
    ("sigmoid", "float32"): 4,
    ("log_sigmoid", "float32"): 5,
    ("exp", "float64"): 1,
    ("tanh", "float64"): 2,
    ("sigmoid", "float64"): 3,
    ("log_sigmoid", "float64"): 3,
}
RANGE = {"float32": 86.0, "float64": 700.0}


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "log_sigmoid"])
def test_accuracy(functions, dtype, name):
    """Relative error, over the whole range in which the result is a normal number."""
    draw = np.random.default_rng(1)
    magnitudes = np.exp(draw.uniform(np.log(1e-30), np.log(RANGE[dtype]), 600))
    points = np.concatenate([magnitudes, -magnitudes, np.linspace(-20, 20, 501)]).astype(
        DTYPES[dtype]
    )
    expected = exact_values(name, points)
    ulp = np.spacing(np.abs(expected).astype(DTYPES[dtype])).astype(np.float64)
    worst = np.abs(functions(name, points).astype(np.float64) - expected) / ulp
    assert worst.max() <= LARGEST_ERROR[name, dtype], points[worst.argmax()]


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_accuracy_of_angles(functions, dtype, name):
    """Absolute error; and far outside of it, bounded values."""
    draw = np.random.default_rng(1)
    parts = draw.uniform(-8, 8, 2000), draw.uniform(-1e4, 1e4, 2000), [0.0, 1e-30]
    points = np.concatenate(parts)
    points = points.astype(DTYPES[dtype])
    found = functions(name, points).astype(np.float64)
    error = np.abs(found - getattr(np, name)(points.astype(np.float64)))
    assert error.max() <= (1.2e-7 if dtype == "float32" else 1e-15)
    assert np.abs(functions(name, draw.uniform(-1e30, 1e30, 100))).max() <= 1
    assert np.isnan(functions(name, [np.nan, np.inf, -np.inf])).all()
    if name == "sin":
        np.testing.assert_array_equal(found[-2:], points[-2:])


def test_extreme_arguments(functions, dtype):
    """Infinities, NaN, overflow, underflow and subnormal numbers."""
    inf, nan = np.inf, np.nan
    tiny = np.finfo(DTYPES[dtype]).smallest_subnormal
    points = [-inf, -1e4, -tiny, -0.0, 0.0, tiny, 1e4, inf, nan]
    expected = {
        "exp": [0, 0, 1, 1, 1, 1, inf, inf, nan],
        "tanh": [-1, -1, -tiny, 0, 0, tiny, 1, 1, nan],
        "sigmoid": [0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1, nan],
        "relu": [0, 0, 0, 0, 0, tiny, 1e4, inf, nan],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(functions(name, points), np.array(values, DTYPES[dtype]))
    half = np.log(DTYPES[dtype](0.5))
    np.testing.assert_array_equal(functions("sqrt", [0.0, 4.0, inf]), [0, 2, inf])
    found = functions("log_sigmoid", points)
    np.testing.assert_allclose(found, [-inf, -1e4, half, half, half, half, 0, 0, nan], rtol=3e-7)


def test_subnormal_results(functions, dtype):
    """exp has subnormal results before it becomes 0."""
    points = np.linspace(-103.9, -87, 200) if dtype == "float32" else np.linspace(-745, -708, 200)
    points = points.astype(DTYPES[dtype])
    step = np.finfo(DTYPES[dtype]).smallest_subnormal
    expected = exact_values("exp", points)
    error = np.abs(functions("exp", points).astype(np.float64) - expected)
    assert (error <= 1.5 * float(step) + 2 * expected * np.finfo(DTYPES[dtype]).eps).all()


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_bounded_and_monotonic(functions, dtype, name):
    lowest = {"tanh": -1, "sigmoid": 0}[name]
    points = np.linspace(-120, 120, 20011).astype(DTYPES[dtype])
    points = np.sort(np.concatenate([points, points / 12]))
    values = functions(name, points)
    assert values.min() >= lowest
    assert values.max() <= 1
    assert values[0] == pytest.approx(lowest, abs=1e-30)
    assert values[-1] == 1
    # Monotonic, within the errors of two neighbours.
    slack = 2 * LARGEST_ERROR[name, dtype] * np.spacing(np.abs(values[1:]))
    assert (np.diff(values) >= -slack).all()


def test_comparisons(functions, dtype):
    nan, inf = np.nan, np.inf
    first = [1, 2, 3, nan, 1, nan, -inf, inf, 0]
    second = [2, 2, 2, 1, nan, nan, 1, 1, -0.0]
    np.testing.assert_array_equal(
        functions("maximum", first, second), [2, 2, 3, nan, nan, nan, 1, inf, 0]
    )
    np.testing.assert_array_equal(functions("at_least", first, second), [0, 1, 1, 0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(functions("above", first, second), [0, 0, 1, 0, 0, 0, 0, 1, 0])


def test_constants(functions, dtype):
    a, b = np.float64([1, -2, 0.5]), np.float64([3, -4, -0.5])
    expected = a * 0.1 + b - 1e-30 + 1e30 * a
    rtol = 1e-6 if dtype == "float32" else 1e-15
    np.testing.assert_allclose(functions("constants", a, b), expected, rtol=rtol)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 15, 16, 17, 33])
def test_inputs_that_do_not_fill_registers(functions, dtype, count):
    values = np.arange(count) - count / 2
    np.testing.assert_array_equal(functions("relu", values), np.maximum(values, 0))
