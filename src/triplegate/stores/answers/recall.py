"""Ask once: a question that was answered is answered again, one under way is joined, any other is asked and kept."""

from collections.abc import Callable
from typing import Any, Literal, cast

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Proceed
from triplegate.core.http import Reply
from triplegate.core.identity import Principal
from triplegate.core.policy import Stage
from triplegate.core.ports import Kit
from triplegate.core.watching import Events, Retelling, Watch
from triplegate.stores.answers.eligible import why_not_asked, why_not_given
from triplegate.stores.answers.flights import Flight, Flights, Following, Recorder
from triplegate.stores.answers.inside import OwnBody
from triplegate.stores.answers.kept import Kept, read, write
from triplegate.stores.answers.purging import TAG, purged_before, tags_of
from triplegate.wire.cache_control import Wishes, read_wishes
from triplegate.wire.neutral_events import Event
from triplegate.wire.normal_form import Normal, digest, normal

HEADER = b"x-triplegate-cache"
Scope = Literal["org", "team", "consumer", "key"]


class Terms(msgspec.Struct, frozen=True):
    """What a policy says of remembering."""

    label: str
    ttl: float
    scope: Scope
    tools: bool
    finishes: frozenset[str]
    tags: tuple[str, ...]
    largest: int
    """Bytes of a question, and of an answer's text."""
    obeys: bool
    """Whether clients' Cache-Control counts."""


class Asked(msgspec.Struct, frozen=True, eq=False):
    """A question that may be remembered."""

    request: Any
    normal: Normal
    wishes: Wishes
    tenant: str
    """Whose answers these are."""
    scope: bytes
    """Digest of all that must be equal but for the last words."""
    key: str


class Whole(Events):
    """The events of an answer that is there."""

    __slots__ = ()

    def __init__(self, events: list[Event]) -> None:
        self.whole = events

    async def next(self) -> list[Event]:
        """There is no more."""
        return []

    def close(self) -> None:
        """Nothing is held."""


class Recall:
    """What one chain's policy does with its calls."""

    __slots__ = ("_flights", "_kit", "_shape", "terms")

    def __init__(self, kit: Kit, terms: Terms) -> None:
        self._kit, self.terms = kit, terms
        self._flights = kit.state(Flights, "answers", Flights)
        self._shape: bytes | None = None

    # the question --------------------------------------------------------------------------------------------------
    def asked(self, exchange: Exchange) -> Asked | str:
        """The question, or why nothing is remembered of it; empty where there is nothing to tell."""
        call, terms = exchange.call, self.terms
        if call is None or getattr(call, "endpoint", None) is None or call.endpoint.codec is None:
            return ""
        if isinstance(exchange.inbound.body, OwnBody):
            return "a call of the gateway's own"
        if call.size > terms.largest:
            return "too large"
        wishes = read_wishes(exchange.inbound.headers) if terms.obeys else Wishes()
        if not (wishes.store or wishes.use):
            return "no-store"
        try:
            request = call.request()
        except Refusal:
            return "not read"
        why = why_not_asked(request, tools=terms.tools)
        if why:
            return why
        tenant = tenant_of(exchange.principal, terms.scope)
        asked = normal(request)
        shaped = self._shaped(exchange)
        scope = digest((asked.scope, tenant.encode(), call.model.encode(), shaped, terms.label.encode()))
        return Asked(request, asked, wishes, tenant, scope, digest((scope, asked.text.encode())).hex())

    def _shaped(self, exchange: Exchange) -> bytes:
        """Who may answer, and what becomes of the question behind us: another configuration, another answer."""
        if self._shape is None:
            assert exchange.route is not None
            assert exchange.chain is not None
            names = [target.name for target, _ in exchange.route.targets]
            behind = [one.model_dump_json() for one in exchange.chain.policies if one.stage == Stage.SHAPE]
            self._shape = digest([text.encode() for text in (*names, "|", *behind)])
        return self._shape

    # an answer that is there ---------------------------------------------------------------------------------------
    async def find(self, exchange: Exchange, asked: Asked) -> Kept | None:
        """The remembered answer to just this question, if it may be told."""
        if not asked.wishes.use:
            return None
        kept = read(await self._kit.cache.get(f"{TAG}:{asked.key}"))
        if kept is None or kept.at < await purged_before(self._kit.cache, team_of(exchange.principal)):
            return None
        age = exchange.house.clock.wall() - kept.at
        return None if asked.wishes.oldest is not None and age > asked.wishes.oldest else kept

    async def tell(self, exchange: Exchange, kept: Kept, how: str) -> Reply:
        """The remembered answer; it costs nothing, and what it cost then is saved."""
        age = max(0, int(exchange.house.clock.wall() - kept.at))
        exchange.numbers.cache, exchange.numbers.saved = "hit", kept.cost
        exchange.target = kept.target
        exchange.reply_headers.append((HEADER, f"hit; {how}; age={age}".encode("ascii")))
        return await _gate(exchange).retell(exchange, Whole(kept.events))

    # an answer that is under way -----------------------------------------------------------------------------------
    async def join_or_ask(
        self, exchange: Exchange, proceed: Proceed, asked: Asked, keep: Callable[[Kept], Any] | None = None
    ) -> Reply:
        """Follow whoever asks the same right now, else ask; `keep` is called with what was answered, after it was.

        Raises Refusal not_cached where the client wants nobody to be asked.
        """
        if asked.wishes.only:
            raise Refusal("not_cached", "There is no remembered answer.", policy=self.terms.label)
        key = bytes.fromhex(asked.key)
        while True:
            joined = self._flights.find(key) if asked.wishes.use else None
            if joined is None:
                return await self._ask(exchange, proceed, asked, self._flights.lead(key), keep)
            following = Following(joined)
            if await following.begun():
                if joined.followed is not None:
                    joined.followed()
                exchange.numbers.cache = "shared"
                exchange.on_close(following.shared)
                exchange.reply_headers.append((HEADER, b"shared"))
                return await _gate(exchange).retell(exchange, following)
            self._flights.end(key, joined)

    async def _ask(
        self,
        exchange: Exchange,
        proceed: Proceed,
        asked: Asked,
        flight: Flight | None,
        keep: Callable[[Kept], Any] | None,
    ) -> Reply:
        answers: list[list[Event]] = []
        if flight is not None:
            flight.leader = exchange
        exchange.look(_Recording(flight, self.terms.largest, answers))
        exchange.on_close(lambda closed: self._ended(closed, asked, flight, answers, keep))
        exchange.numbers.cache = "miss"
        exchange.reply_headers.append((HEADER, b"miss"))
        reply = await proceed(exchange)
        if flight is not None:
            if reply.status >= 400:
                self._flights.end(bytes.fromhex(asked.key), flight)

            def followed() -> None:
                reply.on_gone = "finish" if reply.on_gone == "cancel" else reply.on_gone

            flight.followed = followed
        return reply

    def _ended(
        self,
        exchange: Exchange,
        asked: Asked,
        flight: Flight | None,
        answers: list[list[Event]],
        keep: Callable[[Kept], Any] | None,
    ) -> None:
        """The call is over: what it was answered is kept where it may be; until then others still join."""
        terms = self.terms
        kept: Kept | None = None
        if answers and asked.wishes.store and not why_not_given(answers[0], terms.finishes, tools=terms.tools):
            cost = sum([attempt.cost for attempt in exchange.attempts])
            kept = Kept(answers[0], exchange.house.clock.wall(), cost, exchange.target)
        if kept is None:
            self._land(asked, flight)
            return
        try:
            self._kit.supervisor.spawn(self._keep(exchange, asked, kept, flight, keep), "remember")
        except Refusal:
            self._land(asked, flight)  # too much is going on: the next one asks anew

    async def _keep(
        self,
        exchange: Exchange,
        asked: Asked,
        kept: Kept,
        flight: Flight | None,
        keep: Callable[[Kept], Any] | None,
    ) -> None:
        tags = tags_of(team_of(exchange.principal), exchange.call.model, self.terms.tags)
        try:
            await self._kit.cache.put(f"{TAG}:{asked.key}", write(kept), self.terms.ttl, tags)
        finally:
            self._land(asked, flight)
        if keep is not None:
            await keep(kept)

    def _land(self, asked: Asked, flight: Flight | None) -> None:
        if flight is not None:
            self._flights.end(bytes.fromhex(asked.key), flight)


class _Recording:
    """Makes the recorder of each attempt."""

    __slots__ = ("_answers", "_flight", "_most")
    changes = False

    def __init__(self, flight: Flight | None, most: int, answers: list[list[Event]]) -> None:
        self._flight, self._most, self._answers = flight, most, answers

    def __call__(self) -> Watch:
        """A fresh one."""
        return Recorder(self._flight, self._most, self._done)

    def _done(self, events: list[Event] | None) -> None:
        if events is not None:
            self._answers[:] = [events]


def _gate(exchange: Exchange) -> Retelling:
    return cast("Retelling", exchange.gate)


def team_of(principal: Principal | None) -> str:
    """The team that pays for a call."""
    return principal.team_ref if principal is not None else ""


def tenant_of(principal: Principal | None, scope: Scope) -> str:
    """Who shares answers with this caller; nobody else's ever reach it."""
    assert principal is not None
    if scope == "org":
        return f"org:{principal.org}"
    if scope == "team":
        return f"team:{principal.team_ref}"
    name = f"{principal.team_ref}/{principal.consumer}"
    return f"consumer:{name}" if scope == "consumer" else f"key:{name}/{principal.key_id}"
