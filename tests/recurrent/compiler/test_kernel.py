"""Compiled kernels: instruction sets, threads, forks, and failures to compile.

B batch, T time, D features in, H hidden units.
"""

import logging
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from seqtag.cells import Cell, Lstm, Rnn
from seqtag.recurrent import Recurrent
from seqtag.recurrent.compiler import build as building
from seqtag.recurrent.compiler import kernel as kernels
from seqtag.recurrent.compiler.build import BuildError
from seqtag.recurrent.compiler.kernel import Kernel, kernel_of
from seqtag.recurrent.engines import cpu
from seqtag.recurrent.engines import registry as engines

B, T, D, H = 13, 24, 16, 33  # enough work for several threads; no size fills registers
LENGTHS = torch.arange(B) * 2
CELLS = {"lstm": Lstm(), "rnn": Rnn()}
forks = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def results_of(layer, x, lengths=LENGTHS):
    """Return all results and gradients, and those that do not depend on the order of sums."""
    x = x.detach().clone().requires_grad_()
    y, end = layer(x, lengths)
    ends = torch.cat(tuple(end) if isinstance(end, tuple) else (end,))
    inputs = (x, *layer.parameters())
    grads = torch.autograd.grad(y.square().sum() + ends.pow(3).sum(), inputs)
    return [y.detach(), ends.detach(), *grads], [y.detach(), ends.detach(), grads[0]]


@pytest.fixture(scope="module")
def layer():
    torch.manual_seed(0)
    return Recurrent(Lstm(), D, H, 2, True, engine="cpu")


@pytest.fixture(scope="module")
def x():
    return torch.randn(B, T, D, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def expected(layer, x):
    return results_of(layer, x)


def test_one_kernel_per_cell_and_dtype():
    kernel = kernel_of(Lstm(), "float32")
    assert kernel_of(Lstm(), "float32") is kernel
    assert kernel_of(Lstm(forget_bias=3.0), "float32").width == kernel.width
    assert [kernel.padded(n) for n in (1, kernel.width, kernel.width + 1)] == [
        kernel.width,
        kernel.width,
        2 * kernel.width,
    ]


def narrower_sets():
    """Return an instruction set, a cell and a dtype, for instruction sets below the best one."""
    best = torch.backends.cpu.get_cpu_capability()
    double = pytest.param("DEFAULT", "rnn", torch.float64, marks=pytest.mark.slow)
    plain = [("DEFAULT", "lstm", torch.float32), double]
    return [*([("AVX2", "lstm", torch.float32)] if best == "AVX512" else []), *plain]


@pytest.mark.parametrize(("instructions", "name", "dtype"), narrower_sets())
def test_instruction_sets_give_the_same_numbers(instructions, name, dtype, monkeypatch):
    """Also for more rows than the gradient of a weight sums at a time."""
    layer = Recurrent(CELLS[name], D, H, 1, True, engine="cpu").to(dtype)
    x, lengths = torch.randn(40, T, D, dtype=dtype), torch.arange(40) % (T + 1)
    expected, _ = results_of(layer, x, lengths)
    with monkeypatch.context() as patch:
        patch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: instructions)
        kernel = Kernel(layer.cell, str(dtype).removeprefix("torch."))
    assert kernel.width <= kernel_of(layer.cell, str(dtype).removeprefix("torch.")).width
    monkeypatch.setattr(cpu, "kernel_of", lambda *_: kernel)
    found, _ = results_of(layer, x, lengths)
    exact = 1e-11 if dtype == torch.float64 else 3e-5
    torch.testing.assert_close(found, expected, rtol=exact, atol=exact)


@pytest.mark.parametrize("own_threads", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 3, 5, 64])
def test_any_number_of_threads(layer, x, expected, threads, own_threads, set_threads, monkeypatch):
    """Bitwise, except gradients of weights, which are summed in another order."""
    if own_threads:
        monkeypatch.setattr(kernels, "_find_team_address", lambda: None)
    set_threads(threads)
    found = results_of(layer, x)
    torch.testing.assert_close(found[0], expected[0], rtol=1e-4, atol=1e-5)
    assert all(torch.equal(a, b) for a, b in zip(found[1], expected[1], strict=True))


@pytest.mark.parametrize("threads", [1, 2])
def test_calls_from_several_threads_at_once(layer, x, expected, threads, set_threads):
    set_threads(threads)
    start = threading.Barrier(4)

    def run(_):
        set_threads(threads)  # the setting is per thread
        start.wait()
        return [results_of(layer, x) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(run, range(4)):
            for found in results:
                torch.testing.assert_close(found[0], expected[0], rtol=1e-4, atol=1e-5)
                assert all(torch.equal(a, b) for a, b in zip(found[1], expected[1], strict=True))


def wait_for(child, seconds=60):
    """Return the exit code of a child process, which is killed if it hangs."""
    alarm = threading.Timer(seconds, os.kill, (child, 9))
    alarm.start()
    _, status = os.waitpid(child, 0)
    alarm.cancel()
    return os.waitstatus_to_exitcode(status)


@forks
@pytest.mark.parametrize("threads", [1, 3])
def test_in_a_forked_child(layer, x, expected, threads, set_threads):
    """A forked child has no threads of its parent, but the data of their team."""
    set_threads(threads)
    results_of(layer, x)  # the parent has used its team
    with torch.no_grad():
        here = layer(x, LENGTHS)[0]
    child = os.fork()
    if child == 0:  # no exception may reach pytest in the child
        code = 1
        try:
            with torch.no_grad():
                code = 0 if torch.equal(layer(x, LENGTHS)[0], here) else 2
        finally:
            os._exit(code)
    assert wait_for(child) == 0
    assert torch.equal(results_of(layer, x)[1][0], expected[1][0])  # the parent still works


def _put_results(layer, x, queue):
    queue.put([g.tolist() for g in results_of(layer, x)[1]])


@forks
def test_a_forked_process_differentiates(layer, x, expected, set_threads):
    set_threads(2)
    results_of(layer, x)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_put_results, args=(layer, x, queue), daemon=True)
    process.start()
    found = [torch.tensor(values) for values in queue.get(timeout=60)]
    process.join()
    assert all(torch.equal(a, b) for a, b in zip(found, expected[1], strict=True))


class Encoded(Dataset):
    def __init__(self, layer, x):
        self.layer, self.x = layer, x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, row):
        with torch.no_grad():
            return self.layer(self.x[row : row + 1], LENGTHS[row : row + 1])[0][0]


@forks
def test_in_data_loader_workers(layer, x, expected, set_threads):
    set_threads(2)
    results_of(layer, x)
    loader = DataLoader(
        Encoded(layer, x), batch_size=4, num_workers=2, multiprocessing_context="fork", timeout=60
    )
    torch.testing.assert_close(torch.cat(list(loader)), expected[0][0], rtol=1e-5, atol=1e-6)


class Halved(Cell):
    """A cell that only one test uses, so that its kernel is not cached."""

    gates = ("a",)
    states = ("h",)

    def __init__(self, share):
        self.share = share

    def step(self, wx, rh, state, unit):
        return {"h": self.share * (wx["a"] + rh["a"])}


@pytest.fixture
def _clear_caches():
    caches = (building.compiler, building._version, building.private_folder, engines._log_choice)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("_clear_caches")
@pytest.mark.parametrize("compiler", ["/bin/false", "/no/such/compiler"])
def test_without_a_working_compiler_another_engine_runs(compiler, x, monkeypatch, caplog):
    """With one warning for all calls."""
    monkeypatch.setenv("CXX", compiler)
    layer = Recurrent(Halved(0.11), D, 4)
    with caplog.at_level(logging.INFO, logger="seqtag"):
        y, _ = layer(x)
        layer(x)[0].sum().backward()
    layer.engine = "reference"
    torch.testing.assert_close(y, layer(x)[0])
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "cpu" in warnings[0]


@pytest.mark.usefixtures("_clear_caches")
def test_a_failed_compilation_is_not_repeated(x, monkeypatch):
    """Compiling takes seconds, and a layer is called thousands of times."""
    calls = []

    def fail(source, name, symbols):
        calls.append(name)
        raise BuildError("no")

    monkeypatch.setattr(kernels, "build", fail)
    layer = Recurrent(Halved(0.12), D, 4)
    for _ in range(5):
        layer(x)
    assert len(calls) == 1


class Undeclared(Cell):
    """A cell whose step runs on tensors only, because of a reduction of torch."""

    untraceable = "softmax of torch"

    gates = ("a",)
    states = ("h",)

    def step(self, wx, rh, state, unit):
        return {"h": torch.softmax(wx["a"] + rh["a"], dim=-1)}


def test_a_step_that_cannot_be_traced_runs_on_tensors(x):
    layer = Recurrent(Undeclared(), D, 4)
    y, _ = layer(x)
    torch.testing.assert_close(y.sum(-1), torch.ones(B, T))
