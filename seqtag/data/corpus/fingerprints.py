"""What was found out about files before: their digests, and figures of a whole corpus."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqtag.data.corpus.cache import digest
from seqtag.files import atomic_file

if TYPE_CHECKING:
    import datasets

# Smaller files are read anew in no time.
_LARGE_BYTES = 1 << 20
# A file that was written to so lately may be written to again without its time telling.
_SETTLED_SECONDS = 2.0


def file_digest(path: Path, root: Path) -> str:
    """Return the digest of a file's bytes; those of a large file are read only once.

    It is remembered in the cache folder `root` by the file's path, size, times and inode. So a
    corpus of any size is identified at once, and one that was replaced or written to is read again.
    """
    stat = path.stat()
    settled = time.time() - max(stat.st_mtime, stat.st_ctime) > _SETTLED_SECONDS
    if stat.st_size < _LARGE_BYTES or not settled:
        return digest(path)
    times = (stat.st_mtime_ns, stat.st_ctime_ns)
    key = digest(str(path.resolve()), stat.st_size, *times, stat.st_ino, stat.st_dev)
    return _remembered(root / "digests" / f"{key}.json", lambda: digest(path))


def remembered(rows: datasets.Dataset, key: list[Any], find: Callable[[], Any]) -> Any:
    """Return what `find` returns (JSON values) of a data set; found once for a corpus on disk.

    It is kept beside the Arrow file, by `key` and by the fingerprint of the rows. Of a data set
    in memory nothing is kept.
    """
    files = rows.cache_files
    if not files:
        return find()
    name = f"{digest(key, rows._fingerprint)}.json"
    return _remembered(Path(files[0]["filename"]).parent / name, find)


def _remembered(path: Path, find: Callable[[], Any]) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        pass  # not there yet, or damaged
    value = find()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path, mode=0o600) as aside:
            aside.write_text(json.dumps(value), encoding="utf-8")
    except OSError:
        pass  # a cache that cannot be written costs time, no more
    return value
