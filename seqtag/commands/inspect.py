"""The verb `inspect`: what linear probes read from a tagger's states, and which units hold it."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seqtag.commands.trace import report
from seqtag.errors import InputError, unknown
from seqtag.files import create_unique_folder, write_files

if TYPE_CHECKING:
    import pandas as pd

    from seqtag.probes.base import Probe
    from seqtag.study.inside import Inside
    from seqtag.study.sentences import Sentences
    from seqtag.tagging.tagger import Tagger

TABLES = ("decoding", "switch", "silencing", "units", "forms")
_WRITTEN = """\
Models of the same cell, sizes and settings count as seeds of one setup.

files written to the output folder, which has a row for each setup in every table:
  decoding.csv   accuracy of linear probes, of their control task, and the difference
                 (selectivity): by state and distance since the cue
  switch.csv     how often the old and the new subject's value is read around a new subject
  silencing.csv  accuracy with groups of units silenced, and with random groups
  units.csv      the fewest silenced units with which accuracy is at chance, by model
  forms.csv      what is predicted in place of each label when these are silenced
  inside_1.png   a picture of these for the first setup, and one for each further one
of folders of runs also:
  inside.csv     the main figures of each run, for scripts/results.py
  seeds.png      accuracy with silenced units, over the seeds of each setup

examples:
  seqtag inspect logs/probe/DATE_TIME
  seqtag inspect logs/probe/mine --values states
  seqtag inspect --model A/model --model B/model --values h,c --silence mean
  seqtag inspect --model A/model --units 12,40 --layer l0.fwd
  seqtag inspect --model MODEL --data my/corpus --values states
"""
_LEAST, _MOST = 20, 20_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `run` to a parser; imports no slow library."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _WRITTEN
    add = parser.add_argument
    runs = "folder of a run or sweep of `seqtag probe`: all finished runs in and below it"
    add("runs", metavar="RUNS", nargs="*", type=Path, help=runs)
    models = "a model folder, in place of RUNS; several: --model A --model B"
    add("--model", metavar="DIR", action="append", default=[], help=models)
    add("--probe", metavar="NAME", help="the probe (default: the one it was trained on)")
    data = "for models that were trained on a corpus: a labelled file, or a folder with a test "
    add("--data", metavar="PATH", help=f"{data}file, read as the training corpus was")
    layer = "l0.fwd, l0.bwd, l1.fwd, ...; l0, l1, ... of a Transformer (default: all, and the top"
    add("--layer", metavar="NAME", help=f"{layer} one for silencing)")
    values = "read these gates and states, by their letters: --values h,c; states: all states, but "
    values += "no gates (default: all)"
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


@dataclass(frozen=True)
class _Options:
    """The checked options.

    Attributes:
        sentences, groups, seed: numbers.
        units: the units to silence; None: groups of all sizes.
        names: the gates and states to read; None: all.
    """

    sentences: int
    groups: int
    seed: int
    units: tuple[int, ...] | None
    names: tuple[str, ...] | None


def run(args: argparse.Namespace) -> int:
    """Inspect taggers and write the results; return the exit code.

    Raises:
        InputError: for a mistake in arguments, model folders or runs. Nothing is written then.
    """
    options = _checked(args)
    from seqtag.commands.inspected_runs import find_inspected, rows_of_runs
    from seqtag.report.inside_tables import show_inside
    from seqtag.study.inside import Wanted, inspect_taggers
    from seqtag.study.silencing import Silencing
    from seqtag.tagging.tagger import Tagger

    runs = find_inspected(args.runs) if args.runs else []
    folders = [str(run.model) for run in runs] or args.model
    taggers = []
    for folder in folders:
        report(f"loading {folder}")
        taggers.append(Tagger.load(folder))
    sentences = _sentences(args, options, taggers, folders)
    _check_taggers(args, options, taggers, sentences.probe)
    fill: Literal["zero", "mean", "no"] = args.silence or "zero"
    silencing = None if fill == "no" else Silencing("", "", fill, options.units, options.groups)
    wanted = Wanted(args.layer, options.names, args.control, options.seed, silencing)
    configs = [run.about["config"] for run in runs] or None
    inside, single = inspect_taggers(taggers, sentences, wanted, report, configs)
    show_inside(inside.tables(), args.control)
    rows = None
    if runs and args.probe is None and options.units is None:
        about: dict[str, Any] = {"sentences": options.sentences, "inspect_seed": options.seed}
        about |= {"control": args.control, "fill": fill}
        rows = rows_of_runs(runs, taggers, single, args.layer, about)
    place = args.output
    if place is None:
        place = create_unique_folder(Path(time.strftime("logs/inspect/%Y-%m-%d_%H-%M-%S")))
    for path in write_files(place, _files(inside, rows)):
        print(path)
    return 0


def _checked(args: argparse.Namespace) -> _Options:
    """Check what can be checked before taggers are loaded."""
    options = _Options(
        _number(args.sentences, "sentences", _LEAST, _MOST),
        _number(args.groups, "groups", 2, 1000),
        _number(args.seed, "seed", 0, 10**9),
        None if args.units is None else _units(args.units),
        None if args.values is None else tuple(args.values.split(",")),
    )
    if options.units is not None and args.silence == "no":
        raise InputError("--units are the units to silence: leave out --silence no")
    if args.output is not None and args.output.exists() and not args.output.is_dir():
        raise InputError(f"{args.output}: there is a file of that name; choose another folder")
    if bool(args.runs) == bool(args.model):
        raise InputError("give either folders of runs (seqtag inspect RUNS) or --model DIR")
    if args.data is not None and (args.probe is not None or args.runs):
        raise InputError("--data is for models (--model DIR) without --probe: leave out the other")
    return options


def _sentences(
    args: argparse.Namespace,
    options: _Options,
    taggers: Sequence[Tagger],
    folders: Sequence[str],
) -> Sentences:
    """Return the sentences to inspect: of a probe, or of the corpus `--data`."""
    from seqtag.probes.registry import PROBES, make_probe
    from seqtag.study.sentences import sentences_of

    if args.data is not None:
        return _corpus_sentences(args.data, options, taggers, folders)
    name = args.probe or _trained_on(taggers, folders)
    if name not in PROBES:
        raise unknown("--probe", name, PROBES.names())
    return sentences_of(make_probe(name), options.sentences, options.seed)


def _corpus_sentences(
    path: str, options: _Options, taggers: Sequence[Tagger], folders: Sequence[str]
) -> Sentences:
    """Return sentences of the test split of a corpus, read as that of the first tagger."""
    from seqtag.commands.evaluate import corpus_to_evaluate
    from seqtag.study.corpus_sentences import corpus_sentences

    first = taggers[0]
    for tagger, folder in zip(taggers, folders, strict=True):
        if tagger.features:
            raise InputError(
                f"{folder}: this tagger also reads the column {tagger.features[0]}; `seqtag "
                "inspect` can read the words alone"
            )
        if tagger.labels.labels != first.labels.labels:
            raise InputError(
                f"{folders[0]} and {folder} have different labels: inspect one after the other"
            )
    corpus, _ = corpus_to_evaluate(first, Path(folders[0]), {"path": path}, "test")
    split = corpus.splits["test"]
    rows = list(zip(split["tokens"], split["labels"], strict=True))
    return corpus_sentences(path, rows, first.labels, options.sentences, options.seed)


def _check_taggers(
    args: argparse.Namespace, options: _Options, taggers: Sequence[Tagger], probe: Probe
) -> None:
    """Raise InputError for what some tagger does not have or cannot do."""
    from seqtag.inspect.silence import check_units
    from seqtag.inspect.states import check_state
    from seqtag.study.inside import check_silencing, chosen_states
    from seqtag.study.judge import check_labels

    for tagger in taggers:
        check_labels(tagger, probe)
        check_state(tagger, args.layer, chosen_states(tagger, options.names))
        if args.silence in ("zero", "mean") or options.units is not None:
            check_silencing(tagger)
        if options.units is not None:
            check_units(options.units, tagger.network.recurrent.hidden_size)


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
                f"{folder}: this tagger was not trained on a probe: name a labelled corpus with "
                "--data, or a probe whose labels it has with --probe"
            )
        if name != names[0]:
            raise InputError(
                f"{folders[0]} was trained on the probe {names[0]}, {folder} on {name}: inspect "
                "them one after the other, or name the probe with --probe"
            )
    return names[0]


def _files(inside: Inside, rows: pd.DataFrame | None) -> dict[str, bytes]:
    """Return the tables and pictures by the names of their files.

    Args:
        inside: the results.
        rows: those of each run, as `INSPECTIONS`; None: the taggers are not those of runs.
    """
    from seqtag.files import utf8_bytes
    from seqtag.report.inside import plot_inside
    from seqtag.report.inside_seeds import plot_seeds
    from seqtag.report.style import as_png
    from seqtag.study.inside_results import INSIDE, INSPECTIONS

    files: dict[str, bytes] = {}
    tables = inside.tables()
    for name in TABLES:
        if not tables[name].empty:
            text = tables[name].to_csv(index=False, float_format="%.6g", lineterminator="\n")
            files[f"{name}.csv"] = utf8_bytes(text)
    for number, cell in enumerate(inside.decoding["cell"].unique(), 1):
        files[f"inside_{number}.png"] = as_png(plot_inside(tables, cell))
    if rows is None:
        return files
    files[INSIDE] = utf8_bytes(INSPECTIONS.text(rows))
    if (rows["kind"] == "silenced").any():
        files["seeds.png"] = as_png(plot_seeds(rows))
    return files
