"""Folders that appear when all of them is written, or under a name that nobody else has."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path

from seqtag.errors import InputError


def new_folder(place: Path) -> Path:
    """Create a folder that did not exist before, and those above it; return its path.

    That is `place`, or where that is taken `place_2`, `place_3` and so on. Creating a folder is one
    step on every file system, so that two processes never get the same one.

    Raises:
        InputError: if the system refuses to create it.
    """
    numbered = (place.with_name(f"{place.name}_{number}") for number in count(2))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for chosen in chain([place], numbered):
            with suppress(FileExistsError):
                chosen.mkdir()
                return chosen
    except OSError as error:
        raise InputError(f"{place}: cannot be created: {error.strerror or error}") from error
    raise AssertionError("there is always another number")


@contextmanager
def fresh_folder(folder: Path, kind: str, files: Collection[str]) -> Iterator[Path]:
    """Give a folder to write into; move it to its place at the end, over an older one if need be.

    What is in an older folder and not among `files` (a ``.git``, notes) is kept.

    Args:
        folder: its place.
        kind: what it is called in messages: "model folder".
        files: names of all that it may hold; the first one marks a folder of this kind.

    Raises:
        InputError: if the place is taken by something else, or the system refuses to write there.
    """
    place = folder.resolve()
    mark = next(iter(files))
    if place.exists() and not place.is_dir():
        raise InputError(f"{folder}: there is a file of that name; choose another folder")
    if place.is_dir() and any(place.iterdir()) and not (place / mark).exists():
        raise InputError(f"{folder}: not empty and no {kind}; choose another one")
    aside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        aside.mkdir(parents=True)
        yield aside
        _move(aside, place, files)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    except InputError as error:  # of a file in it, which is named as it would be in its place
        raise InputError(str(error).replace(str(aside), str(folder))) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _move(aside: Path, place: Path, files: Collection[str]) -> None:
    """Put `aside` in its place; what was there goes only when the new folder stands."""
    if not place.exists():
        os.rename(aside, place)
        return
    old = place.with_name(f"{aside.name}.old")
    os.rename(place, old)
    try:
        os.rename(aside, place)
    except OSError:
        os.rename(old, place)
        raise
    for entry in old.iterdir():
        if entry.name not in files:
            os.rename(entry, place / entry.name)
    shutil.rmtree(old)
