"""Names of labels stored as integers: every format decodes or refuses them."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.errors import InputError

NAMES = ["O", "B-PER"]


def column(labels):
    return "".join(f"w {label}\n" for label in labels).encode()


def conllu(labels):
    fields = "{}\tw\t_\t{}\t_\t_\t_\t_\t_\t_\n"
    return "".join(fields.format(i, label) for i, label in enumerate(labels, 1)).encode()


def jsonl(labels):
    return (json.dumps({"tokens": ["w"] * len(labels), "labels": labels}) + "\n").encode()


def spaced(labels):
    return f"tokens,labels\n{'w ' * len(labels)},{' '.join(map(str, labels))}\n".encode()


def numpy(labels):
    tokens = " ".join(["'w'"] * len(labels))
    return f'tokens,labels\n"[{tokens}]","[{" ".join(map(repr, labels))}]"\n'.encode()


def parquet(labels):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"tokens": [["w"] * len(labels)], "labels": [labels]}), sink)
    return sink.getvalue().to_pybytes()


FORMATS = {
    "column": ("column", column),
    "conllu": ("conllu", conllu),
    "json": ("json", jsonl),
    "spaced csv": ("csv", spaced),
    "numpy csv": ("csv", numpy),
    "parquet": ("parquet", parquet),
}
UNTYPED = ["column", "conllu", "spaced csv"]
TYPED = sorted(set(FORMATS) - set(UNTYPED))


def labels_of(write, kind, labels, **settings):
    format, content = FORMATS[kind]
    path = write("a.x", content(labels))
    settings = {"label_names": NAMES, "dev_fraction": 0, **settings}
    config = CorpusConfig(format=format, path=str(path), **settings)
    return load_corpus(config).splits["train"]["labels"][0]


@pytest.mark.parametrize("kind", FORMATS)
def test_integers_are_decoded(write, kind):
    assert labels_of(write, kind, [1, 0, -100]) == ["B-PER", "O", None]


@pytest.mark.parametrize("kind", UNTYPED)
def test_digits_in_a_text_are_integers(write, kind):
    assert labels_of(write, kind, ["1", "0"]) == ["B-PER", "O"]
    assert labels_of(write, kind, ["1", "0"], label_names=None) == ["1", "0"]


@pytest.mark.parametrize("kind", FORMATS)
def test_strings_must_be_among_the_names(write, kind):
    assert labels_of(write, kind, ["B-PER", "O"]) == ["B-PER", "O"]
    message = r"a.x:\d: (labels|upos) contains 'B-PRE', which is not in data.label_names \(did"
    with pytest.raises(InputError, match=message):
        labels_of(write, kind, ["O", "B-PRE"])


@pytest.mark.parametrize("kind", TYPED)
def test_a_string_of_digits_is_not_an_integer_in_typed_formats(write, kind):
    with pytest.raises(
        InputError, match=r"a.x:\d: labels contains '1', which is not in data.label_names"
    ):
        labels_of(write, kind, ["1", "0"])
    assert labels_of(write, kind, ["1", "0"], label_names=["1", "0"]) == ["1", "0"]
    assert labels_of(write, kind, [1, 0], label_names=["1", "0"]) == ["0", "1"]


@pytest.mark.parametrize("kind", UNTYPED)
def test_names_that_are_numbers_are_refused_in_untyped_formats(write, kind):
    assert labels_of(write, kind, [1, 0], label_names=["0", "1"]) == ["1", "0"]
    for names in (["1", "0"], ["1", "2"], ["O", "1", "7"]):
        with pytest.raises(InputError, match=r"is ambiguous, .*data.label_names are numbers"):
            labels_of(write, kind, [0, 0], label_names=names)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("value", [2, -1, 10**8])
def test_integers_out_of_range(write, kind, value):
    with pytest.raises(
        InputError, match=rf"a.x:\d: .* contains {value}, but there are 2 names: O, B"
    ):
        labels_of(write, kind, [value, value])


@pytest.mark.parametrize("kind", TYPED)
@pytest.mark.parametrize("value", [1.0, True])
def test_other_types_are_refused(write, kind, value):
    with pytest.raises(InputError, match=rf"a.x:\d: labels contains {value}; strings or integers"):
        labels_of(write, kind, [value, value])


@pytest.mark.parametrize("kind", ["json", "numpy csv", "parquet"])
def test_integers_without_names(write, kind):
    with pytest.raises(
        InputError, match=r"a.x:\d: labels contains integers, and .* set data.label_n"
    ):
        labels_of(write, kind, [1, 0], label_names=None)


@pytest.mark.parametrize("kind", FORMATS)
def test_label_names_of_a_stream_add_to_its_labels(write, kind):
    assert labels_of(write, kind, ["B-X", "O"], label_names=["B-Y"], streaming=True) == ["B-X", "O"]
    assert labels_of(write, kind, [1, 0], streaming=True) == ["B-PER", "O"]


@pytest.mark.parametrize("names", [[], ["O", "O"], ["O", ""]])
def test_invalid_label_names(names):
    with pytest.raises(InputError, match=r"data.label_names=.*it is a list of different names"):
        CorpusConfig(format="json", path="x", label_names=names)
