"""Answers in JSON, errors included, and the headers of every answer."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The browser runs nothing but the page's own files, and sends nothing elsewhere.
_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def json_bytes(value: Any) -> bytes:
    """Return JSON in UTF-8; lone surrogates, which it cannot hold, are written as escapes."""
    options: dict[str, Any] = {"separators": (",", ":"), "allow_nan": False}
    try:
        return json.dumps(value, ensure_ascii=False, **options).encode()
    except UnicodeEncodeError:
        return json.dumps(value, **options).encode()


def json_response(content: bytes, status: int = 200) -> Response:
    """Return JSON as a response, which nobody may store."""
    return Response(content, status, {"cache-control": "no-store"}, media_type="application/json")


def error_response(status: int, message: str, field: str | None = None) -> Response:
    """Return an error: its status, a message, and the field of the request that is wrong."""
    error: dict[str, Any] = {"status": status, "reason": HTTPStatus(status).phrase}
    error |= {"message": message, "field": field}
    return json_response(json_bytes({"error": error}), status)


class Responding:
    """Middleware around all responses.

    It adds headers, gives up on a client that does not read its answer, and answers requests that
    the stopping server cancels.

    Args:
        app: the application.
        seconds: how long a client may take to accept a message.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app, self.seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        has_begun = False

        async def send_in_time(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
            async with asyncio.timeout(self.seconds):
                await send(message)

        try:
            await self.app(scope, receive, send_in_time)
        except asyncio.CancelledError:
            if not has_begun:
                await error_response(503, "the server stops")(scope, receive, send_in_time)
        except TimeoutError:
            pass  # uvicorn closes a connection whose response is incomplete
