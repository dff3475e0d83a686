"""Which files make up which split: one file, a folder, a glob or a URL."""

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from seqtag.data.config import SPLITS, CorpusConfig
from seqtag.data.formats.base import find_format
from seqtag.data.formats.lines import SourceFile
from seqtag.errors import InputError, did_you_mean

# Words in a file's name that tell its split; CoNLL-2003 calls its files eng.testa and eng.testb.
# "eval" and "heldout" are left out: some corpora mean dev by them, and some test.
_DEV_WORDS = ("dev", "devel", "development", "devset", "testa")
_DEV_WORDS += ("valid", "validation", "val", "validset", "valset")
_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trainset", "trn"), "train"),
    **dict.fromkeys(_DEV_WORDS, "dev"),
    **dict.fromkeys(("test", "testing", "testset", "testb", "tst"), "test"),
}
# Endings and names of what stands in the folders of corpora and is not part of them.
_NEVER = (".md", ".py", ".zip", ".tar", ".pdf", ".html", ".license", ".sha256")
_ABOUT = ("readme", "license", "licence", "copying", "changelog", "citation", "dataset_infos")
_PACKED = (".gz", ".bz2", ".xz")
_SHOWN = 12


@dataclass(frozen=True)
class Place:
    """A file that is known to exist, or a URL that is still to be fetched."""

    address: str
    name: str

    def fetch(self, cache_dir: Path) -> SourceFile:
        """Return it as a local file; a URL is downloaded once and then only asked for changes."""
        if not is_url(self.address):
            return SourceFile(Path(self.address), self.name)
        return SourceFile(_download(self.address, cache_dir), self.name)


def is_url(text: str) -> bool:
    """Return whether `text` is a URL of any protocol that fsspec may know."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def find_splits(config: CorpusConfig) -> dict[str, list[Place]]:
    """Return the files of every split that the corpus has.

    With `config.files` they are those and no others. Without it a single file is the training
    split, and in a folder or a glob the names tell ("train.txt", "en-ud-dev.conllu").

    Raises:
        InputError: for what does not exist, and for names that do not tell.
    """
    root = _root(config)
    if config.files:
        if not is_url(root) and Path(root).is_file():
            raise InputError(
                f"data.path={config.path} is one file, but data.files names files too: give the "
                "folder as data.path, or set data.files.train and the others to null"
            )
        return {
            split: _given(root, config.files[split], split)
            for split in SPLITS
            if split in config.files
        }
    places = _places(root, config.format)
    if Path(root).is_file() or (is_url(root) and len(places) == 1):
        return {"train": places}
    if is_url(root) or Path(root).is_dir():
        return _by_name(places, config)
    if not places:
        what = "no file matches" if glob.has_magic(root) else "no such file or folder"
        raise InputError(f"data.path={config.path}: {what}. {_listing(root)}")
    return _by_name(places, config, strict=False) or {"train": places}


def unsplit_files(config: CorpusConfig) -> list[str] | None:
    """Return the files of a corpus that is not divided into splits; None of one that is.

    That is a single file, unless it is in a folder and its name says a split, and the files of a
    glob none of whose names says one. What does not exist is left to `find_splits`.
    """
    if config.files or config.path is None:
        return None
    root = _root(config)
    if is_url(root) and config.format == "hub":
        return None
    places = _places(root, config.format)
    if Path(root).is_dir() and len(places) > 1:
        return None  # `find_splits` says what to do
    is_whole = len(places) == 1 and (is_url(root) or Path(root).is_file())
    if not places or (not is_whole and any(map(_split_of, places))):
        return None
    return [place.address for place in places]


def _places(root: str, format: str) -> list[Place]:
    """Return the files that `data.path` names: a URL, a folder, one file or a glob."""
    if is_url(root):
        return _remote(root)
    if Path(root).is_dir():
        return _candidates(Path(root), format)
    if Path(root).is_file():
        return [Place(root, Path(root).name)]
    return _local_glob(root, Path(root).parent) if glob.has_magic(root) else []


def _root(config: CorpusConfig) -> str:
    root = os.path.expanduser(config.path or ".")
    return unquote(urlsplit(root).path) if root.startswith("file://") else root


def _split_of(place: Place) -> str | None:
    """Return the split that a file's name says; None for none, or several."""
    words = re.split(r"[^a-z]+", PurePosixPath(place.name).name.lower())
    splits = {_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS}
    return splits.pop() if len(splits) == 1 else None


def unused_files(config: CorpusConfig, found: dict[str, list[Place]]) -> list[str]:
    """Return the names of files that may belong to a corpus of local files but are not in it.

    These are files of the folder or glob that `data.path` names, with the ending of a file that is
    used; with `config.files` there are none.
    """
    root = _root(config)
    if config.files or is_url(root) or Path(root).is_file():
        return []
    used = [place for group in found.values() for place in group]
    endings = {_ending(place.name) for place in used}
    addresses = {place.address for place in used}
    return [
        place.name
        for place in _places(root, config.format)
        if place.address not in addresses
        and _ending(place.name) in endings
        and PurePosixPath(place.name).name.lower().partition(".")[0] not in _ABOUT
    ]


def _given(root: str, value: Any, split: str) -> list[Place]:
    """Resolve what `data.files` says for one split: a name, glob or URL, or a list of them."""
    places: list[Place] = []
    for name in [value] if isinstance(value, str) else list(value):
        name = os.path.expanduser(str(name))
        if is_url(name) or is_url(root):
            places += _remote(name if is_url(name) else f"{root.rstrip('/')}/{name}")
            continue
        path = Path(root) / name
        if path.is_file():
            places.append(Place(str(path), name if not os.path.isabs(name) else path.name))
            continue
        matches = _local_glob(str(path), Path(root)) if glob.has_magic(str(path)) else []
        if not matches:
            what = "a folder, not a file" if path.is_dir() else "no such file"
            raise InputError(f"data.files.{split}={name}: {path}: {what}. {_listing(str(path))}")
        places += matches
    return places


def _local_glob(pattern: str, root: Path) -> list[Place]:
    paths = sorted(Path(p) for p in glob.glob(pattern, recursive=True) if Path(p).is_file())
    return [
        Place(str(path), str(path.relative_to(root)) if path.is_relative_to(root) else path.name)
        for path in paths
    ]


def _candidates(folder: Path, format: str) -> list[Place]:
    paths = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    endings = find_format(format).endings
    if endings:
        kept = [path for path in paths if _ending(path.name) in endings]
    else:
        kept = [path for path in paths if _ending(path.name) not in _NEVER]
    if not kept:
        kind = f"no {' or '.join(endings)} file" if endings else "no file"
        raise InputError(f"{folder}: {kind} in this folder. {_listing(str(folder / 'x'))}")
    return [Place(str(path), path.name) for path in kept]


def _ending(name: str) -> str:
    path = PurePosixPath(name.lower())
    return path.with_suffix("").suffix if path.suffix in _PACKED else path.suffix


def _by_name(
    places: list[Place], config: CorpusConfig, strict: bool = True
) -> dict[str, list[Place]]:
    """Sort files into splits by the words of their names."""
    found: dict[str, list[Place]] = {}
    for place in places:
        if split := _split_of(place):
            found.setdefault(split, []).append(place)
    if not found and len(places) == 1:
        return {"train": places}
    names = ", ".join(place.name for place in places[:_SHOWN])
    if not found and strict:
        raise InputError(
            f"data.path={config.path}: the names do not tell which file is which split: {names}. "
            "Set data.files.train=NAME (and dev, test)"
        )
    for split, group in found.items():
        # Shards differ in their numbers only.
        if len({re.sub(r"\d+", "0", place.name) for place in group}) > 1 and strict:
            names = ", ".join(place.name for place in group)
            raise InputError(
                f"data.path={config.path}: several files could be the {split} split: {names}. "
                f"Set data.files.{split}=NAME"
            )
    return {split: found[split] for split in SPLITS if split in found}


def _listing(path: str) -> str:
    """Say what there is where `path` was looked for."""
    folder = Path(path).parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        names = sorted(p.name + "/" * p.is_dir() for p in folder.iterdir())
    except OSError as error:
        return f"{folder} cannot be listed: {error.strerror}"
    more = ", ..." if len(names) > _SHOWN else ""
    there = ", ".join(names[:_SHOWN]) + more if names else "nothing"
    return f"In {folder} there is: {there}{did_you_mean(Path(path).name, names)}"


def _remote(url: str) -> list[Place]:
    protocol = url.partition("://")[0]
    if glob.has_magic(url) and protocol not in ("http", "https"):
        import fsspec

        try:
            fs, pattern = fsspec.core.url_to_fs(url)
            matches = sorted(fs.glob(pattern))
        except Exception as error:
            raise _unreachable(url, error) from error
        if not matches:
            raise InputError(f"{url}: no file matches")
        return [Place(f"{protocol}://{m}", PurePosixPath(m).name) for m in matches]
    return [Place(url, unquote(PurePosixPath(urlsplit(url).path).name) or url)]


def _download(url: str, cache_dir: Path) -> Path:
    from datasets import DownloadConfig, DownloadManager

    settings = DownloadConfig(cache_dir=str(cache_dir / "downloads"), disable_tqdm=True)
    try:
        return Path(DownloadManager(download_config=settings).download(url))
    except Exception as error:  # whatever the protocol's client throws: it has no common base
        raise _unreachable(url, error) from error


def _unreachable(url: str, error: Exception) -> InputError:
    reason = str(error).replace(url, "").strip(" :") or type(error).__name__
    return InputError(
        f"{url}: cannot be fetched ({reason}). Is the address right, and the network?"
    )
