"""Windows of a stream: order, pauses, reading while a window is tagged, errors."""

import threading
from itertools import islice

import pytest

from seqtag.data.text.split import Sentence, Token
from seqtag.errors import InputError
from seqtag.tagging import windows
from seqtag.tagging.readers import PAUSE, Item
from seqtag.tagging.results import Wanted


class Recorder:
    """Stands for a tagger: returns the words, and records the windows."""

    features = ()

    def __init__(self):
        self.seen = []
        self.may_tag = threading.Event()
        self.may_tag.set()

    def tag_sentences(self, sentences, features, **wanted):
        assert self.may_tag.wait(10)
        words = [sentence.tokens[0].text for sentence in sentences]
        if "bad" in words:
            raise InputError("bad scores")
        self.seen.append(words)
        return words


def item(word):
    return Item(Sentence([Token(word)]), {}, 1)


def words(window):
    return [word for _, word in window]


@pytest.fixture(params=["1", "2"])
def threads(request, monkeypatch):
    """Run the test with one thread and with two; windows are of two sentences."""
    monkeypatch.setenv("OMP_NUM_THREADS", request.param)
    monkeypatch.setattr(windows, "_WINDOW_SENTENCES", 2)
    return request.param


def tagged(items, tagger=None):
    return windows.tag_windows(tagger or Recorder(), iter(items), Wanted())


def test_all_sentences_come_in_order(threads):
    items = [item(word) for word in "abcde"]
    assert [words(window) for window in tagged(items)] == [["a", "b"], ["c", "d"], ["e"]]
    assert list(tagged([])) == []


@pytest.mark.parametrize("before", [1, 2, 3, 4])
def test_nothing_is_held_back_at_a_pause(threads, before):
    read = []

    def items():
        for number in range(before):
            yield item(str(number))
        yield PAUSE
        read.append("after the pause")
        yield item("last")

    count = (before + 1) // 2
    stream = tagged(items())
    first = [word for window in islice(stream, count) for word in words(window)]
    assert first == [str(number) for number in range(before)]
    assert read == []
    assert [words(window) for window in stream] == [["last"]]


def test_the_next_window_is_read_while_one_is_tagged(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(windows, "_WINDOW_SENTENCES", 2)
    tagger = Recorder()
    tagger.may_tag.clear()

    def items():
        yield from map(item, "abc")
        assert tagger.seen == []
        tagger.may_tag.set()
        yield item("d")

    assert [words(window) for window in tagged(items(), tagger)] == [["a", "b"], ["c", "d"]]


def test_what_is_before_an_error_of_the_input_is_complete(threads):
    def items():
        yield from map(item, "abc")
        raise InputError("line 4")

    done = []
    with pytest.raises(InputError, match="line 4"):
        done.extend(map(words, tagged(items())))
    assert done == [["a", "b"]]


def test_errors_of_the_tagger_are_raised(threads):
    done = []
    with pytest.raises(InputError, match="bad scores"):
        done.extend(map(words, tagged(map(item, ["a", "b", "bad", "c", "d"]))))
    assert done == [["a", "b"]]


def test_a_caller_can_stop_early(threads):
    stream = tagged(map(item, "abcdefgh"))
    assert words(next(stream)) == ["a", "b"]
    stream.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("seqtag-window")]
