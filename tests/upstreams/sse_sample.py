"""An MCP server of 2024-11-05: one GET stream a session, messages by POST; for tests, on the samples' own HTTP."""

import asyncio
import json

from triplegate.samples.http import Answer


class OldServer:
    """A handler that keeps what it was told."""

    def __init__(self, endpoint="/messages?session=%s"):
        self.endpoint, self.streams, self.seen, self.posted = endpoint, {}, [], 202

    async def __call__(self, request):
        self.seen.append(request)
        if request.method == "GET":
            return Answer(self.stream(), content_type="text/event-stream")
        session = request.query.get("session", "")
        if session not in self.streams:
            return Answer.json({"error": "no such session"}, 404)
        message = json.loads(await request.body())
        if self.posted == 202:
            self.hear(self.streams[session], session, message)
        return Answer(b"Accepted", self.posted)

    async def stream(self):
        session, queue = f"s{len(self.seen)}", asyncio.Queue()
        self.streams[session] = queue
        try:
            endpoint = self.endpoint % session if "%s" in self.endpoint else self.endpoint
            yield f": hello\r\n\r\nevent: endpoint\r\ndata: {endpoint}\r\n\r\n".encode()
            while (message := await queue.get()) is not None:
                yield f"event: message\r\ndata: {json.dumps(message)}\r\n\r\n".encode()
        finally:
            self.streams.pop(session, None)

    def hear(self, queue, session, message):
        method, identity = message.get("method"), message.get("id")
        if method == "initialize":
            told = {"protocolVersion": "2024-11-05", "capabilities": {"tools": {}}, "serverInfo": {"name": "old"}}
            queue.put_nowait({"jsonrpc": "2.0", "id": identity, "result": told})
        elif method == "tools/list":
            tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("echo", "bye")]
            queue.put_nowait({"jsonrpc": "2.0", "id": identity, "result": {"tools": tools}})
        elif method == "tools/call" and message["params"]["name"] == "bye":
            queue.put_nowait(None)
        elif method == "tools/call":
            text = f"{session} {message['params']['arguments'].get('text')}"
            queue.put_nowait(
                {"jsonrpc": "2.0", "id": identity, "result": {"content": [{"type": "text", "text": text}]}}
            )
