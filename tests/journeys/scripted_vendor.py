"""A vendor that speaks chat completions and messages: it asks for a tool once, then says what the tool told it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

WORDS = ["one ", "two ", "three"]
CALL = ("get_weather", ['{"city": ', '"Paris"}'])
Events = Iterator[tuple[str, dict[str, Any]]]


def answer_to(body: dict[str, Any]) -> list[str] | None:
    """The words of the answer; None = the tool is wanted first."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return ["It is ", text_of(last["content"]), "."]
    if isinstance(last["content"], list):
        for block in last["content"]:
            if block["type"] == "tool_result":
                return ["It is ", text_of(block["content"]), "."]
    return None if body.get("tools") else WORDS


def text_of(content: Any) -> str:
    """What a message or a tool's result says."""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def chat(model: str, words: list[str] | None) -> dict[str, Any]:
    """A whole chat completion."""
    name, pieces = CALL
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "".join(pieces)}}
    said = {"content": "".join(words)} if words else {"content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": {"role": "assistant", **said}, "finish_reason": "stop" if words else "tool_calls"}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model}
    return {**head, "choices": [choice], "usage": usage}


def chat_events(model: str, words: list[str] | None) -> Events:
    """The same in chunks."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    name, pieces = CALL
    begun = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "" if words else None}]
    if words:
        deltas += [{"content": word} for word in words]
    else:
        deltas += [{"tool_calls": [begun]}]
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
    for delta in deltas:
        yield "", {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield "", {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop" if words else "tool_calls"}]}
    yield "", {**head, "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}


def message(model: str, words: list[str] | None) -> dict[str, Any]:
    """A whole message."""
    name, pieces = CALL
    call = {"type": "tool_use", "id": "toolu_1", "name": name, "input": json.loads("".join(pieces))}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": "".join(words)} if words else call],
        "stop_reason": "end_turn" if words else "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }


def message_events(model: str, words: list[str] | None) -> Events:
    """The same in events."""
    empty = {
        **message(model, words),
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 7, "output_tokens": 1},
    }
    name, pieces = CALL
    begun = {"type": "text", "text": ""} if words else {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}
    deltas = [{"type": "text_delta", "text": word} for word in words or ()]
    deltas += [] if words else [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    ended = {"stop_reason": "end_turn" if words else "tool_use", "stop_sequence": None}
    told = [
        {"type": "message_start", "message": empty},
        {"type": "content_block_start", "index": 0, "content_block": begun},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"input_tokens": 7, "output_tokens": 3}},
        {"type": "message_stop"},
    ]
    for event in told:
        yield str(event["type"]), event


class Handler(BaseHTTPRequestHandler):
    """Answers by the path: chat completions or messages."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One call."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        chats, words = self.path.endswith("/chat/completions"), answer_to(body)
        if not body.get("stream"):
            whole = (chat if chats else message)(body["model"], words)
            return self._send("application/json", json.dumps(whole).encode())
        events = (chat_events if chats else message_events)(body["model"], words)
        lines = [(f"event: {name}\n" if name else "") + f"data: {json.dumps(event)}\n\n" for name, event in events]
        return self._send("text/event-stream", ("".join(lines) + ("data: [DONE]\n\n" if chats else "")).encode())

    def _send(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words: Any) -> None:
        """Not a word."""


class Vendor:
    """It on a port of its own; `with` starts and stops it."""

    def __enter__(self) -> Self:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()
