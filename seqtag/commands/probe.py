"""The verb `probe`: train where the answer is near, or take a tagger, and judge it far beyond."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from seqtag.checks import from_plain
from seqtag.columns import CURVES_PICTURE, GRADIENTS, ITEMS, LEARN, PAIRS, SUITE
from seqtag.errors import InputError
from seqtag.files import open_output, write_json
from seqtag.inputs import INPUTS
from seqtag.inputs.registry import chosen_inputs
from seqtag.model.config import TaggerConfig
from seqtag.model.encoders.registry import encoder_name
from seqtag.probes.base import Probe
from seqtag.probes.config import ProbeSize
from seqtag.probes.registry import make_probe
from seqtag.recurrent.engines.registry import set_engine
from seqtag.report.tables import show_groups
from seqtag.study.accuracy import units
from seqtag.study.describe import about, hidden_size_for
from seqtag.study.inspect import check_inspect, inspect_gradients
from seqtag.study.judge import Grid, check_labels, grid_items, judge
from seqtag.study.learn import learn, learn_config
from seqtag.suites.judge import run_suite
from seqtag.sweeps.records import is_record_of, read_record, recorded
from seqtag.tagging.tagger import Tagger
from seqtag.training import build
from seqtag.training.console import quiet
from seqtag.training.fit import fit, seed_everything

log = logging.getLogger("seqtag")


@quiet()
def probe(config: Mapping[str, Any]) -> None:
    """Train a tagger on a probe and judge it, or judge a trained one.

    With ``suite`` the tagger is judged on that, see `judge_suite`.

    Writes to ``paths.output_dir``, beside what training writes: ``items.parquet`` or
    ``learn.csv`` (see `seqtag.columns`), ``run.json`` (see `sweeps.records`), and the tagger in
    ``model/``. A run that is finished there already, with the same configuration, is left as it is.
    """
    if config["suite"] is None:
        _check(config)
    output = Path(config["paths"]["output_dir"])
    _run(config, is_record_of(read_record(output), config))


def _check(config: Mapping[str, Any]) -> None:
    """Refuse what cannot be trained or judged, before anything is written."""
    if config["data"]["format"] != "probe":
        raise InputError("a probe is judged on its own items, not on a corpus: leave out data=")
    chosen = make_probe(config["probe"]["name"])
    if config["regime"]["name"] == "learn":
        if config["model_dir"] is not None:
            raise InputError("regime=learn trains taggers of its own: leave out model_dir=")
        learn_config(config, chosen)
    check_inspect(config, chosen)
    _refuse_other_inputs(config)
    _refuse_reading_ahead(config, chosen)


@recorded
def _run(config: Mapping[str, Any], same: bool) -> dict[str, Any]:
    """Train or judge, as configured; return what was measured beside the tables.

    Tables that another run has left in the folder are gone at the end.

    Args:
        config: of the verb.
        same: whether it was this very run that the folder was last used for.
    """
    if config["suite"] is not None:
        figures, tables = judge_suite(config), (PAIRS, SUITE)
    else:
        figures, tables = _on_items(config, same)
    for name in {ITEMS, LEARN, GRADIENTS, CURVES_PICTURE, PAIRS, SUITE} - set(tables):
        (Path(config["paths"]["output_dir"]) / name).unlink(missing_ok=True)
    return figures


def _on_items(config: Mapping[str, Any], same: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Train or judge on generated items; return the figures, and what tables there are of it."""
    seed_everything(config["seed"])
    probe = make_probe(config["probe"]["name"])
    config = {**config, "model": _sized(config)}
    if config["model_dir"] is not None:
        return _judge_given(config, probe), (ITEMS,)
    if config["regime"]["name"] == "learn":
        return learn(config, probe, go_on=same), (LEARN,)
    curves = () if config["inspect"] is None else (GRADIENTS, CURVES_PICTURE)
    return _reach(config, probe), (ITEMS, *curves)


def judge_suite(config: Mapping[str, Any]) -> dict[str, Any]:
    """Judge a trained tagger on a suite of minimal pairs that people wrote.

    Writes ``pairs.parquet`` (a row a pair) and ``suite.json`` (a row a group); prints the groups,
    and returns who was judged.
    """
    for key in ("model_dir", "suite_path"):
        if config[key] is None:
            raise InputError(f"a suite is read from files and judges a trained model: give {key}=")
    tagger = _given(config)
    pairs, groups = run_suite(tagger, config["suite"], config["suite_path"])
    output = Path(config["paths"]["output_dir"])
    _write_table(output / PAIRS, pa.Table.from_pylist(pairs))
    write_json(output / SUITE, groups)
    trained = str((tagger.data or {}).get("probe", ""))
    show_groups(f"suite {config['suite']}", groups)
    return {"judged": about(config, tagger) | {"trained": trained}}


def _given(config: Mapping[str, Any]) -> Tagger:
    """Return the tagger of a model folder."""
    tagger = Tagger.load(config["model_dir"])
    set_engine(tagger.network, config["engine"])
    return tagger


def _refuse_reading_ahead(config: Mapping[str, Any], probe: Probe) -> None:
    if config["model_dir"] is not None:
        model = Tagger.load(config["model_dir"]).network.config
    else:
        model = from_plain(TaggerConfig, config["model"], "model")
    ahead = model.made_encoder.reads_ahead(vars(model))
    if ahead and not (probe.bidirectional_safe or config["allow_bidirectional"]):
        raise InputError(
            f"probe {probe.name} asks what comes next, and a model that reads both ways has seen "
            "it: take model.bidirectional=false, or allow_bidirectional=true to judge it all the "
            "same"
        )


def _refuse_other_inputs(config: Mapping[str, Any]) -> None:
    """Refuse `parameters` for an encoder whose input is not words alone, and wrong ones."""
    parameters, model = config["parameters"], config["model"]
    if parameters is None:
        return
    if isinstance(parameters, bool) or not isinstance(parameters, int) or parameters < 1:
        raise InputError(f"parameters must be a whole number of at least 1, not {parameters!r}")
    # A probe has no further columns, so nothing is made of `features`.
    others = [INPUTS[n].cls.key for n in chosen_inputs(model) if n not in ("words", "features")]
    if others or model["words"] is None:
        why = f"model.{others[0]} is set" if others else "model.words is null"
        raise InputError(f"parameters= is for models that read words alone, and {why}")
    if encoder_name(model.get("encoder")) != "recurrent":
        raise InputError("parameters= is for model.encoder=recurrent")


def _sized(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the group `model`, its hidden size solved for where `parameters` is given."""
    model = dict(config["model"])
    if config["parameters"] is not None:
        input_size = model["words"]["size"]
        model["hidden_size"] = hidden_size_for(
            config["cell"], config["parameters"], input_size, model
        )
    return model


def _grid(config: Mapping[str, Any]) -> Grid:
    """Return the grid that a model is judged on; made now, so that mistakes show early."""
    size = config["size"]
    override = {} if config["probe"]["grid"] is None else config["probe"]["grid"]
    if not isinstance(override, Mapping):
        raise InputError(
            f"probe.grid must name factors, as in {{distance: [5, 50]}}, not {override!r}"
        )
    for name, values in override.items():
        if not isinstance(values, list) or not values or {type(value) for value in values} != {int}:
            raise InputError(f"probe.grid.{name} must be a list of whole numbers, not {values!r}")
    grid = Grid(
        config["probe"]["name"],
        from_plain(ProbeSize, config["probe"][size], f"probe.{size}").items,
        config["data"]["seed"],
        size == "quick",
        tuple((name, tuple(values)) for name, values in override.items()),
    )
    grid_items(grid)
    return grid


def _reach(config: Mapping[str, Any], probe: Probe) -> dict[str, Any]:
    """Train over the probe's training range and judge the whole grid; return what was measured."""
    output = Path(config["paths"]["output_dir"])
    grid = _grid(config)
    baselines = build.baselines(config["data"])
    tagger, figures = fit(config, build.corpus(config["data"], ("train", "dev")))
    tagger.save(output / "model", figures=figures)
    columns = about(config, tagger) | {"regime": "reach", "lag": config["data"]["lag"]}
    untrained = _untrained(config, tagger)
    table = judge(tagger, grid, columns, baselines, untrained)
    _write_table(output / ITEMS, table)
    figures["scores"] = _scores(probe, table)
    if config["inspect"] == "gradients":
        figures["gradients"] = inspect_gradients(config, probe, untrained, tagger, columns)
    return figures


def _judge_given(config: Mapping[str, Any], probe: Probe) -> dict[str, Any]:
    """Judge the tagger of a model folder; return its scores."""
    tagger = _given(config)
    check_labels(tagger, probe)
    columns = about(config, tagger) | {"regime": "given", "lag": None}
    table = judge(tagger, _grid(config), columns, build.baselines(config["data"]))
    _write_table(Path(config["paths"]["output_dir"]) / ITEMS, table)
    return {"scores": _scores(probe, table)}


def _untrained(config: Mapping[str, Any], tagger: Tagger) -> Tagger:
    """Return the tagger as it was before training."""
    seed_everything(config["seed"])
    network = build.network(config["model"], config["cell"], tagger.indexer, tagger.labels)
    return Tagger(network, tagger.indexer, tagger.labels, tagger.cell)


def _write_table(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_output(str(path)) as file:
        pq.write_table(table, file, compression="zstd")


def _scores(probe: Probe, table: pa.Table) -> dict[str, float]:
    """Return, and log, the accuracy beyond and within the training range."""
    judged = units(table.to_pandas())
    scores = {}
    for where, within in (("beyond", False), ("within", True)):
        right = judged.loc[judged["within"] == within, "right"]
        if len(right):
            scores[where] = share = float(right.mean())
            log.info("%s: %.1f%% right %s the training range", probe.name, 100 * share, where)
    return scores
