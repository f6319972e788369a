"""The sample MCP server: raw JSON-RPC, both eras on one /mcp (stateless 2026-07-28, sessions up to 2025-11-25)."""

import asyncio
import base64
import binascii
import re
import secrets
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

import msgspec

from triplegate.samples.control import Control
from triplegate.samples.http import Answer, Handler, Refused, Request
from triplegate.samples.journal import Journal
from triplegate.samples.latch import Latches
from triplegate.samples.mcp_tools import BadArguments, Progress, Result, Tool, Tools, big_body, text
from triplegate.samples.orders import Book

MODERN = "2026-07-28"
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26")
_META = "io.modelcontextprotocol/"
_SERVER = {"name": "triplegate-sample", "version": "1.0.0"}
_INSTRUCTIONS = "Sample tools: arithmetic, an echo, and look-ups in the sample orders service."
_SESSIONS = 1000
_BODY = 4 * 1024 * 1024
_ROUTING = ("mcp-protocol-version", "mcp-method", "mcp-name")
_STATUS = {-32700: 400, -32600: 400, -32602: 400, -32020: 400, -32022: 400, -32601: 404}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Rpc(msgspec.Struct):
    """A JSON-RPC message of the client."""

    method: str
    id: str | int | None = None
    params: dict[str, Any] = {}
    jsonrpc: str = "2.0"


class Fault(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.error: dict[str, Any] = {"code": code, "message": message} | ({"data": more} if more else {})


class McpServer:
    """The handler of the sample MCP server."""

    def __init__(self, book: Book, latches: Latches) -> None:
        self._tools, self._latches = Tools(book, latches), latches
        self._sessions: dict[str, str] = {}
        """Session id → protocol version, oldest first."""

    async def __call__(self, request: Request) -> Answer:
        """Answer one HTTP request."""
        if request.path == "/health":
            return Answer.json({"status": "ok"})
        if request.path != "/mcp":
            return Answer.json({"error": f"nothing at {request.path}"}, 404)
        _loopback_only(request)
        if request.method == "DELETE":
            self._session(request)
            del self._sessions[request.header("mcp-session-id")]
            return Answer(status=204)
        if request.method != "POST":
            return Answer(status=405, headers=[("allow", "POST, DELETE")])
        rpc = _parse(await request.body(_BODY))
        modern = _is_modern(request, rpc)
        try:
            answer = await (self._modern(request, rpc) if modern else self._legacy(request, rpc))
        except Fault as fault:
            status = _STATUS.get(fault.error["code"], 200) if modern else 200
            answer = _envelope(rpc, {"error": fault.error}, status)
        answer.note = {"rpc": rpc.method, "tool": rpc.params.get("name")}
        return answer

    # 2026-07-28: every request stands alone
    async def _modern(self, request: Request, rpc: Rpc) -> Answer:
        _climb(request, rpc)
        if rpc.id is None:
            return Answer(status=202)
        cached = {"ttlMs": 60_000, "cacheScope": "public"}
        if rpc.method == "server/discover":
            told = {
                "supportedVersions": [MODERN, *LEGACY],
                "capabilities": {"tools": {}},
                "instructions": _INSTRUCTIONS,
            }
            return _envelope(rpc, {"result": _complete(told | cached)})
        if rpc.method == "tools/list":
            return _envelope(rpc, {"result": _complete(self._list() | cached)})
        if rpc.method == "tools/call":
            return await self._call(rpc, modern=True)
        raise Fault(-32601, f"no method {rpc.method}")

    # up to 2025-11-25: a session first
    async def _legacy(self, request: Request, rpc: Rpc) -> Answer:
        if rpc.method == "initialize":
            return self._initialize(rpc)
        self._session(request)
        if rpc.id is None:
            return Answer(status=202)
        if rpc.method == "ping":
            return _envelope(rpc, {"result": {}})
        if rpc.method == "tools/list":
            return _envelope(rpc, {"result": self._list()})
        if rpc.method == "tools/call":
            return await self._call(rpc, modern=False)
        raise Fault(-32601, f"no method {rpc.method}")

    def _initialize(self, rpc: Rpc) -> Answer:
        asked = rpc.params.get("protocolVersion")
        version = asked if asked in LEGACY else LEGACY[0]
        if len(self._sessions) >= _SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        session = secrets.token_urlsafe(24)
        self._sessions[session] = version
        result: Result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": _SERVER}
        answer = _envelope(rpc, {"result": result | {"instructions": _INSTRUCTIONS}})
        answer.headers.append(("mcp-session-id", session))
        return answer

    def _session(self, request: Request) -> None:
        session = request.header("mcp-session-id")
        if not session:
            raise Refused(Answer.json({"error": "Mcp-Session-Id is missing"}, 400))
        if session not in self._sessions:
            raise Refused(Answer.json({"error": "no such session"}, 404))
        if request.header("mcp-protocol-version", LEGACY[-1]) not in LEGACY:
            raise Refused(Answer.json({"error": "MCP-Protocol-Version is not supported"}, 400))

    def _list(self) -> Result:
        return {"tools": [tool.definition for tool in self._tools.by_name.values()]}

    async def _call(self, rpc: Rpc, *, modern: bool) -> Answer:
        name, arguments = rpc.params.get("name"), rpc.params.get("arguments") or {}
        tool = self._tools.by_name.get(name) if isinstance(name, str) else None
        if tool is None or not isinstance(arguments, dict):
            raise Fault(-32602, f"unknown tool: {name}")
        if tool.streams:
            events = self._events(rpc, tool, arguments, modern=modern)
            answer = Answer(events, content_type="text/event-stream", headers=[("cache-control", "no-store")])
            if isinstance(latch := arguments.get("latch"), str):
                answer.ended = self._latches.get(latch).end
            return answer
        result = await _run(tool, arguments, _no_progress)
        size = result.pop("big", 0)
        answer = _envelope(rpc, {"result": _complete(result) if modern else result})
        if size and isinstance(answer.body, bytes):
            head, quotes, tail = answer.body.partition(b'"text":"')
            length = str(len(answer.body) + size)
            answer.body = big_body(head + quotes, size, tail)
            answer.headers.append(("content-length", length))
        return answer

    async def _events(
        self, rpc: Rpc, tool: Tool, arguments: Mapping[str, Any], *, modern: bool
    ) -> AsyncGenerator[bytes, None]:
        """Progress while the tool runs (if a token was sent), then its result."""
        meta = rpc.params.get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        told: asyncio.Queue[bytes | None] = asyncio.Queue()
        answer: Result = {}

        async def progress(done: float, total: float) -> None:
            if token is not None:
                params = {"progressToken": token, "progress": done, "total": total}
                told.put_nowait(_event({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))

        async def work() -> None:
            result = await _run(tool, arguments, progress)
            answer.update(result=_complete(result) if modern else result)

        task = asyncio.get_running_loop().create_task(work())
        task.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (event := await told.get()) is not None:
                yield event
            await task
        finally:
            task.cancel()
        yield _event({"jsonrpc": "2.0", "id": rpc.id, **answer})


async def _run(tool: Tool, arguments: Mapping[str, Any], progress: Progress) -> Result:
    try:
        tool.check(arguments)
        return await tool.call(arguments, progress)
    except BadArguments as bad:
        return text(str(bad), failed=True)


async def _no_progress(done: float, total: float) -> None:
    pass


def _envelope(rpc: Rpc, answer: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer.json({"jsonrpc": "2.0", "id": rpc.id, **answer}, status)


def _event(message: Mapping[str, Any]) -> bytes:
    return b"event: message\ndata: %b\n\n" % msgspec.json.encode(message)


def _complete(result: Result) -> Result:
    return {**result, "resultType": "complete", "_meta": {f"{_META}serverInfo": _SERVER}}


def _parse(body: bytes) -> Rpc:
    """Step 0 of the ladder: JSON, one message, JSON-RPC 2.0."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        _reject(-32700, f"Parse error: {error}")
    try:
        rpc = msgspec.convert(value, Rpc)
    except msgspec.ValidationError as error:
        _reject(-32600, f"Invalid request: {error}")
    if rpc.jsonrpc != "2.0":
        _reject(-32600, "Invalid request: jsonrpc must be 2.0")
    return rpc


def _reject(code: int, message: str) -> NoReturn:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    raise Refused(Answer.json(error, 400))


def _loopback_only(request: Request) -> None:
    """A page in a browser must not reach a local server by a name that was made to point here."""
    host = urlsplit(f"//{request.header('host')}").hostname
    origin = request.header("origin")
    if host not in _LOOPBACK or (origin and urlsplit(origin).hostname not in _LOOPBACK):
        raise Refused(Answer.json({"error": "Host or Origin is not allowed"}, 403))


def _is_modern(request: Request, rpc: Rpc) -> bool:
    meta = rpc.params.get("_meta")
    version = request.header("mcp-protocol-version")
    if isinstance(meta, dict) and f"{_META}protocolVersion" in meta:
        return True
    return version == MODERN or (bool(version) and version not in LEGACY and not request.header("mcp-session-id"))


def _climb(request: Request, rpc: Rpc) -> None:
    """Steps 1 to 5 of the validation ladder of 2026-07-28; the first failure wins."""
    names = [name for name, _ in request.headers]
    if any(names.count(name) > 1 for name in _ROUTING):
        raise Fault(-32020, "a routing header is there twice")
    meta = rpc.params.get("_meta")
    if not isinstance(meta, dict) or not {f"{_META}protocolVersion", f"{_META}clientCapabilities"} <= meta.keys():
        raise Fault(-32602, "_meta must hold protocolVersion and clientCapabilities")
    version = meta[f"{_META}protocolVersion"]
    if request.header("mcp-protocol-version") != version:
        raise Fault(-32020, "MCP-Protocol-Version does not match the body")
    if request.header("mcp-method") != rpc.method:
        raise Fault(-32020, "Mcp-Method does not match the body")
    name = rpc.params.get({"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}.get(rpc.method, ""))
    if name is not None and _decoded(request.header("mcp-name")) != name:
        raise Fault(-32020, "Mcp-Name does not match the body")
    if version != MODERN:
        raise Fault(-32022, "Unsupported protocol version", supported=[MODERN], requested=version)


def _decoded(value: str) -> str | None:
    """A header value, unwrapped from `=?base64?…?=`; a broken wrapper matches nothing."""
    wrapped = re.fullmatch(r"=\?base64\?(.*)\?=", value)
    if wrapped is None:
        return value
    try:
        return base64.b64decode(wrapped[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def handler(book: Book | None = None, journal: Journal | None = None) -> Handler:
    """The MCP sample, ready for a `Server`."""
    latches = Latches()
    return Control("mcp", McpServer(book or Book(), latches), latches, journal)
