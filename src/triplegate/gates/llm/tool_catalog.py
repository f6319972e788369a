"""Tools of the mcp gate for calls of models: listed and called as its clients do, for whoever asks the model."""

from collections.abc import Iterable
from typing import Any

import msgspec

from triplegate.config.documents import Documents
from triplegate.config.faults import did_you_mean
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody, Headers, Inbound, Reply
from triplegate.core.identity import Principal
from triplegate.core.ports import Kit
from triplegate.wire.mcp_era import MODERN
from triplegate.wire.mcp_headers import CAPABILITIES_KEY, CLIENT_KEY, VERSION_KEY, encode_value
from triplegate.wire.mcp_params import mirrored, params_of
from triplegate.wire.mcp_results import Response, Told, question, read_response, refused, told, write_request
from triplegate.wire.neutral import Raw
from triplegate.wire.responses_mcp import Tool, Wanted
from triplegate.wire.sse import SseCutter, data_of, spans

ONLY = "triplegate.dev/server"
UNAVAILABLE = "triplegate.dev/unavailable"
_LARGEST = 4 * 1024 * 1024
"""Bytes of one answer."""
_PAGES = 32
_DOWN = "The server does not answer at the moment."
_APPROVAL = "approval:"
"""How the mcp gate's own questions for a yes are called."""
_YES = {"action": "accept", "content": {"approve": True}}
_UNKNOWN = frozenset({-32601, -32602})
_META = {VERSION_KEY: MODERN, CAPABILITIES_KEY: {}, CLIENT_KEY: {"name": "triplegate", "version": "1"}}
_PORTS = {"http": 80, "https": 443}


class Place(msgspec.Struct, frozen=True):
    """Where a server's tools are had."""

    path: str
    """Of an endpoint of the mcp gate."""
    only: str = ""
    """The one server whose tools are meant; empty: all of the endpoint."""
    own: str = ""
    """How names of its tools begin."""


class Listed(msgspec.Struct, frozen=True):
    """The definitions of a server's tools, or why there are none."""

    tools: list[Raw] = []
    error: str | None = None


class _Page(msgspec.Struct):
    tools: list[Raw] = []
    nextCursor: str | None = None  # noqa: N815 - MCP's own name
    meta: dict[str, Any] = msgspec.field(default_factory=dict, name="_meta")


class ToolCatalog:
    """The catalogue of one snapshot, by the names of its documents."""

    __slots__ = ("_kit", "_open", "_path", "_separator", "_servers", "_virtual")

    def __init__(self, documents: Documents, kit: Kit) -> None:
        written = documents.mcp
        self._kit, self._path, self._separator = kit, written.path, written.separator
        self._virtual = {name: document.teams for name, document in documents.virtual_servers.items()}
        self._servers = {name: (document.alias or name, document.teams) for name, document in documents.servers.items()}
        self._open = written.identity == "none"

    def place(self, wanted: Wanted, inbound: Inbound) -> Place | None:
        """Where a server is had; None: it is none of the gateway's. Raises Refusal mcp_server_unknown."""
        if wanted.connector_id is not None or wanted.tunnel_id is not None:
            return None
        if wanted.server_url is not None:
            return self._of_url(wanted.server_url, inbound)
        label = wanted.server_label
        if label in self._virtual:
            return Place(f"{self._path}/{label}")
        for name, (alias, _) in self._servers.items():
            if label in (name, alias):
                return Place(self._path, name, alias + self._separator)
        return Place(self._path, label)  # whoever lists it hears that there is none

    def _of_url(self, url: str, inbound: Inbound) -> Place | None:
        """An address of the mcp gate as the client itself reaches this gateway; any other is elsewhere."""
        scheme, colon, rest = url.partition("://")
        authority, slash, path = rest.partition("/")
        if not colon or scheme not in _PORTS or authority.lower() not in _names(inbound, _PORTS[scheme]):
            return None
        path = slash + path
        if path == self._path or (path.startswith(self._path + "/") and path[len(self._path) + 1 :] in self._virtual):
            return Place(path)
        raise Refusal("mcp_server_unknown", f"There is no MCP endpoint {path[:128]} here.", payload={"param": "tools"})

    def unknown(self, wanted: Wanted, principal: Principal) -> Refusal:
        """What is said of a server that is not there, or that this caller may not see."""
        near = did_you_mean(wanted.server_label, self._seen(principal))
        detail = f"There is no MCP server '{wanted.server_label[:128]}' here{near}."
        return Refusal("mcp_server_unknown", detail, payload={"param": "tools"})

    def elsewhere(self, wanted: Wanted) -> Refusal:
        """What is said of a server that is not the gateway's, where those are not passed on."""
        return Refusal(
            "mcp_server_unknown",
            f"The MCP server '{wanted.server_label[:128]}' is not one of this gateway's, and calls to others are not"
            " passed on here. Name a server of the gateway by its server_label, without server_url and connector_id.",
            payload={"param": "tools"},
        )

    def _seen(self, principal: Principal) -> Iterable[str]:
        teams = dict(self._virtual) | {name: allowed for name, (_, allowed) in self._servers.items()}
        mine = (principal.team, principal.team_ref)
        return [name for name, allowed in teams.items() if allowed is None or any(one in allowed for one in mine)]

    def closed_to(self, exchange: Exchange, anonymous: Principal | None) -> bool:
        """Whether nobody is known who could be let in at the mcp gate: there, callers must say who they are."""
        return anonymous is not None and exchange.principal is anonymous and not self._open

    # lists and calls -------------------------------------------------------------------------------------------------
    async def list(self, exchange: Exchange, place: Place) -> Listed | None:
        """The definitions of its tools; None where it is unknown to this caller."""
        meta = {**_META, ONLY: place.only} if place.only else _META
        tools: list[Raw] = []
        cursor: dict[str, Any] = {}
        down = False
        for _ in range(_PAGES):
            status, response = await self._ask(exchange, place.path, "tools/list", {"_meta": meta, **cursor}, [])
            failure = response.error
            if failure is not None:
                hidden = status in (403, 404) or failure.code in _UNKNOWN
                return None if hidden else Listed(error=failure.message or _DOWN)
            page = _page(response.result)
            tools += page.tools
            down = UNAVAILABLE in page.meta
            if page.nextCursor is None:
                break
            cursor = {"cursor": page.nextCursor}
        if tools:
            return Listed(tools)
        return Listed(error=_DOWN) if down else None if place.only else Listed()

    async def call(self, exchange: Exchange, tool: Tool, arguments: str, *, yes: bool = False) -> Told:
        """What came of a call; what was refused is told to the model like any other failure.

        `yes`: its caller has said yes to it, which is the answer where the mcp gate asks.
        """
        try:
            raw = Raw(arguments.encode() or b"{}")
            mirrors = mirrored(bytes(tool.schema)) or ()
            headers = [(b"mcp-name", encode_value(tool.name).encode("latin-1")), *_mirrored(mirrors, raw)]
            params = {"_meta": _META, "name": tool.name, "arguments": raw}
            _, response = await self._ask(exchange, tool.path, "tools/call", params, headers)
            found = told(response)
            if found.asks and yes:
                response = await self._approved(exchange, tool.path, params, headers)
                found = msgspec.structs.replace(told(response), asks=False)
        except Refusal as refusal:
            return refused(refusal)
        return found

    async def _approved(self, exchange: Exchange, path: str, params: dict[str, Any], headers: Headers) -> Response:
        """The call of somebody who can be asked for a yes, and has said it."""
        params = {**params, "_meta": {**_META, CAPABILITIES_KEY: {"elicitation": {}}}}
        _, response = await self._ask(exchange, path, "tools/call", params, headers)
        asked = question(response)
        if asked is None or len(asked.inputRequests) != 1:
            return response
        [key] = asked.inputRequests
        if not key.startswith(_APPROVAL):
            return response
        params |= {"inputResponses": {key: _YES}, "requestState": asked.requestState}
        _, response = await self._ask(exchange, path, "tools/call", params, headers)
        return response

    async def _ask(
        self, exchange: Exchange, path: str, method: str, params: dict[str, Any], headers: Headers
    ) -> tuple[int, Response]:
        """One request through the mcp gate. Raises Refusal."""
        reenter = self._kit.reenter
        if reenter is None:
            raise Refusal("overloaded", "Tools cannot be called at the moment.", reason="no reenter")
        said: Headers = [
            (b"user-agent", b"triplegate"),
            (b"content-type", b"application/json"),
            (b"accept", b"application/json, text/event-stream"),
            (b"mcp-protocol-version", MODERN.encode("ascii")),
            (b"mcp-method", method.encode("ascii")),
            (b"x-request-id", exchange.request_id),
            (b"traceparent", exchange.trace),
            *headers,
        ]
        body = BytesBody(write_request(method, params))
        inbound = msgspec.structs.replace(
            exchange.inbound, host="localhost", path=path, query=b"", headers=said, body=body
        )
        async with reenter.call(exchange, inbound) as reply:
            return reply.status, read_response(await _response(reply))


def _names(inbound: Inbound, port: int) -> tuple[str, ...]:
    """How this gateway may be called in an address, as the client called it."""
    if inbound.port is None or inbound.port == port:
        return (inbound.host, f"{inbound.host}:{port}")
    return (f"{inbound.host}:{inbound.port}",)


def _page(raw: Raw) -> _Page:
    try:
        return msgspec.json.decode(raw, type=_Page)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("upstream_malformed", "The list of tools cannot be read.", reason=str(error)) from error


def _mirrored(mirrors: Any, arguments: Raw) -> Headers:
    """Arguments that travel in headers, too. Raises Refusal rpc_invalid_params."""
    try:
        said = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal("rpc_invalid_params", f"The arguments are no JSON: {error}") from error
    if not isinstance(said, dict):
        raise Refusal("rpc_invalid_params", "The arguments must be an object.")
    return params_of(mirrors, bytes(arguments)) if mirrors else []


async def _response(reply: Reply) -> bytes:
    """The response in a reply, whole or at the end of a stream of events. Raises Refusal upstream_malformed."""
    streamed = any(name == b"content-type" and b"event-stream" in value for name, value in reply.headers)
    cutter = SseCutter(_LARGEST) if streamed else None
    parts: list[bytes] = []
    size = 0
    async for frame in reply.frames:
        size += len(frame)
        if size > _LARGEST:
            raise Refusal("result_too_large", "The tool's answer is too large for a model.")
        parts.append(frame if cutter is None else cutter.feed(frame))
    text = b"".join(parts)
    if cutter is None:
        return text
    found = [data_of(text[start:end]) for start, end in spans(text)]
    return next((data for data in reversed(found) if b'"result"' in data or b'"error"' in data), b"")
