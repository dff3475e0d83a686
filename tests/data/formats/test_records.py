"""JSONL, CSV and parquet: lists per sentence, decoding of classes, and errors by line."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError


def read(format, path, **settings):
    config = CorpusConfig(format=format, path=str(path), **settings)
    return list(config.read(SourceFile(path, path.name)))


def jsonl(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


GOOD = {"tokens": ["A", "b"], "labels": ["B-X", "O"]}


def test_jsonl(write):
    path = write("a.jsonl", jsonl(GOOD) + "\n" + jsonl({**GOOD, "labels": ["O", None]}))
    first, second = read("json", path)
    assert first.tokens == ["A", "b"]
    assert (first.line, second.line) == (1, 3)
    assert second.labels == ["O", None]


def test_integers_with_given_names_and_unscored_tokens(write):
    path = write("a.jsonl", jsonl({"tokens": ["a", "b", "c"], "labels": [1, -100, 0]}))
    (sentence,) = read("json", path, label_names=["O", "B-X"])
    assert sentence.labels == ["B-X", None, "O"]


def test_features_and_documents(write):
    path = write("a.jsonl", jsonl(*({**GOOD, "pos": ["N", p], "id": i} for i, p in
                                   ((7, None), (7, ""), (8, 5)))))  # fmt: skip
    sentences = read("json", path, features=["pos"], document_column="id")
    assert [s.features for s in sentences] == [[["N", "_"]], [["N", "_"]], [["N", "5"]]]
    assert [s.doc for s in sentences] == [0, 0, 1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"tokens": ["a", "b"], "labels": ["O"]}', "2 tokens but 1 labels"),
        ('{"tokens": ["a"]}', r"no column 'labels'; there are: tokens. Set data.label_column"),
        ('{"tokens": ["a"], "lables": ["O"]}', r"did you mean 'lables'"),
        ('{"tokens": "a b", "labels": ["O", "O"]}', "tokens is 'a b'; a list is expected"),
        ('{"tokens": [1], "labels": ["O"]}', "tokens contains 1, which is not a string"),
        ('{"tokens": ["a"], "labels": [3]}', "set data.label_names"),
        (
            '{"tokens": ["a"], "labels": [true]}',
            "labels contains True; strings or integers are expected",
        ),
        ('{"tokens": ["a"], "labels": [""]}', "empty label"),
        ('{"tokens": ["a"], "labels": ["O"', "not JSON: Expecting ',' delimiter at character 33"),
        ("[" * 100_000, "not JSON: its brackets are nested too deeply"),
        ('["a"]', "a JSON array; one object per line"),
        ('"a"', "a JSON string; one object per line"),
        ('{"tokens": ["a"], "labels": [' + "9" * 5000 + "]}", "not JSON: a number has too many"),
        ('{"tokens": ["a"], "labels": [' + "9" * 4000 + "]}", r"the file has no names for them"),
        ('{"tokens": ["a"], "labels": ["O"], "labels": ["X"]}', "key 'labels' occurs more than"),
        ('{"tokens": ["a"], "labels": [NaN]}', "labels contains nan; strings or integers"),
        ('{"tokens": [["a"]], "labels": ["O"]}', r"tokens contains \['a'\], which is not a string"),
        ('{"tokens": [null], "labels": ["O"]}', "tokens contains None, which is not a string"),
        ('{"tokens": {"a": 1}, "labels": ["O"]}', "tokens is {'a': 1}; a list is expected"),
        ('{"data": [{"tokens": ["a"], "labels": ["O"]}]}', "records are in a list under 'data'"),
        ('{"tokens": ["a"], "labels": ["\\udc00"]}', r"labels contains '\\udc00', which is not Un"),
    ],
)
def test_jsonl_errors_name_the_line(write, line, message):
    path = write("a.jsonl", jsonl(GOOD) + "\n" + line + "\n")
    with pytest.raises(InputError, match=rf"^a.jsonl:3: .*{message}"):
        read("json", path)


def test_pretty_printed_json_lines_are_reported(write):
    with pytest.raises(InputError, match=r"a.json:1: not JSON: .*one object per line is expected"):
        read("json", write("a.json", json.dumps(GOOD, indent=1)))


def test_only_repeated_keys_that_are_read_are_refused(write):
    path = write("a.jsonl", '{"id": 1, "tokens": ["a"], "labels": ["O"], "id": 2}\n')
    assert [s.tokens for s in read("json", path)] == [["a"]]
    with pytest.raises(InputError, match=r"a.jsonl:1: the key 'id' occurs more than once"):
        read("json", path, document_column="id")


def test_class_out_of_range(write):
    path = write("a.jsonl", jsonl({"tokens": ["a"], "labels": [2]}))
    with pytest.raises(InputError, match="labels contains 2, but there are 2 names"):
        read("json", path, label_names=["O", "B-X"])


def test_lone_surrogate_is_an_input_error(write):
    path = write("a.jsonl", jsonl(GOOD) + '{"tokens": ["\\ud800"], "labels": ["O"]}\n')
    with pytest.raises(
        InputError, match=r"a.jsonl:2: tokens contains '\\ud800', which is not Unicode text"
    ):
        load_corpus(CorpusConfig(format="json", path=str(path)))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
LABEL = st.none() | TEXT.filter(bool)


@given(st.lists(st.lists(st.tuples(TEXT, LABEL), max_size=5), max_size=5), st.booleans())
def test_jsonl_round_trip(tmp_path_factory, sentences, escaped):
    path = tmp_path_factory.mktemp("round") / "a.jsonl"
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for sentence in sentences:
            record = {"tokens": [t for t, _ in sentence], "labels": [y for _, y in sentence]}
            stream.write(json.dumps(record, ensure_ascii=escaped) + "\n")
    read_back = [list(zip(s.tokens, s.labels, strict=True)) for s in read("json", path)]
    assert read_back == sentences


def test_csv_cells_as_json_python_or_words(write):
    text = (
        "id,tokens,labels,pos\n"
        '1,"[""New York"", ""x""]","[""B-X"", null]","[""N"", ""V""]"\n'
        "2,\"['New York', 'x']\",\"['B-X', 'O']\",\"['N', 'V']\"\n"
        '3,"[ 1 ]",O O O,A B C\n'
        '\n4,"two\nlines",O  O,A B\n'
        "5,x,O,A\n"
    )
    sentences = read("csv", write("a.csv", text), features=["pos"])
    assert [s.tokens for s in sentences] == [
        ["New York", "x"], ["New York", "x"], ["[", "1", "]"], ["two", "lines"], ["x"]
    ]  # fmt: skip
    assert sentences[0].labels == ["B-X", None]
    assert [s.line for s in sentences] == [2, 3, 4, 6, 8]


def test_tsv_and_other_separators(write):
    assert read("csv", write("a.tsv", "tokens\tlabels\na b\tO O\n"))[0].tokens == ["a", "b"]
    path = write("a.csv", "tokens;labels\na b;O O\n")
    assert read("csv", path, separator="semicolon")[0].labels == ["O", "O"]
    with pytest.raises(InputError, match="one character"):
        read("csv", path, separator="||")


def test_long_csv_cell(write):
    words = " ".join("word" for _ in range(50_000))
    (sentence,) = read("csv", write("a.csv", f"tokens,labels\n{words},{'O ' * 50_000}\n"))
    assert len(sentence.tokens) == 50_000


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a b,O", "2 tokens but 1 labels"),
        ("a,O,x", "3 columns where the header has 2"),
        ('"[""a""]","[O]"', r"labels is not a list: '\[O\]'"),
        ('"a" b,O', "not CSV"),
    ],
)
def test_csv_errors_name_the_line(write, row, message):
    with pytest.raises(InputError, match=rf"^a.csv:3: ?.*{message}"):
        read("csv", write("a.csv", f"tokens,labels\nx,O\n{row}\n"))


def test_csv_without_the_column(write):
    with pytest.raises(InputError, match=r"a.csv:1: no column 'tokens'.*there are: token, label"):
        read("csv", write("a.csv", "token,label\nx,O\n"))


def test_csv_with_a_column_twice(write):
    path = write("a.csv", "id,tokens,labels,labels,id\n1,x,O,X,1\n")
    with pytest.raises(InputError, match=r"a.csv:1: more than one column is called 'labels'; ther"):
        read("csv", path)
    path = write("a.csv", "id,tokens,labels,id\n1,x,O,1\n")
    assert read("csv", path)[0].labels == ["O"]  # `id` is not read, so it may be ambiguous
    with pytest.raises(InputError, match=r"more than one column is called 'id'"):
        read("csv", path, document_column="id")


def test_an_unclosed_row_is_reported_with_its_first_line(write):
    with pytest.raises(InputError, match=r"^a.csv:3: not CSV: unexpected end of data"):
        read("csv", write("a.csv", 'tokens,labels\nx,O\n"x,O\ny,O\n' + "y,O\n" * 9))


def test_parquet_of_strings(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": [1, 2], "tokens": [["a"], ["b", "c"]],
                             "labels": [["O"], ["B-X", None]]}), path)  # fmt: skip
    first, second = read("parquet", path)
    assert (first.tokens, first.line) == (["a"], 1)
    assert (second.labels, second.line) == (["B-X", None], 2)


def test_parquet_classes_are_decoded_by_their_own_names(tmp_path):
    import datasets

    features = datasets.Features(
        tokens=datasets.List(datasets.Value("string")),
        ner_tags=datasets.List(datasets.ClassLabel(names=["O", "B-X"])),
        pos=datasets.List(datasets.ClassLabel(names=["N", "V"])),
    )
    rows = {"tokens": [["a", "b"]], "ner_tags": [[1, 0]], "pos": [[1, 1]]}
    path = tmp_path / "a.parquet"
    datasets.Dataset.from_dict(rows, features=features).to_parquet(path)
    (sentence,) = read("parquet", path, label_column="ner_tags", features=["pos"])
    assert sentence.labels == ["B-X", "O"]
    assert sentence.features == [["V", "V"]]


def test_files_that_are_not_valid_parquet(write, tmp_path):
    with pytest.raises(InputError, match=r"a.parquet: cannot be read"):
        read("parquet", write("a.parquet", "text"))
    pq.write_table(pa.table({"words": [["a"]], "labels": [["O"]]}), tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"b.parquet: no column 'tokens'.*there are: words, lab"):
        read("parquet", tmp_path / "b.parquet")


STRINGS = pa.list_(pa.string())


@pytest.mark.parametrize(
    "kind",
    [
        STRINGS,
        pa.large_list(pa.large_string()),
        pa.list_(pa.string(), 2),
        pa.list_(pa.dictionary(pa.int8(), pa.string())),
    ],
)
def test_parquet_of_other_types_of_strings(tmp_path, kind):
    values = pa.array([["a", "b"]], STRINGS)
    if kind == pa.list_(pa.dictionary(pa.int8(), pa.string())):
        values = pa.ListArray.from_arrays([0, 2], values.flatten().dictionary_encode())
    else:
        values = values.cast(kind)
    pq.write_table(pa.table({"tokens": values, "labels": values}), tmp_path / "a.parquet")
    assert read("parquet", tmp_path / "a.parquet")[0].tokens == ["a", "b"]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (pa.array([["a"], None], STRINGS), "a.parquet:2: tokens is None; a list is expected"),
        (pa.array([["a"], [None]], STRINGS), "a.parquet:2: tokens contains None"),
        (pa.array([["a"], [b"b"]], pa.list_(pa.binary())), "a.parquet:1: tokens contains"),
        (pa.array([[1], [2]]), "a.parquet:1: tokens contains 1, which is not a string"),
        (pa.array([[{"t": "a"}], []]), "a.parquet:1: tokens contains {'t': 'a'}"),
        (pa.array(["a", "b"]), "a.parquet:1: tokens is 'a'; a list is expected"),
        (
            pa.ListArray.from_arrays(
                [0, 1, 2],
                pa.Array.from_buffers(
                    pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"),
                                     pa.py_buffer(b"a\xff")],
                ),
            ),
            r"a.parquet:2: a string is not UTF-8 \(.*0xff",
        ),
    ],
)  # fmt: skip
def test_parquet_errors_name_the_row(tmp_path, tokens, message):
    labels = pa.array([["O"], ["O"]])
    pq.write_table(pa.table({"tokens": tokens, "labels": labels}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=f"^{message}"):
        read("parquet", tmp_path / "a.parquet")


def metadata_of(features):
    return json.dumps({"info": {"features": features}})


CLASSES = {"feature": {"names": ["O", "B-X"], "_type": "ClassLabel"}, "_type": "Sequence"}
DAMAGED = [
    "{",
    "[]",
    "{}",
    '{"info": null}',
    metadata_of([]),
    metadata_of({"labels": {"feature": {"_type": "ClassLabel"}, "_type": "List"}}),
    metadata_of({"labels": [{"names": [1], "_type": "ClassLabel"}]}),
    "[" * 9000,
]


def write_with_metadata(path, labels, metadata):
    table = pa.table({"tokens": [["a"]], "labels": [labels]})
    pq.write_table(table.replace_schema_metadata({"huggingface": metadata}), path)
    return path


@pytest.mark.parametrize("metadata", DAMAGED)
def test_damaged_metadata_of_classes(tmp_path, metadata):
    path = write_with_metadata(tmp_path / "a.parquet", [1], metadata)
    with pytest.raises(
        InputError, match=r"a.parquet: labels contains integers, and the metadata th"
    ):
        read("parquet", path)
    assert read("parquet", path, label_names=["O", "B-Y"])[0].labels == ["B-Y"]
    assert read("parquet", write_with_metadata(path, ["B-X"], metadata))[0].labels == ["B-X"]


def test_metadata_of_other_columns_and_unknown_types_is_ignored(tmp_path):
    metadata = metadata_of({"labels": CLASSES, "x": {"_type": "OfTomorrow"}})
    path = write_with_metadata(tmp_path / "a.parquet", [1], metadata)
    assert read("parquet", path)[0].labels == ["B-X"]
    path = write_with_metadata(
        path, [1], metadata_of({"labels": {"feature": {"dtype": "int64", "_type": "Value"}}})
    )
    with pytest.raises(InputError, match=r"set data.label_names"):
        read("parquet", path)
    assert read("parquet", path, label_names=["O", "B-Y"])[0].labels == ["B-Y"]
