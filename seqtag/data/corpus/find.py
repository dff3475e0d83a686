"""Find the files of each split: from one file, a folder, a glob or a URL."""

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

# Words in a file's name that say its split; CoNLL-2003 calls its files eng.testa and eng.testb.
# "eval" and "heldout" are left out: they mean dev in some corpora and test in others.
_DEV_WORDS = ("dev", "devel", "development", "devset", "testa")
_DEV_WORDS += ("valid", "validation", "val", "validset", "valset")
_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trainset", "trn"), "train"),
    **dict.fromkeys(_DEV_WORDS, "dev"),
    **dict.fromkeys(("test", "testing", "testset", "testb", "tst"), "test"),
}
# Endings and names of files in the folders of corpora that are not part of the corpus.
_IGNORED_ENDINGS = (".md", ".py", ".zip", ".tar", ".pdf", ".html", ".license", ".sha256")
_IGNORED_NAMES = (
    "readme",
    "license",
    "licence",
    "copying",
    "changelog",
    "citation",
    "dataset_infos",
)
_COMPRESSED = (".gz", ".bz2", ".xz")
_MAX_LISTED = 12


@dataclass(frozen=True)
class CorpusFile:
    """A local file that exists, or a URL that is not downloaded yet."""

    address: str
    name: str

    def fetch(self, cache_dir: Path) -> SourceFile:
        """Return the local file; a URL is downloaded once and later only checked for changes."""
        if not is_url(self.address):
            return SourceFile(Path(self.address), self.name)
        return SourceFile(_download(self.address, cache_dir), self.name)


def is_url(text: str) -> bool:
    """Return whether `text` has the form of a URL, of any protocol."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def find_splits(config: CorpusConfig) -> dict[str, list[CorpusFile]]:
    """Return the files of each split of the corpus.

    If `config.files` is set, it lists all of them. Otherwise a single file is the training split,
    and in a folder or a glob the names say the split ("train.txt", "en-ud-dev.conllu").

    Raises:
        InputError: for missing files, and for names that do not say the split.
    """
    root = _root(config)
    if config.files:
        if not is_url(root) and Path(root).is_file():
            raise InputError(
                f"data.path={config.path} is one file, but data.files names files too: set "
                "data.path to the folder, or data.files.train and the others to null"
            )
        return {
            split: _resolve_setting(root, config.files[split], split)
            for split in SPLITS
            if split in config.files
        }
    folders = _folders_of_texts(root, config.format)
    if folders:
        return folders
    files = _corpus_files(root, config.format)
    if Path(root).is_file() or (is_url(root) and len(files) == 1):
        return {"train": files}
    if is_url(root) or Path(root).is_dir():
        return _by_name(files, config)
    if not files:
        what = "no file matches" if glob.has_magic(root) else "no such file or folder"
        raise InputError(f"data.path={config.path}: {what}. {_describe_folder(root)}")
    return _by_name(files, config, strict=False) or {"train": files}


def _has_annotations(folder: Path) -> bool:
    """Return whether a folder has .ann files, next to the texts that they annotate."""
    return any(True for _ in folder.rglob("*.ann"))


def _folders_of_texts(path: str, format: str) -> dict[str, list[CorpusFile]]:
    """Return folders of texts and .ann files by split; empty if there are none.

    Subfolders whose names say a split are the splits; else the whole folder is for training.
    """
    root = Path(path)
    if is_url(path) or not find_format(format).reads_folders:
        return {}
    if not root.is_dir() or not _has_annotations(root):
        return {}
    splits: dict[str, list[CorpusFile]] = {}
    for folder in sorted(one for one in root.iterdir() if one.is_dir()):
        file = CorpusFile(str(folder), folder.name)
        if (split := _split_of(file)) and _has_annotations(folder):
            splits.setdefault(split, []).append(file)
    if "train" in splits:
        return {split: splits[split] for split in SPLITS if split in splits}
    return {"train": [CorpusFile(str(root), root.name)]}


def unsplit_files(config: CorpusConfig) -> list[str] | None:
    """Return the files of a corpus that is not divided into splits, or None if it is divided.

    A single file is not divided, but one in a folder is if its name says a split. The files of a
    glob are not divided if no name says a split. If files are missing, `find_splits` raises an
    error later.
    """
    if config.files or config.path is None:
        return None
    root = _root(config)
    if is_url(root) and config.format == "hub":
        return None
    folders = _folders_of_texts(root, config.format)
    if folders:
        return [root] if list(folders) == ["train"] else None
    files = _corpus_files(root, config.format)
    if Path(root).is_dir() and len(files) > 1:
        return None  # `find_splits` raises an error with advice
    is_whole = len(files) == 1 and (is_url(root) or Path(root).is_file())
    if not files or (not is_whole and any(map(_split_of, files))):
        return None
    return [file.address for file in files]


def _corpus_files(root: str, format: str) -> list[CorpusFile]:
    """Return the files that `data.path` names: a URL, a folder, one file or a glob."""
    if is_url(root):
        return _remote_files(root)
    if Path(root).is_dir():
        return _candidates(Path(root), format)
    if Path(root).is_file():
        return [CorpusFile(root, Path(root).name)]
    return _local_glob(root, Path(root).parent) if glob.has_magic(root) else []


def _root(config: CorpusConfig) -> str:
    root = os.path.expanduser(config.path or ".")
    return unquote(urlsplit(root).path) if root.startswith("file://") else root


def _split_of(file: CorpusFile) -> str | None:
    """Return the split that a file's name says; None if it says none or several."""
    words = re.split(r"[^a-z]+", PurePosixPath(file.name).name.lower())
    splits = {_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS}
    return splits.pop() if len(splits) == 1 else None


def unused_files(config: CorpusConfig, splits: dict[str, list[CorpusFile]]) -> list[str]:
    """Return the names of local files that may belong to a corpus but are in no split of it.

    These are files of the folder or glob `data.path` with the ending of a file that is used.
    There are none if `config.files` is set.
    """
    root = _root(config)
    if config.files or is_url(root) or Path(root).is_file():
        return []
    if _folders_of_texts(root, config.format):
        return []
    used = [file for group in splits.values() for file in group]
    endings = {_ending(file.name) for file in used}
    addresses = {file.address for file in used}
    return [
        file.name
        for file in _corpus_files(root, config.format)
        if file.address not in addresses
        and _ending(file.name) in endings
        and PurePosixPath(file.name).name.lower().partition(".")[0] not in _IGNORED_NAMES
    ]


def _resolve_setting(root: str, value: Any, split: str) -> list[CorpusFile]:
    """Return the files that `data.files` sets for a split: a name, glob or URL, or a list."""
    files: list[CorpusFile] = []
    for name in [value] if isinstance(value, str) else list(value):
        name = os.path.expanduser(str(name))
        if is_url(name) or is_url(root):
            files += _remote_files(name if is_url(name) else f"{root.rstrip('/')}/{name}")
            continue
        path = Path(root) / name
        if path.is_file() or (path.is_dir() and _has_annotations(path)):
            files.append(CorpusFile(str(path), name if not os.path.isabs(name) else path.name))
            continue
        matches = _local_glob(str(path), Path(root)) if glob.has_magic(str(path)) else []
        if not matches:
            what = "a folder, not a file" if path.is_dir() else "no such file"
            raise InputError(
                f"data.files.{split}={name}: {path}: {what}. {_describe_folder(str(path))}"
            )
        files += matches
    return files


def _local_glob(pattern: str, root: Path) -> list[CorpusFile]:
    """Return the files of a glob; those below `root` are named by their relative path."""
    paths = sorted(Path(p) for p in glob.glob(pattern, recursive=True) if Path(p).is_file())
    return [
        CorpusFile(
            str(path), str(path.relative_to(root)) if path.is_relative_to(root) else path.name
        )
        for path in paths
    ]


def _candidates(folder: Path, format: str) -> list[CorpusFile]:
    paths = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    endings = find_format(format).endings
    if endings:
        candidates = [path for path in paths if _ending(path.name) in endings]
    else:
        candidates = [path for path in paths if _ending(path.name) not in _IGNORED_ENDINGS]
    if not candidates:
        kind = f"no {' or '.join(endings)} file" if endings else "no file"
        raise InputError(f"{folder}: {kind} in this folder. {_describe_folder(str(folder / 'x'))}")
    return [CorpusFile(str(path), path.name) for path in candidates]


def _ending(name: str) -> str:
    path = PurePosixPath(name.lower())
    return path.with_suffix("").suffix if path.suffix in _COMPRESSED else path.suffix


def _by_name(
    files: list[CorpusFile], config: CorpusConfig, strict: bool = True
) -> dict[str, list[CorpusFile]]:
    """Return files by the split that the words of their names say."""
    splits: dict[str, list[CorpusFile]] = {}
    for file in files:
        if split := _split_of(file):
            splits.setdefault(split, []).append(file)
    if not splits and len(files) == 1:
        return {"train": files}
    names = ", ".join(file.name for file in files[:_MAX_LISTED])
    if not splits and strict:
        raise InputError(
            f"data.path={config.path}: the names do not say which file is which split: {names}. "
            "Set data.files.train=NAME (and dev, test)"
        )
    for split, group in splits.items():
        # The names of shards differ only in numbers.
        if len({re.sub(r"\d+", "0", file.name) for file in group}) > 1 and strict:
            names = ", ".join(file.name for file in group)
            raise InputError(
                f"data.path={config.path}: several files could be the {split} split: {names}. "
                f"Set data.files.{split}=NAME"
            )
    return {split: splits[split] for split in SPLITS if split in splits}


def _describe_folder(path: str) -> str:
    """Return a message that lists the nearest existing folder of `path`."""
    folder = Path(path).parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        names = sorted(p.name + "/" * p.is_dir() for p in folder.iterdir())
    except OSError as error:
        return f"{folder} cannot be listed: {error.strerror}"
    more = ", ..." if len(names) > _MAX_LISTED else ""
    listing = ", ".join(names[:_MAX_LISTED]) + more if names else "nothing"
    return f"In {folder} there is: {listing}{did_you_mean(Path(path).name, names)}"


def _remote_files(url: str) -> list[CorpusFile]:
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
        return [CorpusFile(f"{protocol}://{m}", PurePosixPath(m).name) for m in matches]
    return [CorpusFile(url, unquote(PurePosixPath(urlsplit(url).path).name) or url)]


def _download(url: str, cache_dir: Path) -> Path:
    from datasets import DownloadConfig, DownloadManager

    settings = DownloadConfig(cache_dir=str(cache_dir / "downloads"), disable_tqdm=True)
    try:
        return Path(DownloadManager(download_config=settings).download(url))
    except Exception as error:  # the protocols' clients have no common base class of errors
        raise _unreachable(url, error) from error


def _unreachable(url: str, error: Exception) -> InputError:
    reason = str(error).replace(url, "").strip(" :") or type(error).__name__
    return InputError(f"{url}: cannot be fetched ({reason}). Check the address and the network")
