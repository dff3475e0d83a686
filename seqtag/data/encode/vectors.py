"""Load the word vectors of a vocabulary from text files of GloVe or fastText, with a cache.

Legend: N words with a vector in the file, D dimensions of a vector.
"""

import lzma
import zlib
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from seqtag.cache import cache_root
from seqtag.data.corpus.cache import digest
from seqtag.data.formats.lines import SourceFile, open_binary, unreadable
from seqtag.errors import InputError, shown
from seqtag.files import atomic_file
from seqtag.inputs.vocabulary import Vocabulary

# Part of the cache key: increase it to invalidate entries of older versions.
_VERSION = 2
_SHOWN = 5


def load_vectors(path: str | Path, strings: Sequence[str], size: int) -> tuple[Tensor, Tensor]:
    """Return the vectors that a text file has for the strings of a vocabulary.

    A line is a word and its D numbers, separated by single spaces; the first line of a fastText
    file is the number of words and D. A word may contain spaces of any kind, since its numbers are
    counted from the right. If a word occurs more than once, its first line counts. The file (also
    ``.gz``, ``.bz2`` or ``.xz``) is read line by line. The result is cached under a digest of the
    file and the strings.

    Args:
        path: the file.
        strings: a vocabulary in the order of its ids (`Vocabulary.strings`). A string gets the
            vector of its own spelling, else that of its lower-cased form. Padding gets none.
        size: D, the number of dimensions.

    Returns:
        The ids of strings with a vector, ascending: (N,) int64; their vectors: (N, D) float32.

    Raises:
        InputError: if the file cannot be read or its vectors have another size; if a line has too
            few or too many numbers, or invalid ones for a string of the vocabulary; if the file
            has fewer words than its first line says; or if no string has a vector.
    """
    file = _vector_file(path)
    try:
        key = digest("word vectors", _VERSION, size, list(strings), file.path, file.path.suffix)
    except OSError as error:
        raise unreadable(file, error) from error
    cache_file = cache_root() / "vectors" / f"{key}.safetensors"
    found = _load_cached(cache_file)
    if found is None:
        found = _read_vectors(file, strings, size)
        _save_cached(cache_file, found)
    return torch.from_numpy(found["rows_N"]), torch.from_numpy(found["vectors_ND"])


def words_with_vectors(path: str | Path, size: int) -> Iterator[str]:
    """Yield the words of a file of word vectors; the numbers are counted, but not parsed.

    Raises:
        InputError: as `load_vectors` does, except for invalid numbers.
    """
    return (word for _, word, _ in _entries(_vector_file(path), size))


def vector_size(path: str | Path) -> int:
    """Return the number of dimensions of a file of word vectors, from its first line.

    Raises:
        InputError: if there is no such file, or its first line is not a line of word vectors.
    """
    file = _vector_file(path)
    parts = next(_lines(file), b"").split()
    is_header = len(parts) == 2 and all(part.isdigit() for part in parts)
    size = int(parts[1][:9]) if is_header else len(parts) - 1
    if size < 1:
        raise InputError(f"{path}:1: not a line of word vectors: a word and numbers are expected")
    return size


def _vector_file(path: str | Path) -> SourceFile:
    file = SourceFile(Path(path).expanduser(), str(path))
    if not file.path.is_file():
        raise InputError(f"{path}: there is no such file of word vectors")
    return file


def _read_vectors(file: SourceFile, strings: Sequence[str], size: int) -> dict[str, np.ndarray]:
    spellings = {*strings, *(string.lower() for string in strings)}
    # One array for all vectors: a million small ones would take twice the memory.
    index: dict[str, int] = {}
    values = array("f")
    first: list[str] = []
    for line, word, numbers in _entries(file, size):
        if len(first) < _SHOWN:
            first.append(word)
        if word in spellings and word not in index:
            index[word] = len(index)
            values.frombytes(_parsed(numbers, file, line).tobytes())
    spelled = {
        row: string if string in index else string.lower()
        for row, string in enumerate(strings)
        if row != Vocabulary.PADDING
    }
    rows = [row for row, spelling in spelled.items() if spelling in index]
    if not rows:
        words = [string for row, string in enumerate(strings) if row != Vocabulary.PADDING]
        raise InputError(
            f"{file.name}: none of the {len(words):,} words of the vocabulary has a vector in this "
            f"file. It begins with {_quoted(first)}, the vocabulary with {_quoted(words)}: use a "
            "file of the language of the corpus, or set model.words.vectors=null"
        )
    numbers_N = np.fromiter((index[spelled[row]] for row in rows), np.int64, len(rows))
    vectors_VD = np.frombuffer(values, np.float32).reshape(-1, size)
    return {"rows_N": np.array(rows, np.int64), "vectors_ND": vectors_VD[numbers_N]}


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(shown(word) for word in words[:_SHOWN])


def _entries(file: SourceFile, size: int) -> Iterator[tuple[int, str, bytes]]:
    """Yield (line number, word, its numbers as bytes); only their count is checked."""
    announced = None
    count = 0
    for line, text in enumerate(_lines(file), start=1):
        if line == 1:
            if (announced := _header(text, file, size)) is not None:
                continue
            _check_first(text, file, size)
        if not text:
            continue
        yield line, *_split(text, file, line, size)
        count += 1
    if announced is not None and count < announced:
        raise InputError(
            f"{file.name}: cut short: its first line announces {announced:,} words, but there are "
            f"{count:,}"
        )
    if not count:
        raise InputError(f"{file.name}: contains no word vectors")


def _lines(file: SourceFile) -> Iterator[bytes]:
    try:
        with open_binary(file) as raw:
            for number, line in enumerate(raw):
                # fastText lines end with a space. Other white space can be part of a word.
                yield line.removeprefix(b"\xef\xbb\xbf" if not number else b"").rstrip(b" \r\n")
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise unreadable(file, error) from error


def _header(text: bytes, file: SourceFile, size: int) -> int | None:
    """Return the number of words in the first line of fastText; None for any other line."""
    parts = text.split()
    if len(parts) != 2 or not all(part.isdigit() and len(part) < 19 for part in parts):
        return None
    if int(parts[1]) != size:
        raise _other_size(file, int(parts[1]), size)
    return int(parts[0])


def _check_first(text: bytes, file: SourceFile, size: int) -> None:
    """Raise an InputError for a well-formed first line with another number of dimensions."""
    parts = text.split(b" ")
    numbers = 0
    while numbers < len(parts) - 1 and _is_number(parts[-1 - numbers]):
        numbers += 1
    if numbers != size and numbers == len(parts) - 1 and numbers:
        raise _other_size(file, numbers, size)


def _other_size(file: SourceFile, found: int, size: int) -> InputError:
    return InputError(
        f"{file.name}:1: the vectors have {found} dimensions, but words.size is {size}: set "
        f"model.words.size={found}"
    )


def _split(text: bytes, file: SourceFile, line: int, size: int) -> tuple[str, bytes]:
    """Return the word of a line and its numbers, as bytes."""
    more = text.count(b" ") - size
    if more < 0:
        hint = "; they are separated by spaces, not tabs" if b"\t" in text else ""
        raise InputError(
            f"{file.name}:{line}: a word and {size} numbers are expected, but there are "
            f"{size + more} numbers{hint}"
        )
    end = text.index(b" ")
    for _ in range(more):
        end = text.index(b" ", end + 1)
    word = text[:end]
    # Words rarely contain spaces, and none ends with a number; a line with too many numbers does.
    if more and _is_number(word.rpartition(b" ")[2]):
        raise InputError(f"{file.name}:{line}: there are more than {size} numbers after the word")
    return word.decode("utf-8", "replace"), text[end + 1 :]


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return b"_" not in text  # Python reads 1_0 as 10


def _parsed(numbers: bytes, file: SourceFile, line: int) -> np.ndarray:
    parts = numbers.split(b" ")
    try:
        if b"_" in numbers:
            raise ValueError("Python reads 1_0 as 10")
        with np.errstate(over="ignore"):
            vector = np.array([float(part) for part in parts]).astype(np.float32)
    except ValueError:
        wrong = next(part for part in parts if not _is_number(part)).decode("utf-8", "replace")
        raise InputError(f"{file.name}:{line}: {shown(wrong)} is not a number") from None
    if not np.isfinite(vector).all():
        raise InputError(f"{file.name}:{line}: a number of the vector is not finite")
    return vector


def _load_cached(path: Path) -> dict[str, np.ndarray] | None:
    """Return the cached vectors; None if there are none, or the file is damaged."""
    try:
        found = load_file(path)
    except (OSError, SafetensorError):
        return None
    if found.keys() != {"rows_N", "vectors_ND"}:
        return None
    valid = found["vectors_ND"].ndim == 2 and len(found["rows_N"]) == len(found["vectors_ND"])
    return found if valid else None


def _save_cached(path: Path, found: dict[str, np.ndarray]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path, mode=0o600) as temporary:
            save_file(found, temporary)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path.parent}: cannot write the cache ({error}); set SEQTAG_CACHE to a writable "
            "folder with free space"
        ) from error
