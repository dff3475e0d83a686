"""The data of the interactive picture of a sentence, as JSON values.

`seqtag.report.picture` holds the page and the JavaScript module that draw it.

Legend: T words, H units, K labels.
"""

import base64
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqtag.cells import Cell
from seqtag.cells.walk import WalkStep
from seqtag.errors import InputError
from seqtag.inspect.guide import guide
from seqtag.inspect.subject import Code, Person, memory_of, persons
from seqtag.inspect.trace import Trace, Values, display_order, trace
from seqtag.tagging.tagger import Tagger
from seqtag.terminal import escape_controls

# The form of the data; the JavaScript module refuses another one.
VERSION = 1
MOST_WORDS = 2000
# Values of a sentence with more numbers than this are stored in 8 bits instead of 16.
_MOST_PRECISE = 1_000_000
_DIRECTIONS = {"fwd": "left to right", "bwd": "right to left"}
_REST = WalkStep(
    "other values",
    (),
    "The cell computes these values too; its definition does not explain them. A step of the cell "
    "at a word depends on the word and on the states at the word before it.",
)


def picture_data(traces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the data of a picture that shows some traces, each a result of `trace_data`.

    Two traces are shown side by side; if they are of one model, and of sentences of the same
    length, their difference is shown too.
    """
    return {"version": VERSION, "traces": list(traces)}


def trace_data(
    tagger: Tagger,
    tokens: Sequence[str],
    name: str | None = None,
    codes: Sequence[Code] = (),
    traced: Trace | None = None,
) -> dict[str, Any]:
    """Return the gates, states, labels and probabilities of a sentence as JSON values.

        codes = subject_codes(tagger)  # once per tagger
        data = picture_data([trace_data(tagger, ["Anna", "left", "."], "lstm", codes)])

    Arrays are quantised to 16 or 8 bits between ``low`` and ``high``, little-endian, in base64.

    Args:
        tagger: the tagger.
        tokens: the words of the sentence.
        name: the name of the model in the picture; by default that of its cell.
        codes: the units that code the subject's form: `subject_codes(tagger)`.
        traced: the trace of these tokens, if it is there already.

    Raises:
        InputError: for a sentence without words, one of more than 2,000, or a tagger that reads
            further columns.
    """
    if len(tokens) > MOST_WORDS:
        raise InputError(
            f"the sentence has {len(tokens):,} words; a picture shows at most {MOST_WORDS:,}"
        )
    traced = trace(tagger, tokens) if traced is None else traced
    ((_, p_1TK),) = tagger.probabilities([traced.tokens])
    cell = tagger.network.recurrent.cell
    numbers = sum(value_TH.size for v in traced.values.values() for value_TH in v.values())
    bits = 16 if numbers <= _MOST_PRECISE else 8
    unknown = set(tagger.unknown_words(traced.tokens))
    people = persons(traced.tokens) if codes else []
    code = _fitting(codes, people)
    cell_name = tagger.cell if isinstance(tagger.cell, str) else str(tagger.cell["name"])
    return {
        "name": escape_controls(name or cell_name),
        "cell": escape_controls(cell_name),
        "rtl": _reads_right_to_left(traced.tokens),
        "tokens": [escape_controls(token) for token in traced.tokens],
        "unknown": [number for number, token in enumerate(traced.tokens) if token in unknown],
        "labels": [escape_controls(label) for label in traced.labels],
        "label_names": [escape_controls(label) for label in tagger.labels.labels],
        "probabilities": _packed(p_1TK[0].numpy(), 8),
        "memory": memory_of(cell),
        "meanings": {key: escape_controls(text) for key, text in cell.meanings.items()},
        "walk": [step._asdict() for step in _walk(cell, traced)],
        "layers": [
            {
                "name": layer,
                "title": _layer_title(layer),
                "units": next(iter(values.values())).shape[1],
                "values": {
                    key: _packed(value_TH, bits)
                    for key, value_TH in display_order(cell, values).items()
                },
            }
            for layer, values in traced.values.items()
        ],
        "persons": [person._asdict() for person in people],
        "codes": [_code_data(one, traced.values[one.layer]) for one in codes],
        "code": None if code is None else codes.index(code),
        "guide": [] if code is None else guide(code, traced, people, cell),
    }


def _fitting(codes: Sequence[Code], people: Sequence[Person]) -> Code | None:
    """Return the code that tells the forms of a sentence's persons apart."""
    forms = {person.form for person in people}
    for code in codes:
        if forms and forms <= {*code.positive, *code.negative}:
            return code
    return codes[0] if codes else None


def _code_data(code: Code, values: Values) -> dict[str, Any]:
    units = list(code.units)
    return {
        "layer": code.layer,
        "value": code.value,
        "positive": list(code.positive),
        "negative": list(code.negative),
        "units": units,
        "r": _packed(code.r_H, 16),
        # Each unit's value where the forms of both sides are, on average.
        "centre": [round(float(code.centre_H[unit]), 4) for unit in units],
        "half": [round(float(code.half_H[unit]), 4) for unit in units],
    }


def _walk(cell: Cell, traced: Trace) -> list[WalkStep]:
    """Return the steps of a cell; values that no step names are in a last one."""
    names = list(display_order(cell, next(iter(traced.values.values()))))
    steps = [
        step._replace(values=tuple(name for name in step.values if name in names))
        for step in cell.walk
    ]
    named = {name for step in steps for name in step.values}
    rest = tuple(name for name in names if name not in named)
    return [*steps, _REST._replace(values=rest)] if rest else steps


def _layer_title(layer: str) -> str:
    number, _, way = layer.partition(".")
    return f"layer {int(number[1:]) + 1}, {_DIRECTIONS[way]}"


def _packed(value: np.ndarray, bits: int) -> dict[str, Any]:
    """Return an array as quantised whole numbers in base64; 0 and 1 bound what lies between."""
    value = np.nan_to_num(value.astype(np.float64))
    low, high = float(value.min()), float(value.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low < 0:
        # Symmetric, so that 0 is exact enough for both signs.
        high = max(high, -low)
        low = -high
    steps = 2**bits - 1
    scaled = np.rint((value - low) / ((high - low) or 1.0) * steps)
    data = scaled.astype("<u2" if bits == 16 else "u1").tobytes()
    return {"bits": bits, "low": low, "high": high, "data": base64.b64encode(data).decode()}


def _reads_right_to_left(tokens: Sequence[str]) -> bool:
    ways = [unicodedata.bidirectional(character) for token in tokens for character in token]
    return sum(way in ("R", "AL") for way in ways) > ways.count("L")
