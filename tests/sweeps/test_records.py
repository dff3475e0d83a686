"""The record of a run: when it is the same run, when it is done, what is put back."""

import pytest

from seqtag.errors import InputError
from seqtag.sweeps.records import (
    RECORD,
    comparable,
    is_finished,
    is_record_of,
    read_record,
    recorded,
    scores_of,
    write_record,
)


@pytest.fixture
def config(tmp_path):
    return {"seed": 1, "study": "x", "ckpt_path": None, "paths": {"output_dir": tmp_path}}


def test_a_run_is_the_same_wherever_it_is(tmp_path):
    def config(place: str) -> dict:
        output = tmp_path / place
        return {
            "seed": 1,
            "study": place,
            "paths": {"output_dir": output},
            "callbacks": {"last": {"dirpath": f"{output}/checkpoints"}},
        }

    assert comparable(config("a")) == comparable(config("b"))
    assert comparable(config("a")) != comparable({**config("a"), "seed": 2})
    assert is_record_of({"config": {**comparable(config("a")), "new": None}}, config("b"))
    assert not is_record_of({"config": {**comparable(config("a")), "new": 1}}, config("b"))
    write_record(tmp_path, config("a"), finished=True)
    note = read_record(tmp_path)
    assert note == {"config": comparable(config("b")), "finished": True}


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_no_note_or_none_that_is_whole(text, tmp_path):
    assert read_record(tmp_path) == {}
    (tmp_path / "run.json").write_text(text)
    assert read_record(tmp_path) == {}


def test_going_on_from_its_last_checkpoint_is_the_same_run(config):
    write_record(config["paths"]["output_dir"], config, finished=True)
    assert is_finished({**config, "ckpt_path": "last", "search": {"trials": 3}})
    assert not is_finished({**config, "ckpt_path": "other.ckpt"})


def test_a_finished_run_is_not_repeated(config, tmp_path):
    ran = []

    @recorded
    def run(config):
        assert read_record(tmp_path)["finished"] is False
        ran.append(config["seed"])
        return {"splits": {"dev": {"accuracy": 0.5}}, "parameters": 7}

    assert run(config)["splits"]
    assert run(config)["scores"] == {"dev accuracy": 0.5}
    run({**config, "seed": 2})
    assert ran == [1, 2]
    record = read_record(tmp_path)
    assert (record["finished"], record["error"], record["parameters"]) == (True, None, 7)
    assert record["seconds"] >= 0
    assert "splits" not in record


def test_why_a_run_failed(config, tmp_path):
    @recorded
    def run(config):
        raise ZeroDivisionError("a\nbug")

    with pytest.raises(ZeroDivisionError):
        run(config)
    record = read_record(tmp_path)
    assert (record["finished"], record["error"]) == (False, "ZeroDivisionError: a bug")


def test_a_mistake_leaves_what_was_there(config, tmp_path):
    @recorded
    def run(config):
        raise InputError("no")

    with pytest.raises(InputError):
        run(config)
    assert not (tmp_path / RECORD).exists()
    write_record(tmp_path, config, finished=True)
    with pytest.raises(InputError):
        run({**config, "seed": 2})
    assert is_finished(config)


def test_scores_say_most_first():
    splits = {"dev": {"accuracy": 0.9, "f1": 0.8}, "test": {"accuracy": 0.7}}
    assert list(scores_of({"splits": splits}).items()) == [("test accuracy", 0.7), ("dev f1", 0.8)]
    assert scores_of({"scores": {"beyond": 0.3}}) == {"beyond": 0.3}
    assert scores_of({}) == {}
