"""Error handling around readers: bad input is an InputError with its line, a bug is not."""

import pickle

import conllu.exceptions
import pyarrow as pa
import pytest

from seqtag.data.config import CorpusConfig
from seqtag.data.formats.base import FORMATS, Format, read_file, with_input_errors
from seqtag.data.formats.layout import Layout
from seqtag.data.formats.lines import SourceFile
from seqtag.data.formats.sentence import Sentence
from seqtag.errors import InputError


def failing(error):
    yield Sentence(["a", "b"], ["O", "O"], [], 0, 5, [5, 6])
    yield None
    raise error


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
        TypeError("x"),
        KeyError("x"),
        IndexError("x"),
        OverflowError("x"),
        RecursionError("x"),
        EOFError("x"),
        OSError("x"),
        conllu.exceptions.ParseException("x"),
        pa.ArrowInvalid("x"),
        pa.ArrowException("x"),
    ],
)
def test_errors_of_the_input_are_reported_with_their_line(error):
    sentences = with_input_errors(failing(error), "a.txt", "conllu")
    assert [next(sentences).tokens, next(sentences)] == [["a", "b"], None]
    kind = type(error).__name__
    with pytest.raises(InputError, match=rf"^a.txt:7: .* as conllu \({kind}: .*x") as caught:
        next(sentences)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [AttributeError("x"), AssertionError("x"), NameError("x")])
def test_bugs_are_not_caught(error):
    with pytest.raises(type(error)):
        list(with_input_errors(failing(error), "a.txt", "conllu"))


def test_an_input_error_is_passed_on():
    with pytest.raises(InputError, match=r"^b:1: y$"):
        list(with_input_errors(failing(InputError("b:1: y")), "a.txt", "conllu"))


@pytest.mark.parametrize(
    ("labels", "features", "message"),
    [
        (["O"], [["N", "V"]], "^a.txt:5: 2 tokens but 1 labels"),
        (["O", "O"], [], "^a.txt:5: the format own read 0 of the columns pos: leave out"),
    ],
)
def test_a_sentence_without_all_labels_and_features(labels, features, message, write):
    class Own(Format):
        name = "own"

        def read(self, source, layout):
            return [Sentence(["a", "b"], labels, features, 0, 5)]

    layout = Layout((), "tokens", "labels", ("pos",))
    with pytest.raises(InputError, match=message):
        list(read_file(SourceFile(write("a.txt", ""), "a.txt"), Own(), layout))


@pytest.mark.parametrize("format", FORMATS.names())
def test_readers_can_be_sent_to_another_process(format, tmp_path):
    read = pickle.loads(pickle.dumps(CorpusConfig(format=format, path="x").read))
    with pytest.raises(InputError, match=r"^none: cannot be read"):
        list(read(SourceFile(tmp_path / "none", "none")))
