"""The bench's own upstream, `python -m benchmarks.mock`: REST, chat (JSON, SSE, paced SSE) and MCP."""

import argparse
import asyncio
import contextlib
import json
import time
from typing import Any

import httptools

from benchmarks.works import PACED, REST, TOKENS

PACE = 0.005
"""Seconds between two tokens of a paced stream."""
NEWEST = "2025-11-25"
TOOL = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
TOOLS = {"tools": [{"name": "echo", "description": "Echo the message back", "inputSchema": TOOL}]}
WORDS = [f"tok{number} " for number in range(1, TOKENS + 1)]
USAGE = {"prompt_tokens": 512, "completion_tokens": TOKENS, "total_tokens": 512 + TOKENS}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def answer(body: bytes, status: str = "200 OK", kind: str = "application/json", more: str = "") -> bytes:
    """A whole HTTP/1.1 answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def _chunk(text: str, finish: str | None = None, fingerprint: str = "fp_mock") -> bytes:
    delta = {"role": "assistant", "content": text} if text == WORDS[0] else {"content": text}
    event = {
        "id": "chatcmpl-mock",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "mock",
        "system_fingerprint": fingerprint,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + _json(event) + b"\n\n"


def _framed(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


MESSAGE = {"role": "assistant", "content": "".join(WORDS)}
COMPLETION = {"id": "chatcmpl-mock", "object": "chat.completion", "created": 1700000000, "model": "mock"}
CHOICE = {"index": 0, "finish_reason": "stop", "message": MESSAGE}
CHAT = answer(_json({**COMPLETION, "choices": [CHOICE], "usage": USAGE}))
ITEMS = answer(REST)
MODELS = answer(_json({"object": "list", "data": [{"id": "mock", "object": "model", "owned_by": "mock"}]}))
HEALTH = answer(b'{"ok":true}')
MISSING = answer(b'{"error":"no such mock"}', "404 Not Found")
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = [_framed(_chunk(word, "stop" if word is WORDS[-1] else None)) for word in WORDS]
TOTAL = {**COMPLETION, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}
TOTALS = _framed(b"data: " + _json(TOTAL) + b"\n\n")
END = _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Mock(asyncio.Protocol):
    """One keep-alive connection; a new request ends a stream that is still going."""

    sessions = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.timer: asyncio.Handle | None = None
        self.parser = httptools.HttpRequestParser(self)
        self.on_message_begin()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timer:
            self.timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_message_begin(self) -> None:
        self.url, self.body = b"", b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        path = self.url.partition(b"?")[0]
        if path.startswith(b"/rest/"):
            self.transport.write(ITEMS)
        elif path.endswith(b"/chat/completions"):
            self.chat()
        elif path.rstrip(b"/") == b"/mcp":
            self.transport.write(mcp(self.parser.get_method(), self.body))
        elif path == b"/v1/models":
            self.transport.write(MODELS)
        else:
            self.transport.write(HEALTH if path == b"/health" else MISSING)

    def chat(self) -> None:
        """JSON, or SSE at once, or SSE at one token each 5 ms."""
        asked = self.body.replace(b" ", b"")
        if b'"stream":true' not in asked:
            self.transport.write(CHAT)
            return
        tail = (TOTALS if b'"include_usage":true' in asked else b"") + END
        self.transport.write(SSE)
        if PACED.encode() in self.body:
            self.pace(0, tail, time.monotonic())
        else:
            self.burst(0, tail)

    def burst(self, number: int, tail: bytes) -> None:
        """Send one token and come back in the next turn of the loop: a write each, as a model flushes."""
        if number == TOKENS:
            self.transport.write(tail)
            return
        self.transport.write(EVENTS[number])
        self.timer = asyncio.get_running_loop().call_soon(self.burst, number + 1, tail)

    def pace(self, number: int, tail: bytes, start: float) -> None:
        """Send token `number`, stamped with the monotonic clock, and set the alarm for the next."""
        if number == TOKENS:
            self.transport.write(tail)
            return
        stamp = f"fp_{time.monotonic_ns()}"
        finish = "stop" if number == TOKENS - 1 else None
        self.transport.write(_framed(_chunk(WORDS[number], finish, stamp)))
        loop = asyncio.get_running_loop()
        due = start + (number + 1) * PACE - time.monotonic()
        self.timer = loop.call_later(max(0.0, due), self.pace, number + 1, tail, start)


def mcp(method: bytes, body: bytes) -> bytes:
    """Streamable HTTP with JSON answers; a session id comes with `initialize`; GET is 405."""
    if method == b"DELETE":
        return answer(b"{}")
    if method != b"POST":
        return answer(b'{"error":"no stream"}', "405 Method Not Allowed", more="Allow: POST, DELETE\r\n")
    try:
        call = json.loads(body)
    except ValueError:
        call = {"id": 0, "method": "unreadable"}
    if call.get("id") is None:
        return answer(b"", "202 Accepted")
    params, more = call.get("params") or {}, ""
    result: object
    if call["method"] == "initialize":
        Mock.sessions += 1
        more = f"Mcp-Session-Id: mock-{Mock.sessions}\r\n"
        version = min(str(params.get("protocolVersion", NEWEST)), NEWEST)
        server = {"name": "mock", "version": "1"}
        result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
    elif call["method"] == "tools/list":
        result = TOOLS
    elif call["method"] == "tools/call":
        text = "Echo: " + str((params.get("arguments") or {}).get("message", ""))
        result = {"content": [{"type": "text", "text": text}], "isError": False}
    elif call["method"] == "ping":
        result = {}
    else:
        error = {"code": -32601, "message": "Method not found"}
        return answer(_json({"jsonrpc": "2.0", "id": call["id"], "error": error}))
    return answer(_json({"jsonrpc": "2.0", "id": call["id"], "result": result}), more=more)


async def serve(port: int) -> None:
    """Serve on 127.0.0.1 until cancelled; prints `ready` when listening."""
    server = await asyncio.get_running_loop().create_server(Mock, "127.0.0.1", port, backlog=4096)
    async with server:
        print("ready", server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=17001)
    port = parser.parse_args().port
    with contextlib.suppress(KeyboardInterrupt):
        try:
            from uvloop import run
        except ImportError:
            from asyncio import run
        run(serve(port))


if __name__ == "__main__":
    main()
