"""What all tests share: a cache of their own, so that none reads or fills the user's."""

import os
from pathlib import Path

import pytest

# Tensors are tiny here, and tests run one process a core: a second thread would only wait, and
# spin while it waits, which on a busy machine makes all of it eight times as slow. Set before torch
# reads it, and handed on to the programs that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Point every cache at a temporary folder, also for processes that a test starts.

    Where tests run in several processes, each has a cache of its own; but built kernels they
    share, for a build takes seconds, and it is renamed into place when it is whole.
    """
    folder = tmp_path_factory.mktemp("cache")
    run = tmp_path_factory.getbasetemp()
    kernels = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "kernels"
    kernels.mkdir(exist_ok=True)
    (folder / "kernels").symlink_to(kernels, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQTAG_CACHE", str(folder))
        yield folder


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a text (as UTF-8) or bytes to a file in tmp_path."""

    def to_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file
