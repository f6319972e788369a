"""A relay that gives each request to the next of several gates, as a load balancer without affinity does."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import uvicorn
from tests.servers.spawn import free_port

HOP = {b"connection", b"transfer-encoding", b"keep-alive"}


class Relay:
    """An ASGI application in front of some ports."""

    def __init__(self, *ports: int) -> None:
        self._turn = itertools.cycle(ports)
        self._client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        url = f"http://127.0.0.1:{next(self._turn)}{scope['path']}"
        headers = [(name, value) for name, value in scope["headers"] if name not in HOP]
        passing = asyncio.ensure_future(self._pass(scope["method"], url, headers, body, send))
        gone = asyncio.ensure_future(receive())
        await asyncio.wait({passing, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in (passing, gone):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
                await task

    async def _pass(self, method: str, url: str, headers: list[Any], body: bytes, send: Any) -> None:
        async with self._client.stream(method, url, headers=headers, content=body or None) as answer:
            passed = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in HOP]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": passed})
            async for piece in _pieces(answer):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    async for piece in answer.aiter_raw():
        yield piece


@contextlib.contextmanager
def relay(*ports: int) -> Iterator[int]:
    """A relay in a thread of its own; its port."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(Relay(*ports), host="127.0.0.1", port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)
