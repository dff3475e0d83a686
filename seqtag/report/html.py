"""Parts of a self-contained HTML page: tables, pictures, sections."""

import base64
import html
from collections.abc import Iterable, Sequence

from seqtag.terminal import escape_controls

# Content of a table cell: a text, or a text followed by a smaller one.
Content = str | tuple[str, str]

_STYLE = """
:root{color-scheme:light dark;--fg:#1b1f23;--bg:#fff;--soft:#5b6570;--line:#d5dae0;--head:#f3f5f7}
@media(prefers-color-scheme:dark){:root{--fg:#e4e7ea;--bg:#15181b;--soft:#9aa4ae;--line:#363c42;
--head:#20252a}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:62rem;
margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.6rem}h2{font-size:1.3rem;margin-top:2.5rem;border-bottom:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.6rem 0 .4rem}
a{color:inherit}nav{columns:12rem auto;margin:1rem 0}nav a{display:block}
.table{overflow:auto;max-height:45rem;margin:.6rem 0 1.2rem;border:1px solid var(--line)}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;min-width:100%}
caption{text-align:left;padding:.4rem .6rem;font-size:.85rem;color:var(--soft)}
caption span{position:sticky;left:.6rem;display:inline-block;max-width:min(58rem,100vw - 4rem)}
th,td{padding:.25rem .6rem;text-align:right;vertical-align:top;overflow-wrap:normal}
td small{white-space:nowrap}
thead th{position:sticky;top:0;background:var(--head);z-index:1;vertical-align:bottom}
tbody th{position:sticky;left:0;background:var(--bg);font-weight:500;min-width:8.5rem}
thead th:first-child{left:0;z-index:2}
th:first-child,td.text{text-align:left}
tbody tr{border-top:1px solid var(--line)}
small{color:var(--soft);font-size:.85em}
figure{margin:1rem 0;overflow-x:auto}figcaption,.note{color:var(--soft);font-size:.9rem}
img{display:block;background:#fff;border-radius:4px}
figure img{width:100%;min-width:620px;max-width:860px;height:auto}.map{overflow-x:auto}
.word{display:inline-block;margin:0 .5em .4em 0;vertical-align:top}
.word b{display:block;font-size:.75em;font-weight:400;color:var(--soft)}
summary{cursor:pointer;font-weight:500}dt{font-weight:600;margin-top:.6rem}dd{margin-left:1rem}
@media print{body{max-width:none;font-size:10pt}.table{overflow:visible;max-height:none}
thead th,tbody th{position:static}figure,tr{break-inside:avoid}img{min-width:0}
th,td{padding:.1rem .3rem}}
"""


def escaped(text: str) -> str:
    """Return a text escaped for HTML, for an element or a quoted attribute.

    Control characters, lone surrogates and changes of text direction are shown as escapes.
    """
    return html.escape(escape_controls(text))


def page(title: str, body: str, style: str = "", policy: str = "") -> str:
    """Return a complete page.

    Args:
        title: the title and heading.
        body: HTML below the heading.
        style: CSS that only this page needs.
        policy: the content security policy; "" for none.
    """
    secure = f'<meta http-equiv=Content-Security-Policy content="{policy}">\n' if policy else ""
    return (
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
        '<meta name=viewport content="width=device-width,initial-scale=1">\n'
        f"{secure}<title>{escaped(title)}</title>\n<style>{_STYLE}{style}</style>\n"
        f"<h1>{escaped(title)}</h1>\n{body}\n</html>\n"
    )


def section(heading: str, parts: Iterable[str], level: int = 2, anchor: str = "") -> str:
    """Return a heading followed by `parts`, which are HTML."""
    mark = f' id="{escaped(anchor)}"' if anchor else ""
    return f"<h{level}{mark}>{escaped(heading)}</h{level}>\n" + "\n".join(parts)


def paragraph(text: str, note: bool = False) -> str:
    """Return a paragraph, or a note in a softer colour."""
    return f"<p{' class=note' if note else ''}>{escaped(text)}</p>"


def contents(anchors: Iterable[tuple[str, str]]) -> str:
    """Return links to sections of the page, from pairs of anchor and text."""
    links = (f'<a href="#{escaped(to)}">{escaped(text)}</a>' for to, text in anchors)
    return f"<nav>{''.join(links)}</nav>"


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a list of terms with their definitions."""
    return f"<dl>{''.join(f'<dt>{_html(a)}</dt><dd>{_html(b)}</dd>' for a, b in pairs)}</dl>"


def table(
    head: Sequence[str], rows: Iterable[Sequence[Content]], caption: str, folded: bool = False
) -> str:
    """Return a table that scrolls if it is wide or long; the first cell of a row is its heading.

    Args:
        head: headings of the columns.
        rows: one cell for each column.
        caption: what the figures are.
        folded: show only the caption until it is clicked.
    """
    top = "".join(f"<th scope=col>{escaped(text)}</th>" for text in head)
    lines = "\n".join(
        f"<tr><th scope=row>{_html(first)}</th>{''.join(f'<td>{_html(c)}</td>' for c in rest)}</tr>"
        for first, *rest in rows
    )
    text = escaped(caption)
    label = "" if folded else f"<caption><span>{text}</span></caption>"
    inside = (
        f"<div class=table><table>{label}<thead><tr>{top}</tr></thead>\n"
        f"<tbody>{lines}</tbody></table></div>"
    )
    return f"<details><summary>{text}</summary>{inside}</details>" if folded else inside


def picture(png: bytes, caption: str) -> str:
    """Return a picture, embedded in the page, with its caption."""
    data = base64.b64encode(png).decode()
    text = escaped(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _html(content: Content) -> str:
    if isinstance(content, str):
        return escaped(content)
    return f"{escaped(content[0])} <small>{escaped(content[1])}</small>"
