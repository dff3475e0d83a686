"""Columns that describe a run of a probe."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from seqtag.cells import CELLS, CellDescription, build_cell, describe
from seqtag.model.config import TaggerConfig
from seqtag.model.encoders.registry import build_encoder, encoder_name
from seqtag.model.size import count_parameters
from seqtag.recurrent.layer import Recurrent
from seqtag.tagging.tagger import Tagger
from seqtag.training.settings import TrainingSettings


def run_columns(settings: TrainingSettings, tagger: Tagger) -> dict[str, Any]:
    """Return the columns of `seqtag.columns` that are the same in all rows of a run.

    The seed is that of the tagger's training, if its folder has it.
    """
    encoder, model = tagger.network.encoder, tagger.network.config
    is_recurrent = isinstance(encoder, Recurrent)
    seed = (tagger.figures or {}).get("seed")
    return {
        "run": Path(settings.output_dir).name,
        "cell": cell_label(tagger.cell) if is_recurrent else encoder_label(model),
        "start": start_label(tagger.cell) if is_recurrent else "",
        "direction": "both" if model.built_encoder.reads_ahead(model) else "forward",
        "layers": getattr(encoder, "num_layers", 1),
        "hidden": getattr(encoder, "hidden_size", encoder.output_size),
        "parameters": count_parameters(encoder),
        "seed": seed if isinstance(seed, int) else settings.seed,
        "data_seed": settings.data.corpus.seed,
    }


def encoder_label(model: TaggerConfig) -> str:
    """Return an encoder's name, with the options that differ from its defaults."""
    name = encoder_name(model.encoder)
    options, defaults = asdict(model.built_encoder), asdict(build_encoder(name))
    changed = [f"{key}={value}" for key, value in options.items() if value != defaults[key]]
    return f"{name}({', '.join(changed)})" if changed else name


def cell_label(cell: CellDescription) -> str:
    """Return a cell's name, with the options that differ from its preset: "lstm(peepholes=i,o)"."""
    name = cell if isinstance(cell, str) else cell["name"]
    spec = build_cell(cell)
    options, preset = describe(spec), describe(CELLS[name].make())
    changed = [
        f"{key}={','.join(value) if isinstance(value, list) else value}"
        for key, value in options.items()
        if key not in spec.starts and value != preset[key]
    ]
    return f"{name}({', '.join(changed)})" if changed else name


def start_label(cell: CellDescription) -> str:
    """Return how the biases of a cell's gates start: "chrono 100", "bias 1", or "" without any."""
    spec = build_cell(cell)
    starts = {name: getattr(spec, name) for name in spec.starts}
    if getattr(spec, "forget_gate", "") == "none":
        return ""
    if chrono := starts.pop("chrono", 0):
        return f"chrono {chrono}"
    return f"bias {next(iter(starts.values())):g}" if starts else ""
