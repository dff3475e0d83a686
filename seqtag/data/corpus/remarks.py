"""Count the remarks of readers about records: spans left out, records without annotations, ..."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from seqtag.data.formats.sentence import Remark

# Examples that are kept of each remark; `seqtag check` lists them.
MOST_EXAMPLES = 200


@dataclass(frozen=True)
class RemarkCount:
    """Equal remarks about a split.

    Attributes:
        message: the fact, in the plural.
        count: number of occurrences.
        where: place of the first one.
        examples: places and texts of the first ones; empty for remarks without an example.
        is_problem: whether it is a mistake that `seqtag check` lists.
        counted: whether the notes say how often it occurs.
    """

    message: str
    count: int
    where: str
    examples: tuple[str, ...] = ()
    is_problem: bool = False
    counted: bool = True

    def note(self, split: str) -> str:
        """Return the remark as a note on a corpus."""
        if not self.counted:
            return f"{split}: {self.message} (first: {self.where})"
        first = self.examples[0] if self.examples else self.where
        return f"{split}: {self.count:,} {self.message} (first: {first})"


class RemarkCounter:
    """Counts equal remarks, in the order of their first occurrence."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, Any]] = {}

    def add(self, remarks: Iterable[Remark]) -> None:
        """Count remarks."""
        for message, where, example, is_problem, counted in remarks:
            entry = self._counts.get(message)
            if entry is None:
                new = RemarkCount(message, 0, where, (), is_problem, counted)
                entry = self._counts[message] = {**asdict(new), "examples": []}
            entry["count"] += 1
            if example and len(entry["examples"]) < MOST_EXAMPLES:
                entry["examples"].append(f"{where}: {example}")

    def merge(self, other: RemarkCounter) -> None:
        """Add the counts of another part of the corpus."""
        for message, entry in other._counts.items():
            own = self._counts.setdefault(message, {**entry, "count": 0, "examples": []})
            own["count"] += entry["count"]
            room = MOST_EXAMPLES - len(own["examples"])
            own["examples"] += entry["examples"][:room]

    def to_plain(self) -> list[dict[str, Any]]:
        """Return the counts as JSON values."""
        return list(self._counts.values())

    def summary(self) -> str:
        """Return all remarks on one line; "" if there are none."""
        counted = [entry for entry in self._counts.values() if entry["counted"]]
        return "; ".join(f"{entry['count']:,} {entry['message']}" for entry in counted)
