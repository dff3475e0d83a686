"""The chunked engine: runs cells with a matrix state by matrix products over chunks of steps."""

from torch import Tensor

from seqtag.cells import Cell
from seqtag.cells.matrix import MatrixCell
from seqtag.recurrent.engines.base import Engine, LayerCall, LayerOutput
from seqtag.recurrent.engines.matrix import run_chunks, run_matrix
from seqtag.recurrent.noise import Noise


class Chunked(Engine):
    """Runs the cells with a matrix state, on every device, with traces of gates and output."""

    name = "chunked"

    def refuses(
        self, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
    ) -> str | None:
        """Refuse cells without a matrix state."""
        return None if isinstance(cell, MatrixCell) else "it is for cells with a matrix state"

    def run(self, call: LayerCall) -> LayerOutput:
        """Run one direction after the other."""
        return run_matrix(call, run_chunks)
