"""Read gazetteers: files with a name per line, which is split into tokens as text is."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from seqtag.data.encode.normalize import normalized
from seqtag.data.formats.lines import SourceFile, text_lines
from seqtag.data.text.tokenizers import DEFAULT_TOKENIZER, token_spans
from seqtag.errors import InputError
from seqtag.inputs.gazetteers import Gazetteers
from seqtag.inputs.name_trie import MOST_TOKENS
from seqtag.inputs.options import GazetteerConfig, NormalForm

log = logging.getLogger("seqtag")


def read_gazetteers(
    config: GazetteerConfig,
    tokenizer: str = DEFAULT_TOKENIZER,
    normalize: NormalForm | None = None,
) -> Gazetteers:
    """Read the files of gazetteers; empty lines are skipped.

    Args:
        config: the files.
        tokenizer: one of `seqtag.data.text.tokenizers.TOKENIZERS`, as for the corpus.
        normalize: Unicode form to which the corpus is converted.

    Raises:
        InputError: if a file cannot be read, is not text or has no name, and for a name of too many
            tokens; the message names file and line.
    """
    lists = {}
    for name, path in config.files.items():
        file = SourceFile(Path(os.path.expanduser(path)), path)
        lists[name] = list(_names(file, config.encoding, tokenizer, normalize))
        log.info("gazetteer %s: %s names", name, f"{len(lists[name]):,}")
    return Gazetteers(lists, config.ignore_case)


def require_files(config: GazetteerConfig) -> None:
    """Raise an InputError if a file does not exist, before anything else is read."""
    for name, path in config.files.items():
        file = Path(os.path.expanduser(path))
        if not file.is_file():
            what = "is a folder, not a file" if file.is_dir() else "there is no such file"
            raise InputError(f"data.gazetteers: {path}: {what} (of the gazetteer {name})")


def _names(
    file: SourceFile, encoding: str, tokenizer: str, normalize: NormalForm | None
) -> Iterator[str]:
    """Yield the names in a file, their tokens separated by single spaces."""
    number = count = 0
    lines = text_lines(file, encoding, "data.gazetteer_encoding")
    for number, line in enumerate(lines, 1):
        tokens = [line[start:end] for start, end in token_spans(line, tokenizer)]
        if len(tokens) > MOST_TOKENS:
            raise InputError(
                f"{file.name}:{number}: a name of {len(tokens):,} tokens; at most {MOST_TOKENS} "
                "are possible. A gazetteer has one name per line"
            )
        if tokens:
            count += 1
            yield " ".join(tokens if normalize is None else normalized(normalize, tokens))
    if not count:
        what = f"{number:,} empty lines" if number else "an empty file"
        raise InputError(f"{file.name}: {what}; a gazetteer has one name per line")
