"""Tables of what linear probes read from taggers, and of what silenced units change.

Taggers of the same cell, layers and sizes count as runs of one setup, which differ in their seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import pandas as pd

from seqtag.errors import InputError
from seqtag.inspect.readings import read_items
from seqtag.inspect.states import state_layers
from seqtag.inspect.subject import memory_of
from seqtag.model.encoders.registry import encoder_name
from seqtag.recurrent.layer import Recurrent
from seqtag.study.decoding import (
    Control,
    Fitted,
    Place,
    Sentences,
    decoding_table,
    fit_states,
    make_task,
    predict_states,
    switch_table,
)
from seqtag.study.describe import cell_label, encoder_label
from seqtag.study.silencing import (
    Answers,
    Silencing,
    forms_table,
    silence_units,
    silencing_table,
    units_table,
)
from seqtag.tagging.tagger import Tagger

# Size of the groups whose forms are shown if no group is large enough: this share of the units.
_SHOWN = 0.5


@dataclass(frozen=True)
class Wanted:
    """What to inspect.

    Attributes:
        layer: only this layer and direction; None: all, and the top one for silencing.
        names: only these gates and states; None: all.
        control: whose word the control task takes: the present one, or the cue.
        seed: random seed of the control task and of random groups.
        silencing: how units are silenced; None: they are not. Its layer and state are replaced.
    """

    layer: str | None = None
    names: tuple[str, ...] | None = None
    control: Control = "word"
    seed: int = 0
    silencing: Silencing | None = None


@dataclass(frozen=True)
class Inside:
    """Results by table; each has the column cell, and tables without rows have no columns.

    See `decoding_table`, `switch_table`, `silencing_table`, `units_table` and `forms_table`.
    """

    decoding: pd.DataFrame
    switch: pd.DataFrame
    silencing: pd.DataFrame
    units: pd.DataFrame
    forms: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def inspect_taggers(
    taggers: Sequence[Tagger],
    sentences: Sentences,
    wanted: Wanted,
    progress: Callable[[str], None] = lambda _: None,
) -> Inside:
    """Return the results of all taggers, those of the same setup together.

    Raises:
        InputError: if units shall be silenced in an encoder that is not recurrent, or as
            `silence_units` and `make_task` do.
    """
    setups: dict[str, list[Tagger]] = {}
    for tagger in taggers:
        setups.setdefault(setup_label(tagger), []).append(tagger)
    results = []
    for label, own in setups.items():
        inside = _inspect_setup(own, sentences, wanted, progress)
        results.append({name: _labelled(t, label) for name, t in inside.tables().items()})
    return Inside(
        **{
            field.name: pd.concat([tables[field.name] for tables in results], ignore_index=True)
            for field in fields(Inside)
        }
    )


def setup_label(tagger: Tagger) -> str:
    """Return a name of a tagger's encoder, with its sizes."""
    encoder = tagger.network.encoder
    is_recurrent = isinstance(encoder, Recurrent)
    name = cell_label(tagger.cell) if is_recurrent else encoder_label(tagger.network.config)
    layers = len(state_layers(tagger))
    size = tagger.network.config.hidden_size
    return f"{name}, {size} units" + (f", {layers} layers" if layers > 1 else "")


def memory_state(tagger: Tagger) -> str:
    """Return the name of the state that holds the memory; a Transformer has its output only."""
    encoder = tagger.network.encoder
    return memory_of(encoder.cell) if isinstance(encoder, Recurrent) else "y"


def check_silencing(tagger: Tagger) -> None:
    """Raise InputError for an encoder whose units cannot be silenced."""
    if not isinstance(tagger.network.encoder, Recurrent):
        name = encoder_name(tagger.network.config.encoder)
        raise InputError(
            f"the units of a recurrent encoder can be silenced; this tagger has "
            f"model.encoder={name}: leave out its units with --silence no"
        )


def _labelled(table: pd.DataFrame, label: str) -> pd.DataFrame:
    return table if table.empty else table.assign(cell=label)[["cell", *table.columns]]


def _inspect_setup(
    taggers: Sequence[Tagger],
    sentences: Sentences,
    wanted: Wanted,
    progress: Callable[[str], None],
) -> Inside:
    task = make_task(sentences, wanted.control, wanted.seed)
    if wanted.silencing is not None:
        check_silencing(taggers[0])
    progress(f"fitting linear probes to {len(sentences.fitted)} sentences")
    names = _fitted_names(taggers[0], wanted)
    fitted = [fit_states(tagger, sentences, task, wanted.layer, names) for tagger in taggers]
    chosen = [
        {place: f for place, f in own.items() if wanted.names is None or place[1] in wanted.names}
        for own in fitted
    ]
    decoding, switch = [], []
    for split, items in sentences.scored.items():
        readings = read_items(sentences.probe, items)
        predicted = [
            predict_states(tagger, items, readings, task, own)
            for tagger, own in zip(taggers, chosen, strict=True)
        ]
        decoding.append(decoding_table(predicted, readings, split))
        switch.append(switch_table(predicted, readings, split))
    empty = pd.DataFrame()
    inside = Inside(pd.concat(decoding), pd.concat(switch), empty, empty, empty)
    if wanted.silencing is None:
        return inside
    return _with_silencing(inside, taggers, sentences, fitted, wanted, progress)


def _fitted_names(tagger: Tagger, wanted: Wanted) -> Sequence[str] | None:
    """Return the states to fit to: the wanted ones, and those that silencing needs; None: all."""
    if wanted.names is None or wanted.silencing is None:
        return wanted.names
    return [*wanted.names, *tagger.network.recurrent.cell.states]


def _with_silencing(
    inside: Inside,
    taggers: Sequence[Tagger],
    sentences: Sentences,
    fitted: Sequence[dict[Place, Fitted]],
    wanted: Wanted,
    progress: Callable[[str], None],
) -> Inside:
    assert wanted.silencing is not None
    encoder = taggers[0].network.recurrent
    silencing = replace(
        wanted.silencing,
        layer=wanted.layer or f"l{encoder.num_layers - 1}.fwd",
        state=memory_state(taggers[0]),
        seed=wanted.seed,
    )
    items = sentences.scored["dev"]
    runs: list[list[Answers]] = [
        silence_units(tagger, sentences, own, silencing, progress)
        for tagger, own in zip(taggers, fitted, strict=True)
    ]
    units = units_table(runs, items)
    half = max(1, int(_SHOWN * encoder.hidden_size))
    tested = {answers.size for answers in runs[0]} - {0}
    sizes = {}
    for order, own in units.groupby("order", sort=False)["units"]:
        wanted_size = own.median() if own.notna().all() else half
        sizes[str(order)] = min(tested, key=lambda size: abs(size - wanted_size))
    return replace(
        inside,
        silencing=silencing_table(runs, items),
        units=units,
        forms=forms_table(runs, items, sentences.probe, sizes),
    )
