"""The verb `trace`: what goes on inside a trained tagger, as pictures, a page and arrays."""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqtag.errors import InputError

if TYPE_CHECKING:
    from seqtag.io.tagger import Tagger

_WRITTEN = """\
what is written into the folder:
  trace.npz    arrays: tokens, labels, and every gate and state by layer, direction and name:
               l0.fwd/f is the forget gate of the first layer read forward, (words, units)
  trace.html   the words, their labels and the pictures on one page that needs nothing else
  l0.fwd.png   a picture of each layer and direction
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` needs to a parser; imports nothing heavy."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _WRITTEN
    add = parser.add_argument
    add("sentence", help="the words, as one sentence whatever full stops it has")
    add("--model", metavar="DIR", required=True, help="the model folder")
    add("--output", metavar="DIR", help="where to (default: logs/trace/DATE_TIME)")
    add("--layer", metavar="NAME", help="l0.fwd, l0.bwd, l1.fwd, ... (default: all of them)")
    add("--units", metavar="N", default="50", help="draw the N that vary most, or all (default 50)")


def run(args: argparse.Namespace) -> int:
    """Trace as the arguments say; return the exit code.

    Raises:
        InputError: for a mistake in arguments or model folder. Nothing is written then.
    """
    units = _units(args.units)
    from seqtag.inspect.trace import check_layer
    from seqtag.io.tagger import Tagger  # torch

    tagger = Tagger.load(args.model)
    if args.layer is not None:
        check_layer(tagger.network.encoder, args.layer)
    _write(args.output, _trace(tagger, args.sentence, args.layer, units))
    return 0


def _units(given: str) -> int | None:
    """Return how many units are drawn; None for all."""
    if given == "all":
        return None
    if not given.isdecimal() or int(given) < 1:
        raise InputError(f"--units {given}: a whole number of at least 1, or all")
    return int(given)


def _trace(tagger: Tagger, sentence: str, layer: str | None, units: int | None) -> dict[str, bytes]:
    """Return the files that show one sentence."""
    from seqtag.inspect.trace import in_order, meaning, trace
    from seqtag.io.text import split_text
    from seqtag.report.traces import as_png, page, plot_trace

    tokens = [token.text for part in split_text(sentence) for token in part.tokens]
    if not tokens:
        raise InputError("the sentence has no words: there is nothing to trace")
    seen = trace(tagger, tokens)
    cell = tagger.network.encoder.cell
    order = "c" if "c" in cell.states else cell.states[0]
    maps = {}
    for name, values in seen.values.items():
        if layer in (None, name):
            titles = {key: meaning(cell, key) for key in values}
            drawn = in_order(values)
            maps[name] = plot_trace(seen.tokens, seen.labels, drawn, titles, order, units)
    captions = {f"layer {name}": figure for name, figure in maps.items()}
    text = page(f"Inside {cell}", seen.tokens, seen.labels, captions)
    return {
        "trace.npz": _npz(seen.arrays()),
        "trace.html": text.encode(),
        **{f"{name}.png": as_png(figure) for name, figure in maps.items()},
    }


def _npz(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays as an .npz file, which `numpy.load` reads without pickle."""
    import numpy as np

    to = io.BytesIO()
    np.savez(to, allow_pickle=False, **arrays)
    return to.getvalue()


def _write(folder: str | None, files: Mapping[str, bytes]) -> None:
    """Write the files and say where they are."""
    from seqtag.io.writing import open_output

    place = Path(folder or time.strftime("logs/trace/%Y-%m-%d_%H-%M-%S"))
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{place}: cannot be made: {error.strerror or error}") from None
    for name, content in files.items():
        with open_output(str(place / name)) as file:
            file.write(content)
        print(place / name)
