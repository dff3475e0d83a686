"""Model folders on the Hugging Face hub: find, check and download them. Imports no torch."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqtag.errors import InputError, os_error_text
from seqtag.model_folder.config import (
    CONFIG,
    ENCODER,
    LABELS,
    MOST_ENCODER_BYTES,
    WEIGHTS,
    read_config,
)

log = logging.getLogger("seqtag")

# The files of an exported folder that a model folder lacks.
ONNX, EXPORT = EXPORTED = ("model.onnx", "export.json")
# The files that are downloaded, with the size above which a repository is refused.
MOST_BYTES = {
    CONFIG: 256 << 20,
    LABELS: 256 << 20,
    ENCODER: MOST_ENCODER_BYTES,
    WEIGHTS: 8 << 30,
    ONNX: 8 << 30,
    EXPORT: 1 << 20,
}
_REPOSITORY = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?:@(.+))?", re.ASCII)
_REVISION = re.compile(r"\w[\w.+/-]*", re.ASCII)
_SECONDS = 30  # to wait for an answer of the hub


def resolve_model(model: str | Path, revision: str | None = None) -> Path:
    """Return the folder of a model; download it first if `model` names a repository of the hub.

        resolve_model("logs/train/first/model")
        resolve_model("OWNER/NAME", "v1")  # the same as resolve_model("OWNER/NAME@v1")

    A folder of that name on disk is used before the hub, and the log says so. Only the files of
    model folders and exported folders are downloaded. They go to the cache of huggingface_hub,
    which is used alone if the hub cannot be reached.

    Args:
        model: the path of a folder, or (only as a string) the name of a repository.
        revision: a branch, a tag or the hash of a commit; by default the branch main.

    Raises:
        InputError: if the hub has no such model, cannot be reached, or refuses access; or if the
            repository is not that of a tagger, or has a file that is too large.
    """
    match = _REPOSITORY.fullmatch(model) if isinstance(model, str) else None
    if match is None or not _is_repository(match[1]):
        if revision is not None:
            raise InputError(
                f"{model}: this is not the name of a repository (OWNER/NAME), so it has no "
                f"revision {revision!r}"
            )
        return Path(model)
    if Path(model).exists():
        ignored = "" if revision is None else f"; the revision {revision!r} is ignored"
        level = logging.INFO if revision is None else logging.WARNING
        log.log(level, "%s: this is a folder on disk, so the hub is not used%s", model, ignored)
        return Path(model)
    name, own_revision = match.groups()
    if revision is not None and own_revision is not None:
        raise InputError(f"{model}: this names a revision already; leave out {revision!r}")
    return _download(name, revision or own_revision or "main")


def check_repository(name: str, where: str) -> None:
    """Check the form of the name of a repository.

    Raises:
        InputError: if it is not OWNER/NAME in the characters that the hub allows.
    """
    if not _is_repository(name):
        raise InputError(
            f"{where}: expected OWNER/NAME, at most 96 letters, digits, '-', '_' and '.'"
        )


def _is_repository(name: str) -> bool:
    """Return whether a name has the form OWNER/NAME, and only characters that the hub allows."""
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return name.count("/") == 1


def check_revision(revision: str, where: str) -> None:
    """Check the form of the name of a revision, which becomes the name of a file in the cache.

    Raises:
        InputError: if it cannot be the name of a branch, a tag or a commit.
    """
    if not _REVISION.fullmatch(revision) or ".." in revision or len(revision) > 200:
        raise InputError(f"{where}: {revision!r} is not the name of a branch, a tag or a commit")


def hub_error(name: str, revision: str | None, error: Exception) -> InputError:
    """Return an error of the hub's client as an `InputError` of one line."""
    from huggingface_hub import constants, errors

    if isinstance(error, InputError):
        return error
    if _status(error) is None and isinstance(error.__cause__, Exception):
        return hub_error(name, revision, error.__cause__)  # of an upload in a thread, for example
    hub, status = constants.ENDPOINT, _status(error)
    login = "log in with `hf auth login`, or set HF_TOKEN"
    if isinstance(error, errors.RevisionNotFoundError):
        why = f"the repository has no branch, tag or commit {revision!r}"
    elif isinstance(error, errors.GatedRepoError):
        why = f"access is restricted: accept the conditions at {hub}/{name}, and {login}"
    elif isinstance(error, errors.RepositoryNotFoundError):
        why = f"{hub} has no such model ({status}); if it is private, {login}"
    elif status == 401:
        why = f"{hub} requires a valid token (401): {login}"
    elif status == 403:
        why = f"{hub} does not allow this with your token (403): use one that has access"
    elif status is not None:
        why = f"{hub} answered with error {status}{_server_message(error)}"
    elif constants.HF_HUB_OFFLINE:
        why = "the hub is not used in offline mode (HF_HUB_OFFLINE=1)"
    elif isinstance(error, OSError) and error.errno is not None:
        why = os_error_text(error)
    else:
        reason = (str(error) or type(error).__name__).partition("\n")[0][:200]
        why = f"{hub} cannot be reached: {reason}"
    return InputError(f"{name}: {why}")


@contextmanager
def progress_bars() -> Iterator[None]:
    """Show progress bars of the hub's client only in a terminal."""
    from huggingface_hub import constants
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    decided = constants.HF_HUB_DISABLE_PROGRESS_BARS is not None or are_progress_bars_disabled()
    if decided or sys.stderr.isatty():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _download(name: str, revision: str) -> Path:
    """Return the local copy of a repository's model folder."""
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download

    check_revision(revision, name)
    try:
        info = HfApi().model_info(name, revision=revision, files_metadata=True, timeout=_SECONDS)
    except Exception as error:  # errors of the client and of the network share no base class
        status = _status(error)
        if status is not None and status < 500:
            raise _not_there(name, hub_error(name, revision, error)) from error
        return _cached(name, revision, error)
    sizes = {file.rfilename: file.size for file in info.siblings or ()}
    wanted = _checked_files(name, sizes)
    try:
        with progress_bars():
            # The settings first: of another library's model nothing else is downloaded.
            read_config(Path(hf_hub_download(name, CONFIG, revision=info.sha)).parent)
            folder = snapshot_download(name, revision=revision, allow_patterns=wanted)
    except Exception as error:  # as above
        raise hub_error(name, revision, error) from error
    log.info("%s: commit %s of the hub", name, Path(folder).name[:12])
    return Path(folder)


def _checked_files(name: str, sizes: Mapping[str, int | None]) -> list[str]:
    """Return the files to download.

    Raises:
        InputError: if one is missing, or too large.
    """
    needed = [CONFIG, ENCODER, LABELS]
    needed += [ONNX, EXPORT] if ONNX in sizes and WEIGHTS not in sizes else [WEIGHTS]
    for file in needed:
        if file not in sizes:
            raise InputError(f"{name}: not a tagger of seqtag: the repository has no {file}")
    wanted = [file for file in MOST_BYTES if file in sizes]
    for file in wanted:
        size, most = sizes[file], MOST_BYTES[file]
        if size is None or size > most:
            stated = "of unknown size" if size is None else f"{size:,} bytes large"
            raise InputError(
                f"{name}: not downloaded, because {file} is {stated} (at most {most:,})"
            )
    return wanted


def _cached(name: str, revision: str, error: Exception) -> Path:
    """Return an earlier download, since the hub cannot be reached.

    Raises:
        InputError: if there is none.
    """
    from huggingface_hub import constants, snapshot_download

    reason = hub_error(name, revision, error)
    try:
        folder = snapshot_download(
            name, revision=revision, allow_patterns=[*MOST_BYTES], local_files_only=True
        )
    except Exception:  # the copy is missing or, for later versions of the client, incomplete
        raise _not_there(name, reason, " and there is no copy in the cache") from error
    if not constants.HF_HUB_OFFLINE:
        log.warning("%s; using the copy in the cache", reason)
    return Path(folder)


def _not_there(name: str, error: InputError, more: str = "") -> InputError:
    """Return an error that says that there is no folder of that name either."""
    why = str(error).removeprefix(f"{name}: ")
    return InputError(f"{name}: there is no such folder, and {why}{more and ','}{more}")


def _status(error: Exception) -> int | None:
    """Return the HTTP status of an error of the hub's client; None if the hub did not answer."""
    status: Any = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _server_message(error: Exception) -> str:
    message = getattr(error, "server_message", None)
    return f": {message.splitlines()[0][:200]}" if isinstance(message, str) and message else ""
