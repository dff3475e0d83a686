"""The verb `trace`: gates, states and memory of a trained tagger as a page, pictures and arrays."""

from __future__ import annotations

import argparse
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seqtag.errors import InputError, unknown
from seqtag.files import create_unique_folder, write_files
from seqtag.terminal import single_line

if TYPE_CHECKING:
    from seqtag.commands.trace_results import Results, Selected
    from seqtag.tagging.tagger import Tagger

_WRITTEN = """\
--output NAME.html writes one self-contained page with the interactive picture. With several models
or sentences, the page compares them; give the sentences in quotes, one after the other.

files written to an output folder:
  trace.html   the same page; and the pictures of --memory and --switch
  trace.npz    tokens, labels, and all gates and states of the sentence; l0.fwd/f is the forget
               gate of the first layer in forward direction, an array (words, units)
  l0.fwd.png   the gates and states of the first layer in forward direction; one such picture
               for each layer and direction
  memory.png, memory.npz   with --memory: half-life of each unit's memory in tokens, by layer,
               measured on the sentence, or if there is none, on sentences of the pronoun probe
  switch.png, switch.npz   with --switch, for a tagger trained on the pronoun probe: share of
               memory that is kept at a new subject, at an attractor and at a first subject
With several models or sentences, only trace.html is written.
"""
# More traces than this would make a page of many megabytes.
_MOST_TRACES = 8
# The sentence of a page without one, for a tagger of the pronoun probe.
_EXAMPLE = "The queen near the king smiled , but the boy passed the goat , and PRON slept ."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run` to a parser; imports no slow library."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _WRITTEN
    add = parser.add_argument
    add("sentence", nargs="*", help="the text to trace, as one sentence; several to compare")
    models = "the model folder; several to compare: --model A --model B"
    add("--model", metavar="DIR", required=True, action="append", help=models)
    output = "output folder (default: logs/trace/DATE_TIME), or a page NAME.html"
    add("--output", metavar="PATH", help=output)
    layer = "l0.fwd, l0.bwd, l1.fwd, ... (default: all; for --switch the top one)"
    add("--layer", metavar="NAME", help=layer)
    units = "draw the N units that vary most, or all (default: 50)"
    add("--units", metavar="N", default="50", help=units)
    only = "draw these units, by their numbers from 0: --only 37,70"
    add("--only", metavar="NUMBERS", help=only)
    values = "draw these gates and states, by their letters: --values f,c (default: all)"
    add("--values", metavar="NAMES", help=values)
    add("--memory", action="store_true", help="show the half-life of each unit's memory")
    add("--switch", action="store_true", help="show how much memory is kept at a new subject")


def run(args: argparse.Namespace) -> int:
    """Trace taggers and write the results; return the exit code.

    Raises:
        InputError: for a mistake in arguments or model folders. Nothing is written then.
    """
    place = None if args.output is None else Path(args.output)
    is_page = place is not None and place.suffix.lower() == ".html"
    units = _units(args.units) if args.only is None else _numbers(args.only)
    _check_arguments(args, place, is_page)
    taggers = [_load(folder) for folder in args.model]
    from seqtag.commands.trace_results import (
        Selected,
        add_memory,
        add_pictures,
        add_switch,
        add_traces,
    )
    from seqtag.inspect.subject import answers_pronouns

    selected = Selected(args.layer, units, args.values and args.values.split(","))
    for tagger in taggers:
        _check_selected(selected, tagger)
    sentences = list(args.sentence)
    if is_page and not sentences and all(map(answers_pronouns, taggers)):
        sentences = [_EXAMPLE]
    if not sentences and not (args.memory or args.switch):
        raise InputError("nothing to show: give a sentence, --memory or --switch")
    results = add_traces(taggers, args.model, sentences, selected)
    for line in results.notes:
        report(line)
    [tagger, *further], (tokens, *others) = taggers, results.tokens or [None]
    is_single = not (further or others)
    if tokens is not None and is_single and not is_page:
        add_pictures(results, tagger, selected)
    if args.memory:
        add_memory(results, tagger, tokens, args.layer)
    if args.switch:
        add_switch(results, tagger, args.layer)
    if place is None:
        place = create_unique_folder(Path(time.strftime("logs/trace/%Y-%m-%d_%H-%M-%S")))
    title = "Inside a tagger" if not further else "Inside taggers"
    title += ": " + " and ".join(map(_described, taggers))
    _write(place, results, title, is_page)
    return 0


def report(line: str) -> None:
    """Print a line about progress or findings, on standard error; paths go to standard output."""
    print(f"seqtag: {single_line(line)}", file=sys.stderr, flush=True)


def _check_arguments(args: argparse.Namespace, place: Path | None, is_page: bool) -> None:
    """Raise InputError for arguments that exclude each other."""
    traces = len(args.model) * max(1, len(args.sentence))
    if traces > _MOST_TRACES:
        raise InputError(
            f"{len(args.model)} models on {len(args.sentence)} sentences are {traces} traces; a "
            f"page compares at most {_MOST_TRACES}. A sentence of several words must be in quotes"
        )
    if (args.memory or args.switch) and len(args.model) > 1:
        raise InputError("--memory and --switch show one model; give one --model")
    if (args.memory or args.switch) and len(args.sentence) > 1:
        raise InputError("--memory and --switch go with at most one sentence")
    if not is_page and not (args.sentence or args.memory or args.switch):
        raise InputError("nothing to show: give a sentence, --memory or --switch")
    if place is None:
        return
    if is_page and place.is_dir():
        raise InputError(f"{place}: there is a folder of that name; choose another file")
    if not is_page and place.exists() and not place.is_dir():
        raise InputError(f"{place}: there is a file of that name; choose another folder")


def _load(folder: str) -> Tagger:
    report(f"loading {folder}")
    from seqtag.tagging.tagger import Tagger  # torch

    return Tagger.load(folder)


def _described(tagger: Tagger) -> str:
    name = tagger.cell if isinstance(tagger.cell, str) else tagger.cell["name"]
    return f"{name}, {tagger.network.recurrent.hidden_size} units"


def _units(value: str) -> int | None:
    """Return the number of units to draw; None for all."""
    if value == "all":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise InputError(f"--units {value}: must be a whole number of at least 1, or all")
    return int(value)


def _numbers(value: str) -> list[int]:
    """Return the numbers of the units to draw."""
    numbers = value.split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        raise InputError(f"--only {value}: must be numbers of units, such as 37,70")
    return [int(number) for number in numbers]


def _check_selected(selected: Selected, tagger: Tagger) -> None:
    """Raise InputError for a layer, unit, gate or state that a tagger does not have."""
    from seqtag.inspect.trace import check_layer

    encoder = tagger.network.recurrent
    units, size = selected.units, encoder.hidden_size
    if isinstance(units, Sequence) and max(units) >= size:
        raise InputError(f"--only {max(units)}: the layers have {size} units, 0 to {size - 1}")
    if selected.layer is not None:
        check_layer(encoder, selected.layer)
    known = [*encoder.cell.gates, *encoder.cell.unit_states]
    for name in selected.panels or ():
        if name not in known:
            raise unknown("gate or state of --values", name, known)


def _write(place: Path, results: Results, title: str, is_page: bool) -> None:
    """Write arrays, pictures and the page, or the page alone, and print their paths."""
    import numpy as np

    from seqtag.report.style import as_png
    from seqtag.report.trace_page import StillPicture, trace_page

    files: dict[str, bytes] = {}
    for name, arrays in results.arrays.items():
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        files[f"{name}.npz"] = buffer.getvalue()
    captioned = {}
    for name, (caption, figure) in results.pictures.items():
        files[f"{name}.png"] = png = as_png(figure)
        if name not in results.layers:
            captioned[caption.heading] = StillPicture(caption.text, png, caption.terms)
    page = trace_page(title, results.picture, captioned).encode()
    files = {place.name: page} if is_page else {**files, "trace.html": page}
    for path in write_files(place.parent if is_page else place, files):
        print(path)
