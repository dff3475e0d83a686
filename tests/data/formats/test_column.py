"""Column files: layouts, boundaries, unusual characters, and errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqtag.data.config import CorpusConfig
from seqtag.data.formats.lines import SourceFile, text_lines
from seqtag.errors import InputError


def read(path, **settings):
    config = CorpusConfig(format="column", path=str(path), **settings)
    return list(config.read(SourceFile(path, path.name)))


def test_sentences_end_at_blank_lines_and_have_line_numbers(write):
    path = write("a.txt", "\n\nA B-X\nb I-X\n \t \nc O\n\n\n")
    first, second = read(path)
    assert first.tokens == ["A", "b"]
    assert first.labels == ["B-X", "I-X"]
    assert (first.line, list(first.lines)) == (3, [3, 4])
    assert (second.tokens, second.line) == (["c"], 6)


def test_any_order_of_columns(write):
    path = write("a.txt", "B-X NN 1 London\nO VB 2 calls\n")
    (sentence,) = read(
        path, columns=["tag", "pos", "_", "word"], token_column="word", label_column="tag",
        features=["pos"],
    )  # fmt: skip
    assert sentence.tokens == ["London", "calls"]
    assert sentence.labels == ["B-X", "O"]
    assert sentence.features == [["NN", "VB"]]


def test_rest_allows_further_columns(write):
    (sentence,) = read(write("a.txt", "a O\nb O x y\n"), columns=["tokens", "labels", "*"])
    assert sentence.labels == ["O", "O"]
    with pytest.raises(InputError, match=r"a.txt:1: 1 column .*2 or more"):
        read(write("a.txt", "a\n"), columns=["tokens", "labels", "*"])


@pytest.mark.parametrize(
    ("separator", "line"),
    [
        (None, " York \t  B-X "),
        ("tab", "New York\tB-X"),
        ("\\t", "New York\tB-X"),
        ("comma", "New York,B-X"),
        (" ||| ", "New York ||| B-X"),
        ("space", "York B-X"),
    ],
)
def test_separators(write, separator, line):
    (sentence,) = read(write("a.txt", line), separator=separator)
    assert sentence.tokens == ["New York" if "New" in line else "York"]
    assert sentence.labels == ["B-X"]


def test_documents_are_boundaries_and_not_sentences(write):
    path = write(
        "a.txt",
        "-DOCSTART- -X- O\n\na O\n-DOCSTART- O\nb O\n\nc O\n\n-DOCSTART-\n-DOCSTART-\n\nd O\n",
    )
    assert [(s.tokens, s.doc) for s in read(path)] == [
        (["a"], 0), (["b"], 1), (["c"], 1), (["d"], 2)
    ]  # fmt: skip


def test_document_marker_in_the_token_column(write):
    path = write("a.txt", "1 a O\n\n0 -DOCSTART- O\n\n1 b O\n")
    sentences = read(path, columns=["_", "tokens", "labels"])
    assert [(s.tokens, s.doc) for s in sentences] == [(["a"], 0), (["b"], 1)]


def test_without_a_document_marker(write):
    (sentence,) = read(write("a.txt", "-DOCSTART- O\n"), document_marker=None)
    assert sentence.tokens == ["-DOCSTART-"]


def test_comments_only_if_set(write):
    path = write("a.txt", "# a comment\n# O\nx O\n# in between\ny O\n")
    (sentence,) = read(path, comment="#")
    assert (sentence.tokens, list(sentence.lines)) == (["x", "y"], [3, 5])
    with pytest.raises(InputError, match=r"a.txt:1: 3 columns"):
        read(path)
    assert read(write("a.txt", "# O\n"))[0].tokens == ["#"]


def test_only_newlines_end_lines(write):
    odd = [
        "\x85",
        "a\u2028b",
        "\x1c",
        "\x0b\x0c",
        "\u3000",
        "\xa0",
        "\u200b",
        "👩‍👩‍👧",
        "שלום",
    ]
    path = write("a.txt", "".join(f"{token}\tO\r\n" for token in odd))
    for separator in ("tab", None):
        (sentence,) = read(path, separator=separator)
        assert sentence.tokens == odd


def test_byte_order_mark_is_dropped_once(write):
    assert read(write("a.txt", b"\xef\xbb\xbfa O\n"))[0].tokens == ["a"]
    assert read(write("a.txt", "\ufeff\ufeffa O\n"))[0].tokens == ["\ufeffa"]
    text = "é O\n\nü B-X\n".encode("utf-16")
    assert [s.tokens for s in read(write("a.txt", text), encoding="utf-16")] == [["é"], ["ü"]]


def test_encodings(write):
    assert read(write("a.txt", "café O\n".encode("latin-1")), encoding="latin-1")[0].tokens == [
        "café"
    ]


@pytest.mark.parametrize("lines", [0, 3, 70_000])
def test_undecodable_bytes_are_found_by_line(write, lines):
    path = write("a.txt", b"a O\n\n" * lines + "é O\n".encode() + b"caf\xe9 O\nb O\n")
    with pytest.raises(InputError, match=rf"a.txt:{2 * lines + 2}: not utf-8 \(byte 0xe9.*latin-1"):
        read(path)


def test_incomplete_characters_and_utf16_are_reported(write):
    with pytest.raises(InputError, match=r"a.txt:2: not utf-8"):
        read(write("a.txt", b"a O\nb\xc3"))
    with pytest.raises(InputError, match=r"a.txt:1: .*set data.encoding \(utf-16\)"):
        read(write("a.txt", "a O\n".encode("utf-16")))
    with pytest.raises(InputError, match=r"a.txt:1: not ascii .*utf-8, perhaps"):
        read(write("a.txt", "é O\n"), encoding="ascii")


def test_compressed_files(write):
    import bz2
    import gzip
    import lzma

    for suffix, module in ((".gz", gzip), (".bz2", bz2), (".xz", lzma)):
        path = write("a.txt" + suffix, module.compress(b"a O\n"))
        assert read(path)[0].tokens == ["a"]
        with pytest.raises(InputError, match=rf"a.txt.{suffix[1:]}: cut short: .*copy it again"):
            read(write("a.txt" + suffix, module.compress(b"a O\n" * 100)[:-10]))
        with pytest.raises(InputError, match=rf"a.txt.{suffix[1:]}: cannot be read: damaged, or"):
            read(write("a.txt" + suffix, "a O\n"))


@pytest.mark.parametrize(
    ("line", "settings", "message"),
    [
        ("a\tO", {"separator": "space"}, "it has 2 with data.separator=null"),
        ("a O", {"separator": "tab"}, "it has 2 with data.separator=null"),
        ("New York\tO", {}, "it has 2 with data.separator=tab"),
        ("a,O", {}, "it has 2 with data.separator=comma"),
        ("a NN O", {}, "name every column of the file in data.columns"),
        ("a", {}, r"1 column where data.columns has 2 \(tokens, labels\): 'a'"),
    ],
)
def test_wrong_number_of_columns(write, line, settings, message):
    good = "x\tO" if "separator" in settings and settings["separator"] == "tab" else "x O"
    with pytest.raises(InputError, match=message) as caught:
        read(write("a.txt", f"{good}\n\n{line}\n"), **settings)
    assert str(caught.value).startswith("a.txt:3: ")


def test_empty_label(write):
    with pytest.raises(InputError, match=r"a.txt:2: the label \(column 'labels'\) is empty"):
        read(write("a.txt", "a\tO\nb\t\n"), separator="tab")


def test_empty_token(write):
    with pytest.raises(InputError, match=r"a.txt:2: the token \(column 'tokens'\) is empty"):
        read(write("a.txt", "a\tO\n\tO\n"), separator="tab")


def test_empty_feature_is_absent(write):
    columns = {"columns": ["tokens", "pos", "labels"], "features": ["pos"], "separator": "tab"}
    assert read(write("a.txt", "a\t\tO\n"), **columns)[0].features == [["_"]]
    assert read(write("a.txt", "a\t\tO\n"), absent="-", **columns)[0].features == [["-"]]
    with pytest.raises(InputError, match=r"a.txt:1: 2 columns"):
        read(write("a.txt", "a\t\tO\n"), columns=["tokens", "pos", "labels"], features=["pos"])


def test_huge_sentence_is_kept_whole(write):
    (sentence,) = read(write("a.txt", "".join(f"w{i} O\n" for i in range(50_000))))
    assert len(sentence.tokens) == 50_000


def test_empty_file_has_no_sentences(write):
    assert read(write("a.txt", "")) == []
    assert list(text_lines(SourceFile(write("a.txt", ""), "a.txt"), "utf-8")) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"columns": "tokens"}, r"data.columns must be a list.*write data.columns=\[tokens\]"),
        ({"columns": ["a", "a", "tokens", "labels"]}, "names a column twice"),
        ({"columns": ["*", "tokens", "labels"]}, "must be the last name"),
        ({"label_column": "lables"}, r"no column 'lables' \(did you mean 'labels'\?\)"),
        ({"features": ["pos"]}, "no column 'pos'; there are: tokens, labels. Set data.features"),
        ({"features": ["labels"]}, "already the column of tokens or labels"),
        (
            {"columns": ["tokens", "labels", "doc"], "features": ["doc"]},
            "the name 'doc' is reserved",
        ),
        ({"columns": ["tokens", "labels", "x"], "features": ["x", "x"]}, "a column twice"),
        ({"label_column": "tokens"}, "are both 'tokens'"),
        ({"separator": ""}, "data.separator is empty"),
        ({"encoding": "uft-8"}, r"not a text encoding.*did you mean 'utf-8'"),
        ({"encoding": "rot13"}, "not a text encoding"),
        ({"encoding": "\0"}, "not a text encoding"),
        ({"scheme": "boi"}, "data.scheme must be one of .*, not 'boi' .did you mean 'bio'"),
        ({"dev_fraction": 1.0}, "data.dev_fraction must be a number of at least 0 and below 1"),
        ({"format": "colum"}, r"unknown data.format 'colum' \(did you mean 'column'\?\)"),
        ({"files": {"tset": "a"}}, r"unknown split in data.files 'tset' \(did you mean 'test'\?\)"),
        ({"path": None}, "data.path is missing"),
    ],
)
def test_invalid_settings(settings, message):
    with pytest.raises(InputError, match=message):
        CorpusConfig(**{"format": "column", "path": "x", **settings})


# Any text without separators and line ends, and without prefixes that are dropped or skipped.
CELLS = st.text(
    st.characters(exclude_characters="\t\n\r\0", exclude_categories=["Cs"]), min_size=1, max_size=8
).filter(lambda t: t.strip(" \t") and not t.startswith(("\ufeff", "-DOC")))
SENTENCES = st.lists(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), max_size=5)


@given(SENTENCES, st.sampled_from(["\n", "\r\n"]))
def test_round_trip(tmp_path_factory, sentences, end):
    path = tmp_path_factory.mktemp("round") / "a.txt"
    lines = []
    for sentence in sentences:
        lines += ["\t".join(row) for row in sentence] + [""]
    path.write_bytes("".join(line + end for line in lines).encode())
    read_back = [list(zip(s.tokens, s.labels, strict=True)) for s in read(path, separator="tab")]
    assert read_back == sentences
