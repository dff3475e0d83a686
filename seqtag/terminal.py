r"""Text of foreign origin on its way to a terminal or a log: nothing in it is obeyed.

Labels, words, headers, names of files and of runs come from files that strangers may have made. A
terminal obeys escape sequences in them, and rich obeys square brackets. Everything that is printed
goes through here: control characters are shown as Python writes them (``\x1b``), and markup is off.
"""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# Columns of a pipe: rich would assume 80 and cut what is wider.
_UNLIMITED = 10_000
# Controls but tab and line feed; what changes direction or separates lines; characters
# without width (but the joiners, which words and emoji need), halves of characters, invisible tags.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def escape_controls(text: object) -> str:
    r"""Return a text with control characters as Python writes them: ``\x1b`` for an escape."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def single_line(text: object) -> str:
    """Return a text in one line, with control characters made visible."""
    return escape_controls(re.sub(r"(?:[ \t]|\r?\n)+", " ", str(text))).strip()


def safe_text(value: object, style: str = "") -> Text:
    """Return a value as a cell of a rich table: no markup, no control characters."""
    from rich.text import Text

    return Text(escape_controls(value), style=style)


def console(**options: Any) -> Console:
    """Return a rich console that shows control characters and markup as plain text.

    In a pipe or a file, lines are as long as they need to be, unless ``COLUMNS`` gives a width.
    """
    from rich.console import Console
    from rich.segment import Segment

    class SafeConsole(Console):
        def render(self, *args: Any, **kwargs: Any) -> Any:
            for segment in super().render(*args, **kwargs):
                if segment.control is None and _UNSAFE.search(segment.text):
                    segment = Segment(escape_controls(segment.text), segment.style)
                yield segment

    safe = SafeConsole(markup=False, emoji=False, highlight=False, **options)
    if not (safe.is_terminal or "width" in options or "COLUMNS" in os.environ):
        safe.width = _UNLIMITED
    return safe


class VisibleFormatter(logging.Formatter):
    """Formats a log record as usual, with control characters made visible."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        return escape_controls(super().format(record))
