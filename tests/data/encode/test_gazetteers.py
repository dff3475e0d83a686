"""Files of gazetteers: tokens of names, and files that are refused."""

import gzip
import random

import pytest

from seqtag.data.encode.gazetteers import read_gazetteers, require_files
from seqtag.errors import InputError
from seqtag.inputs.options import GazetteerConfig


def read(path, tokenizer="default", encoding="utf-8", normalize=None):
    config = GazetteerConfig({"city": str(path)}, encoding=encoding)
    return read_gazetteers(config, tokenizer, normalize).to_plain()["lists"]["city"]


def test_names_are_split_as_text_is(write):
    path = write("x.txt", "\ufeffRome\r\n\n  St. John's  \nWashington, D.C.\nRome")
    assert read(path) == ["Rome", "St. John 's", "Washington , D.C."]
    assert read(path, "whitespace") == ["Rome", "St. John's", "Washington, D.C."]


def test_other_encodings_and_compressed_files(write, tmp_path):
    assert read(write("x.txt", "Köln".encode("latin-1")), encoding="latin-1") == ["Köln"]
    (tmp_path / "x.txt.gz").write_bytes(gzip.compress("Köln\n".encode()))
    assert read(tmp_path / "x.txt.gz") == ["Köln"]


def test_names_are_normalized_as_the_corpus_is(write):
    assert read(write("x.txt", "Ko\u0308ln"), normalize="NFC") == ["Köln"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"x.txt: an empty file; a gazetteer has one name per line"),
        (b"\n \n", r"x.txt: 2 empty lines"),
        (b"Rome\nK\xf6ln\n", r"x.txt:2: not utf-8 .*set data.gazetteer_encoding"),
        (b"Rome\0", r"x.txt:1: a NUL character"),
        (b"a\n" + b"a " * 101, r"x.txt:2: a name of 101 tokens; at most 100"),
        (b"\x1f\x8b\x08", r"x.txt:1: this is not text but gzip data"),
    ],
)
def test_wrong_files_are_refused(content, message, write):
    with pytest.raises(InputError, match=message):
        read(write("x.txt", content))


def test_missing_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.txt: there is no such file .of the gaz.* city"):
        require_files(GazetteerConfig({"city": str(tmp_path / "nowhere.txt")}))
    with pytest.raises(InputError, match="is a folder, not a file"):
        require_files(GazetteerConfig({"city": str(tmp_path)}))
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_any_bytes_are_read_or_refused(write):
    choice = random.Random(0)
    start = "New York\nKöln\r\n\nSt. John's\n".encode()
    for _ in range(300):
        changed = bytearray(start)
        for _ in range(choice.randint(1, 4)):
            at = choice.randrange(len(changed))
            changed[at : at + choice.randint(0, 2)] = choice.randbytes(choice.randint(0, 3))
        try:
            names = read(write("x.txt", bytes(changed)))
        except InputError:
            continue
        assert names
        assert all(name.split() == name.split(" ") for name in names)
