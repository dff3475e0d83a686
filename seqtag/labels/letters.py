"""Single labels: the letters of each scheme, and reading a label as letter and type."""

from collections.abc import Callable, Iterable
from functools import lru_cache

from seqtag.errors import InputError, unknown

IGNORED = None
NOT_SCORED = -100  # the id of an ignored label, which the losses of torch leave out
SCHEMES = ("plain", "io", "iob1", "bio", "ioe1", "ioe2", "bioes", "bilou", "bmes", "bmewo")
OUTSIDE = "O"
UNTYPED = "_"

# For each scheme the letters that are read, each with its role: the letter of bio or bioes.
LETTERS = {
    "iob1": {"B": "B", "I": "I"},
    "bio": {"B": "B", "I": "I"},
    "ioe1": {"I": "I", "E": "E"},
    "ioe2": {"I": "I", "E": "E"},
    "bioes": {"B": "B", "I": "I", "E": "E", "S": "S", "L": "E", "U": "S"},
    "bilou": {"B": "B", "I": "I", "L": "E", "U": "S"},
    "bmes": {"B": "B", "M": "I", "E": "E", "S": "S"},
    "bmewo": {"B": "B", "M": "I", "E": "E", "W": "S", "V": "I"},
}
# For each scheme with the structure of bioes, the letter that is written for each role.
RENAMED = {
    "bioes": {"B": "B", "I": "I", "E": "E", "S": "S"},
    "bilou": {"B": "B", "I": "I", "E": "L", "S": "U"},
    "bmes": {"B": "B", "I": "M", "E": "E", "S": "S"},
    "bmewo": {"B": "B", "I": "M", "E": "E", "S": "W"},
}
ANY_LETTER = frozenset("BIESLUMWV")
OUTSIDE_PARTS = (OUTSIDE, "")
_READ_ONLY = {"bioes": "LU", "bmewo": "V"}


class _Edge:
    """Placeholder before the first and after the last label; like O, but named in messages."""

    def __reduce__(self) -> str:
        return "EDGE"  # there is only one, in other processes too


EDGE = _Edge()


def check_labels(labels: Iterable[str], scheme: str) -> None:
    """Check that all labels are in a scheme.

    Raises:
        InputError: for the first label that is not.
    """
    check_scheme(scheme)
    if scheme != "plain":
        for label in labels:
            parts(label, scheme)


def check_scheme(scheme: str, spanning: bool = False) -> None:
    """Check that a scheme exists and, if `spanning`, that it encodes spans.

    Raises:
        InputError: otherwise.
    """
    if scheme not in SCHEMES:
        raise unknown("scheme", scheme, SCHEMES)
    if spanning and scheme == "plain":
        raise InputError("plain labels do not encode spans: use scheme iob1, bio or bioes")


# Bounded, since a hostile file may contain any number of labels; real label sets fit.
@lru_cache(maxsize=1 << 16)
def read(label: object, scheme: str) -> tuple[str, str] | None:
    """Return (role, type) of a label; None if it is ignored or not in the scheme.

    The role is one of B, I, E and S, whatever letter the scheme writes; outside of spans it is O
    and the type is empty.
    """
    if label == OUTSIDE or label is EDGE:
        return OUTSIDE_PARTS
    text = str(label or "")
    if scheme == "io":
        lettered = text[0:1] in ANY_LETTER and text[1:2] == "-"
        return None if lettered or text in ("", UNTYPED) else ("I", text)
    letter, hyphen, type_ = text.partition("-")
    if len(letter) != 1 or letter not in LETTERS[scheme] or (hyphen and not type_):
        return None
    return LETTERS[scheme][letter], type_ or UNTYPED


def parts(label: object, scheme: str) -> tuple[str, str]:
    """Return (role, type) of a label.

    Raises:
        InputError: if it is not in the scheme.
    """
    found = read(label, scheme)
    if found is None:
        raise InputError(not_in_scheme(label, scheme))
    return found


def written(role: str, type_: str, scheme: str) -> str:
    """Return the label of a role and a type; `parts` reads it."""
    if role == OUTSIDE:
        return OUTSIDE
    if scheme == "io":
        if read(type_, scheme) is None:
            raise InputError(f"the scheme io cannot write a span of the type {type_!r}")
        return type_
    letter = RENAMED[scheme][role] if scheme in RENAMED else role
    return letter if type_ == UNTYPED else f"{letter}-{type_}"


def not_in_scheme(label: object, scheme: str, write: Callable[[str], str] = str) -> str:
    """Return the error message for a label that is not in a scheme.

    `write` returns how the corpus writes a label.
    """
    if scheme == "io":
        return (
            f"{label!r} is not a label of the io scheme; expected O or a type (for labels such as "
            "B-TYPE or I-TYPE set data.scheme=auto)"
        )
    letters = [letter for letter in LETTERS[scheme] if letter not in _READ_ONLY.get(scheme, "")]
    names = [write(name) for name in ("O", *(f"{letter}-TYPE" for letter in letters))]
    expected = f"{', '.join(names[:-1])} or {names[-1]}"
    return f"{label!r} is not a label of the {scheme} scheme; expected {expected}"
