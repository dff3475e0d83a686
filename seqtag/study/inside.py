"""Tables of what linear probes read from taggers, and of what silenced units change.

Taggers of the same cell, layers, sizes and settings count as runs of one setup, which differ in
their seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import pandas as pd

from seqtag.errors import InputError
from seqtag.inspect.readings import read_items
from seqtag.inspect.states import OUTPUT, state_layers
from seqtag.inspect.subject import memory_of
from seqtag.model.encoders.registry import encoder_name
from seqtag.recurrent.layer import Recurrent
from seqtag.study.decoding import (
    Place,
    Predicted,
    decoding_table,
    fit_states,
    predict_states,
    switch_table,
)
from seqtag.study.describe import cell_label, encoder_label
from seqtag.study.sentences import Control, Sentences, Task, make_task
from seqtag.study.silencing import (
    Answers,
    Silencing,
    answers_to,
    forms_table,
    silence_units,
    silencing_table,
    units_table,
)
from seqtag.tagging.tagger import Tagger

# Stands for all states, but not gates, among the names of what to read.
STATES = "states"
# Size of the groups whose forms are shown if no group is large enough: this share of the units.
_SHOWN = 0.5


@dataclass(frozen=True)
class Wanted:
    """What to inspect.

    Attributes:
        layer: only this layer and direction; None: all, and the top one for silencing.
        names: only these gates and states; STATES: the states; None: all.
        control: whose word the control task takes: the present one, or the cue.
        seed: random seed of the control task and of random groups.
        silencing: how units of recurrent encoders are silenced; None: they are not. Its layer and
            state are replaced.
    """

    layer: str | None = None
    names: tuple[str, ...] | None = None
    control: Control = "word"
    seed: int = 0
    silencing: Silencing | None = None


@dataclass(frozen=True)
class Inside:
    """Results by table; each has the column cell, and tables without rows have no columns.

    See `decoding_table`, `switch_table`, `silencing_table`, `units_table` and `forms_table`. The
    last two are about the main table of the probe only.
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
    configs: Sequence[str] | None = None,
) -> tuple[Inside, list[Inside]]:
    """Return the results of all setups in common tables, and those of each tagger on its own.

    Args:
        taggers: the taggers.
        sentences: what they read.
        wanted: what to inspect.
        progress: called with a line before each step.
        configs: for each tagger, a digest of the settings of its training without the seed; setups
            differ if these do.

    Raises:
        InputError: as `silence_units` and `make_task` do.
    """
    task = make_task(sentences, wanted.control, wanted.seed)
    single: dict[int, Inside] = {}
    pooled = []
    for label, numbers in _setups(taggers, configs or [""] * len(taggers)).items():
        results: list[_Results] = []
        for number in numbers:
            progress(f"{label}: tagger {len(single) + len(results) + 1} of {len(taggers)}")
            results.append(_inspect(taggers[number], sentences, task, wanted, progress))
        own = [_tables([one], label, sentences) for one in results]
        single |= dict(zip(numbers, own, strict=True))
        pooled.append(own[0] if len(own) == 1 else _tables(results, label, sentences))
    tables = (_concat([getattr(one, field.name) for one in pooled]) for field in fields(Inside))
    return Inside(*tables), [single[number] for number in range(len(taggers))]


def _setups(taggers: Sequence[Tagger], configs: Sequence[str]) -> dict[str, list[int]]:
    """Return the numbers of the taggers of each setup by its name.

    Setups that have equal names, but differ in their settings, are numbered.
    """
    by_label: dict[str, dict[str, list[int]]] = {}
    for number, (tagger, config) in enumerate(zip(taggers, configs, strict=True)):
        own = by_label.setdefault(setup_label(tagger), {})
        own.setdefault(config, []).append(number)
    return {
        f"{label}, {place}" if len(own) > 1 else label: numbers
        for label, own in by_label.items()
        for place, numbers in enumerate(own.values(), 1)
    }


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
    return memory_of(encoder.cell) if isinstance(encoder, Recurrent) else OUTPUT


def output_state(tagger: Tagger) -> str:
    """Return the name of the state that is the output of a layer."""
    return tagger.network.recurrent.cell.states[0] if is_recurrent(tagger) else OUTPUT


def top_layer(tagger: Tagger) -> str:
    """Return the name of the last layer; of two directions, the forward one."""
    layers = state_layers(tagger)
    return next((name for name in reversed(layers) if name.endswith(".fwd")), layers[-1])


def chosen_states(tagger: Tagger, names: Sequence[str] | None) -> Sequence[str] | None:
    """Return the names of gates and states to read; None: all.

    `STATES` stands for the states of the cell that have a value a unit, and for the output of an
    encoder that is not recurrent.
    """
    if names is None or STATES not in names:
        return names
    encoder = tagger.network.encoder
    own = encoder.cell.unit_states if isinstance(encoder, Recurrent) else (OUTPUT,)
    return [*own, *(name for name in names if name != STATES and name not in own)]


def is_recurrent(tagger: Tagger) -> bool:
    """Return whether the encoder is recurrent, so that its units can be silenced."""
    return isinstance(tagger.network.encoder, Recurrent)


def check_silencing(tagger: Tagger) -> None:
    """Raise InputError for an encoder whose units cannot be silenced."""
    if not is_recurrent(tagger):
        name = encoder_name(tagger.network.config.encoder)
        raise InputError(
            f"the units of a recurrent encoder can be silenced; this tagger has "
            f"model.encoder={name}: leave out its units with --silence no"
        )


class _Results(NamedTuple):
    """What is found in one tagger.

    Attributes:
        predicted: what linear probes predict in each part of the sentences.
        answers: the answers with silenced units; empty if none are silenced.
        hidden: the number of units of a layer.
    """

    predicted: list[dict[Place, Predicted]]
    answers: list[Answers]
    hidden: int


def _inspect(
    tagger: Tagger,
    sentences: Sentences,
    task: Task,
    wanted: Wanted,
    progress: Callable[[str], None],
) -> _Results:
    """Fit linear probes to a tagger's states, and silence its units."""
    silencing = wanted.silencing if is_recurrent(tagger) else None
    progress(f"fitting linear probes to {len(sentences.fitted)} sentences")
    shown = chosen_states(tagger, wanted.names)
    names = shown
    if shown is not None and silencing is not None:
        names = [*shown, *tagger.network.recurrent.cell.states]
    fitted = fit_states(tagger, sentences, task, wanted.layer, names)
    chosen = {place: f for place, f in fitted.items() if shown is None or place[1] in shown}
    predicted = [
        predict_states(tagger, part.items, read_items(sentences.probe, part.items), task, chosen)
        for part in sentences.scored
    ]
    if silencing is None:
        return _Results(predicted, [], 0)
    encoder = tagger.network.recurrent
    silencing = replace(
        silencing,
        layer=wanted.layer or top_layer(tagger),
        state=memory_state(tagger),
        seed=wanted.seed,
    )
    answers = silence_units(tagger, sentences, fitted, silencing, progress)
    return _Results(predicted, answers, encoder.hidden_size)


def _tables(results: Sequence[_Results], label: str, sentences: Sentences) -> Inside:
    """Return the tables of taggers of one setup."""
    decoding, switch, silencing = [], [], []
    for number, part in enumerate(sentences.scored):
        readings = read_items(sentences.probe, part.items)
        predicted = [one.predicted[number] for one in results]
        decoding.append(decoding_table(predicted, readings, part))
        switch.append(switch_table(predicted, readings, part))
    units = forms = pd.DataFrame()
    if results[0].answers:
        by_part = answers_to([one.answers for one in results], sentences.answered)
        for part, runs in by_part:
            silencing.append(silencing_table(runs, part.items).assign(table=part.table))
        main, runs = by_part[0]
        units = units_table(runs, main.items)
        sizes = _shown_sizes(units, runs, results[0].hidden)
        forms = forms_table(runs, main.items, sentences.probe, sizes)
    tables = [*map(_concat, (decoding, switch, silencing)), units, forms]
    return Inside(*(_labelled(table, label) for table in tables))


def _shown_sizes(
    units: pd.DataFrame, runs: Sequence[Sequence[Answers]], hidden: int
) -> dict[str, int]:
    """Return the size of the group whose forms are shown, by order."""
    half = max(1, int(_SHOWN * hidden))
    tested = {answers.size for answers in runs[0]} - {0}
    sizes = {}
    for order, own in units.groupby("order", sort=False)["units"]:
        size = own.median() if own.notna().all() else half
        sizes[str(order)] = min(tested, key=lambda one: abs(one - size))
    return sizes


def _concat(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _labelled(table: pd.DataFrame, label: str) -> pd.DataFrame:
    return table if table.empty else table.assign(cell=label)[["cell", *table.columns]]
