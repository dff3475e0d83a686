"""The page of the interactive picture, and its script and style."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from seqtag.report import html

# In the order of their dependence: each uses only names of earlier ones.
_SCRIPTS = (
    *("dom", "values", "colours", "plots", "curves", "heat", "words", "explain"),
    *("controls", "sections", "picture"),
)
# No network at all, and no script but the one in the page.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
_MOUNT = """
const data = JSON.parse(document.getElementById("data").textContent);
mountPicture(document.getElementById("picture"), data);
"""
_STYLE = """
body{max-width:84rem;padding:1rem clamp(.7rem,3vw,2.2rem) 0}
body,.sq-head{background:var(--bg)}.seqtag-picture{--sq-paper:var(--bg)}
"""


@cache
def picture_script() -> str:
    """Return the JavaScript module of the picture; it exports ``mountPicture(element, data)``."""
    folder = files(__package__)
    parts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS]
    return "\n".join(parts)


@cache
def picture_style() -> str:
    """Return the style sheet of the picture."""
    return (files(__package__) / "picture.css").read_text(encoding="utf-8")


def picture_page(title: str, picture: Mapping[str, Any], further: Iterable[str] = ()) -> str:
    """Return a self-contained page: a file that needs no other one and no network.

    Args:
        title: the heading.
        picture: the data of `seqtag.inspect.picture.picture_data`.
        further: sections below the picture, as HTML.
    """
    # "<" could end the script element.
    text = json.dumps(picture, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c")
    body = [
        "<div id=picture><noscript>This picture needs JavaScript.</noscript></div>",
        *further,
        f'<script type="application/json" id=data>{text}</script>',
        f"<script type=module>\n{picture_script()}{_MOUNT}</script>",
    ]
    return html.page(title, "\n".join(body), picture_style() + _STYLE, _POLICY)
