"""A self-contained HTML page of a trace: the interactive picture, and still pictures."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from seqtag.report import html
from seqtag.report.picture import picture_page
from seqtag.report.style import DPI


class StillPicture(NamedTuple):
    """The text that explains a picture, the content of its PNG file, and its terms."""

    text: str
    png: bytes
    terms: Sequence[tuple[str, str]] = ()


def trace_page(
    title: str, picture: Mapping[str, Any] | None, pictures: Mapping[str, StillPicture]
) -> str:
    """Return a self-contained HTML page.

    Args:
        title: the heading.
        picture: the data of the interactive picture; None if there is no sentence.
        pictures: the still pictures, by heading.
    """
    shown = [
        f"<h2>{html.escaped(heading)}</h2><p>{html.escaped(still.text)}</p>"
        f'<div class=map><img alt="{html.escaped(heading)}" '
        f'width="{_width(still.png)}" src="data:image/png;base64,'
        f'{base64.b64encode(still.png).decode()}"></div>'
        + (html.definitions(still.terms) if still.terms else "")
        for heading, still in pictures.items()
    ]
    if picture is None:
        return html.page(title, "".join(shown))
    return picture_page(title, picture, shown)


def _width(png: bytes) -> int:
    """Return the width in CSS pixels at which a PNG file has its size in inches."""
    return round(int.from_bytes(png[16:20]) * 96 / DPI)
