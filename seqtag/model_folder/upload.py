"""Upload a model folder or an exported folder to the Hugging Face hub. Imports no torch."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqtag.errors import InputError
from seqtag.model_folder.config import CARD, CONFIG, ENCODER, FILES, LABELS, WEIGHTS, read_config
from seqtag.model_folder.hub import (
    EXPORTED,
    ONNX,
    check_repository,
    check_revision,
    hub_error,
    progress_bars,
)
from seqtag.model_folder.metadata import published_card
from seqtag.model_folder.untrusted import read_bounded, regular_file

log = logging.getLogger("seqtag")

_MOST_CARD_BYTES = 4 << 20
# Keys of `config.json` with paths on the disk of the owner.
_PATHS = ("path", "files", "vectors", "gazetteers", "cache_dir")


def push_folder(
    folder: Path,
    repository: str,
    private: bool = False,
    revision: str | None = None,
    license: str | None = None,
    languages: Sequence[str] = (),
) -> str:
    """Upload a folder in one commit; return the address of the repository.

    The repository is created if it does not exist. Files of an earlier upload that this folder
    lacks are removed from it, and all its other files are kept. In the uploaded card the name of
    the repository takes the place of the folder's path; absolute paths in the uploaded
    ``config.json`` are shortened to their last part.

    Args:
        folder: a model folder or an exported folder.
        repository: OWNER/NAME.
        private: whether a new repository is private.
        revision: the branch; it is created from main if it does not exist. None: main.
        license: the licence, as the hub abbreviates it: ``apache-2.0``, ``cc-by-4.0``, ...
        languages: codes of the languages: ``en``, ``de``, ...

    Raises:
        InputError: if it is not such a folder, the hub cannot be reached or refuses, or an existing
            repository is public although `private` is set.
    """
    check_repository(repository, f"--repo {repository}")
    if revision is not None:
        check_revision(revision, f"--revision {revision}")
    contents = _contents(folder, repository, license, languages)
    try:
        with progress_bars():
            return _commit(contents, repository, private, revision)
    except Exception as error:  # errors of the client and of the network share no base class
        raise hub_error(repository, revision, error) from error


def _contents(
    folder: Path, repository: str, license: str | None, languages: Sequence[str]
) -> dict[str, Path | bytes]:
    """Return what is uploaded, by name: the paths of files, or their changed contents."""
    stored = read_config(folder)
    if (folder / ONNX).exists() and not (folder / WEIGHTS).exists():
        names = (CONFIG, ENCODER, LABELS, *EXPORTED)
    else:
        names = (CONFIG, ENCODER, LABELS, WEIGHTS)
    contents: dict[str, Path | bytes] = {name: regular_file(folder / name) for name in names}
    if (public := _without_paths(stored)) != stored:
        text = json.dumps(public, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        contents[CONFIG] = text.encode()
    if (folder / CARD).exists():
        text = read_bounded(folder / CARD, _MOST_CARD_BYTES).decode("utf-8", "replace")
        card = published_card(text, repository, license, languages, str(folder / CARD))
        contents[CARD] = card.encode()
    else:
        log.warning("%s: the folder has no card (%s), so none is uploaded", folder, CARD)
    return contents


def _without_paths(value: Any, inside: bool = False) -> Any:
    """Return JSON values with the absolute paths in `_PATHS` shortened to their last part."""
    if isinstance(value, Mapping):
        return {k: _without_paths(part, inside or k in _PATHS) for k, part in value.items()}
    if isinstance(value, list):
        return [_without_paths(part, inside) for part in value]
    if inside and isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name or value
    return value


def _commit(
    contents: Mapping[str, Path | bytes], repository: str, private: bool, revision: str | None
) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi()
    url = api.create_repo(repository, private=private or None, exist_ok=True)
    if private and not api.model_info(repository).private:
        raise InputError(
            f"{repository}: not uploaded, because this repository exists and is public: make it "
            "private in its settings on the hub, or leave out --private"
        )
    if revision is not None:
        api.create_branch(repository, branch=revision, exist_ok=True)
    there = {
        file.rfilename for file in api.model_info(repository, revision=revision).siblings or ()
    }
    stale = [name for name in (*FILES, *EXPORTED) if name in there and name not in contents]
    operations = [
        *(CommitOperationAdd(name, part) for name, part in contents.items()),
        *(CommitOperationDelete(name) for name in stale if name != CARD),
    ]
    message = "Upload a tagger of seqtag"
    commit = api.create_commit(repository, operations, commit_message=message, revision=revision)
    log.info("%s: commit %s", repository, commit.oid[:12])
    return str(url)
