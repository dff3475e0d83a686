"""Run the application until a signal stops it."""

from __future__ import annotations

import signal
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from seqtag.errors import InputError
from seqtag.serve.limits import Limits

_BACKLOG = 2_048


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; clients that connect wait until the server runs.

    Raises:
        InputError: if the address cannot be used.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise InputError(f"--host {host}: there is no such address") from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        remedy = "choose another --port; 0 chooses a free one"
        raise InputError(f"--port {port}: {host} cannot be used: {reason}; {remedy}") from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL at which a browser of this machine finds a listening socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """A server that ends with exit code 0 after SIGINT or SIGTERM.

    Running requests are answered first.
    """

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop after the running requests; at once after a second Ctrl-C."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def server_of(app: ASGIApp, limits: Limits) -> Server:
    """Return a server for an application; its `run` takes listening sockets."""
    config = uvicorn.Config(
        app,
        http=_protocol(limits.reading),
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=int(limits.closing),
    )
    return Server(config)


def _protocol(seconds: float) -> type[H11Protocol]:
    """Return a protocol that closes connections on which no request arrives in time."""

    class Protocol(H11Protocol):
        _seen: object = None
        _timer: Any = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._timer = self.loop.call_later(seconds, self._check)

        def connection_lost(self, exc: Exception | None) -> None:
            self._timer.cancel()
            super().connection_lost(exc)

        def _check(self) -> None:
            """Close the connection if there was no request since the last check."""
            idle = self.cycle is None or self.cycle.response_complete
            if idle and self._seen is self.cycle:
                self.transport.close()
                return
            self._seen = self.cycle if idle else None
            self._timer = self.loop.call_later(seconds, self._check)

    return Protocol
