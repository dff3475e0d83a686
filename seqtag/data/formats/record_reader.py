"""From a record, which is a mapping with lists, to a sentence: types, lengths, names, documents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from seqtag.data.config import CorpusConfig, require_columns
from seqtag.data.formats.label_names import LabelNames, label_names
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, shown
from seqtag.labels import NOT_SCORED

_SURROGATE = re.compile("[\ud800-\udfff]")


def used_columns(config: CorpusConfig) -> list[str]:
    """Return the names of the columns that are read: tokens, labels, features, document."""
    columns = [config.token_column, config.label_column, *config.features]
    return columns + [config.document_column] * bool(config.document_column)


class RecordReader:
    """Turns records into sentences: checks, decodes integers, counts documents.

    `decoders` holds, for columns stored as integers, the names that the file itself gives.

    Attributes:
        name: what messages call the source of the records.
        place: name and line (or row) of the record that was read last; name alone before the
            first, and where records have no number.
    """

    def __init__(
        self, name: str, config: CorpusConfig, decoders: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.name, self.config, self.place = name, config, name
        self._wanted = set(used_columns(config))
        self._names = {
            column: LabelNames(column, names) for column, names in (decoders or {}).items()
        }
        given = label_names(config)
        if given is not None:
            self._names[config.label_column] = given
        self._closed = given is not None and not config.streaming
        self._doc, self._doc_value, self._first = 0, None, True

    def sentence(
        self,
        record: Mapping[str, Any],
        line: int,
        texts: bool = False,
        escapes: bool = False,
    ) -> Sentence:
        """Return a record as a sentence, or raise an InputError that says why not.

        Args:
            record: the lists by the names of their columns.
            line: its line or row, for messages; 0 where records have no number.
            texts: integers are not told apart from strings that look like them.
            escapes: strings may come from escapes, and so hold half a character (a lone surrogate).
        """
        config = self.config
        self.place = where = f"{self.name}:{line}" if line else self.name
        if not self._wanted <= record.keys():
            require_columns(config, list(record), where)
        tokens = self._list(record, config.token_column, where)
        labels = self._list(record, config.label_column, where)
        features = [self._list(record, feature, where) for feature in config.features]
        columns = zip((config.label_column, *config.features), (labels, *features), strict=True)
        for column, values in columns:
            if len(values) != len(tokens):
                raise InputError(
                    f"{where}: {len(tokens)} {config.token_column} but {len(values)} {column}; "
                    "every token needs one"
                )
        if not set(map(type, tokens)) <= {str}:
            wrong = next(token for token in tokens if type(token) is not str)
            raise InputError(
                f"{where}: {config.token_column} holds {shown(wrong)}, which is not a string"
            )
        if texts and config.label_column in self._names:
            names = self._names[config.label_column]
            labels = [names.of_text(label, where) for label in labels]
        sentence = Sentence(
            tokens=tokens,
            labels=self._values(config.label_column, labels, where, None),
            features=[
                self._values(feature, values, where, config.absent)
                for feature, values in zip(config.features, features, strict=True)
            ],
            doc=self._document(record, where),
            line=line,
        )
        if escapes:
            self._refuse_surrogates(sentence, where)
        return sentence

    def _list(self, record: Mapping[str, Any], column: str, where: str) -> list[Any]:
        values = record[column]
        if isinstance(values, list):
            return values
        raise InputError(
            f"{where}: {column} is {shown(values)}; a list is expected, with a value per token"
        )

    def _values(self, column: str, values: list[Any], where: str, null: str | None) -> list[Any]:
        checked = self._closed and column == self.config.label_column
        if not checked and set(map(type, values)) <= {str} and "" not in values:
            return values
        return [self._decode(column, value, where, null) for value in values]

    def _decode(self, column: str, value: Any, where: str, null: str | None) -> Any:
        names = self._names.get(column)
        if isinstance(value, str):
            if value:
                return names.of_string(value, where) if names else value
            if null is not None:
                return null
            raise InputError(f"{where}: {column} holds an empty label; null is for no label")
        if value is None:
            return null
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputError(
                f"{where}: {column} holds {shown(value)}; strings or integers are expected"
            )
        if column != self.config.label_column and names is None:
            return str(value)
        if value == NOT_SCORED:
            return null
        if names is not None:
            return names.of_integer(value, where)
        raise InputError(
            f"{where}: {column} holds integers, and the file has no names for them: set "
            "data.label_names=[O,B-X,...] in their order"
        )

    def _document(self, record: Mapping[str, Any], where: str) -> int:
        if self.config.document_column:
            value = record[self.config.document_column]
            if value != value:  # NaN, which is unequal to itself, stands for a missing value
                value = None
            if not self._first and value != self._doc_value:
                self._doc += 1
            self._first, self._doc_value = False, value
        return self._doc

    def _refuse_surrogates(self, sentence: Sentence, where: str) -> None:
        """Raise an InputError for a string with half a character in it."""
        columns = (sentence.tokens, sentence.labels, *sentence.features)
        try:
            for values in columns:
                "".join(filter(None, values)).encode()
        except UnicodeEncodeError:
            names = (self.config.token_column, self.config.label_column, *self.config.features)
            column, value = next(
                (name, value)
                for name, values in zip(names, columns, strict=True)
                for value in filter(None, values)
                if _SURROGATE.search(value)
            )
            raise InputError(
                f"{where}: {column} holds {shown(value)}, which is not Unicode text (it has a "
                "lone surrogate)"
            ) from None
