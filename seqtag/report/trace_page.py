"""A page to read the pictures of a sentence offline."""

import base64
from collections.abc import Mapping, Sequence

from seqtag.report import html
from seqtag.report.style import DPI


def trace_page(title: str, words: Sequence[tuple[str, str]], pictures: Mapping[str, bytes]) -> str:
    """Return one page of HTML with everything inside it: words, their labels, pictures.

    Args:
        title: its heading.
        words: words with their labels; none where the pictures are of no one sentence.
        pictures: PNG files by caption.
    """
    text = "".join(
        f"<span class=word>{html.escaped(token)}<b>{html.escaped(label)}</b></span>"
        for token, label in words
    )
    shown = "".join(
        f'<h2>{html.escaped(caption)}</h2><div class=map><img alt="{html.escaped(caption)}" '
        f'width="{_width(png)}" src="data:image/png;base64,{base64.b64encode(png).decode()}"></div>'
        for caption, png in pictures.items()
    )
    return html.page(title, f"<p>{text}</p>{shown}")


def _width(png: bytes) -> int:
    """Return how many pixels wide a browser shall draw a PNG file; its header has the width."""
    return round(int.from_bytes(png[16:20]) * 96 / DPI)
