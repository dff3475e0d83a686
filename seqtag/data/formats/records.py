"""Records, which are mappings with lists: of JSONL, CSV and parquet, and rows from the hub.

A record has a list of tokens and a list of labels, and may have lists of features. Labels are
strings; null and -100 mean "not trained on"; integers are decoded by the names that the file (or
`data.label_names`) gives.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seqtag.data.formats.label_names import LabelNames
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError, listed, shown
from seqtag.labels import NOT_SCORED

_SURROGATE = re.compile("[\ud800-\udfff]")


class RecordReader:
    """Turns records into sentences: checks, decodes integers, counts documents.

    `decoders` holds, for columns stored as integers, the names that the file itself gives.

    Attributes:
        name: what messages call the source of the records.
        place: name and line (or row) of the record that was read last; name alone before the
            first, and where records have no number.
    """

    def __init__(
        self, name: str, layout: Layout, decoders: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.name, self.layout, self.place = name, layout, name
        self._wanted = layout.wanted().keys()
        self._names = {
            column: LabelNames(column, names) for column, names in (decoders or {}).items()
        }
        given = LabelNames.given(layout)
        if given is not None:
            self._names[given.column] = given
        self._closed = given is not None and not layout.more_labels
        columns = (layout.label_column, *layout.features)
        self._beside_tokens = [column for column in columns if column is not None]
        self._doc, self._doc_value, self._first = 0, None, True

    def require(self, there: Sequence[str], where: str) -> None:
        """Raise an InputError if a column to be read is not there, or there more than once."""
        self.layout.require(there, where)
        repeated = sorted({name for name in self._wanted if there.count(name) > 1})
        if repeated:
            raise InputError(
                f"{where}: more than one column is called {', '.join(map(shown, repeated))}; there "
                f"are: {listed(there)}. Rename those that are not meant"
            )

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
        layout = self.layout
        self.place = where = f"{self.name}:{line}" if line else self.name
        if not self._wanted <= record.keys():
            layout.require(list(record), where)
        tokens = self._list(record, layout.token_column, where)
        columns = [self._list(record, column, where) for column in self._beside_tokens]
        for column, values in zip(self._beside_tokens, columns, strict=True):
            if len(values) != len(tokens):
                raise InputError(
                    f"{where}: {len(tokens)} {layout.token_column} but {len(values)} {column}; "
                    "every token needs one"
                )
        if not set(map(type, tokens)) <= {str}:
            wrong = next(token for token in tokens if type(token) is not str)
            raise InputError(
                f"{where}: {layout.token_column} holds {shown(wrong)}, which is not a string"
            )
        labels: list[Any] = []
        if layout.label_column is not None:
            labels, *columns = columns
            if texts and (names := self._names.get(layout.label_column)):
                labels = [names.of_text(label, where) for label in labels]
            labels = self._values(layout.label_column, labels, where, None)
        sentence = Sentence(
            tokens=tokens,
            labels=labels,
            features=[
                self._values(feature, values, where, layout.absent)
                for feature, values in zip(layout.features, columns, strict=True)
            ],
            doc=self._document(record),
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
        checked = self._closed and column == self.layout.label_column
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
        if column != self.layout.label_column and names is None:
            return str(value)
        if value == NOT_SCORED:
            return null
        if names is not None:
            return names.of_integer(value, where)
        raise InputError(
            f"{where}: {column} holds integers, and the file has no names for them: set "
            "data.label_names=[O,B-X,...] in their order"
        )

    def _document(self, record: Mapping[str, Any]) -> int:
        if self.layout.document_column:
            value = record[self.layout.document_column]
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
            names = (self.layout.token_column, self.layout.label_column, *self.layout.features)
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


def from_batches(
    batches: Iterable[Any], reader: RecordReader, before: int = 0
) -> Iterator[Sentence]:
    """Yield the sentences of Arrow record batches, which have so many rows `before` them."""
    row = before
    for batch in batches:
        try:
            records = batch.to_pylist()
        except (ValueError, OverflowError) as error:
            raise _bad_row(batch, row, reader.name, error) from None
        for record in records:
            row += 1
            yield reader.sentence(record, row)


def _bad_row(batch: Any, before: int, name: str, error: Exception) -> InputError:
    """Return the InputError for the first row of a batch that Python cannot represent."""
    for i in range(batch.num_rows):
        try:
            batch.slice(i, 1).to_pylist()
        except (ValueError, OverflowError) as fault:
            before, error = before + i, fault
            break
    reason = f"a string is not UTF-8 ({error})" if isinstance(error, UnicodeError) else str(error)
    return InputError(f"{name}:{before + 1}: {reason}")
