"""Who waits for a place, who is next and who gives way: first come, fair between subjects, or by priority."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

CRITICAL, DEFAULT, BATCH = 0, 1, 2
"""Values of `Exchange.priority`."""


class Ticket:
    """One who waits; `future` tells whether it was let in."""

    __slots__ = ("future", "granted", "key", "priority", "since")

    def __init__(self, future: "asyncio.Future[bool]", since: float, key: str, priority: int) -> None:
        self.future, self.since, self.key, self.priority = future, since, key, priority
        self.granted = False

    def refuse(self) -> None:
        """Wait no longer."""
        if not self.future.done():
            self.future.set_result(False)


Line = OrderedDict[Ticket, None]


class Fifo:
    """First come, first served; who comes when it is full goes."""

    __slots__ = ("_line",)

    def __init__(self) -> None:
        self._line: Line = OrderedDict()

    def __len__(self) -> int:
        return len(self._line)

    def bound(self, limit: int, priority: int) -> int:
        """Calls at once above which one of this priority may not enter."""
        return limit

    def ahead(self, priority: int) -> bool:
        """Whether somebody waits who goes before a newcomer of this priority."""
        return bool(self._line)

    def entered(self, key: str, priority: int) -> None:
        """A call of `key` is inside."""

    def left(self, key: str, priority: int) -> None:
        """It is not any more."""

    def patience(self, now: float, longest: float) -> float:
        """Seconds that a newcomer may wait."""
        return longest

    def put(self, ticket: Ticket) -> None:
        """Wait."""
        self._line[ticket] = None

    def drop(self, ticket: Ticket) -> None:
        """Wait no more; nothing happens to one who does not."""
        self._line.pop(ticket, None)

    def pop(self, inside: int, limit: int) -> Ticket | None:
        """The next to be let in; None when nobody may be."""
        return self._line.popitem(last=False)[0] if self._line and inside < limit else None

    def gives_way(self, newcomer: Ticket) -> Ticket:
        """Who goes when all room for waiting is taken."""
        return newcomer


class Fair(Fifo):
    """A place that is free goes to the subject with the fewest calls inside; the one with most waiting gives way."""

    __slots__ = ("_inside", "_lines", "_waiting")

    def __init__(self) -> None:
        self._lines: OrderedDict[str, Line] = OrderedDict()
        self._inside: dict[str, int] = {}
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def ahead(self, priority: int) -> bool:
        """Whether anybody waits."""
        return self._waiting > 0

    def entered(self, key: str, priority: int) -> None:
        """Counts towards the subject's share."""
        self._inside[key] = self._inside.get(key, 0) + 1

    def left(self, key: str, priority: int) -> None:
        """No longer counts; a subject with nothing inside is forgotten."""
        number = self._inside.get(key, 0) - 1
        if number > 0:
            self._inside[key] = number
        else:
            self._inside.pop(key, None)

    def put(self, ticket: Ticket) -> None:
        """Wait in the subject's own line."""
        self._lines.setdefault(ticket.key, OrderedDict())[ticket] = None
        self._waiting += 1

    def drop(self, ticket: Ticket) -> None:
        """Leave the line."""
        line = self._lines.get(ticket.key)
        if line is not None and ticket in line:
            del line[ticket]
            self._waiting -= 1
            if not line:
                del self._lines[ticket.key]

    def pop(self, inside: int, limit: int) -> Ticket | None:
        """The first of the subject with the fewest inside; among equals the one that was served longest ago."""
        if inside >= limit or not self._waiting:
            return None
        key = min(self._lines, key=lambda key: self._inside.get(key, 0))
        ticket = next(iter(self._lines[key]))
        self.drop(ticket)
        if key in self._lines:
            self._lines.move_to_end(key)
        return ticket

    def gives_way(self, newcomer: Ticket) -> Ticket:
        """The newest of the subject with most waiting, the newcomer counted."""
        longest = max(self._lines, key=lambda key: len(self._lines[key]), default=newcomer.key)
        own = len(self._lines.get(newcomer.key, ())) + 1
        if own >= len(self._lines.get(longest, ())):
            return newcomer
        return next(reversed(self._lines[longest]))


class Lanes(Fifo):
    """A lane for each priority. Under pressure the newest is served first and nobody waits for long.

    Pressure is a queue that has not been empty for `longest` seconds (controlled delay): by then the oldest have waited
    so long that their callers may be gone, and serving them in order would make everyone late.
    """

    __slots__ = (
        "_emptied",
        "_inside",
        "_lanes",
        "_now",
        "_peak",
        "_peak_at",
        "_peak_before",
        "longest",
        "share",
        "target",
    )

    _MEMORY = 10.0

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lanes: tuple[Line, Line, Line] = (OrderedDict(), OrderedDict(), OrderedDict())
        self._emptied = now()
        self._inside = self._peak = self._peak_before = 0
        self._peak_at = now()
        self.share = 0.2
        """Share of all places that is kept for critical calls, as far as they have used it of late."""
        self.target, self.longest = 0.005, 0.1

    def __len__(self) -> int:
        first, second, third = self._lanes
        return len(first) + len(second) + len(third)

    @property
    def pressed(self) -> bool:
        """Whether the queue has not been empty for a while."""
        return len(self) > 0 and self._now() - self._emptied > self.longest

    def bound(self, limit: int, priority: int) -> int:
        """All but the critical ones leave free what critical ones have lately needed, within the share."""
        if priority == CRITICAL:
            return limit
        self._turn()
        needed = max(self._peak, self._peak_before)
        kept = min(int(limit * self.share), needed + 1) if needed else 0
        return limit - max(0, kept - self._inside)

    def ahead(self, priority: int) -> bool:
        """Whether one of this priority or a higher one waits."""
        return any(self._lanes[: priority + 1])

    def entered(self, key: str, priority: int) -> None:
        """Notes how many critical ones there are at once."""
        if priority == CRITICAL:
            self._turn()
            self._inside += 1
            self._peak = max(self._peak, self._inside)

    def left(self, key: str, priority: int) -> None:
        """One less."""
        if priority == CRITICAL:
            self._inside -= 1

    def _turn(self) -> None:
        now = self._now()
        if now - self._peak_at >= self._MEMORY:
            stale = now - self._peak_at >= 2 * self._MEMORY
            self._peak_before, self._peak = (self._inside if stale else self._peak), self._inside
            self._peak_at = now

    def patience(self, now: float, longest: float) -> float:
        """Under pressure hardly any."""
        return self.target if self.pressed else longest

    def put(self, ticket: Ticket) -> None:
        """Wait in the lane of its priority."""
        if not len(self):
            self._emptied = ticket.since
        self._lanes[ticket.priority][ticket] = None

    def drop(self, ticket: Ticket) -> None:
        """Leave it."""
        self._lanes[ticket.priority].pop(ticket, None)

    def pop(self, inside: int, limit: int) -> Ticket | None:
        """The highest priority first; in its lane the oldest, under pressure the newest."""
        for priority, lane in enumerate(self._lanes):
            if lane and inside < self.bound(limit, priority):
                return lane.popitem(last=self.pressed)[0]
        return None

    def gives_way(self, newcomer: Ticket) -> Ticket:
        """The oldest of the lowest priority that waits, if that is lower than the newcomer's or as low."""
        for priority in (BATCH, DEFAULT, CRITICAL):
            if priority < newcomer.priority:
                break
            if self._lanes[priority]:
                return next(iter(self._lanes[priority]))
        return newcomer
