"""Memory-mapped files: the same rows before and after their pages are released."""

from pathlib import Path

import pyarrow as pa
import pytest

from seqtag.data.corpus.corpus import CorpusConfig, load_corpus
from seqtag.data.corpus.memory_mapped import drop_pages, open_table, tables

SENTENCES = 3000


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    path = tmp_path_factory.mktemp("mapped") / "train.txt"
    path.write_text("".join(f"word{i} O\n\n" for i in range(SENTENCES)))
    return load_corpus(CorpusConfig(format="column", path=str(path), dev_fraction=0)).splits[
        "train"
    ]


def test_rows_stay_the_same(train):
    before = train[5:2000:7]
    drop_pages(train)
    assert train[5:2000:7] == before
    assert sum(table.num_rows for table in tables(train)) == SENTENCES


def mapped_kb(path):
    """Return how many KiB of a file are resident in this process's memory."""
    size, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:
            inside = path in line
        elif inside and line.startswith("Rss:"):
            size += int(line.split()[1])
    return size


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs /proc/self/smaps (Linux)")
def test_pages_are_no_longer_resident(train):
    path = train.cache_files[0]["filename"]
    train[:]
    assert mapped_kb(path) > 50
    drop_pages(train)
    assert mapped_kb(path) == 0
    train.select_columns(["tokens"])[7]
    assert mapped_kb(path) > 0
    drop_pages(train.select_columns(["tokens"]))
    assert mapped_kb(path) == 0


def test_files_that_are_not_arrow(write):
    with pytest.raises(ValueError, match="empty"):
        open_table(write("empty", ""))
    with pytest.raises(pa.ArrowException):
        open_table(write("text", "no Arrow at all, but some text"))
