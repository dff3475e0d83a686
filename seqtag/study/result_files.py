"""CSV files of results: what their rows have in common, and how rows are added piece by piece."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from seqtag.errors import InputError
from seqtag.files import write_text
from seqtag.model_folder.untrusted import read_untrusted

# The folder of the files of this repository.
FOLDER = Path(__file__).parents[1] / "probes" / "results"


@dataclass(frozen=True)
class RowKind:
    """The rows of a kind of file; each has the columns study, cell, seed and that of `subject`.

    Attributes:
        columns: all columns, in the order of the file.
        whole: the columns of whole numbers, which may be empty.
        numbers: the columns of other numbers, which may be empty.
        key: the columns whose values no two rows share.
        named: the columns that, after subject, cell and seed, name a row in messages.
        order: the columns by which rows are sorted.
        budget: the columns in which all rows of a subject must agree, so that they can be
            compared.
        origin: the columns that say when and by what a row was made; rows that differ only in
            these are equal.
        subject: the column of what the models learn.
    """

    columns: tuple[str, ...]
    whole: tuple[str, ...]
    numbers: tuple[str, ...]
    key: tuple[str, ...]
    named: tuple[str, ...]
    order: tuple[str, ...]
    budget: tuple[str, ...]
    origin: tuple[str, ...]
    subject: str = "probe"

    def read(self, path: Path) -> pd.DataFrame:
        """Return the rows of a file.

        Raises:
            InputError: for a file that is not a table with these columns.
        """
        table = read_untrusted(
            path, lambda: pd.read_csv(path, keep_default_na=False, dtype=str, encoding="utf-8")
        )
        if list(table.columns) != list(self.columns):
            raise InputError(
                f"{path}: the columns must be {', '.join(self.columns)}; add its runs again with "
                "scripts/results.py"
            )
        return read_untrusted(path, lambda: self.typed(table.replace("", None)))

    def typed(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table in which each column has its type, and empty words are ""."""
        numbers = (*self.whole, *self.numbers)
        typed = table.astype(dict.fromkeys(numbers, "float64"))
        typed = typed.astype(dict.fromkeys(self.whole, "Int64"))
        words = [name for name in self.columns if name not in numbers]
        return typed.astype(dict.fromkeys(words, object)).fillna(dict.fromkeys(words, ""))

    def text(self, table: pd.DataFrame) -> str:
        """Return rows as the text of a file: CSV with six significant digits."""
        to = io.StringIO()
        _texts(table).to_csv(to, index=False, lineterminator="\n")
        return to.getvalue()

    def merge(self, old: pd.DataFrame, new: pd.DataFrame, where: str) -> pd.DataFrame:
        """Return all rows, sorted, and those that are equal only once.

        Raises:
            InputError: if a row is there already with other figures, or if runs of a subject have
                different budgets; `where` names the file.
        """
        both = pd.concat([table for table in (old, new) if len(table)], ignore_index=True)
        compared = [name for name in self.columns if name not in self.origin]
        # Compared as they are written, because a file has six digits.
        text = _texts(both)
        once = ~text.duplicated(compared)
        again = text[once][text[once].duplicated(list(self.key))]
        if len(again):
            row = again.iloc[0]
            what = " ".join(row[name] for name in self.named if row[name])
            raise InputError(
                f"{where}: {row[self.subject]}, {row['cell']}, seed {row['seed']}, {what} is there "
                "already with other figures; remove those rows, or give the study another name"
            )
        kept = both[once]
        self._check_budget(kept, where)
        sorted_ = kept.sort_values(list(self.order), kind="stable", na_position="last")
        return sorted_.reset_index(drop=True)

    def add(self, new: pd.DataFrame, study: str, results: Path) -> int:
        """Add rows to the file of a study; return the number of rows that were new.

        Raises:
            InputError: as `read` and `merge` do, or if the study's name is not made of letters,
                digits and _. The file is then unchanged.
        """
        check_study(study)
        path = results / f"{study}.csv"
        old = self.read(path) if path.exists() else new.iloc[:0]
        merged = self.merge(old, new, str(path))
        write_text(path, self.text(merged))
        return len(merged) - len(old)

    def _check_budget(self, table: pd.DataFrame, where: str) -> None:
        for subject, own in table.groupby(self.subject):
            for name in self.budget:
                values = sorted(set(own[name].dropna()))
                if len(values) > 1:
                    raise InputError(
                        f"{where}: runs of the {self.subject} {subject} differ in {name} "
                        f"({values[0]} and {values[1]}), so they cannot be compared; give the "
                        "study another name"
                    )


def check_study(study: str) -> None:
    """Raise InputError for a name of a study that is not made of letters, digits and _."""
    if not study.isidentifier():
        raise InputError(f"study {study!r}: a name of letters, digits and _ is expected")


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with each value as it is written."""

    def text(value: Any) -> str:
        if value is None or value is pd.NA or value != value:
            return ""
        return f"{value:.6g}" if isinstance(value, float) else str(value)

    # As objects: whole numbers next to missing ones would be passed on as floats.
    return table.astype(object).map(text)
