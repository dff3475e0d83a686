"""Fixtures for all tests. Tests use their own cache and never read or fill the user's."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Tensors are tiny here, and tests run one process per core. A second thread would only spin while
# it waits, which makes tests on a busy machine eight times as slow; and a forked child, which lacks
# that thread, would wait forever. Set before torch reads it; programs that tests start inherit it.
os.environ["OMP_NUM_THREADS"] = "1"
# No test looks anything up on the Hugging Face hub; `shared.hub` has a hub of its own.
os.environ["HF_HUB_OFFLINE"] = "1"


# A profile sets the number of examples of property tests: by default a few that are always the
# same; with `scripts/fuzz.py` any number, and different ones each time.
settings.register_profile("default", max_examples=50, deadline=None, derandomize=True)
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("SEQTAG_EXAMPLES", "1000")),
    deadline=None,
    database=None,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser):
    """Add an option for slow tests."""
    parser.addoption(
        "--kills", type=int, default=0, help="kill this many trainings at random and resume them"
    )


def pytest_configure(config):
    """Load the fixtures that tests of several folders share.

    They import torch, which the controller process of pytest-xdist does not need.
    """
    # Triton reads it when any module imports it. On a GPU kernels are compiled.
    os.environ["TRITON_INTERPRET"] = "0" if config.option.markexpr == "gpu" else "1"
    is_controller = config.getoption("tx", None) and not hasattr(config, "workerinput")
    if not is_controller or config.option.collectonly:
        for name in ("shared.browser", "shared.hub", "shared.runs", "shared.taggers"):
            config.pluginmanager.import_plugin(name)


def pytest_collection_modifyitems(config, items):
    """Deselect the random kills without `--kills`; without parameters they would be skipped."""
    if not config.getoption("--kills"):
        items[:] = [item for item in items if item.name.partition("[")[0] != "test_killed_anywhere"]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory, pytestconfig):
    """Set the cache to a temporary folder, also for processes that a test starts.

    Each test process has its own cache, but all share the compiled kernels, also with later runs,
    since compiling takes seconds. This is safe: a kernel's name contains everything that it depends
    on, and kernels are written atomically. `--cache-clear` removes them.
    """
    folder = tmp_path_factory.mktemp("cache")
    kernels = pytestconfig.cache.mkdir("kernels")
    (folder / "kernels").symlink_to(kernels, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQTAG_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def yaml_once():
    """Cache the parsed configuration files: Hydra parses some forty of them for each run."""
    from copy import deepcopy

    import yaml

    load, parsed = yaml.load, {}

    def load_once(stream, Loader):
        text = stream if isinstance(stream, str | bytes) else stream.read()
        key = (text, Loader.__qualname__)
        if key not in parsed:
            if stream is not text:
                stream.seek(0)  # so that error messages name the file
            parsed[key] = load(stream, Loader)
        return deepcopy(parsed[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "load", load_once)
        yield


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a text (as UTF-8) or bytes to a file in tmp_path."""

    def to_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


@pytest.fixture(scope="session")
def judged():
    """Return a function that builds a synthetic `items.parquet` table (see `seqtag.columns`).

    Arguments of that function: `grid` holds the values of each factor, the axis first; `within`
    returns whether given factors are within the training range, and `accuracy` the probability of
    a right answer there. Each combination of factors gets `n` items of `targets` rows each. Other
    keywords set columns. Which answers are right depends on the seed and these columns.
    """
    import zlib
    from itertools import product

    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from seqtag.columns import BASELINES, items_schema

    def make(grid, within, accuracy, n=10, targets=1, splits=("test",), seed=0, **about):
        about = {
            **{"probe": "pronoun", "version": 1, "axis": next(iter(grid)), "unit": "tokens"},
            **{"cell": "lstm", "start": "bias 1", "direction": "both", "layers": 1, "hidden": 32},
            **{"parameters": 8448, "data_seed": 0, "regime": "reach", "lag": None},
            **{"whole": False, "chance": 1 / 3, "seed": seed, **about},
        }
        rng = np.random.default_rng([seed, zlib.crc32(repr(sorted(about.items())).encode())])
        rows = []
        cells = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
        for split, factors in product(splits, cells):
            for _ in range(n):
                number = len(rows) // targets
                misleading = ("congruent", "incongruent")[number % 2]
                for position in range(targets):
                    right = rng.random() < accuracy(factors)
                    rows.append(
                        {
                            **{"split": split, "item": number, "position": position, "length": 9},
                            **{"contrast": misleading, "lexicon": "held-out", "template": "t"},
                            **{f"factor_{name}": value for name, value in factors.items()},
                            **{"within": within(factors), "right": right, "gold": "F"},
                            "table": "main",
                            **{"predicted": "F" if right else "M", "p_gold": 0.5, "margin": 0.0},
                            "error": "" if right else rng.choice(["stale", "capture", "wrong"]),
                            **{f"baseline_{name}": None for name in BASELINES},
                            "baseline_majority": number % 3 == 0,
                        }
                    )
        about.setdefault("run", f"{about['probe']}-{about['cell']}-{about['start']}-{seed}")
        frame = pd.DataFrame(rows).assign(**about)
        schema = items_schema(tuple(grid))
        table = pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False)
        return table.to_pandas()

    return make


@pytest.fixture(scope="session")
def save_run():
    """Return a function that writes a run folder: the given tables and ``run.json``.

    Other keywords, such as `config`, are added to ``run.json``.
    """
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    def save(folder, items=None, learn=None, curves=None, groups=None, finished=True, **note):
        folder.mkdir(parents=True)
        if items is not None:
            pq.write_table(
                pa.Table.from_pandas(items, preserve_index=False), folder / "items.parquet"
            )
        if learn is not None:
            learn.to_csv(folder / "learn.csv", index=False)
        if curves is not None:
            curves.to_csv(folder / "gradients.csv", index=False)
        if groups is not None:
            (folder / "suite.json").write_text(json.dumps(groups), encoding="utf-8")
        note = json.dumps({"config": {"probe": {}}, "finished": finished, **note})
        (folder / "run.json").write_text(note, encoding="utf-8")
        return folder

    return save


@pytest.fixture
def set_threads():
    """Return `torch.set_num_threads`; restore the number of threads after the test."""
    import torch

    threads = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(threads)


@pytest.fixture
def interrupt():
    """Return a function that runs a call and raises KeyboardInterrupt before its n-th bytecode.

    Only bytecodes of the given modules count. It returns whether the call was interrupted.
    """
    import sys

    def run(call, n, *modules):
        files, left = {module.__file__ for module in modules}, n

        def trace(frame, event, argument):
            nonlocal left
            if frame.f_code.co_filename not in files:
                return None
            frame.f_trace_opcodes = True
            if event == "opcode":
                left -= 1
                if left < 0:
                    sys.settrace(None)
                    raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            call()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False

    return run


@pytest.fixture
def at_once():
    """Return a function that runs calls in one thread each and returns their results.

    The threads switch as often as possible. An exception in one of them is raised.
    """
    import sys
    from concurrent.futures import ThreadPoolExecutor

    def run(*calls):
        with ThreadPoolExecutor(len(calls)) as threads:
            return [done.result() for done in [threads.submit(call) for call in calls]]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield run
    sys.setswitchinterval(interval)
