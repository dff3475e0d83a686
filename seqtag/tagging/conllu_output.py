"""Tagged sentences as CoNLL-U: all lines of a CoNLL-U input are kept, other input gets its own."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from seqtag.data.formats.sentence import InputLines
from seqtag.errors import InputError, shown
from seqtag.tagging.output import TaggedSentence
from seqtag.tagging.readers import Item
from seqtag.tagging.writer import Writer

_FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_UNWRITABLE = ("id", "form", "deps")
_KEY = re.compile(r"[^\s|=.]+")
_PROBABILITY = "Probability"

# Puts the label of a token, and any probability, into its cells.
_Put = Callable[[list[str], str, float | None], None]


def label_place(data: Mapping[str, Any] | None) -> str:
    """Return the column for the labels: that of the training corpus, or else a key of misc.

    Args:
        data: how the tagger's training corpus was read; may be None.
    """
    name = (data or {}).get("label_column") or "labels"
    if not isinstance(name, str):
        raise InputError(f"data.label_column={shown(name)}: must be text")
    field, _, key = name.partition(".")
    if name in _FIELDS or (field in ("feats", "misc") and key):
        return name
    return f"misc.{name}"


class ConlluOutput(Writer):
    """CoNLL-U, with the labels in one column.

    A sentence that was read from CoNLL-U keeps its comments, columns, multi-word tokens and empty
    nodes. Other sentences get the comments ``sent_id`` and ``text``, and ``SpaceAfter=No``.

    Args:
        column: where to write the labels: a field (``upos``) or a key of feats or misc
            (``misc.NER``).
        absent: the label that means that a token has none.

    Raises:
        InputError: if labels cannot be written to that column.
    """

    def __init__(self, column: str, absent: str) -> None:
        self._column, self._absent = column, absent
        self._field, dot, self._key = column.partition(".")
        is_pair = self._field in ("feats", "misc") and _KEY.fullmatch(self._key)
        if self._field in _UNWRITABLE or (dot and not is_pair) or not self._field:
            raise InputError(
                f"labels cannot be written to the CoNLL-U column {shown(column)}: choose upos, "
                "xpos, deprel, misc.KEY, ... with --label-column"
            )
        self._number = 0
        self._wrote_fields = False

    def sentence(self, sentence: TaggedSentence, item: Item) -> str:
        """Return the lines of a sentence, and an empty line."""
        self._number += 1
        if item.source is not None and item.source.format == "conllu":
            lines = self._filled(item.source, sentence)
        else:
            lines = self._new(sentence, item)
        return "".join(f"{line}\n" for line in [*lines, ""])

    def _filled(self, source: InputLines, sentence: TaggedSentence) -> Iterator[str]:
        """Yield the lines of the input, with the labels in their column."""
        put = self._putter(source.fields)
        if source.fields != _FIELDS and not self._wrote_fields:
            if not any("global.columns" in line for _, line in source.lines):
                yield f"# global.columns = {' '.join(source.fields).upper()}"
            self._wrote_fields = True
        labels = dict(zip(source.words, _labelled(sentence), strict=True))
        for number, line in source.lines:
            if number not in labels:
                yield line
                continue
            cells = line.split("\t")
            put(cells, *labels[number])
            yield "\t".join(cells)

    def _new(self, sentence: TaggedSentence, item: Item) -> Iterator[str]:
        """Yield the lines of a sentence that was not read from CoNLL-U."""
        put = self._putter(_FIELDS)
        own = item.id if isinstance(item.id, str | int) and not item.shares_line else ""
        yield f"# sent_id = {' '.join(str(own).split()) or self._number}"
        words = [_form(token.text) for token in sentence.tokens]
        following = [*sentence.tokens[1:], None]
        touching = [
            after is not None and token.end is not None and token.end == after.start
            for token, after in zip(sentence.tokens, following, strict=True)
        ]
        pairs = zip(words, touching, strict=True)
        text = "".join(word + ("" if touches else " ") for word, touches in pairs)
        yield f"# text = {text.strip()}"
        for number, (word, touches, labelled) in enumerate(
            zip(words, touching, _labelled(sentence), strict=True), 1
        ):
            cells = [str(number), word, *"_" * 7, "SpaceAfter=No" if touches else "_"]
            put(cells, *labelled)
            yield "\t".join(cells)

    def _putter(self, fields: Sequence[str]) -> _Put:
        """Return the function that puts a label into the cells of a row with these fields."""
        if self._field not in fields:
            raise InputError(
                f"there is no column {self._field!r} for the labels; there are "
                f"{', '.join(fields)}: choose one with --label-column"
            )
        index = fields.index(self._field)
        misc = fields.index("misc") if "misc" in fields else None

        def put(cells: list[str], label: str, probability: float | None) -> None:
            value = "_" if label == self._absent else label
            if any(sign in value for sign in (" ", "|") if self._key or sign == " "):
                raise InputError(
                    f"the label {label!r} cannot be written to the CoNLL-U column {self._column}: "
                    "use --format jsonl"
                )
            cells[index] = _with_pair(cells[index], self._key, value) if self._key else value
            if self._field == "feats" and self._key:
                cells[index] = "|".join(sorted(cells[index].split("|"), key=str.lower))
            if probability is not None and misc is not None:
                cells[misc] = _with_pair(cells[misc], _PROBABILITY, f"{probability:.6f}")

        return put


def _labelled(sentence: TaggedSentence) -> Iterator[tuple[str, float | None]]:
    """Yield the label and any probability of each token."""
    values = sentence.probabilities or [None] * len(sentence.labels)
    return zip(sentence.labels, values, strict=True)


def _with_pair(cell: str, key: str, value: str) -> str:
    """Return a cell of pairs (A=1|B=2) in which the key has this value; ``_`` removes the key."""
    pairs = [] if cell in ("_", "") else cell.split("|")
    places = [place for place, pair in enumerate(pairs) if pair.partition("=")[0] == key]
    new = [] if value == "_" else [f"{key}={value}"]
    if places:
        pairs[places[0] : places[0] + 1] = new
    else:
        pairs += new
    return "|".join(pairs) or "_"


def _form(word: str) -> str:
    """Return a token as a cell; raise an InputError if CoNLL-U cannot have it."""
    if not word.strip(" ") or "  " in word or any(sign in word for sign in "\t\n\r"):
        raise InputError(f"the token {word!r} cannot be written in CoNLL-U: use --format jsonl")
    return word
