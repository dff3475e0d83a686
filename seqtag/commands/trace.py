"""The verb `trace`: gates, states and memory of a trained tagger as pictures, page and arrays."""

from __future__ import annotations

import argparse
import io
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seqtag.errors import InputError, unknown
from seqtag.files import create_unique_folder
from seqtag.terminal import single_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seqtag.inspect.switch import Event
    from seqtag.probes.base import ProbeItem
    from seqtag.tagging.tagger import Tagger

_WRITTEN = """\
files written to the output folder:
  trace.html   the words, their labels and all pictures on one self-contained page
  trace.npz    tokens, labels, and all gates and states of the sentence; l0.fwd/f is the forget
               gate of the first layer in forward direction, an array (words, units)
  l0.fwd.png   the gates and states of the first layer in forward direction; one such picture
               for each layer and direction
  memory.png, memory.npz   with --memory: half-life of each unit's memory in tokens, by layer,
               measured on the sentence, or if there is none, on sentences of the pronoun probe
  switch.png, switch.npz   with --switch, for a tagger trained on the pronoun probe: share of
               memory that is kept at a new subject, at an attractor and at a first subject
"""
_GATES = (
    "Each row is one unit, the same in all panels; rows are ordered by the word at which the "
    "unit's memory is farthest from 0. The label above a word is what the tagger predicts there. "
    "A tagger of the pronoun probe is trained at PRON only, so its labels at other words show "
    "what it would answer if PRON came next."
)
_HALF_LIFE = (
    "The half-life is the number of tokens after which the forget gate alone would have halved a "
    "unit's memory. It can be short although the tagger remembers for long: a unit can write the "
    "same value again at each step, from its own output through the recurrent weights."
)
_SWITCH = (
    "The share of memory kept is the mean forget gate, with its 95% interval over sentences. A new "
    "subject is the first person of a later clause: the earlier subject no longer counts. An "
    "attractor is a person of another gender or number who is not the subject. The curves fall "
    "before the person's word where a link such as ', but' announces a new subject."
)
# Sentences of the pronoun probe: number of each kind, and factors within the training range.
_ITEMS, _FACTORS = 200, {"distance": 20, "attractors": 1}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run` to a parser; imports no slow library."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _WRITTEN
    add = parser.add_argument
    add("sentence", nargs="?", help="the text to trace, as one sentence")
    add("--model", metavar="DIR", required=True, help="the model folder")
    add("--output", metavar="DIR", help="output folder (default: logs/trace/DATE_TIME)")
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


class Caption(NamedTuple):
    """The heading of a picture, and the text that explains it."""

    heading: str
    text: str


@dataclass
class _Results:
    """Results by file name: arrays, and pictures with their captions; and the labelled words."""

    words: list[tuple[str, str]] = field(default_factory=list)
    arrays: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    pictures: dict[str, tuple[Caption, Figure]] = field(default_factory=dict)


def run(args: argparse.Namespace) -> int:
    """Trace a tagger and write the results; return the exit code.

    Raises:
        InputError: for a mistake in arguments or model folder. Nothing is written then.
    """
    units = _units(args.units) if args.only is None else _numbers(args.only)
    if args.sentence is None and not (args.memory or args.switch):
        raise InputError("nothing to show: give a sentence, --memory or --switch")
    place = None if args.output is None else Path(args.output)
    if place and place.exists() and not place.is_dir():
        raise InputError(f"{place}: there is a file of that name; choose another folder")
    _report(f"loading {args.model}")
    from seqtag.inspect.trace import check_layer
    from seqtag.tagging.tagger import Tagger  # torch

    tagger = Tagger.load(args.model)
    _check_numbers(units, tagger.network.recurrent.hidden_size)
    if args.layer is not None:
        check_layer(tagger.network.recurrent, args.layer)
    results = _Results()
    tokens = None if args.sentence is None else _tokens(args.sentence, tagger.tokenizer)
    if tokens is not None:
        panels = None if args.values is None else _panels(args.values, tagger)
        _add_trace(results, tagger, tokens, args.layer, units, panels)
    if args.memory:
        _add_memory(results, tagger, tokens, args.layer)
    if args.switch:
        _add_switch(results, tagger, args.layer)
    if place is None:
        place = create_unique_folder(Path(time.strftime("logs/trace/%Y-%m-%d_%H-%M-%S")))
    encoder = tagger.network.recurrent
    name = tagger.cell if isinstance(tagger.cell, str) else tagger.cell["name"]
    _write(place, results, f"Inside a tagger: {name}, {encoder.hidden_size} units")
    return 0


def _report(line: str) -> None:
    """Print a line about progress or findings, on standard error; paths go to standard output."""
    print(f"seqtag: {single_line(line)}", file=sys.stderr, flush=True)


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


def _check_numbers(units: int | list[int] | None, hidden_size: int) -> None:
    """Raise InputError for a number of a unit that does not exist."""
    if isinstance(units, list) and max(units) >= hidden_size:
        raise InputError(
            f"--only {max(units)}: the layers have {hidden_size} units, 0 to {hidden_size - 1}"
        )


def _panels(value: str, tagger: Tagger) -> list[str]:
    """Return the names of the gates and states to draw."""
    cell = tagger.network.recurrent.cell
    known = [*cell.gates, *cell.states]
    names = [name.strip() for name in value.split(",")]
    for name in names:
        if name not in known:
            raise unknown("gate or state of --values", name, known)
    return names


def _tokens(sentence: str, tokenizer: str) -> list[str]:
    from seqtag.data.text.split import split_text

    parts = split_text(sentence, tokenizer=tokenizer)
    tokens = [token.text for part in parts for token in part.tokens]
    if not tokens:
        raise InputError("the sentence has no words: nothing to trace")
    return tokens


def _add_trace(
    results: _Results,
    tagger: Tagger,
    tokens: list[str],
    layer: str | None,
    units: int | list[int] | None,
    panels: list[str] | None,
) -> None:
    """Add the gates and states in one sentence."""
    from seqtag.inspect.trace import display_order, trace
    from seqtag.report.trace_plots import plot_trace

    traced = trace(tagger, tokens)
    cell = tagger.network.recurrent.cell
    order = "c" if "c" in cell.states else cell.states[0]
    unknown = tagger.unknown_words(tokens)
    shown = [f"{token} (?)" if token in unknown else token for token in traced.tokens]
    results.words = list(zip(shown, traced.labels, strict=True))
    _report(" ".join(f"{token}/{label}" for token, label in results.words))
    note = ""
    if unknown:
        note = f"(?) marks words that did not occur in training: {', '.join(unknown)}. "
        _report(f"unknown words: {', '.join(unknown)}")
    results.arrays["trace"] = traced.arrays()
    for name, values in traced.values.items():
        if layer in (None, name):
            values = display_order(cell, values)
            figure = plot_trace(shown, traced.labels, values, cell.meanings, order, units, panels)
            caption = Caption(f"Gates and states of layer {name}", note + _GATES)
            results.pictures[name] = caption, figure


def _add_memory(
    results: _Results, tagger: Tagger, tokens: list[str] | None, layer: str | None
) -> None:
    """Add the half-lives of the units, in a sentence or in sentences of the pronoun probe."""
    from seqtag.inspect.memory import half_lives
    from seqtag.report.trace_plots import plot_half_lives

    if tokens is None:
        from seqtag.probes.pronoun import PronounProbe

        sentences = [item.tokens for item in PronounProbe().corpus("test", _ITEMS, 0)]
        where = f"over {_ITEMS} sentences of the pronoun probe"
    else:
        sentences, where = [tokens], "over the sentence"
    _report(f"measuring half-lives {where}")
    lives = half_lives(tagger, sentences)
    lives = {name: life_H for name, life_H in lives.items() if layer in (None, name)}
    results.arrays["memory"] = lives
    caption = Caption(f"Half-life of memory, {where}", _HALF_LIFE)
    results.pictures["memory"] = caption, plot_half_lives(lives)


def _add_switch(results: _Results, tagger: Tagger, layer: str | None) -> None:
    """Add how much memory is kept at a new subject, and at other persons for comparison."""
    from seqtag.inspect.switch import switch_curves
    from seqtag.report.trace_plots import plot_switch

    _report(f"tracing {3 * _ITEMS} sentences of the pronoun probe")
    curves = switch_curves(tagger, _events(tagger), layer)
    groups = {
        f"all {tagger.network.recurrent.hidden_size} units": curves.every,
        f"the {len(curves.units)} units that react most (chosen on other sentences)": (
            curves.reacting
        ),
    }
    panels = {
        title: {kind: (band.mean_P, band.low_P, band.high_P) for kind, band in bands.items()}
        for title, bands in groups.items()
    }
    figure = plot_switch(curves.places_P, panels, "the person's word")
    results.arrays["switch"] = curves.arrays()
    numbers = ",".join(map(str, curves.units.tolist()))
    text = f"{_SWITCH} The units that react most: --only {numbers} draws them."
    caption = Caption("Share of memory kept around a person", text)
    results.pictures["switch"] = caption, figure


def _events(tagger: Tagger) -> dict[str, list[Event]]:
    """Return sentences of the pronoun probe with the position of a person, by kind of person."""
    from seqtag.inspect.switch import Event
    from seqtag.probes.english.lexicon import GENDER_OF
    from seqtag.probes.english.parsing import analyse
    from seqtag.probes.pronoun import PronounProbe
    from seqtag.study.judge import check_labels

    probe = PronounProbe()
    check_labels(tagger, probe)
    new, other, first = [], [], []
    for item in probe.generate(_ITEMS, "test", {**_FACTORS, "switches": 1}, 0):
        new.append(Event(_until_link(item), item.cue_positions[-1]))
    for item in probe.generate(_ITEMS, "test", {**_FACTORS, "attractors": 2}, 0):
        tokens, subject = _until_link(item), item.cue_positions[-1]
        first.append(Event(tokens, subject))
        gender = item.labels[item.targets[0]]
        for place in analyse(item.tokens).others:
            if place > subject and GENDER_OF[item.tokens[place]] != gender:
                other.append(Event(tokens, place))
                break
    return {"new subject": new, "attractor": other, "first subject": first}


def _until_link(item: ProbeItem) -> tuple[str, ...]:
    """Return the tokens before the comma, link and PRON, which affect the memory themselves."""
    return item.tokens[: item.targets[0] - item.tokens[item.targets[0] :: -1].index(",")]


def _write(place: Path, results: _Results, title: str) -> None:
    """Write arrays, pictures and the page, and print their paths."""
    import numpy as np

    from seqtag.files import open_output
    from seqtag.report.style import as_png
    from seqtag.report.trace_page import trace_page

    files: dict[str, bytes] = {}
    for name, arrays in results.arrays.items():
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        files[f"{name}.npz"] = buffer.getvalue()
    captioned = {}
    for name, ((heading, text), figure) in results.pictures.items():
        files[f"{name}.png"] = png = as_png(figure)
        captioned[heading] = text, png
    files["trace.html"] = trace_page(title, results.words, captioned).encode()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{place}: cannot be created: {error.strerror or error}") from None
    for name, content in files.items():
        with open_output(str(place / name)) as file:
            file.write(content)
        print(place / name)
