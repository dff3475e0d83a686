"""Choice of the engine.

"auto" uses the first of these that does not refuse:

- cpu: kernels compiled from the cell's step, with traces and noise; the fastest on a CPU.
- torch: torch's own kernels (on CUDA cuDNN, the first choice there).
- triton: kernels for a GPU, generated from the cell's step, with traces and noise.
- scan: parallel in time, for cells that are linear in their state. Tried after cpu, which is faster
  on a CPU at any length (2 to 3 times at 4,096 steps, 2 times at 32).
- loop: in place, with its own backward pass, for every cell whose step is elementwise.
- chunked: for cells with a matrix state, where cpu cannot run.
- reference: everything else.
"""

import logging
from collections.abc import Iterator, Mapping
from functools import cache

from torch import Tensor, nn

from seqtag.cells import Cell
from seqtag.errors import InputError, unknown
from seqtag.recurrent.compiler.plan import UncompilableStep
from seqtag.recurrent.engines.base import Engine, UnexpectedRefusal
from seqtag.recurrent.engines.chunked import Chunked
from seqtag.recurrent.engines.cpu import Cpu
from seqtag.recurrent.engines.loop.engine import Loop
from seqtag.recurrent.engines.reference import Reference
from seqtag.recurrent.engines.scan import Scan
from seqtag.recurrent.engines.torch import Torch
from seqtag.recurrent.engines.triton import Triton
from seqtag.recurrent.noise import Noise, ZoneoutCell

ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (Cpu(), Torch(), Triton(), Scan(), Loop(), Chunked(), Reference())
}
logger = logging.getLogger("seqtag")


def check_engine(name: str) -> str:
    """Return the name of an engine, or "auto", unchanged.

    Raises:
        InputError: for any other name, suggesting the nearest.
    """
    known = ("auto", *ENGINES)
    if not isinstance(name, str) or name not in known:
        raise unknown("engine", name, known)
    return name


def choose_engine(
    name: str, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
) -> Engine:
    """Return the named engine, or for "auto" the first one that does not refuse.

    With traces, another engine is used if the named one has none. The choice and its reason are
    logged once; as a warning if an engine that was expected to work had to be skipped. A cell whose
    step cannot be compiled, although it does not declare that, has a warning of its own.

    Raises:
        InputError: if the named engine cannot run the cell.
    """
    refusals: dict[str, str] = {}
    level = logging.INFO
    for candidate in _candidates(name, x_BTD, traces):
        refusal = ENGINES[candidate].refuses(cell, x_BTD, traces, noise)
        if refusal is None:
            slow = next(
                (text for text in refusals.values() if isinstance(text, UncompilableStep)), None
            )
            if slow is not None and candidate == "reference":
                _warn_of_slow_cell(cell.cell if isinstance(cell, ZoneoutCell) else cell, slow)
            why = "requested" if candidate == name else "the first choice"
            _log_choice(cell, candidate, _listed(refusals) or why, level)
            return ENGINES[candidate]
        refusals[candidate] = refusal
        if isinstance(refusal, UnexpectedRefusal):
            level = logging.WARNING
    raise InputError(f"no engine can run {cell}: {_listed(refusals)}")


def _candidates(name: str, x_BTD: Tensor, traces: bool) -> Iterator[str]:
    """Yield the names of the engines to try, in order."""
    if name != "auto":
        yield name
    if name == "auto" or traces:
        for other, engine in ENGINES.items():
            if other != name and engine.serves_auto(x_BTD):
                yield other


def _listed(refusals: Mapping[str, str]) -> str:
    return "; ".join(f"not {engine}: {reason}" for engine, reason in refusals.items())


def set_engine(module: nn.Module, name: str) -> None:
    """Set the engine of all recurrent layers in a module, by name or "auto".

    Raises:
        InputError: for an unknown name, suggesting the nearest.
    """
    check_engine(name)
    for part in module.modules():
        if hasattr(part, "cell") and hasattr(part, "engine"):
            part.engine = name


@cache
def _warn_of_slow_cell(cell: Cell, reason: str) -> None:
    """Warn once per process of a cell that only the reference engine can run."""
    logger.warning(
        "cell %s runs on the reference engine, the slowest: %s; see seqtag/cells/functions.py",
        *(cell, reason),
    )


@cache
def _log_choice(cell: Cell, engine: str, reason: str, level: int) -> None:
    """Log a choice once per process."""
    logger.log(level, "recurrent: %s runs on the %s engine (%s)", cell, engine, reason)
