"""Cells of an installed package: by name, as those of this package."""

import pytest

from seqtag.cells import build_cell
from seqtag.cells.registry import CELLS

pytestmark = pytest.mark.usefixtures("installed")


def test_names_of_an_installed_package_build_its_cells():
    assert [name for name in CELLS.names() if name in ("inner", "mine", "mine_slow")]
    assert str(build_cell("mine_slow")) == "Mine(haste=0.5)"
    assert str(build_cell({"name": "mine", "haste": 2.0})) == "Mine(haste=2.0)"
    assert CELLS.distribution("inner") == "seqtag-extra"
