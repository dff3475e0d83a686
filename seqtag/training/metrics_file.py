"""The CSV file of a run's metrics, which a resumed run continues."""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from seqtag.errors import InputError
from seqtag.files import atomic_file, fsync_path


class MetricsFile(Logger):
    """Writes ``metrics.csv``: a row whenever figures are logged, a column a figure.

    A row is in the file as soon as it is logged. A file of an earlier run is written over, unless
    :meth:`keep` is called first.

    Args:
        save_dir: folder of the file.

    Attributes:
        rows: the rows so far, each the figures that it has.
    """

    def __init__(self, save_dir: str) -> None:
        super().__init__()
        self._path = Path(save_dir) / "metrics.csv"
        self.rows: list[dict[str, Any]] = []
        self._columns: list[str] = []

    @property
    def name(self) -> str:
        """Nothing: there is one run a folder."""
        return ""

    @property
    def version(self) -> str:
        """Nothing, likewise."""
        return ""

    @property
    def save_dir(self) -> str:
        """The folder of the file."""
        return str(self._path.parent)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:
        """Do nothing: Hydra has written the configuration."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write a row.

        Raises:
            InputError: if the system refuses to.
        """
        row: dict[str, Any] = {name: float(value) for name, value in metrics.items()}
        row |= {name: int(row[name]) for name in ("epoch", "step") if name in row}
        if step is not None:
            row["step"] = step
        self.rows.append(row)
        with self._refusals():
            if row.keys() <= set(self._columns):
                with self._path.open("a", encoding="utf-8", newline="") as file:
                    csv.DictWriter(file, self._columns).writerow(row)
            else:
                self._write_all()

    @rank_zero_only
    def save(self) -> None:
        """Have the disk confirm the rows so far.

        Raises:
            InputError: if it does not.
        """
        with self._refusals():
            if self.rows:
                fsync_path(self._path)

    def finalize(self, status: str) -> None:
        """Do nothing: all rows are in the file."""

    @rank_zero_only
    def keep(self, count: int) -> None:
        """Keep the first `count` rows of the file that is there, and continue after them."""
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))[:count]
        # An empty cell is a figure that was not logged.
        self.rows = [{name: value for name, value in row.items() if value} for row in rows]
        self._write_all()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self._path}: cannot be written: {error.strerror or error}"
            ) from error

    def _write_all(self) -> None:
        self._columns = sorted(set().union(*self.rows))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with (
            atomic_file(self._path, one_writer=True) as aside,
            aside.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(self.rows)
