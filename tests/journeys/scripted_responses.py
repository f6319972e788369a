"""A vendor that speaks Responses: it calls the first function that gets an order, then says what that told it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.gates.llm.tool_place import native, native_stream
from tests.servers.spawn import free_port


def answer_to(asked):
    """The response to a call."""
    outputs = [one["output"] for one in asked["input"] if one.get("type") == "function_call_output"]
    if outputs:
        return native(text=f"The tool said: {outputs[-1]}")
    name = next(tool["name"] for tool in asked["tools"] if tool["name"].endswith("get_order"))
    return native((name, {"id": "ord_1001"}))


class Handler(BaseHTTPRequestHandler):
    """One call a connection."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = answer_to(asked)
        streamed = bool(asked.get("stream"))
        content = native_stream(said) if streamed else json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streamed else "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class Vendor:
    """The vendor, listening."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
