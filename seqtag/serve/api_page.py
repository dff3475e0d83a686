"""The REST interface as a page, made of its OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seqtag.report.html import escaped

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>seqtag: interface for programs</title>
<link rel="icon" href="page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="page/style.css">
</head>
<body class="reference">
<header class="top">
<h1><img src="page/icon.svg" alt="" width="28" height="28"><a href="./">seqtag</a></h1>
<span>Interface for programs</span>
<a class="api" href="openapi.json">openapi.json</a>
</header>
<main>
"""


def api_page(document: Mapping[str, Any], url: str) -> str:
    """Return the page.

    Args:
        document: the description.
        url: the address of the server, for the examples.
    """
    parts = [_HEAD, f"<p>{escaped(document['info']['description'])}</p>"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts += _operation(path, method, operation, url)
    parts.append("<h2>Objects</h2>")
    for name, schema in document["components"]["schemas"].items():
        parts.append(f'<h3 id="{escaped(name)}">{escaped(name)}</h3>')
        parts.append(f"<p>{escaped(schema['description'])}</p>")
        parts.append(_table(schema))
    return "\n".join([*parts, "</main>", "</body>", "</html>", ""])


def _operation(path: str, method: str, operation: Mapping[str, Any], url: str) -> Iterator[str]:
    yield f"<h2><code>{method.upper()} {escaped(path)}</code></h2>"
    yield f"<p>{escaped(operation['summary'])}</p>"
    command = f"curl {url}{path}"
    for parameter in operation.get("parameters", ()):
        text = escaped(parameter["description"])
        yield f"<p><code>?{escaped(parameter['name'])}=</code> {text}</p>"
    if body := operation.get("requestBody"):
        content = body["content"]["application/json"]
        command += f" --json '{json.dumps(content['example'])}'"
        yield f"<p>The body is {_kind(content['schema'])}.</p>"
    yield f'<pre tabindex="0"><code>{escaped(command)}</code></pre>'
    rows = [
        f"<tr><th scope=row>{status}</th><td>{escaped(response['description'])}</td>"
        f"<td>{_kind(response['content']['application/json']['schema'])}</td></tr>"
        for status, response in operation["responses"].items()
    ]
    yield _wide(("status", "meaning", "body"), rows)


def _table(schema: Mapping[str, Any]) -> str:
    """Return a table of an object's properties."""
    required = schema.get("required", ())
    rows = []
    for name, inner in schema["properties"].items():
        text = escaped(inner.get("description", ""))
        if "default" in inner:
            text += f" Default: <code>{escaped(json.dumps(inner['default']))}</code>."
        needed = "" if name in required or not required else " <small>optional</small>"
        first = f"<th scope=row><code>{escaped(name)}</code>{needed}</th>"
        rows.append(f"<tr>{first}<td>{_kind(inner)}</td><td>{text}</td></tr>")
    return _wide(("key", "type", "meaning"), rows)


def _wide(head: Sequence[str], rows: Iterable[str]) -> str:
    """Return a table, which scrolls where it is too wide."""
    top = "".join(f"<th scope=col>{name}</th>" for name in head)
    return f"<div class=wide><table><tr>{top}</tr>{''.join(rows)}</table></div>"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the type that a schema describes, as HTML."""
    if "$ref" in schema:
        name = escaped(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "oneOf" in schema:
        return " or ".join(map(_kind, schema["oneOf"]))
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"array of {_kind(schema['items'])}"
    if "minimum" in schema:
        return f"{kind} from {schema['minimum']} to {schema['maximum']}"
    if isinstance(inner := schema.get("additionalProperties"), Mapping):
        return f"object of {_kind(inner)}"
    return escaped(kind)
