"""The application: what the server answers at each address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from seqtag import __version__
from seqtag.report.picture.page import picture_script, picture_style
from seqtag.serve.api_page import api_page
from seqtag.serve.batching import Batcher, Overloaded
from seqtag.serve.limits import Limits
from seqtag.serve.models import Models, Served
from seqtag.serve.openapi import openapi
from seqtag.serve.requests import (
    RequestError,
    TagRequest,
    TraceRequest,
    read_fields,
    read_json,
)
from seqtag.serve.responses import Responding, error_response, json_bytes, json_response
from seqtag.serve.work import Options, Plain, plan, run

T = TypeVar("T")
PAGE = Path(__file__).parent / "page"
# Bodies of fewer bytes are read and answered in the thread of the event loop: they take less time
# there than a change of threads.
_SMALL = 4_096


class Service:
    """Answers requests.

    Args:
        models: the taggers.
        limits: what is accepted.
        workers: number of threads that tag.
    """

    def __init__(self, models: Models, limits: Limits, workers: int) -> None:
        self.models, self.limits = models, limits
        self._batcher = Batcher(self._run, workers, limits.waiting, limits.batch)
        self._described = [
            {**served.describe(), **_described_traces(served)} for served in models.by_name.values()
        ]

    def close(self) -> None:
        """End the threads."""
        self._batcher.close()

    async def tag(self, request: Request) -> Response:
        """Tag text, or sentences of words."""
        body = await read_body(request, self.limits)
        return json_response(await while_connected(request, self._tag(body)))

    async def _tag(self, body: bytes) -> bytes:
        work = await self._aside(len(body), self._plan, body)
        sentences: list[Plain] = []
        for part in work.parts(self.limits.batch):
            sentences += await self._batcher.submit(work.options, part, part.tokens)
        return await self._aside(len(body), lambda: json_bytes(work.answer(sentences)))

    async def trace(self, request: Request) -> Response:
        """Return the gates and states of sentences, for the picture."""
        from seqtag.serve.tracing import plan_traces  # torch

        fields = read_fields(TraceRequest, read_json(await read_body(request, self.limits)))
        work = plan_traces(fields, self.models)
        # No two requests share a batch: a kind of its own.
        waiting = self._batcher.submit(object(), work, self.limits.batch)
        data = await while_connected(request, waiting)
        return json_response(await asyncio.to_thread(json_bytes, data))

    async def labels(self, request: Request) -> Response:
        """Return the labels of all taggers, or of one."""
        shown = self._described
        if (name := request.query_params.get("model")) is not None:
            try:
                self.models.find(name)
            except ValueError as error:
                raise RequestError(str(error), 404, "model") from None
            shown = [one for one in shown if one["name"] == name]
        return json_response(json_bytes({"models": shown}))

    async def health(self, request: Request) -> Response:
        """Return that the server runs, and what it serves."""
        waiting = self._batcher.waiting
        plain = {"status": "ok", "version": __version__, "models": self.models.names}
        return json_response(json_bytes({**plain, "waiting": waiting}))

    async def openapi(self, request: Request) -> Response:
        """Return the description of this interface."""
        return json_response(json_bytes(openapi(self.limits)))

    async def api(self, request: Request) -> Response:
        """Return the description of this interface as a page."""
        return HTMLResponse(api_page(openapi(self.limits), str(request.base_url).rstrip("/")))

    def _run(self, kind: Any, items: list[Any]) -> Sequence[Any]:
        """Run a batch in a worker."""
        if isinstance(kind, Options):
            return run(self.models, kind, items)
        return [item.run() for item in items]

    def _plan(self, body: bytes) -> Any:
        request = read_fields(TagRequest, read_json(body))
        return plan(request, self.models, self.limits)

    async def _aside(self, size: int, function: Any, *args: Any) -> Any:
        """Return the result of a function, which runs in another thread if it may take long."""
        if size < _SMALL:
            return function(*args)
        return await asyncio.to_thread(function, *args)


def _described_traces(served: Served) -> Mapping[str, Any]:
    """Return whether a tagger has gates to show, and an example; an exported one has none."""
    if not hasattr(served.tagger, "network"):
        return {"gates": False, "example": None}
    from seqtag.serve.tracing import describe_traces

    return describe_traces(served)


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a request in JSON.

    Raises:
        RequestError: with status 415 for another type, 413 if it is too large, 408 if it is slow.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RequestError("send the header Content-Type: application/json", 415)
    length = request.headers.get("content-length", "0")
    body = bytearray()
    too_large = RequestError(f"the body has more than {limits.body:,} bytes", 413)
    if not length.isdecimal() or int(length) > limits.body:
        raise too_large
    try:
        async with asyncio.timeout(limits.reading):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body:
                    raise too_large
    except TimeoutError:
        raise RequestError(f"the body did not arrive in {limits.reading:g} s", 408) from None
    return bytes(body)


async def while_connected(request: Request, answer: Coroutine[Any, Any, T]) -> T:
    """Return an answer; stop the work for it when the client closes the connection.

    Raises:
        ClientDisconnect: if the client has closed it.
    """
    working = asyncio.ensure_future(answer)
    watching = asyncio.ensure_future(request.receive())  # after the body: until the end
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        watching.cancel()


def application(models: Models, limits: Limits, workers: int) -> Starlette:
    """Return the application that serves some taggers."""
    service = Service(models, limits, workers)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        service.close()

    page = partial(FileResponse, PAGE / "index.html", headers={"cache-control": "no-cache"})

    async def index(request: Request) -> Response:
        return page()

    async def picture_module(request: Request) -> Response:
        return Response(picture_script(), media_type="text/javascript")

    async def picture_css(request: Request) -> Response:
        return Response(picture_style(), media_type="text/css")

    return Starlette(
        routes=[
            Route("/", index),
            Route("/tag", service.tag, methods=["POST"]),
            Route("/trace", service.trace, methods=["POST"]),
            Route("/labels", service.labels),
            Route("/health", service.health),
            Route("/openapi.json", service.openapi),
            Route("/api", service.api),
            Route("/page/picture.js", picture_module),
            Route("/page/picture.css", picture_css),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        middleware=[Middleware(Responding, seconds=limits.writing)],
        exception_handlers={
            RequestError: _on_request_error,
            HTTPException: _on_http_error,
            Overloaded: _on_overload,
            ClientDisconnect: _on_disconnect,
            Exception: _on_fault,
        },
        lifespan=lifespan,
    )


async def _on_request_error(request: Request, error: Any) -> Response:
    return error_response(error.status, str(error), error.field)


async def _on_http_error(request: Request, error: Any) -> Response:
    messages = {
        404: f"there is nothing at {request.url.path}",
        405: f"{request.method} cannot be used at {request.url.path}",
    }
    response = error_response(error.status_code, messages.get(error.status_code, error.detail))
    response.headers.update(error.headers or {})
    return response


async def _on_overload(request: Request, error: Any) -> Response:
    response = error_response(503, "too many requests are waiting: try again")
    response.headers["retry-after"] = "1"
    return response


async def _on_disconnect(request: Request, error: Any) -> Response:
    return error_response(400, "the client closed the connection")


async def _on_fault(request: Request, error: Any) -> Response:
    return error_response(500, "a fault of the server; its log has the details")
