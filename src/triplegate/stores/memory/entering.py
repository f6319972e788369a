"""The step that lets calls into a room, shared by the policies that bound how many are under way at once."""

from collections.abc import Callable

import msgspec

from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Proceed, Step
from triplegate.core.gradient import Gradient, GradientRules
from triplegate.core.http import Reply
from triplegate.core.ports import Kit
from triplegate.stores.memory.room import Room

NO_RETRY = (b"x-triplegate-no-retry", b"1")
"""Tells gateways on the way back that trying again would make it worse."""


class Door(msgspec.Struct, frozen=True):
    """What a policy says of its room."""

    label: str
    enforce: bool
    queue: int
    """Calls that may wait."""
    wait: float
    """Seconds they may."""
    code: str
    detail: str
    retry_after: float = 1.0

    def refusal(self) -> Refusal:
        """For a call that is turned away."""
        return Refusal(self.code, self.detail, policy=self.label, retry_after=self.retry_after, headers=[NO_RETRY])


class Inside:
    """A call's place in a room; called when its exchange closes."""

    __slots__ = ("_key", "_priority", "room")

    def __init__(self, room: Room, key: str, priority: int) -> None:
        self.room, self._key, self._priority = room, key, priority

    def __call__(self, _: Exchange) -> None:
        """Give it back."""
        self.room.leave(self._key, self._priority)


def holds(exchange: Exchange, room: Room) -> bool:
    """Whether a call that this one is a part of is inside already: else the two would wait for each other."""
    ancestor = exchange.parent
    while ancestor is not None:
        if any(type(closer) is Inside and closer.room is room for closer in ancestor.closers):
            return True
        ancestor = ancestor.parent
    return False


def entering(
    kit: Kit,
    door: Door,
    limit_of: Callable[[], int],
    room_of: Callable[[Exchange], Room],
    key_of: Callable[[Exchange], str],
) -> Step:
    """A step that enters, waits or refuses; a call leaves when its exchange closes, whatever became of it."""
    now = kit.clock.now

    async def queued(exchange: Exchange, proceed: Proceed, room: Room, key: str, priority: int) -> Reply:
        seconds = door.wait if exchange.deadline is None else min(door.wait, exchange.deadline - now())
        if not await room.wait(key, priority, door.queue, seconds):
            raise door.refusal()
        exchange.closers.append(Inside(room, key, priority))
        return await proceed(exchange)

    def step(exchange: Exchange, proceed: Proceed) -> object:
        room, key, priority = room_of(exchange), key_of(exchange), exchange.priority
        if exchange.parent is not None and holds(exchange, room):
            return proceed(exchange)
        limit = limit_of()
        if not room.enter(limit, key, priority):
            if door.enforce:
                return queued(exchange, proceed, room, key, priority)
            if room.inside >= limit + door.queue:
                room.refused += 1
                exchange.decisions.append((door.label, "would refuse", door.code))
            room.force(key, priority)
        exchange.closers.append(Inside(room, key, priority))
        return proceed(exchange)

    return passing if kit.offline else step  # type: ignore[return-value]  # every branch returns an awaitable


def passing(exchange: Exchange, proceed: Proceed) -> object:
    """Nothing is counted where nothing is sent."""
    return proceed(exchange)


def measured(kit: Kit, step: Step, gradient: Gradient, rules: GradientRules, room: Room) -> Step:
    """`step`, and how long the upstream took to begin its answer told to `gradient`.

    A call that timed out took at least as long; what else failed, or failed fast, says nothing about load.
    """
    now = kit.clock.now

    async def timed(exchange: Exchange, proceed: Proceed) -> Reply:
        try:
            reply = await step(exchange, proceed)
        except Refusal as refusal:
            sent = exchange.numbers.dispatched
            if refusal.code == "upstream_timeout" and sent:
                gradient.sample(now(), now() - sent, room.inside, rules)
            raise
        numbers = exchange.numbers
        if numbers.upstream_head and reply.status < 500:
            gradient.sample(now(), numbers.upstream_head - numbers.dispatched, room.inside, rules)
        return reply

    return timed if not kit.offline else step
