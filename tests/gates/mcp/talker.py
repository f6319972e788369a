"""An MCP server of one era that talks back: it asks, logs, tells of changes, lets go of streams too early."""

import asyncio
import itertools

import msgspec

from triplegate.samples.http import Answer

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
QUESTION = {"message": "Who?", "requestedSchema": SCHEMA}
TOOLS = ("ask", "logs", "poll", "cut", "hang", "steps")
CAPABILITIES = {
    "tools": {"listChanged": True},
    "resources": {"subscribe": True, "listChanged": True},
    "logging": {},
}


def event(message, identity=None):
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: message\ndata: {msgspec.json.encode(message).decode()}\n\n".encode()


def note(method, **params):
    return {"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params}


class Talker:
    """Its tools do what they are called; what it was told is kept."""

    def __init__(self, era="legacy", streams=True):
        self.era, self.streams = era, streams
        self.seen = []
        """(HTTP method, body, headers) of everything that came."""
        self.answers = {}
        """Ids of its questions → futures of their answers."""
        self.listening = []
        """A queue for each stream that somebody listens on."""
        self.beside = {}
        """Id of a session → what is said on its own stream; not of the first one, which is the gateway's."""
        self.go = asyncio.Event()
        self.hung = asyncio.Event()
        self._ids = itertools.count(1)

    def methods(self, name):
        """Bodies of what came by this method."""
        return [body for _, body, _ in self.seen if body and body.get("method") == name]

    def tell(self, message):
        """Say something to all that listen."""
        for queue in self.listening:
            queue.put_nowait(message)

    async def __call__(self, request):
        text = await request.body()
        body = msgspec.json.decode(text) if text else {}
        headers = dict(request.headers)
        self.seen.append((request.method, body, headers))
        if request.method == "DELETE":
            return Answer(status=204)
        if request.method == "GET":
            return self._get(headers)
        if "method" not in body:
            self.answers[body["id"]].set_result(body)
            return Answer(status=202)
        if "id" not in body:
            return Answer(status=202)
        return self._answer(body, headers)

    def _get(self, headers):
        last = headers.get("last-event-id")
        if last and not last.startswith("mark-"):
            return Answer(self._rest(last), content_type="text/event-stream")
        if not self.streams:
            return Answer(status=405)
        session = headers.get("mcp-session-id")
        heard = self._listened(asyncio.Queue()) if session in ("up-1", None) else self._heard(session)
        return Answer(heard, content_type="text/event-stream")

    async def _heard(self, session):
        """What is put there: messages, (id, message), or None for the end."""
        queue = self.beside[session] = asyncio.Queue()
        try:
            yield b": listening\n\n"
            while (said := await queue.get()) is not None:
                yield event(said[1], said[0]) if isinstance(said, tuple) else event(said)
        finally:
            if self.beside.get(session) is queue:
                del self.beside[session]

    async def _listened(self, queue, first=b": listening\n\n"):
        self.listening.append(queue)
        try:
            yield first
            while True:
                yield event(await queue.get())
        finally:
            self.listening.remove(queue)

    def _answer(self, body, headers):
        method, params = body["method"], body.get("params", {})
        if method == "initialize" and self.era == "legacy":
            server = {"name": "talker", "version": "1"}
            result = {"protocolVersion": "2025-11-25", "capabilities": CAPABILITIES, "serverInfo": server}
            return self._result(body, result, [("mcp-session-id", f"up-{next(self._ids)}")])
        if method == "server/discover" and self.era == "modern":
            told = {"supportedVersions": ["2026-07-28"], "capabilities": CAPABILITIES, "resultType": "complete"}
            return self._result(body, told)
        if method == "tools/list":
            return self._result(body, {"tools": [{"name": n, "inputSchema": {"type": "object"}} for n in TOOLS]})
        if method == "resources/list":
            return self._result(body, {"resources": [{"uri": "mem://a", "name": "a"}]})
        if method in ("resources/subscribe", "resources/unsubscribe", "logging/setLevel") and self.era == "legacy":
            return self._result(body, {})
        if method == "subscriptions/listen" and self.era == "modern" and self.streams:
            first = event(note("subscriptions/acknowledged", notifications=params["notifications"]))
            return Answer(self._listened(asyncio.Queue(), first), content_type="text/event-stream")
        if method == "tools/call" and params["name"] in TOOLS:
            return self._call(body, params)
        error = {"jsonrpc": "2.0", "id": body["id"], "error": {"code": -32601, "message": "no"}}
        return Answer.json(error, 404 if self.era == "modern" else 200)

    def _result(self, body, result, headers=()):
        return Answer.json({"jsonrpc": "2.0", "id": body["id"], "result": result}, headers=headers)

    def _call(self, body, params):
        if params["name"] == "ask" and self.era == "modern":
            return self._result(body, self._asked(params))
        return Answer(getattr(self, "_" + params["name"])(body), content_type="text/event-stream")

    def _asked(self, params):
        """A modern server asks by its result: twice, and then it is content."""
        given = params.get("inputResponses", {})
        if "name" in given:
            return {"resultType": "input_required", "requestState": "half"} if params["requestState"] == "start" else {}
        if params.get("requestState") == "half":
            return {"resultType": "complete", "content": [{"type": "text", "text": "done"}]}
        asked = {"name": {"method": "elicitation/create", "params": QUESTION}}
        return {"resultType": "input_required", "inputRequests": asked, "requestState": "start"}

    async def _ask(self, body):
        identity = f"q{next(self._ids)}"
        self.answers[identity] = asyncio.get_running_loop().create_future()
        yield event({"jsonrpc": "2.0", "id": identity, "method": "elicitation/create", "params": QUESTION})
        answer = await self.answers[identity]
        said = answer.get("result", answer.get("error"))
        yield self._end(body, msgspec.json.encode(said).decode())

    async def _logs(self, body):
        for level in ("debug", "info", "error"):
            yield event(note("message", level=level, data=level))
        yield self._end(body, "logged")

    async def _steps(self, body):
        token = body["params"].get("_meta", {}).get("progressToken")
        for step in (1, 2):
            yield event(note("progress", progressToken=token, progress=step))
        await self.go.wait()
        yield self._end(body, "stepped")

    async def _poll(self, body):
        """A stream that its client has to come back for."""
        self.pending = body
        yield b"id: e1\nretry: 20\ndata: \n\n"

    async def _cut(self, body):
        """A stream without ids that ends too early."""
        yield event(note("message", level="info", data="begun"))

    async def _hang(self, body):
        yield b": begun\n\n"
        self.hung.set()
        await asyncio.sleep(30)

    async def _rest(self, last):
        assert last == "e1"
        yield self._end(self.pending, "fetched", "e2")

    def _end(self, body, text, identity=None):
        result = {"content": [{"type": "text", "text": text}]}
        if self.era == "modern":
            result["resultType"] = "complete"
        return event({"jsonrpc": "2.0", "id": body["id"], "result": result}, identity)
