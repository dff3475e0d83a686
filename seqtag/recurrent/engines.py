"""Which engine serves."""

from __future__ import annotations

import logging
from functools import cache

from torch import Tensor

from seqtag.cells import Cell
from seqtag.errors import InputError, did_you_mean
from seqtag.recurrent.cpu import Cpu
from seqtag.recurrent.engine import Engine
from seqtag.recurrent.reference import Reference
from seqtag.recurrent.torch_engine import Torch

# By preference: "auto" takes the first that does not refuse.
ENGINES: dict[str, Engine] = {engine.name: engine for engine in (Cpu(), Torch(), Reference())}
logger = logging.getLogger("seqtag")


def check_engine(name: str) -> str:
    """Return the name of an engine, or "auto", unchanged.

    Raises:
        InputError: for another name; the nearest is offered.
    """
    known = ("auto", *ENGINES)
    if name not in known:
        hint = did_you_mean(name, known)
        raise InputError(f"unknown engine {name!r}{hint}; there are {', '.join(known)}")
    return name


def choose_engine(name: str, cell: Cell, x_BTD: Tensor, traces: bool) -> Engine:
    """Return the engine asked for, or for "auto" the first that does not refuse.

    Traces are given by any engine that has them, so they may go past the one asked for. What
    serves, and why, is logged once.

    Raises:
        InputError: where the engine asked for cannot run the cell.
    """
    asked = list(ENGINES) if name == "auto" else [name]
    order = dict.fromkeys([*asked, *ENGINES]) if traces else asked
    passed = []
    for known in order:
        refusal = ENGINES[known].refuses(cell, x_BTD, traces)
        if refusal is None:
            why = "asked for" if known == name else "the first choice"
            _say(cell, known, "; ".join(passed) or why)
            return ENGINES[known]
        passed.append(f"not {known}: {refusal}")
    raise InputError(f"no engine can run {cell}: {'; '.join(passed)}")


@cache
def _say(cell: Cell, engine: str, reason: str) -> None:
    """Log a choice the first time that it is made."""
    logger.info("recurrent: %s runs on the %s engine (%s)", cell, engine, reason)
