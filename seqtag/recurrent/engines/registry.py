"""Which engine serves.

By preference: "auto" takes the first that does not refuse.

- cpu: compiled from the cell's step; the fastest on a CPU.
- torch: its own kernels; on CUDA the first choice (cuDNN), as cpu refuses it.
- scan: parallel in time, where a cell is linear in its state. Behind cpu, which is faster on a
  CPU at any length (at 4,096 steps 2 to 3 times, at 32 steps 2).
- loop: in place, with a derivative of its own; wherever a cell can be traced.
- reference: everything else, traces among it.
"""

import logging
from functools import cache

from torch import Tensor, nn

from seqtag.cells import Cell
from seqtag.errors import InputError, unknown
from seqtag.recurrent.engines.base import Engine, UnexpectedRefusal
from seqtag.recurrent.engines.cpu import Cpu
from seqtag.recurrent.engines.loop.engine import Loop
from seqtag.recurrent.engines.reference import Reference
from seqtag.recurrent.engines.scan import Scan
from seqtag.recurrent.engines.torch import Torch
from seqtag.recurrent.noise import Noise

ENGINES: dict[str, Engine] = {
    engine.name: engine for engine in (Cpu(), Torch(), Scan(), Loop(), Reference())
}
logger = logging.getLogger("seqtag")


def check_engine(name: str) -> str:
    """Return the name of an engine, or "auto", unchanged.

    Raises:
        InputError: for another name; the nearest is offered.
    """
    known = ("auto", *ENGINES)
    if not isinstance(name, str) or name not in known:
        raise unknown("engine", name, known)
    return name


def choose_engine(
    name: str, cell: Cell, x_BTD: Tensor, traces: bool, noise: Noise | None = None
) -> Engine:
    """Return the engine asked for, or for "auto" the first that does not refuse.

    Traces are given by any engine that has them, so they may go past the one asked for. What
    serves, and why, is logged once; as a warning where an engine was passed over that ought to
    have worked.

    Raises:
        InputError: where the engine asked for cannot run the cell.
    """
    asked = list(ENGINES) if name == "auto" else [name]
    order = dict.fromkeys([*asked, *ENGINES]) if traces else asked
    passed, level = [], logging.INFO
    for known in order:
        refusal = ENGINES[known].refuses(cell, x_BTD, traces, noise)
        if refusal is None:
            why = "asked for" if known == name else "the first choice"
            _log_choice(cell, known, "; ".join(passed) or why, level)
            return ENGINES[known]
        passed.append(f"not {known}: {refusal}")
        if isinstance(refusal, UnexpectedRefusal):
            level = logging.WARNING
    raise InputError(f"no engine can run {cell}: {'; '.join(passed)}")


def set_engine(module: nn.Module, name: str) -> None:
    """Have all recurrent layers within a module run on an engine, or on what "auto" takes.

    Raises:
        InputError: for an unknown name; the nearest is offered.
    """
    check_engine(name)
    for part in module.modules():
        if hasattr(part, "cell") and hasattr(part, "engine"):
            part.engine = name


@cache
def _log_choice(cell: Cell, engine: str, reason: str, level: int) -> None:
    """Log a choice the first time that it is made."""
    logger.log(level, "recurrent: %s runs on the %s engine (%s)", cell, engine, reason)
