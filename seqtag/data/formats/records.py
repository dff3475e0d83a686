"""Convert records, i.e. mappings of lists, to sentences: of JSONL, CSV, parquet and the hub.

A record has a list of tokens, a list of labels and lists of features. Labels are strings, or
integers that are decoded by the names in the file or in `data.label_names`; null and -100 mean
"not trained on and not scored".
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from seqtag.data.formats.label_names import LabelNames
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.nested import nested_value, root_of
from seqtag.data.formats.sentence import Sentence, labels_without
from seqtag.errors import InputError, listed, shown
from seqtag.labels import NOT_SCORED

_SURROGATE = re.compile("[\ud800-\udfff]")


class RecordReader:
    """Converts records to sentences: checks them, decodes integers, counts documents.

    Args:
        name: name of the source of the records, for messages.
        layout: the columns to read.
        decoders: for columns stored as integers, the names in the file.
        nested: whether a column can be within another one: `ann.tokens`.

    Attributes:
        place: name and line (or row) of the last record; only the name before the first record,
            and if records have no number.
    """

    def __init__(
        self,
        name: str,
        layout: Layout,
        decoders: Mapping[str, Sequence[str]] | None = None,
        nested: bool = True,
    ) -> None:
        self.name, self.layout, self.place, self.nested = name, layout, name, nested
        # Whether records have a column of sentences: they do not, rows of tokens do.
        columns = layout.columns_to_read()
        columns.pop(layout.sentence_column or "", None)
        self._columns = columns.keys()
        self._names = {
            column: LabelNames(column, names) for column, names in (decoders or {}).items()
        }
        label_names = LabelNames.from_layout(layout)
        if label_names is not None:
            self._names[label_names.column] = label_names
        self._closed = label_names is not None and not layout.open_labels
        others = (layout.label_column, *layout.features)
        self._other_columns = [column for column in others if column is not None]
        self._doc, self._doc_value, self._first = 0, None, True
        self._ended: set[str] = set()  # the values of documents that have ended

    def require(self, available: Sequence[str], where: str) -> None:
        """Raise an InputError if a column to read is missing or occurs more than once."""
        self.layout.require([*available, *self._within(available)], where)
        repeated = sorted({name for name in self.roots(available) if available.count(name) > 1})
        if repeated:
            raise InputError(
                f"{where}: more than one column is called {', '.join(map(shown, repeated))}; there "
                f"are: {listed(available)}. Rename all but the right one"
            )

    def roots(self, available: Collection[str]) -> list[str]:
        """Return the columns of a file that contain the columns to read."""
        columns = self.layout.columns_to_read()
        return list(dict.fromkeys(root_of(column, available) for column in columns))

    def _within(self, available: Collection[str]) -> list[str]:
        """Return the columns to read that may be within one of the available columns."""
        if not self.nested:
            return []
        columns = [column for column in self._columns if column not in available]
        return [column for column in columns if root_of(column, available) in available]

    def sentence(
        self,
        record: Mapping[str, Any],
        line: int,
        untyped: bool = False,
        escapes: bool = False,
    ) -> Sentence:
        """Return the sentence of a record.

        Args:
            record: lists by the names of their columns.
            line: its line or row, for messages; 0 if records have no number.
            untyped: whether all values are strings, also those that mean integers.
            escapes: whether strings come from escapes, and so may contain lone surrogates.

        Raises:
            InputError: for a record that is not a valid sentence.
        """
        layout = self.layout
        self.place = where = f"{self.name}:{line}" if line else self.name
        if not self._columns <= record.keys():
            layout.require([*record, *self._within(record)], where)
            record = {column: nested_value(record, column, where) for column in self._columns}
        tokens = self._list(record, layout.token_column, where)
        columns = [self._list(record, column, where) for column in self._other_columns]
        for column, values in zip(self._other_columns, columns, strict=True):
            if len(values) != len(tokens):
                raise InputError(
                    f"{where}: {len(tokens)} {layout.token_column} but {len(values)} {column}; "
                    "every token needs one"
                )
        if not set(map(type, tokens)) <= {str}:
            wrong = next(token for token in tokens if type(token) is not str)
            raise InputError(
                f"{where}: {layout.token_column} contains {shown(wrong)}, which is not a string"
            )
        labels: list[Any] = []
        if layout.label_column is not None:
            labels, *columns = columns
            if layout.unlabelled is not None:
                labels = labels_without(layout.unlabelled, labels)
            if untyped and (names := self._names.get(layout.label_column)):
                labels = [label and names.decode_text(label, where) for label in labels]
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
                return names.check_string(value, where) if names else value
            if null is not None:
                return null
            raise InputError(f"{where}: {column} contains an empty label; use null for no label")
        if value is None:
            return null
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputError(
                f"{where}: {column} contains {shown(value)}; strings or integers are expected"
            )
        if column != self.layout.label_column and names is None:
            return str(value)
        if value == NOT_SCORED:
            return null
        if names is not None:
            return names.decode_integer(value, where)
        raise InputError(
            f"{where}: {column} contains integers, and the file has no names for them: set "
            "data.label_names=[O,B-X,...] in their order"
        )

    def _document(self, record: Mapping[str, Any]) -> int:
        if self.layout.document_column:
            value = record[self.layout.document_column]
            if value != value:  # NaN, which is unequal to itself, means a missing value
                value = None
            if not self._first and value != self._doc_value:
                self._doc += 1
                if self.layout.whole_documents:
                    self._refuse_continued(value)
            self._first, self._doc_value = False, value
        return self._doc

    def _refuse_continued(self, value: Any) -> None:
        """Raise an InputError if a document that begins was already ended by another one."""
        self._ended.add(repr(self._doc_value))
        if repr(value) in self._ended:
            raise InputError(
                f"{self.place}: {self.layout.document_column} is {shown(value)} again, after other "
                "values: sort the file by it, so that data.split_by=document keeps documents "
                "together, or set data.split_by=sentence"
            )

    def _refuse_surrogates(self, sentence: Sentence, where: str) -> None:
        """Raise an InputError for a string with a lone surrogate."""
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
                f"{where}: {column} contains {shown(value)}, which is not Unicode text (it has a "
                "lone surrogate)"
            ) from None


def sentences_from_batches(
    batches: Iterable[Any], reader: RecordReader, first: int = 0
) -> Iterator[Sentence]:
    """Yield the sentences of Arrow record batches that begin with row `first` (from 0)."""
    row = first
    for batch in batches:
        try:
            records = batch.to_pylist()
        except (ValueError, OverflowError) as error:
            raise _bad_row(batch, row, reader.name, error) from None
        for record in records:
            row += 1
            yield reader.sentence(record, row)


def _bad_row(batch: Any, first: int, name: str, error: Exception) -> InputError:
    """Return the InputError for the first row of a batch that Python cannot represent."""
    for i in range(batch.num_rows):
        try:
            batch.slice(i, 1).to_pylist()
        except (ValueError, OverflowError) as fault:
            first, error = first + i, fault
            break
    reason = f"a string is not UTF-8 ({error})" if isinstance(error, UnicodeError) else str(error)
    return InputError(f"{name}:{first + 1}: {reason}")
