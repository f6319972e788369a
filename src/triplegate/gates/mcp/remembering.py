"""Results of tools that only read, told again to the same question of the same caller."""

import hashlib
from collections.abc import Callable

import msgspec

from triplegate.core.exchange import Exchange
from triplegate.core.ports import Cache
from triplegate.gates.mcp.call import Item, McpCall, OwnItem
from triplegate.gates.mcp.sessions import owner_of
from triplegate.wire.json_members import read_members

LARGEST = 262_144
"""Bytes of a result that is remembered."""

_KEPT = 4096
_ASKED = frozenset({"name", "arguments", "_meta"})
_COMPLETE = msgspec.Raw(b'"complete"')
_TRUE = msgspec.Raw(b"true")
_PUBLIC = msgspec.Raw(b'"public"')
_any = msgspec.json.Decoder().decode


class Annotations(msgspec.Struct):
    """What a tool says of itself."""

    readOnlyHint: bool = False  # noqa: N815 - as on the wire
    idempotentHint: bool = False  # noqa: N815 - as on the wire


class _Defined(msgspec.Struct):
    annotations: Annotations | None = None


_defined = msgspec.json.Decoder(_Defined).decode


class Question(msgspec.Struct, frozen=True, gc=False):
    """A call as it is looked up."""

    own: str
    """Key of what this caller was told."""
    shared: str
    """Key of what everybody may be told; empty where nothing is shared."""
    tag: str


class Remembering:
    """The memory of one server."""

    __slots__ = ("_cache", "_fits", "_hints", "_server", "_shared", "_ttl")

    def __init__(self, server: str, fits: Callable[[str], bool], ttl: float, cache: Cache, *, shared: bool) -> None:
        self._server, self._fits, self._ttl, self._cache, self._shared = server, fits, ttl, cache, shared
        self._hints: dict[OwnItem, Annotations] = {}

    def question(self, exchange: Exchange, call: McpCall, tool: Item) -> Question | None:
        """How the call is looked up; None where its answer is never told again.

        The second round of a question (`inputResponses`) is not, nor a tool that does not say that it only reads.
        """
        hints = self._annotations(tool.own)
        if not (hints.readOnlyHint and hints.idempotentHint and self._fits(tool.own.name)):
            return None
        if not _ASKED.issuperset(call.params):
            return None
        try:
            arguments = msgspec.json.encode(_any(bytes(call.params.get("arguments", b"{}"))), order="sorted")
        except msgspec.MsgspecError:
            return None
        digest = hashlib.sha256(b"\0".join((tool.own.definition, call.era.encode(), arguments)))
        view = call.view
        if view is not None and view.links(tool.server) is not None:  # its links are this path's
            digest.update(b"\0" + view.virtual.encode())
        shared = f"mcp:r:{self._server}:{digest.hexdigest()}" if self._shared else ""
        digest.update(b"\0" + _who(exchange, call))
        return Question(f"mcp:r:{self._server}:{digest.hexdigest()}", shared, self.tag)

    @property
    def tag(self) -> str:
        """Whatever it remembers has it."""
        return f"mcp:r:{self._server}"

    def _annotations(self, own: OwnItem) -> Annotations:
        found = self._hints.get(own)
        if found is None:
            try:
                found = _defined(own.definition).annotations or Annotations()
            except msgspec.MsgspecError:
                found = Annotations()
            if len(self._hints) >= _KEPT:
                self._hints.clear()
            self._hints[own] = found
        return found

    def reads_only(self, tool: Item) -> bool:
        """Whether the tool says that it changes nothing."""
        return self._annotations(tool.own).readOnlyHint

    async def recall(self, question: Question) -> bytes | None:
        """The raw result; what the caller itself was told comes first."""
        found = await self._cache.get(question.own)
        if found is None and question.shared:
            found = await self._cache.get(question.shared)
        return found

    async def keep(self, question: Question, result: bytes) -> None:
        """Remember a result, unless it failed, is not the end, is large, or says that it must not be kept."""
        if len(result) > LARGEST:
            return
        members = read_members(result)
        if members.get("isError") == _TRUE or members.get("resultType", _COMPLETE) != _COMPLETE:
            return
        ttl = min(self._ttl, _seconds(members.get("ttlMs")))
        if ttl <= 0:
            return
        public = members.get("cacheScope") == _PUBLIC
        key = question.shared if public and question.shared else question.own
        await self._cache.put(key, result, ttl, (question.tag,))

    async def forget(self) -> None:
        """A tool of the server was called that may have changed something."""
        await self._cache.drop_tag(self.tag)


def _seconds(raw: msgspec.Raw | None) -> float:
    if raw is None:
        return float("inf")
    try:
        return msgspec.json.decode(raw, type=float) / 1000
    except msgspec.MsgspecError:
        return 0.0


def _who(exchange: Exchange, call: McpCall) -> bytes:
    """To whom the answer belongs: principal, its session where it has one; an unknown caller is its address."""
    principal = exchange.principal
    assert principal is not None
    scopes = " ".join(sorted(principal.scopes)).encode()
    session = call.session.id.encode() if call.session is not None else b""
    address = exchange.inbound.client.encode() if principal.method == "none" else b""
    return b"\0".join((owner_of(principal), scopes, session, address))
