"""Standard streams of the program: printing never fails in the middle of a job.

A terminal may lack letters, a disk or a pipe may be full, a stream may be closed. Letters that
cannot be printed are written as escapes; a failed write is recorded and reported at the end, when
the results of the job are saved.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Output(io.TextIOWrapper):
    """Text to a standard stream; an error of the system is recorded, and the rest is discarded.

    Its `buffer` raises errors as usual: for a job whose output is all that it does.

    Attributes:
        failure: the first error, or None.
    """

    failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write text, or record why that is impossible."""
        try:
            return super().write(text)
        except OSError as error:
            self._discard(error)
            return len(text)

    def flush(self) -> None:
        """Flush, or record why that is impossible."""
        try:
            super().flush()
        except OSError as error:
            self._discard(error)

    def _discard(self, error: OSError) -> None:
        self.failure = self.failure or error
        # What is in the buffer still has to go somewhere: the interpreter flushes it at its end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        super().flush()


class Streams:
    """The standard streams while a program runs; those of a test or a notebook stay as they are."""

    def __init__(self) -> None:
        self._replaced = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
        # In the order of their numbers: a new descriptor gets the lowest one that is free, and
        # otherwise the next file that is opened would receive what libraries print.
        _open_if_closed("stdin", os.O_WRONLY)
        _open_if_closed("stdout", os.O_RDONLY)
        _open_if_closed("stderr", os.O_WRONLY)
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if self._replaced[name] is getattr(sys, f"__{name}__") and _is_text(stream):
                stream.flush()
                setattr(sys, name, _output_to(stream))

    def output_error(self) -> OSError | None:
        """Return why standard output is incomplete; None if it is not, or its reader has ended."""
        sys.stdout.flush()
        failure = getattr(sys.stdout, "failure", None)
        return None if isinstance(failure, BrokenPipeError) else failure

    def restore(self) -> None:
        """Put the streams that there were before back in place."""
        for name, stream in self._replaced.items():
            ours = getattr(sys, name)
            if isinstance(ours, Output):
                ours.flush()
                if stream is not None:
                    ours.detach()
            # A closed stream stays replaced: the interpreter flushes it at its end.
            if stream is not None:
                setattr(sys, name, stream)


@contextmanager
def standard_streams() -> Iterator[Streams]:
    """Give the streams of a running program; restore those of the caller at the end."""
    streams = Streams()
    try:
        yield streams
    finally:
        streams.restore()


def _open_if_closed(name: str, flags: int) -> None:
    """Open a stream that the program was started without, so that its use fails, and no other.

    With flags of the wrong direction each read or write fails as on a closed descriptor.
    """
    if getattr(sys, name) is not None:
        return
    descriptor = os.open(os.devnull, flags)
    os.set_inheritable(descriptor, True)
    if name == "stdin":
        stream = io.TextIOWrapper(open(descriptor, "rb"), encoding="utf-8")  # noqa: SIM115
    else:
        raw = open(descriptor, "wb")  # noqa: SIM115 (as long as the program runs)
        stream = Output(raw, encoding="utf-8", errors="backslashreplace")
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


def _is_text(stream: Any) -> bool:
    return isinstance(stream, io.TextIOWrapper) and not isinstance(stream, Output)


def _output_to(stream: io.TextIOWrapper) -> Output:
    """Return an output to the same descriptor, which escapes what its encoding lacks."""
    return Output(
        stream.buffer,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
