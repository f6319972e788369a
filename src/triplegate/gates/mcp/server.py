"""An MCP server as it is called: its address, our credential there, and what is known of it over reloads."""

from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Mapping
from itertools import count
from secrets import randbits
from typing import TYPE_CHECKING, Any

import msgspec

from triplegate.config.documents_approval import ApprovalRule
from triplegate.config.documents_mcp import ServerDocument
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.fold import Chain
from triplegate.core.http import Headers, Reply
from triplegate.core.identity import Principal
from triplegate.core.money import Price
from triplegate.core.policy import Dispatch, Policy, Stage
from triplegate.core.ports import Kit
from triplegate.gates.mcp.approval_rules import ApprovalRules
from triplegate.gates.mcp.call import Item, McpCall, OwnItem
from triplegate.gates.mcp.health import Health, Verdict
from triplegate.gates.mcp.kinds import KINDS, Kind
from triplegate.gates.mcp.patterns import glob
from triplegate.gates.mcp.session_log import SessionLog
from triplegate.gates.mcp.shared_work import SharedWork
from triplegate.gates.mcp.transports import transport_of
from triplegate.upstreams.retries import Spares
from triplegate.wire.mcp_era import Era

if TYPE_CHECKING:
    from triplegate.gates.mcp.pins import ServerPins

_STALE = 60.0  # seconds at most for which a list is served while it is fetched anew
_ENDLESS = 86_400.0 * 365
_MOST_SESSIONS = 10_000  # upstream sessions of one server in this process; the one idle longest is forgotten


ExposedAs = tuple[str, str, str | None, str | None]
"""Own name, the name clients use, another description, another URI of what it shows."""


class UpstreamSession:
    """A session of ours at a legacy server. Ids are ours alone, so that a hundred clients may all say id 1."""

    __slots__ = ("begun", "headers", "heard", "id", "next_id", "noted", "version")

    def __init__(self, session: bytes, version: str) -> None:
        self.id = session
        """Mcp-Session-Id; empty where the server gave none."""
        self.version = version
        self.begun = 0.0
        """Monotonic seconds when we opened it; 0: another node did."""
        self.heard = b""
        """The last event id of the stream that belongs to none of its calls."""
        said = version.encode("ascii")
        self.noted = said + b" " + session
        """As it stands in the record of the client's session, for other nodes."""
        self.headers: tuple[tuple[bytes, bytes], ...] = ((b"mcp-protocol-version", said),)
        """The headers that every request within it has."""
        if session:
            self.headers += ((b"mcp-session-id", session),)
        self.next_id = count(1 + (randbits(20) << 30)).__next__  # two nodes may share the session; 2⁵³ is the bound


class Changes:
    """How often any server's items have changed, by kind: whoever keeps a table of them looks at it."""

    __slots__ = ("counts", "told")

    def __init__(self) -> None:
        self.told: Callable[[str, str], None] | None = None
        """Hears of it: the server (empty: any may be meant), and what a server advertises that has such items."""
        self.counts: dict[Kind, int] = dict.fromkeys(KINDS, 0)

    def note(self, kind: Kind, server: str = "", *, news: bool = True) -> None:
        """Some server's items of this kind are others now; `news`: clients may have seen those before."""
        self.counts[kind] += 1
        if news and self.told is not None:
            self.told(server, KINDS[kind].capability)


class Listing:
    """What a server lists of one kind."""

    __slots__ = ("doubts", "failure", "fetching", "fresh_until", "items", "loaded", "since", "ttl", "unseen")

    def __init__(self) -> None:
        self.items: tuple[OwnItem, ...] = ()
        self.loaded = False
        """True once they were fetched."""
        self.fresh_until = 0.0
        """Monotonic seconds until which they need not be fetched again."""
        self.ttl = 60.0
        self.failure = ""
        """Why the last fetch failed; what it had before is served."""
        self.since = 0.0
        """Unix seconds since when it is fetched well, or not."""
        self.unseen = True
        """Its first fetch has not ended yet, and nobody has waited for it in vain."""
        self.fetching: SharedWork[None] = SharedWork()
        self.doubts = 0
        """How often somebody has said that it changed."""

    @property
    def first(self) -> bool:
        """Whether there is nothing yet that could be served instead, and hope that there will be."""
        return self.unseen and not self.loaded

    def fail(self, why: str, wall: float) -> None:
        """A fetch has failed, or takes too long."""
        if not self.failure:
            self.since = wall
        self.failure, self.unseen = why, False

    def succeed(self, wall: float) -> None:
        """A fetch went well."""
        if self.failure or not self.since:
            self.since = wall
        self.failure, self.unseen = "", False

    def outdate(self) -> None:
        """It has changed: whoever needs it waits for a list that was asked for after this moment."""
        self.fresh_until = 0.0
        self.doubts += 1

    def serves_stale(self, now: float) -> bool:
        """Whether it was fresh so shortly ago that nobody need wait for the new one; never after a word of change."""
        return self.loaded and self.fresh_until > 0 and now < self.fresh_until + min(self.ttl, _STALE)


class ServerState:
    """What is known of a server; outlives swaps."""

    __slots__ = (
        "asides",
        "capabilities",
        "connecting",
        "era",
        "listings",
        "met",
        "opening",
        "sessions",
        "sessions_too",
        "silent",
    )

    def __init__(self) -> None:
        self.era: Era | None = None
        self.sessions_too: bool | None = None
        """Whether a modern server has sessions as well; None until somebody has needed one."""
        self.capabilities: Mapping[str, object] | None = None
        """As the server said them when its era was found out; None where it did not say."""
        self.asides = 0
        """Streams on which it is heard for single clients."""
        self.silent = False
        """It has no such streams."""
        self.met = 0.0
        """Monotonic seconds when it was last asked what it can do."""
        self.listings: dict[Kind, Listing] = {kind: Listing() for kind in KINDS}
        self.sessions: OrderedDict[str, UpstreamSession] = OrderedDict()
        self.connecting: SharedWork[None] = SharedWork()
        self.opening: dict[str, SharedWork[UpstreamSession]] = {}

    def offers(self, capability: str) -> bool:
        """Whether the server says that it has this; one that says nothing of what it lists has tools."""
        said = self.capabilities or {}
        return capability in said or (capability == "tools" and "prompts" not in said and "resources" not in said)

    def keep(self, owner: str, session: UpstreamSession) -> UpstreamSession | None:
        """Remember the session of one principal or client session; the one that is forgotten for it."""
        gone = self.sessions.get(owner)
        self.sessions[owner] = session
        self.sessions.move_to_end(owner)
        if len(self.sessions) > _MOST_SESSIONS:
            gone = self.sessions.popitem(last=False)[1]
        return gone


class Server:
    """What `Target.wiring` is at the mcp gate."""

    __slots__ = (
        "__weakref__",
        "_ages",
        "_base",
        "_kit",
        "_priced",
        "_transport",
        "_tuned",
        "alias",
        "approval",
        "exposed",
        "health",
        "isolation",
        "name",
        "parks",
        "pins",
        "place",
        "screened",
        "spares",
        "state",
    )

    def __init__(
        self, name: str, document: ServerDocument, kit: Kit, completions: str = "/v1/chat/completions"
    ) -> None:
        """`completions`: where the llm gate takes chats."""
        self.name = name
        self.alias = document.alias or name
        self._kit = kit
        self._ages = kit.state(SessionLog, "mcp", SessionLog).ages
        self._transport = transport_of(name, document, kit, completions)
        self._base = self._transport.dispatch()
        self._tuned: dict[Chain, Dispatch] = {}
        self.isolation = document.isolation or ("principal" if document.command is not None else "session")
        """Who shares a session there."""
        self.place = f"{name}|{self._transport.place}"
        """Tells it from every other one, here and on other nodes."""
        self.state = kit.state(ServerState, f"server:{self.place}", ServerState)
        self.health = Health(name, self.place, document.health, kit)
        self.health.guard(self._with(document.policies).breaker, serving=False)
        self.spares = kit.state(Spares, f"server:{name}", Spares)
        """Shared by all calls to it."""
        self.exposed: dict[Kind, tuple[tuple[OwnItem, ...], dict[ExposedAs, Item]]] = {}
        """What it lists, and the same under the names clients use."""
        self.approval = ApprovalRules(document.approval) if document.approval else None
        """Which of its tools are called only after somebody's yes; None: none of them."""
        self.pins: ServerPins | None = None
        """What of it has to be approved; None: nothing."""
        self.parks = document.parked
        """Whether calls of clients of 2026-07-28 wait here until the client has answered what the server asks."""
        self.screened = any(policy.stage is Stage.SCREEN for policy in document.policies)
        """Whether policies look at what is said to it and what it says."""
        own = () if document.price is None else document.price.prices(name)
        self._priced = tuple((glob((pattern,)), price) for pattern, price in own)

    @property
    def local(self) -> bool:
        """Whether its sessions are known to this node only."""
        return self._transport.local

    @property
    def owned(self) -> bool:
        """Whether it wants to know the owner of every request."""
        return self._transport.owned

    async def older(self) -> bool:
        """Whether it speaks an older way than it was spoken to; it is spoken to so from now on."""
        return await self._transport.older()

    @property
    def network(self) -> str:
        """OpenTelemetry's network.transport of what goes there."""
        return self._transport.network

    @property
    def known_era(self) -> Era | None:
        """The era that it has because of what it is; None: it is asked."""
        return self._transport.known_era

    @property
    def patience(self) -> float:
        """Seconds that it has to answer a question that it may not know."""
        return self._transport.patience

    @property
    def first_list(self) -> float:
        """Seconds that a list waits for it when it has never listed anything."""
        return min(self._base.first_byte, self._transport.first_list)

    @property
    def missing(self) -> str:
        """Why it cannot be called, such as a secret that is not there; empty when it can."""
        return self._transport.missing

    def approval_of(self, call: McpCall, item: Item, principal: Principal) -> ApprovalRule | None:
        """Whose yes a call of this item needs; None: nobody's."""
        if self.approval is None or item.kind != "tool":
            return None
        return self.approval.of(item.own.name, call, principal)

    def vouches(self, kind: Kind, own: OwnItem) -> bool:
        """Whether the definition may be offered: where pins are enforced it has to be approved."""
        return self.pins is None or self.pins.permits(kind, own)

    def price_of(self, tool: str, otherwise: Price | None) -> Price | None:
        """What a call of that tool costs; the server's own price where it has none."""
        for fits, price in self._priced:
            if fits(tool):
                return price
        return otherwise

    def dispatch(self, chain: Chain | None) -> Dispatch:
        """The server's own times, with what the chain's policies say on top; made once per chain."""
        if chain is None:
            return self._base
        found = self._tuned.get(chain)
        if found is None:
            found = self._tuned[chain] = self._with(chain.policies)
            self.health.guard(found.breaker, serving=True)
        return found

    def _with(self, policies: Iterable[Policy]) -> Dispatch:
        found = msgspec.structs.replace(self._base, tuned=dict(self._base.tuned))
        for policy in policies:
            if policy.form == "tune":
                policy.tune(found)
        return found

    def lacks(self, kind: Kind, now: float) -> bool:
        """Whether what it lists of this kind is missing or stale."""
        listing = self.state.listings[kind]
        return bool(listing.failure) or not listing.loaded or (listing.fresh_until <= now and self.health.barred)

    @property
    def verdict(self) -> Verdict:
        """How it stands."""
        found = self.health.verdict
        if found.state not in ("up", "unknown"):
            return found
        asked = [one for one in self.state.listings.values() if one.loaded or one.failure]
        failing = [one for one in asked if one.failure]
        if self.missing:
            return Verdict("down", self.missing)
        if failing:
            known = found.state == "up" or len(failing) < len(asked)
            return Verdict("failing" if known else "down", failing[0].failure, failing[0].since)
        if found.state == "up" or not asked:
            return found
        return Verdict("up", "", max(one.since for one in asked))

    def send(
        self,
        headers: Headers,
        body: bytes,
        dispatch: Dispatch,
        deadline: float | None,
        method: str = "POST",
        *,
        exchange: Exchange | None = None,
        owner: str = "",
    ) -> Coroutine[Any, Any, Reply]:
        """One request, for `exchange` or for ourselves; `owner` as a Transport wants it. Raises Refusal upstream_*."""
        if self._transport.missing:
            self.check()
        return self._transport.send(method, headers, body, dispatch, deadline, exchange, owner)

    def check(self) -> None:
        """Raises Refusal upstream_credentials when a secret of ours is not there."""
        if missing := self._transport.missing:
            raise Refusal(
                "upstream_credentials", f"The server {self.name} cannot be called at the moment.", reason=missing
            )

    def own_times(self, longest: float) -> Dispatch:
        """For calls of our own (probe, list): the server's times, but never longer than `longest` seconds."""
        base = self._base
        return msgspec.structs.replace(
            base, first_byte=min(base.first_byte, longest), idle=min(base.idle, longest), total=min(base.total, longest)
        )

    def endless(self) -> Dispatch:
        """For streams on which a server may be silent for as long as it likes."""
        return msgspec.structs.replace(self._base, idle=_ENDLESS, total=_ENDLESS, stream=_ENDLESS)

    def deadline(self, seconds: float) -> float:
        """Monotonic seconds, `seconds` from now."""
        return self._kit.clock.now() + seconds

    def keep(self, owner: str, session: UpstreamSession) -> None:
        """Remember the session of one principal or client session."""
        gone = self.state.keep(owner, session)
        if gone is not None and gone is not session:
            self._over(gone, "evicted")

    def forget(self, owner: str, session: UpstreamSession | None = None, error: str = "") -> None:
        """Drop the owner's session, or only this one, if nobody has replaced it already."""
        found = self.state.sessions.get(owner)
        if found is not None and (session is None or found is session):
            del self.state.sessions[owner]
            self._over(found, error)

    def _over(self, session: UpstreamSession, error: str) -> None:
        if session.begun:
            self._ages.client.record((session.version, error), self._kit.clock.now() - session.begun)

    async def alone(self, work: SharedWork[Any], make: Callable[[], Coroutine[Any, Any, Any]], name: str) -> Any:
        """Carry out `work` once for all who ask for it at the same time."""
        return await work.get(self._kit.supervisor, make, f"{name} {self.name}")
