"""Notations: how a corpus writes the labels of a scheme."""

from dataclasses import dataclass
from typing import Literal

from seqtag.checks import check_fields
from seqtag.errors import InputError
from seqtag.labels.letters import OUTSIDE, check_scheme, not_in_scheme, read

AS_IN_CORPUS = "corpus"  # the name of the notation in which a corpus wrote its labels
SEPARATORS = "-_:./|=+#~ "


@dataclass(frozen=True)
class Notation:
    """How the labels of a corpus are written.

        notation = Notation("bmes", separator="_", suffix=True)
        notation.read("PER_M")  # "M-PER", a label of the scheme bmes
        notation.write("M-PER")  # "PER_M"

    Attributes:
        scheme: the scheme, one of `SCHEMES`.
        separator: the text between letter and type.
        suffix: whether the letter follows the type.
        lower: whether letters are in lower case.
        outside: the label outside of spans.
    """

    scheme: str = "plain"
    separator: str = "-"
    suffix: bool = False
    lower: bool = False
    outside: Literal["O", "o"] = "O"

    def __post_init__(self) -> None:
        check_fields(self)
        check_scheme(self.scheme)
        if len(self.separator) != 1 or self.separator not in SEPARATORS:
            raise InputError(f"the separator {self.separator!r} is not one of {SEPARATORS!r}")

    @property
    def is_standard(self) -> bool:
        """Whether labels are written as `seqtag.labels` describes: nothing has to be rewritten."""
        return self == Notation(self.scheme)

    def read(self, label: str) -> str | None:
        """Return the standard form of a label (``B-PER``); None if it is not in this notation."""
        standard = self._standard(label)
        if self.scheme == "plain":
            return standard
        return None if standard is None or read(standard, self.scheme) is None else standard

    def parse(self, label: str) -> str:
        """Return the standard form of a label.

        Raises:
            InputError: if it is not in this notation.
        """
        standard = self.read(label)
        if standard is None:
            raise InputError(not_in_scheme(label, self.scheme, self.write))
        return standard

    def _standard(self, label: str) -> str | None:
        if self.is_standard:
            return label
        if label == self.outside:
            return OUTSIDE
        if self.suffix:
            type_, separator, letter = label.rpartition(self.separator)
        else:
            letter, separator, type_ = label.partition(self.separator)
        if len(letter) != 1 or letter.islower() != self.lower or letter.upper() == OUTSIDE:
            return None
        if not separator:
            return letter.upper()
        return f"{letter.upper()}-{type_}" if type_ else None

    def write(self, label: str) -> str:
        """Return how this notation writes a label in standard form."""
        if self.is_standard:
            return label
        if label == OUTSIDE:
            return self.outside
        letter, hyphen, type_ = label.partition("-")
        letter = letter.lower() if self.lower else letter
        if not hyphen:
            return letter
        first, second = (type_, letter) if self.suffix else (letter, type_)
        return f"{first}{self.separator}{second}"

    def described(self) -> str:
        """Return the scheme, and examples of labels if they are not in standard form."""
        if self.is_standard:
            return self.scheme
        letter = "E" if self.scheme.startswith("ioe") else "B"
        return f"{self.scheme}, written {self.write(f'{letter}-TYPE')} and {self.outside}"
