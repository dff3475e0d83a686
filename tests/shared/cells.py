"""What tests of many folders run over: every registered cell."""

from seqtag.cells import CELLS

PRESETS = {name: CELLS[name].make() for name in CELLS.names()}
