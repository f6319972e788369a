"""Servers inside the gateway: tools of our own making, answered as a server of 2026-07-28 would answer."""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import msgspec

from triplegate.config.documents_base import Timeouts
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody, Headers, OneFrame, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.gates.mcp.refusals import json_reply
from triplegate.gates.mcp.transport import Transport
from triplegate.upstreams.reach import dispatch_of
from triplegate.wire.json_members import encode
from triplegate.wire.jsonrpc import Env, read, read_params, write_error, write_result
from triplegate.wire.mcp_era import MODERN, Era, status_of
from triplegate.wire.openapi_request import Asked

_DISCOVERED = encode(
    {
        "resultType": "complete",
        "supportedVersions": [MODERN],
        "capabilities": {"tools": {}},
        "ttlMs": 3_600_000,
        "cacheScope": "private",
    }
)


class Answered(msgspec.Struct, frozen=True):
    """What a call inside the gateway was answered with."""

    status: int
    headers: Headers
    body: bytes
    whole: bool
    """False: there was more than may be told."""

    @property
    def media(self) -> str:
        """Content-Type without parameters."""
        value = next((value for name, value in self.headers if name == b"content-type"), b"")
        return value.partition(b";")[0].strip().lower().decode("latin-1")


class InsideTransport(Transport):
    """Tools that are calls of the gateway's own gates, in process, through their whole chains."""

    __slots__ = ("_base", "_kit", "_list", "place")
    known_era: ClassVar[Era | None] = "modern"
    network = ""

    def __init__(self, place: str, waits: Timeouts | None, kit: Kit) -> None:
        self.place, self.missing = place, ""
        self._kit = kit
        self._base = dispatch_of(waits)
        self._list = b""

    def offer(self, definitions: Mapping[str, bytes]) -> None:
        """What tools/list answers; called once. Other tools are another server: nothing is kept of the old ones."""
        tools = b",".join(definitions.values())
        self.place += "|" + hashlib.sha256(tools).hexdigest()[:16]
        self._list = b'{"resultType":"complete","tools":[%b],"ttlMs":3600000,"cacheScope":"private"}' % tools

    def dispatch(self) -> Dispatch:
        """As the document says."""
        return self._base

    async def send(
        self,
        method: str,
        headers: Headers,
        body: bytes,
        dispatch: Dispatch,
        deadline: float | None,
        exchange: Exchange | None,
        owner: str,
    ) -> Reply:
        """Discover, list and call; there are no sessions and no streams."""
        if method != "POST":
            return Reply(405, [], OneFrame())
        env = read(body, 1000)
        if env.kind != "request":
            return Reply(202, [], OneFrame())
        identity = bytes(env.id)
        try:
            return json_reply(write_result(identity, await self._answer(env, exchange)), 200)
        except Refusal as refusal:
            code = refusal.rendering.jsonrpc
            if not -32768 <= code <= -32600:
                raise
            return json_reply(write_error(refusal, identity), status_of(code))

    async def _answer(self, env: Env, exchange: Exchange | None) -> bytes:
        if env.method == "server/discover":
            return _DISCOVERED
        if env.method == "tools/list":
            return self._list
        if env.method != "tools/call" or exchange is None:
            raise Refusal("rpc_method_not_found", "There is no such method.")
        params = read_params(env)
        name = msgspec.json.decode(params.get("name", b'""'), type=str)
        return await self._call(exchange, name, bytes(params.get("arguments", b"{}")))

    @abstractmethod
    async def _call(self, exchange: Exchange, name: str, arguments: bytes) -> bytes:
        """The result of a tool. Raises Refusal rpc_invalid_params, or what the call itself raises."""

    async def reenter(self, exchange: Exchange, asked: Asked, most: int, host: str = "") -> Answered:
        """Run a call of ours through its whole chain, for whoever made `exchange`; `most`: bytes of its body."""
        reenter = self._kit.reenter
        if reenter is None:
            raise Refusal("overloaded", "Tools of the gateway cannot be called at the moment.", reason="no reenter")
        traced: Headers = [(b"x-request-id", exchange.request_id), (b"traceparent", exchange.trace)]
        inbound = msgspec.structs.replace(
            exchange.inbound,
            method=asked.method,
            host=host or exchange.inbound.host,
            path=asked.path,
            query=asked.query,
            headers=[(b"user-agent", b"triplegate"), *traced, *asked.headers],
            body=BytesBody(asked.body),
        )
        parts: list[bytes] = []
        size = 0
        async with reenter.call(exchange, inbound) as reply:
            async for frame in reply.frames:
                parts.append(frame[: most - size])
                size += len(frame)
                if size > most:
                    break
        return Answered(reply.status, reply.headers, b"".join(parts), size <= most)
