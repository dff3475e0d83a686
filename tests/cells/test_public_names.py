"""The names of the package are imported on first use."""

import subprocess
import sys

import pytest

import seqtag.cells


@pytest.mark.parametrize("name", seqtag.cells.__all__)
def test_every_name_exists(name):
    assert getattr(seqtag.cells, name) is not None


def test_every_cell_has_a_name():
    own = {seqtag.cells.CELLS[name].cls for name in seqtag.cells.CELLS.names()}
    own = {cls for cls in own if cls.__module__.startswith("seqtag.")}
    assert own == {getattr(seqtag.cells, name) for name in seqtag.cells._FILES}


def test_the_runtime_imports_no_cell():
    code = "import sys, seqtag.runtime; print('seqtag.cells.lstm' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_unknown_name():
    with pytest.raises(AttributeError, match=r"'seqtag\.cells' has no attribute 'Lsmt'"):
        _ = seqtag.cells.Lsmt
