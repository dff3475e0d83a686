"""How the labels of a split are read: detect their notation, check and convert them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from seqtag.data.corpus.near_schemes import label_hint
from seqtag.errors import InputError
from seqtag.labels import (
    OUTSIDE,
    Notation,
    complaint,
    convert,
    find_notation,
    mixes_bio_and_bioes,
    written_in,
)

Pairs = Counter[tuple[object, object]]
# The scheme in which labels of a given scheme are stored.
STORED_SCHEME = {
    "plain": "plain",
    **dict.fromkeys(("io", "iob1", "bio", "ioe1", "ioe2"), "bio"),
    **dict.fromkeys(("bioes", "bilou", "bmes", "bmewo"), "bioes"),
}


PLAIN = Notation("plain")


class LabelPlace(NamedTuple):
    """The first occurrence of a label: its place as file:line, and its token."""

    where: str
    token: str


@dataclass(frozen=True)
class LabelReader:
    """Converts the labels of a split to the scheme in which they are stored.

        reader = LabelReader(Notation("bmes"))
        reader.convert(["B-PER", "M-PER", "E-PER"])  # ["B-PER", "I-PER", "E-PER"]

    Attributes:
        notation: how the labels are written.
        mixed: whether the labels mix BIO and BIOES, so that all spans are written again as BIOES.
    """

    notation: Notation = PLAIN
    mixed: bool = False

    @classmethod
    def detect(cls, pairs: Pairs, labels: Iterable[str], scheme: str) -> LabelReader:
        """Return the reader for labels with these counted neighbours.

        `scheme` is that of the configuration: ``auto``, or the scheme itself.
        """
        notation = find_notation(pairs) if scheme == "auto" else written_in(labels, scheme)
        mixed = notation == Notation("bioes") and mixes_bio_and_bioes(pairs)
        return cls(notation, mixed)

    def described(self) -> str:
        """Return the scheme as found, or "bio and bioes", and how labels are written."""
        return "bio and bioes" if self.mixed else self.notation.described()

    def note(self) -> str:
        """Return a sentence that says what was found and how it was converted, or ""."""
        notation, target = self.notation, self.stored.upper()
        if self.mixed:
            return f"the labels mix BIO and BIOES; they were converted to {target}"
        if notation == Notation("bilou"):
            return "the labels are BILOU; L and U were converted to E and S (BIOES)"
        if notation == Notation(self.stored):
            return ""
        if notation.scheme == self.stored:
            target = "B-TYPE and O"
        name, _, form = notation.described().partition(",")
        found = f"{name.upper()},{form}" if form else name.upper()
        return f"the labels are {found}; they were converted to {target}"

    @property
    def stored(self) -> str:
        """The scheme in which the labels are stored."""
        return STORED_SCHEME[self.notation.scheme]

    def changes(self, labels: Iterable[str]) -> bool:
        """Return whether conversion can change these labels."""
        notation = self.notation
        if self.mixed or notation.scheme != self.stored or not notation.is_standard:
            return True
        # The letters of BILOU are accepted among those of BIOES.
        return notation.scheme == "bioes" and any(label[0] in "LU" for label in labels)

    def convert(self, labels: Sequence[str | None]) -> list[str | None]:
        """Return the labels of a sentence in the stored scheme.

        Raises:
            InputError: for a label that is not in the notation.
        """
        notation = self.notation
        if notation.scheme == "plain":
            return list(labels)
        standard = [None if label is None else notation.parse(label) for label in labels]
        if self.mixed:
            standard = convert(standard, notation.scheme, "bio")
            return convert(standard, "bio", self.stored)
        return convert(standard, notation.scheme, self.stored)

    def type_of(self, label: str) -> str:
        """Return the span type of a label; "" for O and for labels without a type."""
        standard = self.notation.parse(label)
        if self.notation.scheme == "io":
            return "" if standard == OUTSIDE else standard
        return standard.partition("-")[2]

    def check(self, labels: Mapping[str, LabelPlace], is_auto: bool) -> None:
        """Check that all labels are in the notation, which was detected if `is_auto`.

        Raises:
            InputError: for the first label that is not, with its place.
        """
        for label, (where, token) in labels.items():
            try:
                self.notation.parse(label)
            except InputError as error:
                how = f" (data.scheme=auto found {self.notation.scheme} labels)" if is_auto else ""
                raise InputError(
                    f"{where}: {error}{how}.{label_hint(label, token)} Correct it, or set "
                    "data.scheme=plain if the labels are plain"
                ) from None


def count_tokens(pairs: Pairs, reader: LabelReader, letter: str) -> int:
    """Return how many tokens have a label with a letter of the scheme."""
    return sum(
        count
        for (_, label), count in pairs.items()
        if isinstance(label, str) and (reader.notation.read(label) or "").startswith(letter)
    )


def count_illegal(pairs: Pairs, reader: LabelReader) -> int:
    """Return how many labels may not follow the one before them in the scheme."""

    def standard(label: object) -> object:
        return reader.notation.read(label) if isinstance(label, str) else label

    return sum(
        count
        for (left, right), count in pairs.items()
        if complaint(standard(left), standard(right), reader.notation.scheme)
    )
