"""A small package, `package/`, that is installed only in these tests.

Tests in this process use the fixture `installed`, tests of the command line `seqtag`. To add a part
of another kind, add a module and a group in `entry_points.txt` there, and the registry to
`REGISTRIES`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore

from seqtag.cells.registry import CELLS
from seqtag.data.formats import FORMATS
from seqtag.inputs import INPUTS
from seqtag.metrics.registry import SCORES
from seqtag.model.encoders import ENCODERS
from seqtag.probes.registry import PROBES

PACKAGE = Path(__file__).parent / "package"
NAME = "seqtag_extra"
REGISTRIES = (CELLS, PROBES, INPUTS, ENCODERS, FORMATS, SCORES)


def forget():
    """Reset the registries: search for installed packages again, drop the package's parts."""
    for registry in REGISTRIES:
        registry.__dict__.pop("installed", None)
        for name, entry in list(registry._entries.items()):
            if entry.cls.__module__.partition(".")[0] == NAME:
                del registry._entries[name]
    for group in ("cell", "probe"):
        ConfigStore.instance().repo.pop(group, None)
    for module in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[module]


@pytest.fixture(scope="module")
def installed():
    """Install the package for this process and its subprocesses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PACKAGE))
        patch.setenv("PYTHONPATH", str(PACKAGE), prepend=os.pathsep)
        forget()
        yield
    forget()


@pytest.fixture
def uninstalled(installed, monkeypatch):
    """Uninstall the package during a test."""
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != str(PACKAGE)])
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.fixture(scope="module")
def seqtag(installed):
    """Return a function that runs `seqtag` in a subprocess with the package installed."""

    def run(*arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "seqtag.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    return run
