"""The model card: a description of a model folder for readers and for the Hugging Face hub."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seqtag.data.encode.labelset import LabelSet
from seqtag.metrics.main import main_score, score_text
from seqtag.model.encoders.registry import encoder_name
from seqtag.model_folder.metadata import NOT_STATED, PLACE, corpus_name, front_matter

# At most this many labels are listed; of the others the number is given.
_MOST_LABELS = 60
# At most this many types are in the title.
_MOST_TYPES = 4
_COUNTS = ("sentences", "tokens")
_RATES = ("accuracy", "unknown_accuracy", "precision", "recall", "f1")
_CORPUS_KEYS = (
    *("format", "probe", "path", "name", "token_column", "label_column", "features", "scheme"),
    *("train", "dev", "test", "lag", "seed"),
)


def model_card(
    name: str,
    stored: Mapping[str, Any],
    labels: LabelSet,
    reads: Sequence[str],
    words: Sequence[str] = (),
) -> str:
    """Return the card in Markdown: metadata for the hub, then prose and tables for readers.

    Args:
        name: name of the model, for the metadata.
        stored: the content of ``config.json``.
        labels: the label set.
        reads: descriptions of the inputs of a word.
        words: some known words; the example for a probe's tagger uses them.
    """
    parts = [
        front_matter(name, stored, _kinds(stored)),
        f"# {_text(_title(stored, labels))}",
        _what(stored, labels, reads),
        *_needs(stored),
        _how(stored, words),
        "## Labels\n\n" + _labels(labels, stored["figures"]),
    ]
    if stored["data"]:
        parts.append("## Training data\n\n" + _corpus(stored["data"]))
    if figures := _figures(stored["figures"]):
        parts.append("## Figures\n\n" + figures)
    parts.append("## Languages and licence\n\n" + NOT_STATED)
    return "\n\n".join(parts) + "\n"


def _cell_name(cell: Any) -> str:
    return str(cell.get("name", "recurrent")) if isinstance(cell, Mapping) else str(cell)


def _kinds(stored: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags of the encoder."""
    encoder = encoder_name(stored["model"].get("encoder"))
    return (encoder, _cell_name(stored["cell"])) if encoder == "recurrent" else (encoder,)


def _title(stored: Mapping[str, Any], labels: LabelSet) -> str:
    """Return what the model is: ``Tagger of LOC, PER: BiLSTM-CRF on conll2003``."""
    column = (stored["data"] or {}).get("label_column")
    if labels.scheme != "plain":
        more = f" and {len(labels.types) - _MOST_TYPES} more types"
        what = ", ".join(labels.types[:_MOST_TYPES]) + more * (len(labels.types) > _MOST_TYPES)
    elif isinstance(column, str) and column not in ("labels", "label", "tags"):
        what = column
    else:
        what = f"{len(labels)} labels"
    corpus = corpus_name(stored)
    return f"Tagger of {what}: {_architecture(stored)}{f' on {corpus}' if corpus else ''}"


def _architecture(stored: Mapping[str, Any]) -> str:
    """Return a short name of the network: ``BiLSTM-CRF``."""
    model, cell = stored["model"], _cell_name(stored["cell"])
    crf = "-CRF" if model["decoder"] == "crf" else ""
    if (encoder := encoder_name(model.get("encoder"))) != "recurrent":
        return encoder.capitalize() + crf
    if cell in ("lstm", "gru", "rnn"):
        return f"{'Bi' if model['bidirectional'] else ''}{cell.upper()}{crf}"
    return f"{'bidirectional ' if model['bidirectional'] else ''}{cell}{crf}"


def _what(stored: Mapping[str, Any], labels: LabelSet, reads: Sequence[str]) -> str:
    model = stored["model"]
    decoder = {"crf": "a conditional random field"}.get(model["decoder"], "softmax")
    if labels.scheme == "plain":
        task = "gives every word of a sentence a label"
    else:
        task = "finds spans of words in a sentence, and their types"
    return (
        f"This tagger {task}. It was trained with seqtag {stored['seqtag']}. It has "
        f"{_encoder(stored)}, decodes with {decoder}, and reads {_text(', '.join(reads))}."
    )


def _needs(stored: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each installed package that loading the model needs."""
    parts: dict[str, list[str]] = {}
    for part, package in stored.get("packages", {}).items():
        parts.setdefault(package, []).append(part)
    return [
        f"Needs the package `{_text(package)}` ({_text(', '.join(names))}) in addition to seqtag."
        for package, names in parts.items()
    ]


def _encoder(stored: Mapping[str, Any]) -> str:
    model = stored["model"]
    if (encoder := encoder_name(model.get("encoder"))) != "recurrent":
        return f"the encoder `{_text(encoder)}`"
    directions = "bidirectional" if model["bidirectional"] else "forward only"
    plural = "s" * (model["num_layers"] != 1)
    return (
        f"{model['num_layers']} recurrent layer{plural} "
        f"(`{_text(_cell_name(stored['cell']))}`, {model['hidden_size']} units, {directions})"
    )


def _how(stored: Mapping[str, Any], words: Sequence[str]) -> str:
    data = stored["data"] or {}
    features = data.get("features")
    call = 'tagger.tag("Any text.")'
    if data.get("probe") and words:
        call = f"tagger.tag([{json.dumps(list(words), ensure_ascii=False)}])"
    if features:
        values = ", ".join(f'"{feature}": [["..."]]' for feature in features)
        call = f'tagger.tag([["Word"]], features={{{values}}})'
    return (
        "## Use\n\n```sh\npip install seqtag\n```\n\n```python\nfrom seqtag import Tagger\n\n"
        f'tagger = Tagger.load("{PLACE}")\nfor sentence in {_text(call)}:\n'
        "    print(sentence.labels, sentence.spans)\n```\n\n"
        f"```sh\nseqtag tag --model {PLACE} --input text.txt\n```"
    )


def _labels(labels: LabelSet, figures: Mapping[str, Any] | None) -> str:
    plain = labels.scheme == "plain"
    names = labels.labels if plain else labels.types
    split, counts = _counts(figures)
    listed = ", ".join(
        f"`{_text(name)}`" + (f" ({counts.get(name, 0):,})" if counts else "")
        for name in names[:_MOST_LABELS]
    )
    more = f" and {len(names) - _MOST_LABELS} more" if len(names) > _MOST_LABELS else ""
    scheme = ""
    if not plain:
        scheme = f"\n\nLabels are written in the {labels.corpus_scheme} scheme."
        if not labels.notation.is_standard or labels.notation.scheme != labels.corpus_scheme:
            notation = _text(labels.notation.described())
            scheme += (
                f" In the training corpus they are {notation}; `--scheme corpus` writes them so."
            )
    kind = "labels" if plain else "types of spans"
    kind += f", with their number in the {_text(split)} split" if counts else ""
    return f"{len(names)} {kind}: {listed}{more}.{scheme}"


def _counts(figures: Mapping[str, Any] | None) -> tuple[str, dict[str, int]]:
    """Return the last evaluated split and the number of labels (or spans) of each kind in it."""
    splits = (figures or {}).get("splits")
    split, scores = list(splits.items())[-1] if isinstance(splits, Mapping) and splits else ("", {})
    per_label = scores.get("per_label")
    supports = {
        name: row.get("support")
        for name, row in (per_label.items() if isinstance(per_label, Mapping) else ())
    }
    return split, {name: count for name, count in supports.items() if isinstance(count, int)}


def _corpus(data: Mapping[str, Any]) -> str:
    shown = dict(data)
    if Path(str(shown.get("path"))).is_absolute():
        # Cards are published: show the name of the corpus, not its path on the owner's disk.
        shown["path"] = Path(shown["path"]).name
    rows = [(key, shown[key]) for key in _CORPUS_KEYS if shown.get(key)]
    return _table(("key", "value"), [(f"`{key}`", _value(value)) for key, value in rows])


def _figures(figures: Mapping[str, Any] | None) -> str:
    splits = (figures or {}).get("splits")
    if not isinstance(splits, Mapping) or not splits:
        return ""
    mains = [main_score(part)[0] for part in splits.values()]
    known = dict.fromkeys((*_COUNTS, *_RATES, *mains))
    parts = {split: _measured(part) for split, part in splits.items()}
    columns = [c for c in known if any(c in part for part in parts.values())]
    rows = [
        (split, *(_number(column, part.get(column)) for column in columns))
        for split, part in parts.items()
    ]
    tables = [_table(("split", *columns), rows)]
    split, last = list(splits.items())[-1]
    per_label = last.get("per_label")
    if isinstance(per_label, Mapping) and 0 < len(per_label) <= _MOST_LABELS:
        names = ("precision", "recall", "f1", "support")
        rows = [
            (f"`{_text(label)}`", *(_number(name, row.get(name)) for name in names))
            for label, row in per_label.items()
        ]
        tables += [f"By label, on the {_text(split)} split:", _table(("label", *names), rows)]
    return "\n\n".join(tables)


def _measured(scores: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the scores without the accuracy on unknown words where there were none."""
    if scores.get("unknown_tokens"):
        return scores
    return {name: value for name, value in scores.items() if name != "unknown_accuracy"}


def _number(name: str, value: Any) -> str:
    if not isinstance(value, int | float):
        return ""
    return f"{value:,}" if name in (*_COUNTS, "support") else score_text(name, value)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_text(cell) for cell in line) + " |" for line in lines)


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _text(value: str) -> str:
    """Return one line that cannot break out of a table's cell."""
    return " ".join(str(value).split()).replace("|", "&#124;")
