"""The cache folder: chosen by environment variables, private if there is no home folder."""

import logging
import os
import stat
import tempfile
from pathlib import Path

import pytest

from seqtag import cache
from seqtag.cache import cache_root, redirect_library_caches
from seqtag.errors import InputError


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """Unset the variables that choose the cache folder; make `tmp_path` the temporary folder."""
    for name in ("SEQTAG_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache._temporary.cache_clear()
    yield
    cache._temporary.cache_clear()


@pytest.fixture
def without_home(monkeypatch):
    """Simulate a user without a home folder, as in many containers."""
    monkeypatch.delenv("HOME")

    def unlisted(_):
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("pwd.getpwuid", unlisted)


def test_environment_variables_choose_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "seqtag"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_root() == Path("/xdg/seqtag")
    monkeypatch.setenv("SEQTAG_CACHE", "~/there")
    assert cache_root() == tmp_path / "there"
    assert cache_root("/x") == cache_root("/x/") == Path("/x")


def test_without_home_folder_the_cache_is_private(without_home, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="seqtag")
    root = cache_root()
    assert root == cache_root() == tmp_path / f"seqtag-{os.getuid()}"
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    (line,) = caplog.messages
    assert f"no home folder: using {root} as cache; set SEQTAG_CACHE=FOLDER" in line
    cache._temporary.cache_clear()
    assert cache_root() == root  # in the next run too


@pytest.mark.parametrize("home", ["closed", "missing", "file"])
def test_home_folder_that_cannot_be_written(home, tmp_path, monkeypatch):
    place = tmp_path / "home"
    monkeypatch.setenv("HOME", str(place))
    if home == "file":
        place.write_text("")
    else:
        (place if home == "closed" else place.parent).mkdir(exist_ok=True)
        closed = place if home == "closed" else place.parent
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != closed)
    assert cache_root() == tmp_path / f"seqtag-{os.getuid()}"
    (tmp_path / "full" / ".cache" / "seqtag").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "full"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert cache_root() == tmp_path / "full" / ".cache" / "seqtag"  # an existing cache can be read


@pytest.mark.parametrize("trap", ["open to others", "link", "file", "of another user"])
def test_existing_temporary_folder_that_is_not_private_is_not_used(
    trap, without_home, tmp_path, monkeypatch
):
    place = tmp_path / f"seqtag-{os.getuid()}"
    match trap:
        case "open to others":
            place.mkdir()
            place.chmod(0o770)
        case "link":
            (tmp_path / "elsewhere").mkdir(mode=0o700)
            place.symlink_to(tmp_path / "elsewhere")
        case "file":
            place.write_text("")
        case "of another user":
            place.mkdir(mode=0o700)
            uid = os.getuid()
            monkeypatch.setattr(cache, "_user", lambda: str(uid))
            monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    root = cache_root()
    assert root.parent == tmp_path
    assert root.name not in (place.name, "elsewhere")
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_error_if_no_folder_can_be_used(without_home, monkeypatch, tmp_path):
    with pytest.raises(InputError, match=r"~/x: .*home directory.* full path"):
        cache_root("~/x")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(InputError, match="set SEQTAG_CACHE to a writable folder"):
        cache_root()


def test_library_caches_move_only_without_home_folder(without_home, monkeypatch, tmp_path):
    for name in cache._LIBRARIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", "/mine")
    redirect_library_caches()
    assert os.environ["HF_HOME"] == "/mine"
    assert os.environ["MPLCONFIGDIR"] == str(tmp_path / f"seqtag-{os.getuid()}" / "matplotlib")
    for name in cache._LIBRARIES:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    redirect_library_caches()
    assert not cache._LIBRARIES.keys() & os.environ.keys()
