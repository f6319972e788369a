"""A provider that speaks every dialect: it replays an exchange, whole or in small pieces, or fails as it is told."""

import contextlib
import gzip
import json
import random
import re
import socket
import threading
import zlib
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

from tests.golden.exchanges import Replayed, framed
from tests.servers.spawn import free_port

_IN_PATH = re.compile(r"/models?/(.+?)(?::\w+|/converse(?:-stream)?)(?:\?.*)?$")
_ERRORS = {
    401: ("authentication_error", "UNAUTHENTICATED", "UnrecognizedClientException"),
    429: ("rate_limit_error", "RESOURCE_EXHAUSTED", "ThrottlingException"),
    500: ("api_error", "INTERNAL", "InternalServerException"),
}
FAULTS = ("401", "429", "500", "slow", "stall", "cut", "inband", "malformed", "html", "gzip")
"""What follows a `~` in a model's name; `-late` behind stall, cut, inband, malformed = after content."""


def failure(dialect: str, status: int) -> bytes:
    """An error body in the dialect's form."""
    kind, google, amazon = _ERRORS[status]
    words = "This call was told to fail."
    forms: dict[str, Any] = {
        "anthropic_messages": {"type": "error", "error": {"type": kind, "message": words}},
        "gemini": {"error": {"code": status, "message": words, "status": google}},
        "bedrock_converse": {"message": words, "__type": amazon},
        "cohere": {"id": "failed", "message": words},
    }
    return json.dumps(forms.get(dialect, {"error": {"message": words, "type": kind, "code": None}})).encode()


def in_band(dialect: str) -> bytes:
    """The event of a stream that says that it failed."""
    if dialect == "bedrock_converse":
        return framed("internalServerException", b'{"message":"This call was told to fail."}', "exception")
    text = failure(dialect, 500)
    if dialect == "anthropic_messages":
        return b"event: error\ndata: " + text + b"\n\n"
    if dialect == "openai_responses":
        said = {"type": "error", "code": "server_error", "message": "told to fail", "param": None, "sequence_number": 2}
        return b"event: error\ndata: " + json.dumps(said).encode() + b"\n\n"
    if dialect == "cohere":
        said = {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "told to fail"}}
        return b"event: message-end\ndata: " + json.dumps(said).encode() + b"\n\n"
    return b"data: " + text + b"\n\n"


class Asked:
    """A request as it came."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path, self.headers, self.body = path, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Replaying:
    """The provider on a port of its own; `with` starts and stops it."""

    def __init__(self, exchanges: Iterable[Replayed]) -> None:
        self.exchanges = {one.name: one for one in exchanges}
        self.asked: dict[str, list[Asked]] = {}
        """By model."""
        self.ended = threading.Event()
        provider = self

        class Handler(_Handler):
            replaying = provider

        self._server = _Quiet(("127.0.0.1", free_port()), Handler)
        self.port: int = self._server.server_address[1]

    def base(self, dialect: str) -> str:
        """The base URL of a dialect; whatever follows it is accepted as its path."""
        return f"http://127.0.0.1:{self.port}/{dialect}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """We are left in the middle of some answers."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    replaying: Replaying

    def log_message(self, *words):
        """Not a word."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        found = _IN_PATH.search(self.path)
        model = unquote(found[1]) if found else json.loads(body)["model"]
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.replaying.asked.setdefault(model, []).append(asked)
        name, _, fault = model.partition("~")
        exchange = self.replaying.exchanges.get(name)
        if exchange is None or not self.path.startswith(f"/{exchange.dialect}/"):
            self._whole(500, "text/plain", f"no {model} behind {self.path}".encode())
        elif fault:
            self._fail(exchange, fault)
        elif exchange.content_type == "application/json":
            self._whole(exchange.status, exchange.content_type, exchange.body)
        else:
            self._stream(exchange, exchange.body)
            self._end()

    # well ------------------------------------------------------------------------------------------------------
    def _whole(self, status: int, kind: str, body: bytes, **fields: str) -> None:
        self._head(status, kind, content_length=str(len(body)), **fields)
        self.wfile.write(body)

    def _head(self, status: int, kind: str, **fields: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _stream(self, exchange: Replayed, body: bytes, **fields: str) -> None:
        self._head(exchange.status, exchange.content_type, transfer_encoding="chunked", **fields)
        for piece in pieces(body, exchange.name):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def _end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    # ill -------------------------------------------------------------------------------------------------------
    def _fail(self, exchange: Replayed, fault: str) -> None:
        fault, _, late = fault.partition("-")
        dialect = exchange.dialect
        if fault.isdigit():
            kind = {"x_amzn_errortype": _ERRORS[int(fault)][2]} if dialect == "bedrock_converse" else {}
            wait = {"retry_after": "1"} if fault == "429" else {}
            self._whole(int(fault), "application/json", failure(dialect, int(fault)), **kind, **wait)
        elif fault == "slow":
            self.replaying.ended.wait(5)
            self._drop()
        elif fault == "html":
            self._whole(200, "text/html", b"<html><body>Welcome to the hotel's network</body></html>")
        elif fault == "gzip":
            self._compressed(exchange)
        elif exchange.streamed:
            self._break_stream(exchange, fault, bool(late))
        else:
            self._break_whole(exchange, fault)

    def _compressed(self, exchange: Replayed) -> None:
        body = gzip.compress(exchange.body)
        if exchange.streamed:
            self._stream(exchange, body, content_encoding="gzip")
            self._end()
        else:
            self._whole(exchange.status, exchange.content_type, body, content_encoding="gzip")

    def _break_stream(self, exchange: Replayed, fault: str, late: bool) -> None:
        events = _events(exchange)
        self._stream(exchange, b"".join(events[: len(events) * 2 // 3]) if late else b"")
        if fault in ("inband", "malformed"):
            broken = b"data: {nonsense]\n\n" if exchange.dialect != "bedrock_converse" else b"\0" * 64
            piece = in_band(exchange.dialect) if fault == "inband" else broken
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self._end()
            return
        if fault == "stall":
            self.replaying.ended.wait(5)
        self._drop()

    def _break_whole(self, exchange: Replayed, fault: str) -> None:
        half = exchange.body[: len(exchange.body) // 2]
        if fault == "inband":
            self._whole(200, exchange.content_type, failure(exchange.dialect, 500))
        elif fault == "malformed":
            self._whole(200, exchange.content_type, half)
        else:
            self._head(200, exchange.content_type, content_length=str(len(exchange.body)))
            self.wfile.write(half)
            if fault == "stall":
                self.replaying.ended.wait(5)
            self._drop()

    def _drop(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def pieces(body: bytes, seed: str) -> Iterator[bytes]:
    """`body` in pieces of any size, as a network cuts it: the same ones each time."""
    chance = random.Random(zlib.crc32(seed.encode()))
    most = max(7, len(body) // 200)
    place = 0
    while place < len(body):
        end = place + chance.randint(1, most)
        yield body[place:end]
        place = end


def _events(exchange: Replayed) -> list[bytes]:
    """The stream cut behind each event."""
    if exchange.dialect != "bedrock_converse":
        return re.findall(rb".*?(?:\r?\n){2}", exchange.body, re.DOTALL)
    found, place = [], 0
    while place < len(exchange.body):
        size = int.from_bytes(exchange.body[place : place + 4])
        found.append(exchange.body[place : place + size])
        place += size
    return found
