"""Check the names of text encodings."""

import codecs
import encodings.aliases
from functools import cache

from seqtag.errors import InputError, did_you_mean, shown


def check_encoding(encoding: str, key: str = "data.encoding") -> None:
    """Check that Python knows an encoding and that it is suitable for lines of text.

    Python's other codecs are for domain names (idna, punycode), string literals
    (unicode_escape) or bytes (hex, zip).

    Raises:
        InputError: otherwise; the message names `key`.
    """
    suitable = _encodes_lines(encoding)
    if suitable is None:
        known = {name.replace("_", "-") for name in encodings.aliases.aliases.values()}
        raise InputError(
            f"{key}={shown(encoding)} is not a text encoding that Python knows"
            f"{did_you_mean(encoding, sorted(filter(_encodes_lines, known)))}"
        )
    if not suitable:
        raise InputError(
            f"{key}={shown(encoding)} is not an encoding for lines of text; try utf-8, latin-1 or "
            "cp1252"
        )


@cache
def _encodes_lines(encoding: str) -> bool | None:
    """Return whether an encoding maps text to bytes character by character, line feeds included.

    Return None if Python does not know the encoding.
    """
    sample = f"a..{'b' * 80}-\\u0041\tc\r\n"
    try:
        if sample.encode(encoding).decode(encoding) != sample:
            return False
    except (LookupError, ValueError):  # ValueError: a name with a NUL, or UnicodeError
        return None
    encoder = codecs.getincrementalencoder(encoding)()
    pieces = [encoder.encode(character) for character in sample]
    if b"".join(pieces) + encoder.encode("", final=True) != sample.encode(encoding):
        return False
    return len(pieces[-1]) == len(pieces[-2]) == len(pieces[1])
