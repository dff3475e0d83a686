"""Standard streams whose errors do not interrupt a running job.

The encoding of a terminal may lack a character, a disk or a pipe may be full, a stream may be
closed. Characters that cannot be printed are written as escapes. A failed write is recorded and
reported at the end, after the results of the job are saved.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Output(io.TextIOWrapper):
    """Text stream that records the first error of the system and discards all later output.

    Its `buffer` raises errors as usual, for jobs whose only result is their output.

    Attributes:
        failure: the first error, or None.
    """

    failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write text, or record the error; return the length of the text."""
        try:
            return super().write(text)
        except OSError as error:
            self._discard(error)
            return len(text)

    def flush(self) -> None:
        """Flush, or record the error."""
        try:
            super().flush()
        except OSError as error:
            self._discard(error)

    def _discard(self, error: OSError) -> None:
        self.failure = self.failure or error
        # The interpreter flushes the buffer when it exits, so its content must go somewhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        super().flush()


class Streams:
    """Replaces the standard streams while a program runs, except those of a test or a notebook."""

    def __init__(self) -> None:
        self._replaced = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
        # In the order of their descriptors 0, 1, 2: opening a file takes the lowest free one.
        # If one stayed free, the next file to be opened would receive what libraries print.
        _open_if_closed("stdin", os.O_WRONLY)
        _open_if_closed("stdout", os.O_RDONLY)
        _open_if_closed("stderr", os.O_WRONLY)
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if self._replaced[name] is getattr(sys, f"__{name}__") and _is_text(stream):
                stream.flush()
                setattr(sys, name, _output_to(stream))

    def output_error(self) -> OSError | None:
        """Return the error of standard output; None if there is none or its reader has ended."""
        sys.stdout.flush()
        failure = getattr(sys.stdout, "failure", None)
        return None if isinstance(failure, BrokenPipeError) else failure

    def restore(self) -> None:
        """Restore the streams that this object has replaced."""
        for name, stream in self._replaced.items():
            ours = getattr(sys, name)
            if isinstance(ours, Output):
                ours.flush()
                if stream is not None:
                    ours.detach()
            # A stream that was closed stays replaced, since the interpreter flushes it at exit.
            if stream is not None:
                setattr(sys, name, stream)


@contextmanager
def standard_streams() -> Iterator[Streams]:
    """Yield the streams of a running program; restore those of the caller at the end."""
    streams = Streams()
    try:
        yield streams
    finally:
        streams.restore()


def _open_if_closed(name: str, flags: int) -> None:
    """Open a standard stream that was closed when the program started, so that each use fails.

    Since `flags` are of the wrong direction, reads and writes fail as on a closed descriptor.
    """
    if getattr(sys, name) is not None:
        return
    descriptor = os.open(os.devnull, flags)
    os.set_inheritable(descriptor, True)
    if name == "stdin":
        stream = io.TextIOWrapper(open(descriptor, "rb"), encoding="utf-8")  # noqa: SIM115
    else:
        raw = open(descriptor, "wb")  # noqa: SIM115 (stays open)
        stream = Output(raw, encoding="utf-8", errors="backslashreplace")
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


def _is_text(stream: Any) -> bool:
    return isinstance(stream, io.TextIOWrapper) and not isinstance(stream, Output)


def _output_to(stream: io.TextIOWrapper) -> Output:
    """Return an `Output` to the same descriptor that escapes characters its encoding lacks."""
    return Output(
        stream.buffer,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
