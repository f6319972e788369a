"""Sessions of legacy clients: records that any node can read, bound to whoever opened them."""

import re
import secrets
from collections.abc import Callable

import msgspec

from triplegate.core.clock import Clock
from triplegate.core.errors import Refusal
from triplegate.core.identity import Principal
from triplegate.core.ports import Sessions
from triplegate.gates.mcp.session_ages import IDLE
from triplegate.gates.mcp.session_log import SessionLog

TTL = IDLE
"""Seconds a session lives after its last use."""
MOST = 100
"""Sessions of one principal; the oldest ends when another is opened."""

_ID = re.compile(rb"[A-Za-z0-9_-]{32}")
_PREFIX = "mcp:"
_MOST_READ, _LARGEST_READ = 4096, 4096  # records that are kept as they were read, and bytes of one
_LARGEST_CLIENT = 8192  # bytes of clientInfo that are kept, and of the capabilities
MOST_SUBSCRIBED = 100
"""Resources that one session may subscribe to."""
_LARGEST_SUBSCRIBED = 16_384  # bytes of their URIs together


class ClientSession(msgspec.Struct, frozen=True, eq=False):
    """An open session."""

    id: str
    version: str
    client: bytes
    """Raw clientInfo; empty when there was none."""
    upstream: dict[str, bytes]
    """Sessions opened for it at legacy servers: server → version, space, Mcp-Session-Id."""
    capabilities: bytes = b"{}"
    """What the client said it can do, raw: what it may be asked."""
    level: str = ""
    """The least severe log messages it wants; empty while it has not said."""
    subscribed: frozenset[str] = frozenset()
    """URIs of the resources whose changes it wants to hear of, as clients see them."""


class _Taken(msgspec.Struct, frozen=True, eq=False):
    """A record that was read: its place in the store, for whom and on which path, and what it says."""

    key: str
    record: dict[str, bytes]
    principal: Principal
    virtual: str
    session: ClientSession

    def says(self, record: dict[str, bytes] | None, principal: Principal, virtual: str) -> bool:
        """Whether this is what the record says to this caller on this path."""
        return record == self.record and principal is self.principal and virtual == self.virtual


class ClientSessions:
    """Opens, finds and ends them. Opens of one principal at the same instant on two nodes may exceed the cap."""

    __slots__ = ("_at_once", "_clock", "_log", "_read", "_store")

    def __init__(self, store: Sessions, log: SessionLog, clock: Clock) -> None:
        self._store, self._log, self._clock = store, log, clock
        self._at_once: Callable[[str, float], dict[str, bytes] | None] | None = getattr(store, "get_now", None)
        self._read: dict[bytes, _Taken] = {}
        """Records as they were read last: while the store has the same, they are not read anew."""

    async def open(
        self, principal: Principal, virtual: str, version: str, client: bytes, capabilities: bytes = b"{}"
    ) -> str:
        """A new session; its id has 192 random bits."""
        owner = owner_of(principal)
        identity = secrets.token_urlsafe(24)
        record = {"owner": owner, "virtual": virtual.encode(), "version": version.encode()}
        if len(client) <= _LARGEST_CLIENT:
            record["client"] = client
        if len(capabilities) <= _LARGEST_CLIENT:
            record["can"] = capabilities
        known = await self._listed(owner)
        if len(known) >= MOST:
            known = [each for each in known if await self._store.get(_PREFIX + each, TTL) is not None]
        for oldest in known[: max(0, len(known) - MOST + 1)]:
            await self._store.end(_PREFIX + oldest)
            self._log.end(oldest, self._clock.wall(), "evicted")
        await self._store.put(_PREFIX + identity, record, TTL)
        await self._list(owner, [*known, identity][-MOST:])
        self._log.ages.begin(identity, version, self._clock.wall())
        return identity

    async def _listed(self, owner: bytes) -> list[str]:
        """Ids of the owner's sessions, oldest first; some may have expired."""
        return (await self._store.get(_listing(owner), TTL) or {}).get("ids", b"").decode().split()

    async def _list(self, owner: bytes, known: list[str]) -> None:
        await self._store.put(_listing(owner), {"ids": " ".join(known).encode()}, TTL)

    def known(self, identity: bytes | None, principal: Principal, virtual: str) -> ClientSession | None:
        """As `find`, of a session of which this process has just the same record as before; None: it takes a look."""
        known = self._read.get(identity) if identity is not None else None
        if known is None or self._at_once is None or not known.says(self._at_once(known.key, TTL), principal, virtual):
            return None
        return self._noted(known)

    async def find(self, identity: bytes | None, principal: Principal, virtual: str) -> ClientSession:
        """The session, its life extended.

        Raises Refusal rpc_invalid_request without an id, session_not_found for an unknown one, for another
        principal's and for one of another path: all three look the same.
        """
        if identity is None:
            raise Refusal("rpc_invalid_request", "The header Mcp-Session-Id is missing.")
        known = self._read.get(identity)
        record = None
        if known is not None:
            record = await self._store.get(known.key, TTL)
        elif _ID.fullmatch(identity):
            record = await self._store.get(_PREFIX + identity.decode("ascii"), TTL)
        if record is None:
            raise _not_found()
        if known is None or not known.says(record, principal, virtual):
            known = self._take(identity, record, principal, virtual)
        return self._noted(known)

    def _noted(self, known: "_Taken") -> ClientSession:
        session = known.session
        self._log.note(session.id, known.principal, known.virtual, session.version, session.client, self._clock.wall())
        return session

    def _take(self, identity: bytes, record: dict[str, bytes], principal: Principal, virtual: str) -> "_Taken":
        """What a record says, to its owner on its path."""
        if record.get("owner") != owner_of(principal) or record.get("virtual", b"").decode() != virtual:
            raise _not_found()
        session = ClientSession(
            identity.decode("ascii"),
            record.get("version", b"").decode(),
            record.get("client", b""),
            {name[3:]: value for name, value in record.items() if name.startswith("up:")},
            record.get("can", b"{}"),
            record.get("level", b"").decode(),
            frozenset(record.get("subscribed", b"").decode().split("\n")) - {""},
        )
        taken = _Taken(_PREFIX + session.id, record, principal, virtual, session)
        if sum(map(len, record.values())) <= _LARGEST_READ:
            if len(self._read) >= _MOST_READ:
                del self._read[next(iter(self._read))]
            self._read[identity] = taken
        return taken

    async def note_upstream(self, session: ClientSession, server: str, version: str, identity: bytes) -> None:
        """Let other nodes use the session that was opened at a server for this one."""
        value = session.upstream[server] = version.encode() + b" " + identity
        try:
            await self._store.set_field(_PREFIX + session.id, f"up:{server}", value)
        except ValueError:  # the record is full: other nodes open sessions of their own
            self._read.pop(session.id.encode("ascii"), None)  # it says now what the store does not

    async def set_level(self, session: ClientSession, level: str) -> None:
        """From now on only log messages of this level and above."""
        await self._store.set_field(_PREFIX + session.id, "level", level.encode())

    async def subscribe(self, session: ClientSession, uris: frozenset[str]) -> None:
        """These are the resources whose changes it hears of from now on.

        Raises Refusal rpc_invalid_params when they are too many.
        """
        text = "\n".join(sorted(uris)).encode()
        if len(uris) > MOST_SUBSCRIBED or len(text) > _LARGEST_SUBSCRIBED:
            raise Refusal("rpc_invalid_params", f"A session subscribes to at most {MOST_SUBSCRIBED} resources.")
        await self._store.set_field(_PREFIX + session.id, "subscribed", text)

    async def end(self, session: ClientSession, principal: Principal) -> None:
        """Forget it."""
        await self._store.end(_PREFIX + session.id)
        self._log.end(session.id, self._clock.wall())
        owner = owner_of(principal)
        known = await self._listed(owner)
        if session.id in known:
            known.remove(session.id)
            await self._list(owner, known)


def _not_found() -> Refusal:
    return Refusal("session_not_found", "There is no such session.")


def _listing(owner: bytes) -> str:
    return f"{_PREFIX}of:{owner.decode()}"


def owner_of(principal: Principal) -> bytes:
    """To whom a session belongs: team, consumer and key."""
    return f"{principal.team_ref}/{principal.consumer}/{principal.key_id}".encode()
