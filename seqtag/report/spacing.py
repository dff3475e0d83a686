"""Spaces between tokens, as in text: a corpus of tokens does not store them."""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

_NONE_BEFORE = frozenset(".,;:!?)]}%…’”»、。，；：！？）」』】》،؛؟।")
_NONE_AFTER = frozenset("([{$£€#@“‘«¿¡（「『【《")
_CLITICS = frozenset(
    {"n't", "n’t", "'s", "’s", "'re", "'ve", "'ll", "'d", "'m", "’re", "’ve", "’ll"}
)


def spaces(tokens: Sequence[str]) -> Iterator[str]:
    """Yield what stands after each token but the last: a space, or nothing.

    There is no space before closing punctuation, after opening brackets, before English clitics,
    and between letters of scripts that are written without spaces. Quotation marks that are the
    same on both sides keep their spaces.
    """
    for before, after in pairwise(tokens):
        touching = (
            _NONE_BEFORE.issuperset(after)
            or before in _NONE_AFTER
            or after.lower() in _CLITICS
            or (_is_unspaced(before[-1:]) and _is_unspaced(after[:1]))
        )
        yield "" if touching else " "


def _is_unspaced(character: str) -> bool:
    """Return whether a character belongs to a script that is written without spaces."""
    if not character:
        return False
    is_thai_or_lao = "\u0e00" <= character <= "\u0eff"
    return is_thai_or_lao or unicodedata.east_asian_width(character) in "WF"
