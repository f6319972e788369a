"""A vendor that speaks chat completions and messages: it asks for a tool once, then says what the tool told it."""

import json
import threading
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.servers.spawn import free_port

WORDS = ["one ", "two ", "three"]
CALL = ("get_weather", ['{"city": ', '"Paris"}'])
DONE = "data: [DONE]\n\n"
Events = Iterator[tuple[str, dict[str, Any]]]
Reply = tuple[int, dict[str, str], bytes]
"""Status, fields and body."""


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


def said_whole(said: dict[str, Any]) -> Reply:
    """A body of JSON."""
    return 200, {"content-type": "application/json"}, json.dumps(said).encode()


def said_streamed(events: Events, end: str = "") -> Reply:
    """All events at once, as a stream says them."""
    lines = [(f"event: {name}\n" if name else "") + f"data: {json.dumps(event)}\n\n" for name, event in events]
    return 200, {"content-type": "text/event-stream"}, ("".join(lines) + end).encode()


class Scripted:
    """Whatever is far away, on a port of its own: each POST is answered by `answer`; `with` starts and stops it."""

    def __init__(self) -> None:
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, fields, content = scripted.answer(self.path, self.headers, body)
                self.send_response(status)
                for name, value in {**fields, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *words: Any) -> None:
                """Not a word."""

        self.server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, headers: Message, body: dict[str, Any]) -> Reply:
        """What one call is answered; called in a thread of its own."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class Vendor(Scripted):
    """Answers by the path: chat completions or messages."""

    def answer(self, path: str, headers: Message, body: dict[str, Any]) -> Reply:
        """One call."""
        chats, words = path.endswith("/chat/completions"), answer_to(body)
        if not body.get("stream"):
            return said_whole((chat if chats else message)(body["model"], words))
        events = (chat_events if chats else message_events)(body["model"], words)
        return said_streamed(events, DONE if chats else "")
