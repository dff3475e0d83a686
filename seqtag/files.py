"""Atomic writes of files and folders."""

import json
import math
import os
import re
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

# Folder inside a run folder to which the files of an earlier run are moved; more are numbered.
EARLIER = "earlier_run"
_IS_EARLIER = re.compile(rf"{EARLIER}(_\d+)?").fullmatch


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as a JSON file, atomically.

    Numbers of numpy and torch become plain numbers, paths become strings, nan and infinity null.
    """
    text = json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False)
    write_text(path, utf8_bytes(text).decode("utf-8") + "\n")


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically; create its folder if needed.

    Raises:
        InputError: if the file cannot be written.
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
    """Yield the path of an empty temporary file; rename the file to `path` at the end.

    After an error the temporary file is removed, and an older file at `path` is unchanged. Errors
    are passed on.

    Args:
        path: the final path; its folder must exist.
        mode: permissions of the file, before the umask is applied.
        one_writer: no other process writes to `path` at the same time. The temporary file then has
            a fixed name, so that a file left by a killed process is overwritten.
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
    """Yield an empty temporary folder; move it to `place` with `put` at the end.

    After an error the temporary folder is removed, and an older folder at `place` is unchanged.
    Errors are passed on.

    Args:
        place: the final path; its parent folders are created.
        put: called with the temporary folder and `place` to move the one to the other.
        mode: permissions of the folder, before the umask is applied.
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
    """Flush the content of a file, or the names in a folder, to the disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plain(value: Any) -> Any:
    """Return `value` converted to JSON types, see `write_json`."""
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
    """Return a text in UTF-8; a lone surrogate, which UTF-8 lacks, becomes its JSON escape."""
    return text.encode("utf-8", "backslashreplace")


@contextmanager
def open_output(name: str) -> Iterator[BinaryIO]:
    """Open a file for an atomic write, or standard output for ``-``.

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


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files of these names and contents into a folder; return their paths.

    The folder is created if needed; files of the same names are replaced, others are kept.

    Raises:
        InputError: if the folder cannot be created or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be created: {error.strerror or error}") from None
    for name, content in files.items():
        with open_output(str(folder / name)) as file:
            file.write(content)
    return [folder / name for name in files]


@contextmanager
def new_folder(name: str) -> Iterator[Path]:
    """Yield a temporary folder; at the end rename it to `name`.

    Raises:
        InputError: if there is a file or a folder with files of that name, or it cannot be written.
    """
    require_new_folder(name)
    try:
        with atomic_folder(Path(name).resolve()) as aside:
            yield aside
    except OSError as error:
        raise InputError(f"{name}: cannot be written: {error.strerror or error}") from error


def require_new_folder(name: str) -> None:
    """Raise InputError if there is a file or a folder with files of that name."""
    place = Path(name).resolve()
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise InputError(f"{name}: exists and is not an empty folder; choose another name")


def create_unique_folder(place: Path) -> Path:
    """Create a folder that did not exist before, with its parents; return its path.

    The path is `place`, or the first free one of `place_2`, `place_3`, ... Creating a folder is
    atomic on every file system, so two processes never get the same one.

    Raises:
        InputError: if the folder cannot be created.
    """
    numbered = (place.with_name(f"{place.name}_{number}") for number in count(2))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for candidate in chain([place], numbered):
            with suppress(FileExistsError):
                candidate.mkdir()
                return candidate
    except OSError as error:
        raise InputError(f"{place}: cannot be created: {error.strerror or error}") from error
    raise AssertionError("there is always another number")


def files_of_runs(folder: Path, name: str) -> list[Path]:
    """Return the files of this name in and below a folder, without those in `EARLIER` folders."""
    return [
        file
        for file in sorted(folder.rglob(name))
        if not any(_IS_EARLIER(part) for part in file.relative_to(folder).parts[:-1])
    ]


@contextmanager
def replace_folder(folder: Path, kind: str, files: Collection[str]) -> Iterator[Path]:
    """Yield a temporary folder; at the end move it to `folder`, in place of an older one.

    Other files in an older folder, with names not in `files` (a ``.git``, notes), are kept.

    Args:
        folder: the final path.
        kind: name of this kind of folder in messages: "model folder".
        files: names of all files of this kind of folder; the first one identifies an older folder.

    Raises:
        InputError: if something else is at `folder`, or it cannot be written.
    """
    place = folder.resolve()
    mark = next(iter(files))
    if place.exists() and not place.is_dir():
        raise InputError(f"{folder}: there is a file of that name; choose another folder")
    if place.is_dir() and any(place.iterdir()) and not (place / mark).exists():
        raise InputError(f"{folder}: not empty and not a {kind}; choose another folder")
    aside = place
    try:
        with atomic_folder(place, partial(_merge, files=files)) as aside:
            yield aside
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    except InputError as error:  # the message must name the final path of a file
        raise InputError(str(error).replace(str(aside), str(folder))) from error


def _merge(aside: Path, place: Path, files: Collection[str]) -> None:
    """Move `aside` to `place`; remove the old folder only after the new one is in place."""
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
