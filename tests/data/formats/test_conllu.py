"""CoNLL-U: which tokens count, which fields can be labels, and errors by line."""

import pytest

from seqtag.data.config import CorpusConfig
from seqtag.data.corpus.corpus import load_corpus
from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError

TEXT = """# newdoc id = one
# sent_id = 1
# text = Vámonos al mar
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\tV\tNumber=Plur|Person=1\t0\troot\t_\tSpaceAfter=No|NE=B-X
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
2.1\tfoo\tfoo\tVERB\t_\t_\t_\t_\t1:dep\t_
3\tmar\tmar\tNOUN\tN\tNumber=Sing\t1\tobl\t_\tFlag

1\tSí\tsí\tINTJ\tI\t_\t0\troot\t_\t_

# newdoc
1\tNo\tno\tINTJ\tI\t_\t0\troot\t_\t_
"""


def read(path, **settings):
    config = CorpusConfig(format="conllu", path=str(path), **settings)
    return list(config.read(SourceFile(path, path.name)))


def test_words_only_with_lines_and_documents(write):
    first, second, third = read(write("a.conllu", TEXT))
    assert first.tokens == ["Vamos", "nos", "mar"]
    assert first.labels == ["VERB", "PRON", "NOUN"]
    assert list(first.lines) == [5, 6, 8]
    assert [s.doc for s in (first, second, third)] == [0, 0, 1]
    assert third.line == 13


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("xpos", ["V", "_", "N"]),
        ("lemma", ["ir", "nosotros", "mar"]),
        ("head", ["0", "1", "1"]),
        ("deprel", ["root", "obj", "obl"]),
        ("feats", ["Number=Plur|Person=1", "_", "Number=Sing"]),
        ("feats.Number", ["Plur", "_", "Sing"]),
        ("misc.SpaceAfter", ["No", "_", "_"]),
        ("misc", ["SpaceAfter=No|NE=B-X", "_", "Flag"]),
    ],
)
def test_fields_as_labels_and_as_features(write, column, values):
    path = write("a.conllu", TEXT)
    assert read(path, label_column=column)[0].labels == values
    assert read(path, features=[column])[0].features == [values]


def test_the_absent_value_can_be_set(write):
    first = read(write("a.conllu", TEXT), label_column="misc.NE", absent="O")[0]
    assert first.labels == ["B-X", "O", "O"]


def test_extended_columns_of_conllu_plus(write):
    text = "# global.columns = ID FORM PARSEME:MWE\n1\ta\tB-X\n2\tb\t_\n"
    (sentence,) = read(write("a.conllup", text), label_column="parseme:mwe")
    assert (sentence.tokens, sentence.labels) == (["a", "b"], ["B-X", "_"])
    with pytest.raises(InputError, match=r"no column 'upos'; there are: form, parseme:mwe"):
        read(write("a.conllup", text))
    with pytest.raises(InputError, match="no ID column"):
        read(write("a.conllup", "# global.columns = FORM\na\n"))


def test_unusual_characters_are_kept(write):
    odd = ["a\u2028b", "\x85", "10\xa0000", "x\x1cy", "👩‍👩‍👧", "New York"]
    text = "".join(f"{i}\t{t}" + "\t_" * 8 + "\r\n" for i, t in enumerate(odd, start=1))
    (sentence,) = read(write("a.conllu", "\ufeff" + text))
    assert sentence.tokens == odd


ROW = "1\ta\ta\tX\t_\t_\t0\troot\t_\t_\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2\tb\tb\tX\t_\t_\n", "6 columns where CoNLL-U has 10"),
        ("2 b b X _ _ _ _ _ _\n", "1 column where .* single tabs"),
        (ROW.replace("1", "one", 1), "'one' is not a valid ID"),
        (ROW.replace("1", "_", 1), "a token without an id"),
        (ROW.replace("\ta\t", "\ta  b\t", 1), "two spaces in a row"),
    ],
)
def test_errors_name_the_line(write, line, message):
    path = write("a.conllu", f"# x\n{ROW}\n# y\n{ROW}{line}")
    with pytest.raises(InputError, match=rf"^a.conllu:6: .*{message}"):
        read(path)


def test_error_of_the_library_in_a_field_that_is_read(write):
    with pytest.raises(InputError, match=r"^a.conllu:2: .*head.*'zero'"):
        read(write("a.conllu", ROW + ROW.replace("\t0\t", "\tzero\t")), label_column="head")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (ROW + ROW, "2: id 1 after id 1: .*empty line between two sentences missing"),
        (ROW.replace("1", "2", 1) + ROW, "2: id 1 after id 2"),
        (ROW + "\n" + ROW.replace("1", "9" * 5000, 1), r"3: 999999999\.\.\. \(5,000 characters\)"),
        (ROW.replace("1", "1-" + "9" * 5000, 1), r"1: 1-999.* is not a valid ID"),
        (ROW.replace("\t0\t", f"\t{'9' * 5000}\t"), "1: Failed parsing field 'head': 999"),
        (ROW.replace("\ta\t", "\t\t", 1), r"1: the token \(column 'form'\) is empty"),
        (ROW + "2 New York x\n", "2: 1 column where CoNLL-U has 10; columns are separated by si"),
        (ROW + "\n# global.columns = ID FORM\n1\ta\n", "3: global.columns after the first"),
        ("# global.columns = ID FORM FORM\n1\ta\ta\n", "1: global.columns names 'form' twice"),
    ],
)
def test_invalid_conllu_is_refused_with_its_line(write, lines, message):
    with pytest.raises(InputError, match=f"^a.conllu:{message}"):
        read(write("a.conllu", lines), label_column="head" if "Failed" in message else "lemma")


def test_a_sentence_without_words_is_empty(write):
    empty, full = read(write("a.conllu", "# x\n" + ROW.replace("1", "1.1", 1) + "\n" + ROW))
    assert (empty.tokens, empty.labels, empty.line) == ([], [], 2)
    assert full.tokens == ["a"]


def test_a_value_with_an_equals_sign_is_whole(write):
    path = write("a.conllu", ROW.replace("_\n", "A=b=c|Flag|D=\n"))
    assert read(path, label_column="misc.A")[0].labels == ["b=c"]
    assert read(path, label_column="misc")[0].labels == ["A=b=c|Flag|D="]
    assert read(path, features=["misc.D", "misc.Flag"])[0].features == [["_"], ["_"]]


def test_missing_columns(write):
    path = write("a.conllu", TEXT)
    with pytest.raises(InputError, match=r"no column 'ups' \(did you mean 'upos'\?\); there are"):
        read(path, label_column="ups")
    with pytest.raises(InputError, match="no column 'deps'"):
        read(path, label_column="deps")
    with pytest.raises(InputError, match=r"no column 'feats\.'"):
        read(path, label_column="feats.")
    with pytest.raises(InputError, match=r"no token has 'feats.Nubmer' \(did you mean 'Number'"):
        load_corpus(CorpusConfig(format="conllu", path=str(path), features=["feats.Nubmer"]))


def test_a_feature_may_be_missing_in_the_test_split(write, tmp_path):
    write("x-train.conllu", TEXT)
    write("x-test.conllu", ROW)
    config = CorpusConfig(format="conllu", path=str(tmp_path), label_column="feats.Number")
    corpus = load_corpus(config)
    assert corpus.splits["test"]["labels"][0] == ["_"]
    assert corpus.scheme == "plain"


def test_comments_alone_are_not_a_sentence(write):
    assert read(write("a.conllu", "# only\n\n# comments\n")) == []
