r"""Print untrusted text safely on a terminal or in a log.

Labels, words, headers and the names of files and runs may come from an untrusted file. A terminal
executes escape sequences in them, and rich interprets square brackets as markup. All printed text
passes through this module: control characters are replaced by Python escapes (``\x1b``), and markup
is off.
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
# Control characters except tab and line feed; characters that change the direction of writing or
# separate lines; characters without width (except the joiners, which words and emoji need); lone
# surrogates; invisible tags.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def escape_controls(text: object) -> str:
    r"""Return a text with its control characters as Python escapes: ``\x1b`` for ESC."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), str(text))


def single_line(text: object) -> str:
    """Return a text on one line, with its control characters as Python escapes."""
    return escape_controls(re.sub(r"(?:[ \t]|\r?\n)+", " ", str(text))).strip()


def safe_text(value: object, style: str = "") -> Text:
    """Return a value as rich text without markup or control characters."""
    from rich.text import Text

    return Text(escape_controls(value), style=style)


def console(**options: Any) -> Console:
    """Return a rich console that prints control characters and markup as plain text.

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
    """Logging formatter that replaces control characters by Python escapes."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text without control characters."""
        return escape_controls(super().format(record))
