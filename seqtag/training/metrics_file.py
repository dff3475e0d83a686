"""CSV logger whose file a resumed run continues."""

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
    """Logger that writes ``metrics.csv``: one row for each call, one column for each metric.

    A row is in the file as soon as it is logged. The file of an earlier run is overwritten, unless
    :meth:`continue_after` is called first.

    Args:
        save_dir: folder of the file.

    Attributes:
        rows: the rows so far; each holds only the metrics that were logged in it.

    Example::

        logger = MetricsFile("logs/run")
        logger.log_metrics({"dev/f1": 0.9, "epoch": 0}, step=100)
    """

    def __init__(self, save_dir: str) -> None:
        super().__init__()
        self._path = Path(save_dir) / "metrics.csv"
        self.rows: list[dict[str, Any]] = []
        self._columns: list[str] = []

    @property
    def name(self) -> str:
        """Empty: a folder holds a single run."""
        return ""

    @property
    def version(self) -> str:
        """Empty: a folder holds a single run."""
        return ""

    @property
    def save_dir(self) -> str:
        """The folder of the file."""
        return str(self._path.parent)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:
        """Do nothing: Hydra writes the configuration."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write a row.

        Raises:
            InputError: if the file cannot be written.
        """
        row: dict[str, Any] = {name: float(value) for name, value in metrics.items()}
        row |= {name: int(row[name]) for name in ("epoch", "step") if name in row}
        if step is not None:
            row["step"] = step
        self.rows.append(row)
        with self._write_errors():
            if row.keys() <= set(self._columns):
                with self._path.open("a", encoding="utf-8", newline="") as file:
                    csv.DictWriter(file, self._columns).writerow(row)
            else:
                self._write_all()

    @rank_zero_only
    def save(self) -> None:
        """Flush the rows so far to the disk.

        Raises:
            InputError: if that fails.
        """
        with self._write_errors():
            if self.rows:
                fsync_path(self._path)

    def finalize(self, status: str) -> None:
        """Do nothing: all rows are already in the file."""

    @rank_zero_only
    def continue_after(self, count: int) -> None:
        """Truncate an existing file to its first `count` rows, and append to these from now on."""
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))[:count]
        # An empty field is a metric that was not logged.
        self.rows = [{name: value for name, value in row.items() if value} for row in rows]
        self._write_all()

    @contextmanager
    def _write_errors(self) -> Iterator[None]:
        """Turn an OSError into an InputError that names the file."""
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
            atomic_file(self._path, one_writer=True) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(self.rows)
