"""The verb `inspect`: what linear probes read from a tagger's states, and which units hold it."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqtag.commands.trace import report
from seqtag.errors import InputError, unknown
from seqtag.files import create_unique_folder

if TYPE_CHECKING:
    from seqtag.study.inside import Inside, Wanted
    from seqtag.tagging.tagger import Tagger

TABLES = ("decoding", "switch", "silencing", "units", "forms")
_WRITTEN = """\
Models of the same cell and sizes count as seeds of one setup.

files written to the output folder, which has a row for each setup in every table:
  decoding.csv   accuracy of linear probes, of their control task, and the difference
                 (selectivity): by state and distance since the cue
  switch.csv     how often the old and the new subject's value is read around a new subject
  silencing.csv  accuracy with groups of units silenced, and with random groups
  units.csv      the fewest silenced units with which accuracy is at chance, by model
  forms.csv      what is predicted in place of each label when these are silenced
  inside_1.png   a picture of these for the first setup, and one for each further one

examples:
  seqtag inspect --model logs/probe/DATE_TIME/model
  seqtag inspect --model A/model --model B/model --values h,c --silence mean
  seqtag inspect --model A/model --units 12,40 --layer l0.fwd
"""
_LEAST, _MOST = 20, 20_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run` to a parser; imports no slow library."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _WRITTEN
    add = parser.add_argument
    models = "the model folder; several: --model A --model B"
    add("--model", metavar="DIR", required=True, action="append", help=models)
    add("--probe", metavar="NAME", help="the probe (default: the one it was trained on)")
    layer = "l0.fwd, l0.bwd, l1.fwd, ...; l0, l1, ... of a Transformer (default: all, and the top"
    add("--layer", metavar="NAME", help=f"{layer} one for silencing)")
    values = "read these gates and states, by their letters: --values h,c (default: all)"
    add("--values", metavar="NAMES", help=values)
    control = "random values of the control task: by the present word, or by the word of the cue"
    add("--control", choices=("word", "cue"), default="word", help=f"{control} (default: word)")
    silence = "what is read of a silenced unit: 0, or its mean; no: silence none (default: zero, "
    silence += "and no for a Transformer)"
    add("--silence", choices=("zero", "mean", "no"), help=silence)
    units = "silence these units, by their numbers from 0: --units 12,40 (default: groups of 1, 2, "
    add("--units", metavar="NUMBERS", help=f"{units}3, 4, 6, 8, ... units)")
    add("--groups", metavar="N", default="10", help="random groups of each size (default: 10)")
    number = f"sentences of each kind, {_LEAST} to {_MOST} (default: 300)"
    add("--sentences", metavar="N", default="300", help=number)
    add("--seed", metavar="N", default="0", help="seed of sentences and random groups (default: 0)")
    add(
        "--output", metavar="DIR", type=Path, help="output folder (default: logs/inspect/DATE_TIME)"
    )


def run(args: argparse.Namespace) -> int:
    """Inspect taggers and write the results; return the exit code.

    Raises:
        InputError: for a mistake in arguments or model folders. Nothing is written then.
    """
    sentences = _number(args.sentences, "sentences", _LEAST, _MOST)
    groups, seed = _number(args.groups, "groups", 2, 1000), _number(args.seed, "seed", 0, 10**9)
    units = None if args.units is None else _units(args.units)
    if units is not None and args.silence == "no":
        raise InputError("--units are the units to silence: leave out --silence no")
    names = None if args.values is None else tuple(args.values.split(","))
    if args.output is not None and args.output.exists() and not args.output.is_dir():
        raise InputError(f"{args.output}: there is a file of that name; choose another folder")
    for folder in args.model:
        report(f"loading {folder}")
    from seqtag.inspect.silence import check_units
    from seqtag.inspect.states import check_state
    from seqtag.probes.registry import PROBES, make_probe
    from seqtag.study.decoding import sentences_of
    from seqtag.study.inside import Wanted, check_silencing, inspect_taggers
    from seqtag.study.judge import check_labels
    from seqtag.study.silencing import Silencing
    from seqtag.tagging.tagger import Tagger

    taggers = [Tagger.load(folder) for folder in args.model]
    name = args.probe or _trained_on(taggers, args.model)
    if name not in PROBES:
        raise unknown("--probe", name, PROBES.names())
    probe = make_probe(name)
    silence = args.silence or ("zero" if _can_silence(taggers) or units is not None else "no")
    for tagger in taggers:
        check_labels(tagger, probe)
        check_state(tagger, args.layer, names)
        if silence != "no":
            check_silencing(tagger)
        if units is not None:
            check_units(units, tagger.network.recurrent.hidden_size)
    silencing = None if silence == "no" else Silencing("", "", silence, units, groups)
    wanted = Wanted(args.layer, names, args.control, seed, silencing)
    inside = inspect_taggers(taggers, sentences_of(probe, sentences, seed), wanted, report)
    _print(inside, wanted)
    place = args.output
    if place is None:
        place = create_unique_folder(Path(time.strftime("logs/inspect/%Y-%m-%d_%H-%M-%S")))
    _write(place, inside)
    return 0


def _number(value: str, name: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", value) or not least <= int(value) <= most:
        raise InputError(f"--{name} {value}: must be a whole number from {least} to {most}")
    return int(value)


def _units(value: str) -> tuple[int, ...]:
    """Return the numbers of the units to silence."""
    numbers = [number.strip() for number in value.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,9}", number) for number in numbers):
        raise InputError(f"--units {value}: must be numbers of units, such as 12,40")
    return tuple(map(int, numbers))


def _trained_on(taggers: Sequence[Tagger], folders: Sequence[str]) -> str:
    """Return the name of the probe that all taggers were trained on."""
    names = [str((tagger.data or {}).get("probe", "")) for tagger in taggers]
    for name, folder in zip(names, folders, strict=True):
        if not name:
            raise InputError(
                f"{folder}: this tagger was not trained on a probe: name one whose labels it has "
                "with --probe"
            )
        if name != names[0]:
            raise InputError(
                f"{folders[0]} was trained on the probe {names[0]}, {folder} on {name}: inspect "
                "them one after the other, or name the probe with --probe"
            )
    return names[0]


def _can_silence(taggers: Sequence[Tagger]) -> bool:
    from seqtag.recurrent.layer import Recurrent

    return all(isinstance(tagger.network.encoder, Recurrent) for tagger in taggers)


def _print(inside: Inside, wanted: Wanted) -> None:
    """Print the tables in short."""
    from seqtag.report.inside_tables import show_inside

    show_inside(inside.tables(), wanted.control)


def _write(place: Path, inside: Inside) -> None:
    """Write the tables and pictures, and print their paths."""
    from seqtag.files import open_output, utf8_bytes
    from seqtag.report.inside import plot_inside
    from seqtag.report.style import as_png

    files: dict[str, bytes] = {}
    tables: dict[str, Any] = inside.tables()
    for name in TABLES:
        if not tables[name].empty:
            text = tables[name].to_csv(index=False, float_format="%.6g", lineterminator="\n")
            files[f"{name}.csv"] = utf8_bytes(text)
    for number, cell in enumerate(inside.decoding["cell"].unique(), 1):
        files[f"inside_{number}.png"] = as_png(plot_inside(tables, cell))
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{place}: cannot be created: {error.strerror or error}") from None
    for name, content in files.items():
        with open_output(str(place / name)) as file:
            file.write(content)
        print(place / name)
