"""Atomic writes of folders and JSON files."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from seqtag.errors import InputError
from seqtag.files import replace_folder, write_files, write_json

FILES = ("mark", "more")


def fill(folder, text="new", error=None):
    with replace_folder(folder, "thing", FILES) as aside:
        for name in FILES:
            (aside / name).write_text(text)
        if error is not None:
            raise error


def names(folder):
    return sorted(os.listdir(folder))


def test_parents_of_a_new_folder_are_created(tmp_path):
    fill(tmp_path / "a" / "b")
    assert names(tmp_path / "a" / "b") == ["mark", "more"]
    assert names(tmp_path / "a") == ["b"]


def test_older_folder_is_replaced_and_foreign_files_are_kept(tmp_path):
    fill(tmp_path / "a", "old")
    (tmp_path / "a" / "notes").write_text("mine")
    fill(tmp_path / "a")
    assert names(tmp_path / "a") == ["mark", "more", "notes"]
    assert (tmp_path / "a" / "more").read_text() == "new"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
def test_old_folder_stays_after_an_error(tmp_path, error):
    fill(tmp_path / "a", "old")
    with pytest.raises(type(error)):
        fill(tmp_path / "a", error=error)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a" / "mark").read_text() == "old"


def test_file_or_foreign_folder_is_not_replaced(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="there is a file of that name"):
        fill(tmp_path / "file")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "other").write_text("")
    with pytest.raises(InputError, match="not empty and not a thing; choose another folder"):
        fill(tmp_path / "full")
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "empty")
    assert names(tmp_path) == ["empty", "file", "full"]


def test_system_error_names_the_folder(tmp_path):
    with pytest.raises(InputError, match="a: cannot be written: No space left on device"):
        fill(tmp_path / "a", error=OSError(28, "No space left on device"))
    assert names(tmp_path) == []


def test_write_json_is_atomic(tmp_path):
    path = tmp_path / "below" / "x.json"
    write_json(path, {"a": (1, np.float32(0.5)), "p": Path("q"), "n": math.inf, "é": "\ud800"})
    value = json.loads(path.read_text("utf-8"))
    assert value == {"a": [1, 0.5], "p": "q", "n": None, "é": "\ud800"}
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text("utf-8")) == value
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_files_are_written_into_a_folder_that_may_exist(tmp_path):
    for content in (b"1", b"2"):
        paths = write_files(tmp_path / "a" / "b", {"x.csv": content, "y.png": b""})
    assert [path.name for path in paths] == ["x.csv", "y.png"]
    assert paths[0].read_bytes() == b"2"
    assert names(tmp_path / "a" / "b") == ["x.csv", "y.png"]
    with pytest.raises(InputError, match=r"x\.csv: cannot be created: "):
        write_files(paths[0], {"z": b""})
