"""All registered cells, for parametrized tests."""

from seqtag.cells import CELLS
from seqtag.cells.matrix import MatrixCell

ALL = {name: CELLS[name].make() for name in CELLS.names()}
# Cells whose states are vectors, and cells with a matrix state.
PRESETS = {name: cell for name, cell in ALL.items() if not isinstance(cell, MatrixCell)}
MATRIX = {name: cell for name, cell in ALL.items() if isinstance(cell, MatrixCell)}
