"""A self-contained HTML page with the pictures of a trace."""

import base64
from collections.abc import Mapping, Sequence

from seqtag.report import html
from seqtag.report.style import DPI


def trace_page(
    title: str, words: Sequence[tuple[str, str]], pictures: Mapping[str, tuple[str, bytes]]
) -> str:
    """Return a self-contained HTML page: words with their labels, and pictures.

    Args:
        title: the heading.
        words: words with their labels; empty if the pictures are not of one sentence.
        pictures: by heading, the text that explains a picture, and the content of its PNG file.
    """
    text = "".join(
        f"<span class=word>{html.escaped(token)}<b>{html.escaped(label)}</b></span>"
        for token, label in words
    )
    shown = "".join(
        f"<h2>{html.escaped(heading)}</h2><p>{html.escaped(explanation)}</p>"
        f'<div class=map><img alt="{html.escaped(heading)}" '
        f'width="{_width(png)}" src="data:image/png;base64,{base64.b64encode(png).decode()}"></div>'
        for heading, (explanation, png) in pictures.items()
    )
    return html.page(title, (f"<p>{text}</p>" if words else "") + shown)


def _width(png: bytes) -> int:
    """Return the width in CSS pixels at which a PNG file has its size in inches."""
    return round(int.from_bytes(png[16:20]) * 96 / DPI)
