"""A small HTTP/1.1 server for the samples: keep-alive, streaming both ways, loopback only."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, Self, TypeVar, cast
from urllib.parse import parse_qsl, unquote

import httptools
import msgspec

T = TypeVar("T")
_BUFFER = 64 * 1024
_HEAD_LIMIT = 64 * 1024
_PIPELINED = 32
_BODY_LIMIT = 16 * 1024 * 1024
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Answer:
    """What a sample answers; a body of chunks is sent chunk by chunk, as each becomes ready."""

    __slots__ = ("body", "ended", "headers", "note", "status")

    def __init__(
        self,
        body: bytes | AsyncGenerator[bytes, None] = b"",
        status: int = 200,
        content_type: str = "",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.status, self.body = status, body
        self.headers = [*([("content-type", content_type)] if content_type else []), *headers]
        self.note: dict[str, Any] = {}
        """What the journal says of it at its end, besides the status."""
        self.ended: Callable[[str], None] | None = None
        """Called once: `answered` (before the byte that completes it), `cut` (by us) or `gone` (the client left)."""

    def end(self, outcome: str) -> None:
        """Tell `ended`; only the first outcome counts."""
        ended, self.ended = self.ended, None
        if ended is not None:
            ended(outcome)

    @classmethod
    def json(
        cls, value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = (), content_type: str = ""
    ) -> "Answer":
        """A JSON answer."""
        return cls(msgspec.json.encode(value), status, content_type or "application/json", headers)


class Refused(Exception):
    """Raised anywhere in a sample: this is the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Cut(Exception):
    """Raised in a body: end the connection in the middle, by FIN or (`reset`) by RST."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


class Request:
    """One request as it came; its body arrives while it is read."""

    def __init__(self, method: str, target: str, headers: list[tuple[str, str]], resume: Callable[[], None]) -> None:
        self.method, self.target, self.headers = method, target, headers
        self.version, self.keep_alive = "1.1", True
        self.complete = self.discard = False
        self._chunks: deque[bytes] = deque()
        self._size, self._event, self._resume = 0, asyncio.Event(), resume

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The query; of a repeated name the last one."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def header(self, name: str, default: str = "") -> str:
        """The first header of that (lower-case) name."""
        return next((value for key, value in self.headers if key == name), default)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number of the query; not a number or out of [low, high]: refused with 400."""
        text = self.query.get(name)
        try:
            value = default if text is None else float(text)
        except ValueError:
            value = float("nan")
        if low <= value <= high:
            return value
        raise Refused(Answer.json({"title": f"{name} must be a number from {low} to {high}", "status": 400}, 400))

    def feed(self, chunk: bytes) -> bool:
        """Take a piece of the body; false when no more should be read for now."""
        if not self.discard:
            self._chunks.append(chunk)
            self._size += len(chunk)
            self._event.set()
        return self._size < _BUFFER

    def finish(self) -> None:
        """Note that the body is complete."""
        self.complete = True
        self._event.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece, as it comes."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._size -= len(chunk)
                if self._size < _BUFFER:
                    self._resume()
                yield chunk
            if self.complete:
                return
            self._event.clear()
            await self._event.wait()

    async def drop(self) -> None:
        """Read what is left of the body and forget it."""
        self.discard = True
        async for _ in self.chunks():
            pass

    async def body(self, limit: int = _BODY_LIMIT) -> bytes:
        """The whole body; over `limit` bytes: refused with 413."""
        parts, size = [], 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                raise Refused(Answer(status=413, headers=[("connection", "close")]))
            parts.append(chunk)
        return b"".join(parts)


Handler = Callable[[Request], Awaitable[Answer]]


class _Connection(asyncio.Protocol):
    """One accepted connection: requests are answered one after the other by one task."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._waiting: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._request: Request | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._target, self._headers, self._head_size = "", list[tuple[str, str]](), 0
        self._parser = httptools.HttpRequestParser(self)

    # the transport's side
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._bad(400)
        except httptools.HttpParserError:
            self._bad(431 if self._head_size > _HEAD_LIMIT else 400)

    def eof_received(self) -> bool:
        return False  # a client that half-closes counts as gone

    # the parser's side
    def on_url(self, url: bytes) -> None:
        self._count(url)
        self._target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(name + value)
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        request = Request(method, self._target, self._headers, self._transport.resume_reading)
        request.version, request.keep_alive = self._parser.get_http_version(), self._parser.should_keep_alive()
        self._target, self._headers, self._head_size = "", [], 0
        if request.header("expect").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._request = request
        self._waiting.append(request)
        if len(self._waiting) > _PIPELINED:
            self._transport.pause_reading()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer_all())
            self._task.add_done_callback(self._server.finished)
            self._server.tasks.add(self._task)

    def on_body(self, chunk: bytes) -> None:
        if self._request is not None and not self._request.feed(chunk):
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._request is not None:
            self._request.finish()
        self._headers, self._head_size = [], 0  # trailers came as headers: they are dropped

    def _count(self, part: bytes) -> None:
        self._head_size += len(part)
        if self._head_size > _HEAD_LIMIT:
            raise ValueError("head too large")  # stops the parser

    def _bad(self, status: int) -> None:
        if self._task is None:
            self._transport.write(_head(Answer(status=status), "content-length: 0\r\nconnection: close\r\n"))
        self._transport.close()

    # the answers
    async def _answer_all(self) -> None:
        while self._waiting:
            request = self._waiting.popleft()
            self._transport.resume_reading()
            answer = await self._server.answer(request)
            try:
                await self._write(request, answer)
            except Cut as cut:
                answer.end("cut")
                self._abort(reset=cut.reset)
                return
            except Exception:
                answer.end("cut")
                self.close()  # after the head there is no other way to say it
                raise
            finally:
                answer.end("gone")
            if not request.keep_alive or ("connection", "close") in answer.headers:
                self._transport.close()
                return
            await request.drop()
        self._task = None

    async def _write(self, request: Request, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, bytes):
            silent = request.method == "HEAD" or answer.status in {204, 304}
            answer.end("answered")
            length = "" if answer.status in {204, 304} else f"content-length: {len(body)}\r\n"
            self._transport.write(_head(answer, length) + (b"" if silent else body))
            return
        chunked = request.version == "1.1" and not any(name == "content-length" for name, _ in answer.headers)
        request.keep_alive = request.keep_alive and request.version == "1.1"
        self._transport.write(_head(answer, "transfer-encoding: chunked\r\n" if chunked else ""))
        if request.method == "HEAD":
            await body.aclose()
            answer.end("answered")
            return
        try:
            async for chunk in body:
                if chunk:
                    self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
                    await self._writable.wait()
        finally:
            await body.aclose()
        answer.end("answered")
        if chunked:
            self._transport.write(b"0\r\n\r\n")

    def _abort(self, *, reset: bool) -> None:
        if reset:
            linger = struct.pack("ii", 1, 0)  # close at once: the client sees a reset, not an end
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._transport.abort()

    def close(self) -> None:
        """End the connection at once."""
        self._transport.abort()


def _head(answer: Answer, framing: str) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    return f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, '')}\r\n{lines}{framing}\r\n".encode("latin-1")


class Server:
    """Serves one handler on 127.0.0.1; port 0 takes a free one. Use it with `async with`, or start and stop it."""

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self._handler, self.port = handler, port
        self.connections: set[_Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> Self:
        """Listen; OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Stop listening, end every accepted connection and what runs on it (at most 2 s)."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self.connections):
            connection.close()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=2)
        self._server = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    def finished(self, task: asyncio.Task[None]) -> None:
        """Forget a task that ended; an error in it is a fault of the sample and goes to the loop's handler."""
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": "a sample failed", "exception": error, "task": task})

    async def answer(self, request: Request) -> Answer:
        """The handler's answer, or the one it refused with; 500 when it has a fault."""
        try:
            return await self._handler(request)
        except Refused as refused:
            return refused.answer
        except Exception as error:  # noqa: BLE001 - a fault of the sample must not hang its client
            trouble = {"message": "a sample failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(trouble)
            return Answer.json({"error": "the sample failed"}, 500)
