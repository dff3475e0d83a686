"""The verb `probe`: train a tagger on a probe, or load one, and evaluate it on long distances."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from seqtag.columns import BEYOND, CURVES_PICTURE, GRADIENTS, ITEMS, LEARN, PAIRS, SUITE, WITHIN
from seqtag.commands.probe_settings import ProbeSettings
from seqtag.files import open_output, write_json
from seqtag.model.size import hidden_size_for
from seqtag.probes.base import Probe
from seqtag.probes.config import LearnConfig
from seqtag.probes.registry import make_probe
from seqtag.recurrent.engines.registry import set_engine
from seqtag.report.formatting import percent
from seqtag.report.tables import show_groups
from seqtag.study.accuracy import answers_of, best_baseline, count_answers, regions
from seqtag.study.describe import run_columns
from seqtag.study.inspect import inspect_gradients
from seqtag.study.judge import Grid, check_labels, grid_items, judge
from seqtag.study.learn import learn
from seqtag.suites.judge import run_suite
from seqtag.sweeps.records import is_record_of, read_record, recorded
from seqtag.tagging.tagger import Tagger
from seqtag.training import build
from seqtag.training.console import quiet
from seqtag.training.fit import fit, seed_everything
from seqtag.training.probe_corpus import baselines_of
from seqtag.training.settings import TrainingSettings

log = logging.getLogger("seqtag")


@quiet()
def probe(settings: ProbeSettings) -> None:
    """Train a tagger on a probe and evaluate it, or evaluate a trained one.

    With ``suite`` the tagger is evaluated on that suite, see `judge_suite`.

    Writes to ``paths.output_dir``, in addition to the files of training: ``items.parquet`` or
    ``learn.csv`` (see `seqtag.columns`), ``run.json`` (see `sweeps.records`), and the tagger in
    ``model/``. Does nothing if a run with the same configuration is finished there.
    """
    record = read_record(settings.identity.folder)
    same = is_record_of(record, settings.identity)
    tagger = None
    if settings.keys.model_dir is not None and not (same and record.get("finished")):
        tagger = Tagger.load(settings.keys.model_dir)
        set_engine(tagger.network, settings.keys.engine)
        if settings.keys.suite is None:
            probe = make_probe(settings.probe.name)
            settings.require_forward(probe, tagger.network.config)
    _run(settings, tagger, same)


@recorded
def _run(settings: ProbeSettings, tagger: Tagger | None, same: bool) -> dict[str, Any]:
    """Train or evaluate; write the tables and return the figures.

    Tables that another run has left in the folder are removed at the end.

    Args:
        settings: the settings of the verb.
        tagger: the tagger to evaluate; None to train one.
        same: whether the folder was last used by a run with the same configuration.
    """
    if settings.keys.suite is not None:
        assert tagger is not None
        figures, tables = judge_suite(settings, tagger), (PAIRS, SUITE)
    else:
        figures, tables = _on_items(settings, tagger, same)
    for name in {ITEMS, LEARN, GRADIENTS, CURVES_PICTURE, PAIRS, SUITE} - set(tables):
        (settings.identity.folder / name).unlink(missing_ok=True)
    return figures


def _on_items(
    settings: ProbeSettings, tagger: Tagger | None, same: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Train or evaluate on generated items; return the figures and the names of their tables."""
    training = _sized(settings)
    seed_everything(training.seed)
    probe = make_probe(settings.probe.name)
    if tagger is not None:
        return _judge_trained(settings, tagger, probe), (ITEMS,)
    if isinstance(settings.regime, LearnConfig):
        return learn(training, settings.regime, probe, resume=same), (LEARN,)
    curves = () if settings.keys.inspect is None else (GRADIENTS, CURVES_PICTURE)
    return _reach(settings, training, probe), (ITEMS, *curves)


def judge_suite(settings: ProbeSettings, tagger: Tagger) -> dict[str, Any]:
    """Evaluate a trained tagger on a published suite of minimal pairs.

    Writes ``pairs.parquet`` (a row per pair) and ``suite.json`` (a row per group), and prints the
    groups. Returns a description of the tagger.
    """
    suite, output = settings.keys.suite, settings.identity.folder
    pairs, groups = run_suite(tagger, suite, settings.keys.suite_path)
    _write_table(output / PAIRS, pa.Table.from_pylist(pairs))
    write_json(output / SUITE, groups)
    trained = str((tagger.data or {}).get("probe", ""))
    show_groups(f"suite {suite}", groups)
    return {"judged": run_columns(settings.training, tagger) | {"trained": trained}}


def _sized(settings: ProbeSettings) -> TrainingSettings:
    """Return the settings of the training, with the hidden size for `parameters` if that is set."""
    training, parameters = settings.training, settings.keys.parameters
    if parameters is None:
        return training
    model = training.model
    assert model.words is not None
    size = hidden_size_for(training.cell, parameters, model.words.size, model)
    return replace(training, model=replace(model, hidden_size=size), parameters=None)


def _grid(settings: ProbeSettings) -> Grid:
    """Return the evaluation grid; generate its items once, so that errors show before training."""
    size = settings.keys.size
    grid = Grid(
        settings.probe.name,
        getattr(settings.probe, size).items,
        settings.training.data.corpus.seed,
        size == "quick",
        tuple((name, tuple(values)) for name, values in (settings.probe.grid or {}).items()),
    )
    grid_items(grid)
    return grid


def _reach(settings: ProbeSettings, training: TrainingSettings, probe: Probe) -> dict[str, Any]:
    """Train on the probe's training range and evaluate on the whole grid; return the figures."""
    output, items = settings.identity.folder, training.data.corpus
    grid = _grid(settings)
    baselines = baselines_of(items)
    tagger, figures = fit(training, build.corpus(items, ("train", "dev")))
    tagger.save(output / "model", figures=figures)
    columns = run_columns(training, tagger) | {"regime": "reach", "lag": items.lag}
    untrained = _untrained(training, tagger)
    table = judge(tagger, grid, columns, baselines, untrained)
    _write_table(output / ITEMS, table)
    figures["scores"] = _scores(probe, table)
    if settings.keys.inspect == "gradients":
        figures["gradients"] = inspect_gradients(
            output, settings.keys.inspect_lag, probe, untrained, tagger, columns
        )
    return figures


def _judge_trained(settings: ProbeSettings, tagger: Tagger, probe: Probe) -> dict[str, Any]:
    """Evaluate a trained tagger on the grid; return its scores."""
    check_labels(tagger, probe)
    columns = run_columns(settings.training, tagger) | {"regime": "given", "lag": None}
    baselines = baselines_of(settings.training.data.corpus)
    table = judge(tagger, _grid(settings), columns, baselines)
    _write_table(settings.identity.folder / ITEMS, table)
    return {"scores": _scores(probe, table)}


def _untrained(training: TrainingSettings, tagger: Tagger) -> Tagger:
    """Return the tagger as it was before training."""
    seed_everything(training.seed)
    network = build.network(training.model, training.cell, tagger.indexer, tagger.labels)
    return Tagger(network, tagger.indexer, tagger.labels, tagger.cell)


def _write_table(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_output(str(path)) as file:
        pq.write_table(table, file, compression="zstd")


def _scores(probe: Probe, table: pa.Table) -> dict[str, float]:
    """Log and return the accuracy beyond and within the training range, see `regions`."""
    figures = regions(count_answers(answers_of(table.to_pandas())))
    for region, row in figures.items():
        if (best := best_baseline(row)) and row[best] > row["accuracy"]:
            log.warning("%s: a baseline beats the model %s the training range", probe.name, region)
        references = f"chance {percent(row['chance'])}%"
        if best := best_baseline(row):
            references += f", best baseline {percent(row[best])}%: {best.replace('_', ' ')}"
        share = percent(row["accuracy"])
        log.info("%s: %s%% right %s the training range (%s)", probe.name, share, region, references)
    return {name: float(figures[name]["accuracy"]) for name in (BEYOND, WITHIN) if name in figures}
