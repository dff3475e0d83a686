"""All registered cells, for parametrized tests."""

from seqtag.cells import CELLS

PRESETS = {name: CELLS[name].make() for name in CELLS.names()}
