"""Cached facts about files: their digests, and results computed from a whole corpus."""

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

# Smaller files are read again each time, which is fast.
_LARGE_BYTES = 1 << 20
# A file changed less than this many seconds ago may change again with the same mtime.
_SETTLED_SECONDS = 2.0


def file_digest(path: Path, root: Path) -> str:
    """Return the digest of a file's bytes, or of the names and bytes of all files in a folder.

    A large file is read only once.
    The digest is stored in the cache folder `root` under the file's path, size, times and inode.
    So an unchanged corpus of any size is identified at once, and a changed one is read again.
    """
    if path.is_dir():
        inner = sorted(one for one in path.rglob("*") if one.is_file())
        return digest(*([str(one.relative_to(path)), file_digest(one, root)] for one in inner))
    stat = path.stat()
    settled = time.time() - max(stat.st_mtime, stat.st_ctime) > _SETTLED_SECONDS
    if stat.st_size < _LARGE_BYTES or not settled:
        return digest(path)
    times = (stat.st_mtime_ns, stat.st_ctime_ns)
    key = digest(str(path.resolve()), stat.st_size, *times, stat.st_ino, stat.st_dev)
    return _cached_json(root / "digests" / f"{key}.json", lambda: digest(path))


def cached_result(rows: datasets.Dataset, key: list[Any], compute: Callable[[], Any]) -> Any:
    """Return `compute()`, which returns JSON values; for a corpus on disk it is called only once.

    The result is stored next to the Arrow file, under `key` and the fingerprint of the rows. For
    a data set in memory nothing is stored.
    """
    files = rows.cache_files
    if not files:
        return compute()
    name = f"{digest(key, rows._fingerprint)}.json"
    return _cached_json(Path(files[0]["filename"]).parent / name, compute)


def _cached_json(path: Path, compute: Callable[[], Any]) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        pass  # not there yet, or damaged
    value = compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path, mode=0o600) as temporary:
            temporary.write_text(json.dumps(value), encoding="utf-8")
    except OSError:
        pass  # the result is then computed again next time
    return value
