"""Names of the values of a column that a corpus stores as integers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seqtag.data.formats.layout import Layout
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, did_you_mean, listed, shown
from seqtag.labels import NOT_SCORED

_INTEGER = re.compile(r"-?[0-9]{1,9}")


class LabelNames:
    """The names of a column's integers, and whether its strings are among them.

    Args:
        column: what messages call the column.
        names: the names of 0, 1, 2, ...
        closed: a string must be one of the names.
    """

    def __init__(self, column: str, names: Sequence[str], closed: bool = False) -> None:
        self.column, self.names = column, tuple(names)
        self._known = frozenset(names) if closed else None
        # "1" in a text may then be a name or a number.
        self._has_numbers = any(_INTEGER.fullmatch(name) for name in names)

    @classmethod
    def given(cls, layout: Layout) -> LabelNames | None:
        """Return the names that `data.label_names` gives; None without any.

        Of a stream they are further labels beside those of its first sentences, so that a string
        may be another one.
        """
        if layout.label_names is None or layout.label_column is None:
            return None
        return cls(layout.label_column, layout.label_names, closed=not layout.more_labels)

    def of_integer(self, value: int, where: str) -> str | None:
        """Return the name of an integer; None for -100, which marks what is not scored."""
        if value == NOT_SCORED:
            return None
        if not 0 <= value < len(self.names):
            raise InputError(
                f"{where}: {self.column} holds {shown(value)}, but there are {len(self.names)} "
                f"names: {listed(self.names)}"
            )
        return self.names[value]

    def of_string(self, value: str, where: str) -> str:
        """Return a string that is one of the names, or any if the names are not closed."""
        if self._known is not None and value not in self._known:
            raise InputError(
                f"{where}: {self.column} holds {shown(value)}, which data.label_names does not "
                f"name{did_you_mean(value, self.names)}; it names: {listed(self.names)}"
            )
        return value

    def of_text(self, text: str, where: str) -> str | None:
        """Return the label that a text without types stands for: the name of an integer, or it.

        Raises:
            InputError: for an integer out of range, a string that is not one of closed names, and
                an integer that is itself a name: which of both is meant cannot be known.
        """
        if not _INTEGER.fullmatch(text):
            return self.of_string(text, where)
        if not self._has_numbers:
            return self.of_integer(int(text), where)
        if text.isdigit() and self.names[int(text) : int(text) + 1] == (text,):
            return text
        raise InputError(
            f"{where}: {self.column} holds {text}, and data.label_names has numbers among its "
            "names: whether a name or the number of one is meant cannot be known from a text; "
            'write the labels as JSON, [0, 1] or ["0", "1"], or set data.label_names=null'
        )

    def applied(self, sentence: Sentence, name: str) -> Sentence:
        """Return a sentence of the file `name` with these names in place of the labels' texts."""
        labels = [
            label and self.of_text(label, f"{name}:{sentence.line_of(i)}")
            for i, label in enumerate(sentence.labels)
        ]
        return sentence._replace(labels=labels)
