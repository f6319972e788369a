"""Find out which era a server speaks, and open sessions of ours at legacy ones."""

from typing import Any

import msgspec

from triplegate import __version__
from triplegate.core.errors import Refusal
from triplegate.core.http import Headers
from triplegate.gates.mcp.asking import Told, ask
from triplegate.gates.mcp.server import Server, UpstreamSession
from triplegate.gates.mcp.shared_work import SharedWork
from triplegate.wire.json_members import encode
from triplegate.wire.mcp_era import LEGACY, MODERN, OLDEST, Era
from triplegate.wire.mcp_headers import CAPABILITIES_KEY, CLIENT_KEY, VERSION_KEY

US = encode({"name": "triplegate", "version": __version__})
"""We as client and as server: raw Implementation."""
OURS = ""
"""Owner of the session that our own questions use."""

_PROBE = 3.0  # seconds; a server that hangs on a question it does not know is asked the older way
_OPEN = 10.0
META = encode({VERSION_KEY: MODERN, CAPABILITIES_KEY: {}, CLIENT_KEY: msgspec.Raw(US)})
_INITIALIZE = b'{"protocolVersion":"%b","capabilities":%%b,"clientInfo":%b}' % (LEGACY[0].encode(), US)
_OLDER = frozenset({400, 404, 405})
"""What servers of 2024-11-05 answer to a POST where their stream is."""
_MODERN_ERRORS = frozenset({-32020, -32021, -32022})


class _Discovered(msgspec.Struct):
    supportedVersions: list[str] = []  # noqa: N815 - as on the wire
    capabilities: dict[str, Any] | None = None


class _Supported(msgspec.Struct):
    supported: list[str] = []


class _Error(msgspec.Struct):
    data: _Supported | None = None


class _Initialized(msgspec.Struct):
    protocolVersion: str  # noqa: N815 - as on the wire
    capabilities: dict[str, Any] | None = None


def modern_headers(method: str) -> Headers:
    """The headers every modern request has."""
    return [(b"mcp-protocol-version", MODERN.encode()), (b"mcp-method", method.encode("ascii"))]


def session_headers(session: UpstreamSession) -> Headers:
    """The headers every request within a session has."""
    return list(session.headers)


async def era_of_server(server: Server) -> Era:
    """The era, asked once and kept. Raises Refusal upstream_*: an outage is no verdict."""
    state = server.state
    if state.era is None:
        state.era = server.known_era
    if state.era is None:
        await server.alone(state.connecting, lambda: _probe(server), "probe")
        assert state.era is not None
    return state.era


async def _probe(server: Server) -> None:
    """A modern question first; whatever does not prove that the server is modern leads to `initialize`."""
    server.state.silent = False
    told: Told | None = None
    try:
        told = await ask(
            server, "server/discover", b'{"_meta":%b}' % META, modern_headers("server/discover"), server.patience
        )
    except Refusal as refusal:
        if refusal.code not in ("upstream_timeout", "upstream_reset", "upstream_malformed"):
            raise
    if told is not None and (modern := _read_modern(told)) is not None:
        server.state.era, server.state.capabilities = "modern", modern.capabilities
        return
    if told is not None:
        _check_credentials(server, told.status)
    session = await _initialize(server, OURS)
    server.keep(OURS, session)
    server.state.era = "legacy"


async def discover_again(server: Server) -> None:
    """What a modern server can do by now; what it said before stays when it does not say. Fails never."""
    try:
        told = await ask(server, "server/discover", b'{"_meta":%b}' % META, modern_headers("server/discover"), _PROBE)
    except Refusal:
        return
    modern = _read_modern(told)
    if modern is not None and modern.capabilities is not None:
        server.state.capabilities = modern.capabilities


def _read_modern(told: Told) -> _Discovered | None:
    """What a modern server says of itself, even if it is only by its error; None for any other."""
    if told.env is None:
        return None
    try:
        if told.error is None:
            said = msgspec.json.decode(told.env.result, type=_Discovered)
            return said if MODERN in said.supportedVersions else None
        if told.error not in _MODERN_ERRORS:
            return None
        data = msgspec.json.decode(told.env.error, type=_Error).data
    except msgspec.MsgspecError:
        return _Discovered() if told.error in _MODERN_ERRORS else None
    another = told.error == -32022 and data is not None and data.supported and MODERN not in data.supported
    return None if another else _Discovered()


async def session_of(server: Server, owner: str, capabilities: bytes = b"{}") -> UpstreamSession:
    """The session that `owner` has there, opened at its first use, once for all who wait for it.

    `capabilities`: what whoever has it can be asked, raw.
    """
    state = server.state
    found = state.sessions.get(owner)
    if found is not None:
        return found
    opening = state.opening.get(owner)
    if opening is None:
        opening = state.opening[owner] = SharedWork()

    async def open_one() -> UpstreamSession:
        try:
            session = await _initialize(server, owner, capabilities)
            server.keep(owner, session)
            return session
        finally:
            state.opening.pop(owner, None)

    session: UpstreamSession = await server.alone(opening, open_one, "open session at")
    return session


async def _initialize(server: Server, owner: str, capabilities: bytes = b"{}") -> UpstreamSession:
    told = await ask(server, "initialize", _INITIALIZE % capabilities, [], _OPEN, owner)
    modern = server.state.era == "modern"
    if told.status in _OLDER and not modern and await server.older():
        told = await ask(server, "initialize", _INITIALIZE % capabilities, [], _OPEN, owner)
    _check_credentials(server, told.status)
    if told.env is None or told.error is not None:
        if not modern:
            server.state.era = None  # perhaps it has learnt the other one since
        raise _strange(server, f"initialize was answered with {told.status}, error {told.error}")
    try:
        said = msgspec.json.decode(told.env.result, type=_Initialized)
    except msgspec.MsgspecError:
        said = _Initialized("")
    version = said.protocolVersion
    if version not in LEGACY and version != OLDEST:
        raise _strange(server, f"initialize was answered with version {version[:32]!r}")
    identity = told.header(b"mcp-session-id")
    if len(identity) > 1024 or not all(0x21 <= byte <= 0x7E for byte in identity):
        raise _strange(server, "its session id is not visible ASCII")
    if not modern:
        server.state.capabilities = said.capabilities
    session = UpstreamSession(identity, version)
    session.begun = server.deadline(0.0)
    await notify(server, session, "notifications/initialized", b"{}")
    return session


async def set_level(server: Server, session: UpstreamSession, level: str) -> None:
    """Let a legacy server log from this level on in a session. Best effort."""
    try:
        await ask(server, "logging/setLevel", encode({"level": level}), session_headers(session), _OPEN)
    except Refusal:
        return


async def notify(server: Server, session: UpstreamSession, method: str, params: bytes) -> None:
    """Tell a legacy server something in a session. Raises Refusal upstream_*."""
    body = b'{"jsonrpc":"2.0","method":"%b","params":%b}' % (method.encode("ascii"), params)
    reply = await server.send(session_headers(session), body, server.own_times(_OPEN), server.deadline(_OPEN))
    reply.frames.close()


async def cancel(server: Server, session: UpstreamSession, identity: int) -> None:
    """Tell a legacy server that nobody waits for a request any more: a closed connection does not say so there."""
    try:
        await notify(server, session, "notifications/cancelled", b'{"requestId":%d,"reason":"client left"}' % identity)
    except Refusal:
        return  # best effort


async def end_session(server: Server, session: UpstreamSession) -> None:
    """Give a session back. Best effort."""
    if not session.id:
        return
    try:
        reply = await server.send(
            session_headers(session), b"", server.own_times(_PROBE), server.deadline(_PROBE), "DELETE"
        )
    except Refusal:
        return
    reply.frames.close()


def _check_credentials(server: Server, status: int) -> None:
    if status in (401, 403):
        raise Refusal(
            "upstream_credentials",
            "The upstream refused the gateway's credentials.",
            reason=f"{server.name} answered {status}",
        )


def _strange(server: Server, why: str) -> Refusal:
    return Refusal("upstream_failed", "The upstream is no MCP server that can be used.", reason=f"{server.name}: {why}")
