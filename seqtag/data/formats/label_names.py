"""Names of labels or features that a corpus stores as integers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seqtag.data.formats.layout import Layout
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, did_you_mean, listed, shown
from seqtag.labels import NOT_SCORED

_INTEGER = re.compile(r"-?[0-9]{1,9}")


class LabelNames:
    """The names of a column's integers.

    Args:
        column: name of the column in messages.
        names: the names of 0, 1, 2, ...
        closed: whether strings in the column must be among the names.
    """

    def __init__(self, column: str, names: Sequence[str], closed: bool = False) -> None:
        self.column, self.names = column, tuple(names)
        self._known = frozenset(names) if closed else None
        # If some name is a number, "1" in an untyped text is ambiguous.
        self._has_numbers = any(_INTEGER.fullmatch(name) for name in names)

    @classmethod
    def from_layout(cls, layout: Layout) -> LabelNames | None:
        """Return the names in `data.label_names`, or None if it is not set.

        For a stream they only add to the labels of its first sentences, so strings that are not
        among them are allowed.
        """
        if layout.label_names is None or layout.label_column is None:
            return None
        return cls(layout.label_column, layout.label_names, closed=not layout.open_labels)

    def decode_integer(self, value: int, where: str) -> str | None:
        """Return the name of an integer; None for -100, which means not scored."""
        if value == NOT_SCORED:
            return None
        if not 0 <= value < len(self.names):
            raise InputError(
                f"{where}: {self.column} contains {shown(value)}, but there are {len(self.names)} "
                f"names: {listed(self.names)}"
            )
        return self.names[value]

    def check_string(self, value: str, where: str) -> str:
        """Return the string; raise an InputError if names are closed and it is not one of them."""
        if self._known is not None and value not in self._known:
            raise InputError(
                f"{where}: {self.column} contains {shown(value)}, which is not in data.label_names"
                f"{did_you_mean(value, self.names)}: {listed(self.names)}"
            )
        return value

    def decode_text(self, text: str, where: str) -> str | None:
        """Return the label for an untyped text: the name of an integer, or the text itself.

        Raises:
            InputError: for an integer out of range, for a string that is not one of closed names,
                and for an integer if some name is a number, unless both meanings agree.
        """
        if not _INTEGER.fullmatch(text):
            return self.check_string(text, where)
        if not self._has_numbers:
            return self.decode_integer(int(text), where)
        if text.isdigit() and self.names[int(text) : int(text) + 1] == (text,):
            return text
        raise InputError(
            f"{where}: {self.column} contains {text}, which is ambiguous, because some of the "
            "data.label_names are numbers: it may be a name or the index of a name; "
            'write the labels as JSON, [0, 1] or ["0", "1"], or set data.label_names=null'
        )

    def decode_sentence(self, sentence: Sentence, name: str) -> Sentence:
        """Return a sentence of the file `name` with its labels, untyped texts, decoded."""
        labels = [
            label and self.decode_text(label, f"{name}:{sentence.line_of(i)}")
            for i, label in enumerate(sentence.labels)
        ]
        return sentence._replace(labels=labels)
