"""What `seqtag trace` computes: the data of the interactive picture, still pictures, arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from seqtag.data.text.split import split_text
from seqtag.errors import InputError
from seqtag.inspect.memory import half_lives
from seqtag.inspect.picture import picture_data, trace_data
from seqtag.inspect.subject import memory_of, subject_codes
from seqtag.inspect.switch import ITEMS, Event, pronoun_events, switch_curves
from seqtag.inspect.trace import Trace, display_order, trace
from seqtag.probes.pronoun import PronounProbe
from seqtag.report.trace_plots import plot_half_lives, plot_switch, plot_trace
from seqtag.study.judge import check_labels
from seqtag.tagging.tagger import Tagger

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
    "Each curve is the share of memory that the units keep at a word, so many words before or "
    "after the word for a person, which is at 0; the band is its 95% interval over sentences. "
    "Where the curve of a new subject is far below that of an attractor, the units forget the "
    "earlier subject, and only then. The small panels show single units, those that react most."
)
# Terms of that picture. The kinds of persons are followed by a sentence with such a person.
_TERMS = {
    "share of memory kept": "the forget gate, or what the cell has in its place: 1 keeps the whole "
    "memory of a unit, 0 erases it.",
    "first subject": "the first person that a sentence is about.",
    "attractor": "a person of another gender or number, who is not the subject. A tagger that "
    "takes the last person for the subject is attracted by it.",
    "new subject": "the subject of a later clause, which replaces the one before it. The curve "
    "can fall before its word, where a link such as “, but” announces it.",
}


class Caption(NamedTuple):
    """The heading of a picture, and the text that explains it."""

    heading: str
    text: str
    terms: Sequence[tuple[str, str]] = ()


class Selected(NamedTuple):
    """What is drawn: a layer (None: all), units (number, or which), gates and states by name."""

    layer: str | None
    units: int | list[int] | None
    panels: Sequence[str] | None


@dataclass
class Results:
    """Results by file name: arrays, and still pictures with their captions.

    Attributes:
        tokens: the words of each sentence.
        traces: the traces of the first tagger, one for each sentence.
        picture: the data of the interactive picture; None without a sentence.
        layers: names of the pictures that show the gates and states of a layer.
        notes: lines about the sentences, to be printed.
    """

    tokens: list[list[str]] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    picture: dict[str, Any] | None = None
    arrays: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    pictures: dict[str, tuple[Caption, Figure]] = field(default_factory=dict)
    layers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def add_traces(
    taggers: Sequence[Tagger], names: Sequence[str], sentences: Sequence[str], selected: Selected
) -> Results:
    """Return the traces of all sentences by all taggers, as data of the interactive picture."""
    results = Results()
    results.tokens = [_tokens(sentence, taggers[0].tokenizer) for sentence in sentences]
    traces = []
    for tagger, name in zip(taggers, _display_names(taggers, names), strict=True):
        codes = subject_codes(tagger)
        for sentence in sentences:
            tokens = _tokens(sentence, tagger.tokenizer)
            traced = trace(tagger, tokens)
            traces.append(trace_data(tagger, tokens, name, codes, traced))
            results.notes += _notes(tagger, traced)
            if tagger is taggers[0]:
                results.traces.append(traced)
    if traces:
        results.picture = picture_data(traces)
        if isinstance(selected.units, Sequence):
            results.picture["units"] = list(selected.units)
    return results


def _display_names(taggers: Sequence[Tagger], folders: Sequence[str]) -> list[str]:
    """Return the names of the cells, with the folders of models whose cells have one name."""
    cells = [t.cell if isinstance(t.cell, str) else str(t.cell["name"]) for t in taggers]
    return [
        cell if cells.count(cell) == 1 else f"{cell} ({folder})"
        for cell, folder in zip(cells, folders, strict=True)
    ]


def _tokens(sentence: str, tokenizer: str) -> list[str]:
    parts = split_text(sentence, tokenizer=tokenizer)
    tokens = [token.text for part in parts for token in part.tokens]
    if not tokens:
        raise InputError("the sentence has no words: nothing to trace")
    return tokens


def _shown(tagger: Tagger, traced: Trace) -> list[str]:
    """Return the words; those that did not occur in training are marked."""
    unknown = tagger.unknown_words(traced.tokens)
    return [f"{token} (?)" if token in unknown else token for token in traced.tokens]


def _notes(tagger: Tagger, traced: Trace) -> list[str]:
    words = zip(_shown(tagger, traced), traced.labels, strict=True)
    notes = [" ".join(f"{token}/{label}" for token, label in words)]
    if unknown := tagger.unknown_words(traced.tokens):
        notes.append(f"unknown words: {', '.join(unknown)}")
    return notes


def add_pictures(results: Results, tagger: Tagger, selected: Selected) -> None:
    """Add arrays and still pictures of the gates and states in one sentence."""
    (traced,) = results.traces
    cell = tagger.network.recurrent.cell
    order = memory_of(cell)
    shown = _shown(tagger, traced)
    results.arrays["trace"] = traced.arrays()
    for name, values in traced.values.items():
        if selected.layer in (None, name):
            values = display_order(cell, values)
            rest = (cell.meanings, order, selected.units, selected.panels)
            figure = plot_trace(shown, traced.labels, values, *rest)
            results.layers.append(name)
            results.pictures[name] = Caption(f"Gates and states of layer {name}", _GATES), figure


def add_memory(
    results: Results, tagger: Tagger, tokens: list[str] | None, layer: str | None
) -> None:
    """Add the half-lives of the units, in a sentence or in sentences of the pronoun probe."""
    if tokens is None:
        sentences = [item.tokens for item in PronounProbe().corpus("test", ITEMS, 0)]
        where = f"over {ITEMS} sentences of the pronoun probe"
    else:
        sentences, where = [tokens], "over the sentence"
    lives = half_lives(tagger, sentences)
    lives = {name: life_H for name, life_H in lives.items() if layer in (None, name)}
    results.arrays["memory"] = lives
    caption = Caption(f"Half-life of memory, {where}", _HALF_LIFE)
    results.pictures["memory"] = caption, plot_half_lives(lives)


def add_switch(results: Results, tagger: Tagger, layer: str | None) -> None:
    """Add how much memory is kept at a new subject, and at other persons for comparison."""
    check_labels(tagger, PronounProbe())
    events = pronoun_events()
    curves = switch_curves(tagger, events, layer)
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
    apart = {
        f"unit {unit}": {kind: mean_PU[:, place] for kind, mean_PU in curves.apart.items()}
        for place, unit in enumerate(curves.units[: next(iter(curves.apart.values())).shape[1]])
    }
    figure = plot_switch(curves.places_P, panels, "the person's word", apart)
    results.arrays["switch"] = curves.arrays()
    numbers = ",".join(map(str, curves.units.tolist()))
    text = f"{_SWITCH} The units that react most: --only {numbers} draws them."
    terms = [(term, text + _example(events.get(term))) for term, text in _TERMS.items()]
    caption = Caption("Share of memory kept around a person", text, terms)
    results.pictures["switch"] = caption, figure


def _example(events: Sequence[Event] | None) -> str:
    """Return the shortest sentence of some events, with the word for the person marked."""
    if events is None:
        return ""
    event = min(events, key=lambda event: len(event.tokens))
    words = list(event.tokens)
    words[event.position] = f"▸{words[event.position]}◂"
    return f" Here: {' '.join(words)} …"
