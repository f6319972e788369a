"""Equal questions under way: one is sent on, the others are told its answer from the first event on."""

import asyncio
from collections.abc import Callable
from typing import cast

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.watching import Events, Retelling
from triplegate.wire.neutral_events import Delta, Event, is_content

_MOST = 1024
"""Questions under way that others can join."""


class Flight:
    """An answer on its way to whoever asked first."""

    __slots__ = ("_waiting", "done", "events", "failed", "followed", "leader", "open", "owner", "size")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.done = self.failed = False
        self.open = True
        """Others may still join."""
        self.size = 0
        self.leader: Exchange | None = None
        """Whoever asks, and pays."""
        self.owner: object | None = None
        """The attempt whose answer it is, from its first content on."""
        self.followed: Callable[[], None] | None = None
        """Called when somebody follows: from then on the answer is read to its end whoever leaves."""
        self._waiting: list[asyncio.Future[None]] = []

    def tell(self, events: list[Event]) -> None:
        """More of the answer."""
        self.events += events
        self._wake()

    def land(self) -> None:
        """The answer is whole."""
        self.done = True
        self._wake()

    def fail(self) -> None:
        """There will be no more of it; nothing happens when it is whole."""
        if not self.done:
            self.failed = True
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    async def more(self, seen: int) -> None:
        """Wait until there is something after the first `seen` events, or an end."""
        while len(self.events) <= seen and not (self.done or self.failed):
            waits: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waits)
            await waits


class Flights:
    """The questions under way in this process, by key."""

    __slots__ = ("_flights",)

    def __init__(self) -> None:
        self._flights: dict[bytes, Flight] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def lead(self, key: bytes) -> Flight | None:
        """A flight of one's own; None where somebody leads already, or too many do."""
        if key in self._flights or len(self._flights) >= _MOST:
            return None
        flight = self._flights[key] = Flight()
        return flight

    def find(self, key: bytes) -> Flight | None:
        """The flight that answers this question, if it can be joined."""
        flight = self._flights.get(key)
        return flight if flight is not None and flight.open else None

    def end(self, key: bytes, flight: Flight) -> None:
        """Nobody can join it any more, and it lets go of who flew: else each answer were a ring for the collector."""
        flight.open = False
        flight.fail()
        flight.leader = flight.owner = flight.followed = None
        if self._flights.get(key) is flight:
            del self._flights[key]


class Following(Events):
    """The events of a flight for one who joined it."""

    __slots__ = ("_flight", "_leader", "_seen")

    def __init__(self, flight: Flight) -> None:
        self._flight, self._seen = flight, 0
        self._leader = flight.leader
        self.whole = None

    async def begun(self) -> bool:
        """Wait for its first event; False when there will be none."""
        await self._flight.more(0)
        return bool(self._flight.events) and not self._flight.failed

    async def next(self) -> list[Event]:
        """The next events. Raises Refusal upstream_reset when the answer broke off."""
        flight = self._flight
        await flight.more(self._seen)
        found = flight.events[self._seen :]
        self._seen += len(found)
        if not found and flight.failed:
            raise Refusal("upstream_reset", "The answer that was waited for broke off.", reason="its leader failed")
        return found

    def shared(self, exchange: Exchange) -> None:
        """Whoever followed is over: what somebody else paid for is saved, as with a remembered answer."""
        leader = self._leader
        if self._flight.done and leader is not None:
            exchange.numbers.saved = cast("Retelling", leader.gate).spent(leader)
            exchange.target = leader.target or leader.attempts[-1].target.name

    def close(self) -> None:
        """It goes on without this one."""


class Recorder:
    """Looks at one attempt's answer: tells it to those who follow, and keeps it for later."""

    __slots__ = ("_begun", "_done", "_flight", "_most", "events")

    def __init__(self, flight: Flight | None, most: int, done: Callable[["list[Event] | None"], None]) -> None:
        """`done` gets all events at a good end, or None where they were more than `most` bytes."""
        self._flight, self._most, self._done = flight, most, done
        self.events: list[Event] = []
        self._begun = False

    def feed(self, events: list[Event]) -> list[Event]:
        """These pass as they are."""
        self.events += events
        flight = self._flight
        if flight is None:
            return events
        if not self._begun:
            self._begin(flight)
        elif flight.owner is self:
            flight.tell(events)
        flight.size += sum([len(event.text) for event in events if isinstance(event, Delta)])
        if flight.size > self._most:
            flight.open = False
        return events

    def _begin(self, flight: Flight) -> None:
        """From the first content on nobody else answers: those who follow hear all that came until then."""
        if any(is_content(event) for event in self.events):
            self._begun = True
            if flight.owner is None:
                flight.owner = self
                flight.tell(list(self.events))

    async def judge(self) -> None:
        """Nothing is waited for."""

    def finish(self) -> list[Event]:
        """The answer is whole."""
        flight = self._flight
        if flight is not None and flight.owner in (None, self):
            if flight.owner is None:
                flight.tell(list(self.events))
            flight.land()
        size = sum([len(event.text) for event in self.events if isinstance(event, Delta)])
        self._done(self.events if size <= self._most else None)
        return []
