"""The record of a run: equality of runs, finished runs, and restored records."""

from typing import NamedTuple

import pytest

from seqtag.errors import InputError
from seqtag.renamed import TARGETS
from seqtag.sweeps.records import (
    RECORD,
    Identity,
    is_finished,
    is_record_of,
    read_record,
    recorded,
    scores_of,
    write_record,
)


class Settings(NamedTuple):
    """The part of a verb's settings that a record needs."""

    identity: Identity

    @property
    def seed(self) -> int:
        return self.identity.config["seed"]


@pytest.fixture
def run_of(tmp_path):
    """Return a function from a seed to the settings of a run in one folder."""
    return lambda seed: Settings(Identity(tmp_path, {"seed": seed}))


def test_a_null_value_equals_a_missing_key(tmp_path):
    identity = Identity(tmp_path, {"seed": 1, "callbacks": {"last": None}})
    assert is_record_of({"config": {"seed": 1, "callbacks": {}, "new": None}}, identity)
    assert not is_record_of({"config": {"seed": 1, "callbacks": {}, "new": 1}}, identity)
    write_record(identity, finished=True)
    assert read_record(tmp_path) == {"config": identity.config, "finished": True}


def test_a_renamed_class_is_the_same(tmp_path):
    old, new = next(iter(TARGETS.items()))
    assert is_record_of({"config": {"_target_": old}}, Identity(tmp_path, {"_target_": new}))


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_missing_or_damaged_record_is_empty(text, tmp_path):
    assert read_record(tmp_path) == {}
    (tmp_path / "run.json").write_text(text)
    assert read_record(tmp_path) == {}


def test_a_finished_run_is_not_repeated(run_of, tmp_path):
    ran = []

    @recorded
    def run(settings):
        assert read_record(tmp_path)["finished"] is False
        ran.append(settings.seed)
        return {"splits": {"dev": {"accuracy": 0.5}}, "parameters": 7}

    assert run(run_of(1))["splits"]
    assert run(run_of(1))["scores"] == {"dev accuracy": 0.5}
    run(run_of(2))
    assert ran == [1, 2]
    record = read_record(tmp_path)
    assert (record["finished"], record["error"], record["parameters"]) == (True, None, 7)
    assert record["seconds"] >= 0
    assert "splits" not in record


def test_the_record_has_the_reason_of_a_failure(run_of, tmp_path):
    @recorded
    def run(settings):
        raise ZeroDivisionError("a\nbug")

    with pytest.raises(ZeroDivisionError):
        run(run_of(1))
    record = read_record(tmp_path)
    assert (record["finished"], record["error"]) == (False, "ZeroDivisionError: a bug")


def test_an_input_error_restores_the_earlier_record(run_of, tmp_path):
    @recorded
    def run(settings):
        raise InputError("no")

    with pytest.raises(InputError):
        run(run_of(1))
    assert not (tmp_path / RECORD).exists()
    write_record(run_of(1).identity, finished=True)
    with pytest.raises(InputError):
        run(run_of(2))
    assert is_finished(run_of(1).identity)


def test_scores_have_the_most_important_first():
    splits = {"dev": {"accuracy": 0.9, "f1": 0.8}, "test": {"accuracy": 0.7}}
    assert list(scores_of({"splits": splits}).items()) == [("test accuracy", 0.7), ("dev f1", 0.8)]
    assert scores_of({"scores": {"beyond": 0.3}}) == {"beyond": 0.3}
    assert scores_of({}) == {}


def test_records_of_earlier_versions_lack_later_keys(tmp_path):
    earlier = {"model": {"hidden_size": 5, "words": {"size": 3}}}
    now = {"model": {"hidden_size": 5, "gazetteer_size": 10, "words": {"size": 3}}}
    now["model"]["words"]["vectors_for"] = "train"
    assert is_record_of({"config": earlier}, Identity(tmp_path, now))
    now["model"]["words"]["vectors_for"] = "all"
    assert not is_record_of({"config": earlier}, Identity(tmp_path, now))
