"""Parquet files with one sentence per row, and the names of their integer classes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seqtag.data.formats.base import Format, register
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import Source
from seqtag.data.formats.records import RecordReader, sentences_from_batches
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError

_ROWS = 1000
_METADATA_KEY = b"huggingface"


@register("parquet")
class Parquet(Format):
    """One sentence per row; line numbers in messages are row numbers, from 1.

    Parquet files are read from the end, so they cannot be read from a pipe.
    """

    endings = (".parquet",)
    decodes_labels = True

    def read(self, source: Source, layout: Layout) -> Iterator[Sentence]:
        """Yield the sentence of each row."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        reader = RecordReader(source.name, layout)
        try:
            file = pq.ParquetFile(source.raw)
            reader.require(file.schema_arrow.names, source.name)
            columns = list(layout.columns_to_read())
            roots = reader.roots(file.schema_arrow.names)
            # With data.label_names set, the file's own names of labels are not used.
            has_label_names = layout.label_names is not None
            coded = [name for name in columns if name != layout.label_column or not has_label_names]
            decoders = class_names(file.schema_arrow, coded, source.name)
            reader = RecordReader(source.name, layout, decoders)
            yield from sentences_from_batches(file.iter_batches(_ROWS, columns=roots), reader)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            last = f" after {reader.place}" if reader.place != source.name else ""
            raise InputError(
                f"{source.name}: cannot be read{last}: {getattr(error, 'strerror', None) or error}"
            ) from error


def class_names(schema: Any, columns: Sequence[str], name: str) -> dict[str, list[str]]:
    """Return the names of the integer classes of columns, from the metadata of a schema.

    The `datasets` library is not used for this, since it rejects the metadata of all columns if
    one column has a type that it does not support.

    Raises:
        InputError: if there are columns of integers and the metadata is damaged; to treat them as
            plain numbers would be a silent error.
    """
    metadata = (schema.metadata or {}).get(_METADATA_KEY)
    integers = [column for column in columns if _holds_integers(_type_of(schema, column))]
    if metadata is None or not integers:
        return {}
    try:
        features = json.loads(metadata)["info"]["features"]
        names_by_column = {column: _names(_feature_of(features, column)) for column in integers}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{name}: {', '.join(integers)} contains integers, and the metadata that names them "
            f"({_METADATA_KEY.decode()!r}) is damaged: {type(error).__name__}: {error}; for labels "
            "set data.label_names, or write strings instead"
        ) from None
    return {column: names for column, names in names_by_column.items() if names}


def _type_of(schema: Any, column: str) -> Any:
    """Return the Arrow type of a column, which may be within another one; None if it is not."""
    import pyarrow.types as types

    if column in schema.names:
        return schema.field(column).type
    root, *keys = column.split(".")
    kind = schema.field(root).type
    for key in keys:
        while hasattr(kind, "value_type"):
            kind = kind.value_type
        index = kind.get_field_index(key) if types.is_struct(kind) else -1
        if index < 0:
            return None
        kind = kind.field(index).type
    return kind


def _feature_of(features: Any, column: str) -> Any:
    """Return the metadata of a column, which may be within another one; None if there is none."""
    if column in features:
        return features[column]
    feature, *keys = (features.get(column.partition(".")[0]), *column.split(".")[1:])
    for key in keys:
        feature = _item(feature)
        feature = feature.get(key) if isinstance(feature, dict) else None
    return feature


def _holds_integers(kind: Any) -> bool:
    import pyarrow.types as types

    if kind is None:
        return False
    while hasattr(kind, "value_type"):  # lists of any kind, and dictionaries
        kind = kind.value_type
    return types.is_integer(kind)


def _names(feature: Any) -> list[str] | None:
    """Return the names in the metadata of a column of (lists of) classes; None for others."""
    feature = _item(feature)
    if not isinstance(feature, dict) or feature.get("_type") != "ClassLabel":
        return None
    names = feature.get("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("a ClassLabel without names")
    return names


def _item(feature: Any) -> Any:
    """Return the metadata of an item of a list, or of a list of lists; others as they are."""
    while isinstance(feature, list) or (
        isinstance(feature, dict) and "feature" in feature and "_type" in feature
    ):
        feature = feature[0] if isinstance(feature, list) else feature["feature"]
    return feature


def class_label_names(features: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the names of the columns of (lists of) ClassLabel among features of `datasets`.

    A column within another one is called as in `nested`: ``ann.label``.
    """
    names_by_column = {}
    for column, feature in features.items():
        inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", feature)
        if isinstance(inner, Mapping):
            within = class_label_names(inner)
            names_by_column |= {f"{column}.{key}": names for key, names in within.items()}
        elif getattr(inner, "names", None):
            names_by_column[column] = list(inner.names)
    return names_by_column
