"""Files and folders written whole or not at all, under a name that nobody else has."""

import json
import math
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any, BinaryIO

from seqtag.errors import InputError


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as JSON: all of it or nothing, never half a file.

    Numbers of numpy and torch become plain ones, paths strings; a number that JSON does not have
    (nan, infinity) becomes null.
    """
    text = json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False)
    write_text(path, utf8_bytes(text).decode("utf-8") + "\n")


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, and the folders above it: all of it or nothing, never half a file.

    Raises:
        InputError: if the system refuses to.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as aside:
            aside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextmanager
def atomic_file(path: Path, mode: int = 0o666, one_writer: bool = False) -> Iterator[Path]:
    """Give the path of an empty file to write to; rename it to `path` at the end.

    After an error it is removed, and what was at `path` is still there. Errors are passed on.

    Args:
        path: its place; the folder exists.
        mode: its permissions, less those that the umask takes away.
        one_writer: no other process writes to `path` at the same time. What a killed process left
            aside is written over then; else it stays, under a name of its own.
    """
    aside = path.with_name(f".{path.name}.{'part' if one_writer else secrets.token_hex(4)}")
    try:
        aside.touch(mode)
        yield aside
        os.replace(aside, path)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


@contextmanager
def atomic_folder(
    place: Path, put: Callable[[Path, Path], None] = os.rename, mode: int = 0o777
) -> Iterator[Path]:
    """Give an empty folder to write into; `put` it in its place at the end.

    After an error it is removed, and what was at `place` is still there. Errors are passed on.

    Args:
        place: its place; folders above it are created.
        put: called with the folder and its place, to move it there.
        mode: its permissions, less those that the umask takes away.
    """
    aside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        aside.mkdir(mode)
        yield aside
        put(aside, place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def fsync_path(path: Path) -> None:
    """Have the disk confirm the bytes of a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plain(value: Any) -> Any:
    """Return `value` in types of JSON, as `write_json` says."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def utf8_bytes(text: str) -> bytes:
    """Return UTF-8; a lone surrogate, which has no bytes, is written as JSON's escape of it."""
    return text.encode("utf-8", "backslashreplace")


@contextmanager
def open_output(name: str) -> Iterator[BinaryIO]:
    """Open a file for writing, or standard output for ``-``.

    A file appears when all of it is written: until then it stands aside under another name.

    Raises:
        InputError: if it cannot be written.
    """
    if name == "-":
        try:
            sys.stdout.flush()
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            why = error.strerror or error
            raise InputError(f"standard output: cannot be written: {why}") from error
        return
    path = Path(name)
    special = path.exists() and not path.is_file()  # a device, a named pipe
    try:
        with (
            nullcontext(path) if special else atomic_file(path.resolve()) as aside,
            aside.open("wb") as file,
        ):
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"{name}: cannot be written: {error.strerror or error}") from None


def create_unique_folder(place: Path) -> Path:
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
def replace_folder(folder: Path, kind: str, files: Collection[str]) -> Iterator[Path]:
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
    aside = place
    try:
        with atomic_folder(place, partial(_merge, files=files)) as aside:
            yield aside
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    except InputError as error:  # of a file in it, which is named as it would be in its place
        raise InputError(str(error).replace(str(aside), str(folder))) from error


def _merge(aside: Path, place: Path, files: Collection[str]) -> None:
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
