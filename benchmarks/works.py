"""The works that every subject is given, and what makes an answer a good one; bytes only, no I/O."""

import json
from collections.abc import Callable
from typing import NamedTuple

TOKENS = 100
PROMPT = ("The quick brown fox jumps over the lazy dog. " * 50)[:2048]
PACED = " paced"
"""What in a prompt asks the mock for 5 ms between tokens."""
PROTOCOL = "2025-06-18"
ITEMS = {
    "id": 42,
    "name": "widget",
    "items": [{"sku": f"SKU-{number:04d}", "qty": number, "price": 9.5} for number in range(24)],
}
REST = json.dumps({**ITEMS, "pad": "x" * 30}, separators=(",", ":")).encode()
"""The 1 KB answer of the REST upstream, byte for byte."""


def http(method: str, path: str, headers: list[str], body: bytes | None = None) -> bytes:
    """One HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", *headers]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def _rest(path: str, headers: list[str], tool: str = "") -> bytes:
    return http("GET", path, headers)


def _chat(stream: bool, paced: bool = False) -> "Request":
    message: dict[str, object] = {
        "model": "mock",
        "messages": [{"role": "user", "content": PROMPT + (PACED if paced else "")}],
        "max_tokens": 128,
    }
    if stream:
        message["stream"] = True
    body = json.dumps(message).encode()
    return lambda path, headers, tool="": http("POST", path, headers, body)


def rpc(path: str, headers: list[str], method: str, params: object, number: int | None) -> bytes:
    """One JSON-RPC message over HTTP; a notification when `number` is None."""
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if number is not None:
        message["id"] = number
    accept = "Accept: application/json, text/event-stream"
    return http("POST", path, [*headers, accept], json.dumps(message).encode())


def _tool(path: str, headers: list[str], tool: str = "echo") -> bytes:
    return rpc(path, headers, "tools/call", {"name": tool, "arguments": {"message": "hello"}}, 7)


def _good_rest(body: bytes) -> bool:
    return body == REST


def _good_chat(body: bytes) -> bool:
    return b"tok1 " in body and b"tok100 " in body and b'"completion_tokens"' in body


def _good_stream(body: bytes) -> bool:
    return tokens_in(body) == TOKENS and b"[DONE]" in body


def _good_tool(body: bytes) -> bool:
    return b"Echo: hello" in body and b'"isError":true' not in body.replace(b" ", b"")


def tokens_in(content: bytes) -> int:
    """Tokens in a piece of a stream of the mock's chat chunks."""
    return content.count(b'"tok')


Request = Callable[[str, list[str], str], bytes]
"""(path, header lines, name of the echo tool) → the bytes of one request."""


class Work(NamedTuple):
    """One kind of call, at saturation or at a fixed rate."""

    name: str
    kind: str
    """rest, chat, stream or mcp."""
    path: str
    connections: int
    request: Request
    good: Callable[[bytes], bool]
    rate: float = 0.0
    """Calls a second (open loop); 0 = every connection always busy."""

    @property
    def streams(self) -> bool:
        """Whether the answer is a stream of tokens."""
        return self.kind == "stream"


CHAT = "/v1/chat/completions"
WORKS = {
    work.name: work
    for work in (
        Work("rest", "rest", "/rest/items", 64, _rest, _good_rest),
        Work("rest_rate", "rest", "/rest/items", 64, _rest, _good_rest, rate=500),
        Work("chat", "chat", CHAT, 64, _chat(stream=False), _good_chat),
        Work("chat_rate", "chat", CHAT, 64, _chat(stream=False), _good_chat, rate=100),
        Work("stream", "stream", CHAT, 64, _chat(stream=True), _good_stream),
        Work("stream_paced", "stream", CHAT, 16, _chat(stream=True, paced=True), _good_stream),
        Work("mcp", "mcp", "/mcp", 32, _tool, _good_tool),
        Work("mcp_rate", "mcp", "/mcp", 16, _tool, _good_tool, rate=100),
    )
}
