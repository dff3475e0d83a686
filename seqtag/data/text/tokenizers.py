"""Split text into tokens, by a tokenizer that the user chooses with `data.tokenizer`.

    default     words and marks of punctuation, by the rules of the Penn Treebank (`treebank`)
    whitespace  the parts between white space
    finest      runs of letters, runs of digits, and every other character by itself:
                MailHaven - 4 . 3
    characters  each character, with its combining marks; joined emoji are one
    REGEX       the matches of a regular expression, and each character between them (`pattern`)

Every character that is not white space (``str.isspace``) is in exactly one token, in order, and
no token contains white space. The time is linear in the length of the text.

The patterns of the first four are matched by the `tokenizers` library, which supports letters and
marks of all scripts (Python's ``re`` splits Devanagari at its vowel signs).
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

from seqtag.data.text.pattern import Pattern
from seqtag.data.text.treebank import SPACE, treebank_pattern
from seqtag.errors import InputError, unknown

DEFAULT_TOKENIZER = "default"
TOKENIZERS = (DEFAULT_TOKENIZER, "whitespace", "finest", "characters")
# Start and end of a token in a text.
Span = tuple[int, int]

_BLANKS = re.compile(r"\S+")
# A regular expression has at least one of these; otherwise it is a misspelt name.
_SPECIAL = frozenset("\\[](){}.|*+?^$")
# Signs that precede their base (Grapheme_Cluster_Break=Prepend), even if a space is between them.
_PREPENDED = (
    r"[\u0600-\u0605\u06DD\u070F\u0890\u0891\u08E2\u0D4E\x{110BD}\x{110CD}\x{111C2}\x{111C3}"
    r"\x{113D1}\x{1193F}\x{11941}\x{11A3A}\x{11A84}-\x{11A89}\x{11D46}\x{11F02}]"
)
# A grapheme cluster without white space. (For a row of flags, \X alone takes quadratic time.)
_CHARACTER = (
    rf"\p{{Regional_Indicator}}{{2}}[\p{{M}}\u200D]*|"
    rf"(?=[^{SPACE}])(?!{_PREPENDED}+[{SPACE}])\X|[^{SPACE}]\p{{M}}*"
)
_LETTER = r"[\p{L}&&[^\p{Han}]]"
_INSIDE_WORD = r"[\p{L}\p{M}\u00AD\u200C\u200D&&[^\p{Han}]]"
_FINEST = rf"{_LETTER}{_INSIDE_WORD}*|(?:\p{{N}}\p{{M}}*)+|{_CHARACTER}"


def check_tokenizer(tokenizer: Any, key: str) -> None:
    """Raise an InputError, which names the setting `key`, if there is no such tokenizer.

    That is, for an unknown name, and for a regular expression that is not valid.
    """
    if not isinstance(tokenizer, str) or not tokenizer:
        raise InputError(f"{key}={tokenizer!r}: must be text: a tokenizer or a regular expression")
    if tokenizer in TOKENIZERS:
        return
    if _SPECIAL.isdisjoint(tokenizer):
        known = (*TOKENIZERS, r"a regular expression such as [\w]+")
        raise unknown(key, tokenizer, known)
    _user_pattern(tokenizer, key)


def token_spans(text: str, tokenizer: str = DEFAULT_TOKENIZER) -> list[Span]:
    """Return start and end of each token of a text without lone surrogates."""
    return token_spans_of(text, [(0, len(text))], tokenizer)[0]


def token_spans_of(text: str, parts: Sequence[Span], tokenizer: str) -> list[list[Span]]:
    """Return the tokens of each part of a text, as start and end in the text.

    Args:
        text: a text without lone surrogates.
        parts: start and end of each part; a token does not cross their boundaries.
        tokenizer: one of `TOKENIZERS`, or a regular expression.
    """
    if tokenizer not in TOKENIZERS:
        return _user_pattern(tokenizer).spans(text, parts, token_finder("characters"))
    find = token_finder(tokenizer)
    return [
        [(start + first, start + end) for first, end in find(text[start:stop])]
        for start, stop in parts
    ]


@cache
def token_finder(tokenizer: str) -> Callable[[str], list[Span]]:
    """Return the function that finds the tokens of a text by one of the `TOKENIZERS`."""
    if tokenizer == "whitespace":
        return lambda text: [match.span() for match in _BLANKS.finditer(text)]
    from tokenizers import Regex, pre_tokenizers  # slow, and not needed for help

    patterns = {"finest": _FINEST, "characters": _CHARACTER}
    pattern = patterns.get(tokenizer) or treebank_pattern()
    splitter = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    return lambda text: [span for _, span in splitter.pre_tokenize_str(text)]


@lru_cache(32)
def _user_pattern(expression: str, key: str = "data.tokenizer") -> Pattern:
    return Pattern(expression, key)
