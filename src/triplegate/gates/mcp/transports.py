"""The transports of servers, and which of them a document asks for."""

from collections.abc import Coroutine
from typing import Any

from triplegate.config.documents_mcp import ServerDocument
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.http import BytesBody, Headers, Reply
from triplegate.core.policy import Dispatch
from triplegate.core.ports import Kit
from triplegate.gates.mcp.commands import CommandTransport
from triplegate.gates.mcp.model_tools import ModelTools
from triplegate.gates.mcp.route_tools import RouteTools
from triplegate.gates.mcp.tokens import Tokens
from triplegate.gates.mcp.transport import Transport
from triplegate.upstreams.head import fixed_lines
from triplegate.upstreams.legacy_sse import SseServer, SseTarget
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.reach import reach


class HttpTransport(Transport):
    """A pool of connections to the server's address."""

    __slots__ = ("_base", "_far", "_fixed", "_lines", "_path", "_pool", "_tokens", "place")

    def __init__(self, document: ServerDocument, kit: Kit) -> None:
        assert document.url is not None
        reached = reach(document.url, document.tls, document.connections, kit)
        self._pool: Pool = reached.pool
        self._path = reached.base or b"/"
        self._base = reached.dispatch(document.waits)
        self.place = document.url
        self.missing = ""
        self._fixed = self._headers(document, kit)
        try:
            self._lines = fixed_lines(self._fixed)
        except Refusal as refusal:  # of a secret that is no field's value
            self._lines, self.missing = b"", refusal.reason
        asked = document.auth.client_credentials if document.auth is not None else None
        self._tokens = None if asked is None else Tokens(asked, document.url, kit)
        if self._tokens is not None and self._tokens.missing:
            self.missing = self._tokens.missing
        self._far: SseServer | None = None
        """The same place as a server of 2024-11-05; None: it is none."""

    def _headers(self, document: ServerDocument, kit: Kit) -> Headers:
        """What every call there carries; nothing of it comes from the client."""
        headers: Headers = [
            (b"host", self._pool.origin.authority),
            (b"content-type", b"application/json"),
            (b"accept", b"application/json, text/event-stream"),
            (b"accept-encoding", b"identity"),
            (b"user-agent", b"triplegate"),
        ]
        for name, value in document.headers.items():
            headers.append((name.encode("ascii"), self._written(value, kit)))
        if document.auth is not None and document.auth.bearer is not None:
            headers.append((b"authorization", b"Bearer " + self._written(document.auth.bearer, kit)))
        return headers

    def _written(self, value: str, kit: Kit) -> bytes:
        return self._value(value, kit).encode("latin-1", "replace")

    def dispatch(self) -> Dispatch:
        """As the document says."""
        return self._base

    def send(
        self,
        method: str,
        headers: Headers,
        body: bytes,
        dispatch: Dispatch,
        deadline: float | None,
        exchange: Exchange | None,
        owner: str,
    ) -> Coroutine[Any, Any, Reply]:
        """One request on a kept connection, or as its server of 2024-11-05 takes it."""
        far = self._far
        if far is not None and (far.met or self.known_era is not None):
            return self._send_old(far, method, headers, body, dispatch, deadline, owner)
        return self._send(method, self._path, headers, body, dispatch, deadline, self._lines)

    def _send(
        self,
        method: str,
        path: bytes,
        headers: Headers,
        body: bytes,
        dispatch: Dispatch,
        deadline: float | None = None,
        fixed: bytes = b"",
    ) -> Coroutine[Any, Any, Reply]:
        if self._tokens is None:
            return self._pool.send(method, path, headers, BytesBody(body), dispatch, deadline=deadline, fixed=fixed)
        return self._send_known(self._tokens, method, path, headers, body, dispatch, deadline, fixed)

    async def _send_known(
        self,
        tokens: Tokens,
        method: str,
        path: bytes,
        headers: Headers,
        body: bytes,
        dispatch: Dispatch,
        deadline: float | None,
        fixed: bytes,
    ) -> Reply:
        """With a token; one that is not taken is replaced, once."""
        for _ in range(2):
            found = tokens.header()
            token = found if isinstance(found, bytes) else await found
            lines = [*headers, (b"authorization", token)]
            sent = self._pool.send(method, path, lines, BytesBody(body), dispatch, deadline=deadline, fixed=fixed)
            reply = await sent
            if reply.status != 401 or not tokens.reject(token):
                break
            reply.frames.close()  # who is not known has had nothing done
        return reply

    async def _send_old(
        self,
        far: SseServer,
        method: str,
        headers: Headers,
        body: bytes,
        dispatch: Dispatch,
        deadline: float | None,
        owner: str,
    ) -> Reply:
        """One that begins no stream any more is met anew, where it may be another by now."""
        try:
            return await far.send(method, headers, body, dispatch, deadline, owner)
        except Refusal as refusal:
            far.met = far.met and refusal.code != "upstream_malformed"
            raise

    def _old(self, name: str, document: ServerDocument, kit: Kit) -> SseServer:
        target = SseTarget(self._pool, self._path, self._fixed, self._base, self._send)
        far = kit.state(SseServer, sse_key(name, document), lambda: SseServer(target, kit.supervisor))
        far.target = target
        return far


class SseTransport(HttpTransport):
    """A server of 2024-11-05: a stream for each owner, kept while it is used."""

    __slots__ = ()
    local = True
    owned = True
    known_era = "legacy"

    def __init__(self, name: str, document: ServerDocument, kit: Kit) -> None:
        super().__init__(document, kit)
        self.place = sse_key(name, document)
        self._far = self._old(name, document, kit)


class FoundTransport(HttpTransport):
    """A server of any revision over HTTP: that it is one of 2024-11-05 is found out when it takes no POST."""

    __slots__ = ()
    _far: SseServer

    def __init__(self, name: str, document: ServerDocument, kit: Kit) -> None:
        super().__init__(document, kit)
        self._far = self._old(name, document, kit)

    @property
    def local(self) -> bool:
        """As what it was found to be."""
        return self._far.met

    @property
    def owned(self) -> bool:
        """As what it was found to be."""
        return self._far.met

    async def older(self) -> bool:
        """Whether a GET begins a stream that says where messages go."""
        if not self._far.met:
            self._far.met = await self._far.greets()
        return self._far.met


def sse_key(name: str, document: ServerDocument) -> str:
    """Names the streams of one server."""
    return f"{name}|sse:{document.url}"


def transport_of(name: str, document: ServerDocument, kit: Kit, completions: str) -> Transport:
    """The transport that a document asks for; `completions`: where the llm gate takes chats."""
    if document.command is not None:
        return CommandTransport(name, document, kit)
    if document.routes is not None:
        return RouteTools(name, document, kit)
    if document.models is not None:
        return ModelTools(document, completions, kit)
    if document.transport is None:
        return FoundTransport(name, document, kit)
    return SseTransport(name, document, kit) if document.transport == "sse" else HttpTransport(document, kit)
