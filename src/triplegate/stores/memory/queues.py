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

_HARDLY = 10
"""One in so many turned away is hardly any."""


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

    def patience(self, longest: float, priority: int) -> float:
        """Seconds that a newcomer may wait."""
        return longest

    def came(self, priority: int) -> None:
        """Somebody wants in."""

    def went(self, priority: int) -> None:
        """Somebody was turned away."""

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


class Lane:
    """Those of one priority who wait, and whether more of them come than can be served.

    Pressure begins when the lane has not been empty for `longest` seconds (controlled delay): by then the oldest have
    waited so long that their callers may be gone, and serving them in order would make everyone late. It is over after
    as long a time in which hardly any newcomer was turned away.
    """

    __slots__ = ("_began", "_pressed", "came", "emptied", "line", "went")

    def __init__(self) -> None:
        self.line: Line = OrderedDict()
        self.emptied = 0.0
        """Since when somebody waits, if anybody does."""
        self.came = self.went = 0
        """Newcomers of this while, and those who were turned away."""
        self._began = 0.0
        self._pressed = False

    def pressed(self, now: float, longest: float) -> bool:
        """Whether more come than can be served."""
        if now - self._began >= longest:
            if self.went * _HARDLY <= self.came:
                self._pressed = False
            self._began, self.came, self.went = now, 0, 0
        if self.line and now - self.emptied > longest:
            self._pressed = True
        return self._pressed


class Lanes(Fifo):
    """A lane for each priority. Under pressure the newest is served first and hardly anybody waits.

    While one priority is under pressure, nobody of a lower one gets in at all.
    """

    __slots__ = ("_inside", "_lanes", "_now", "_peak", "_peak_at", "_peak_before", "longest", "share", "target")

    _MEMORY = 10.0

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lanes = (Lane(), Lane(), Lane())
        self._inside = self._peak = self._peak_before = 0
        self._peak_at = now()
        self.share = 0.2
        """Share of all places that is kept for critical calls, as far as they have used it of late."""
        self.target, self.longest = 0.005, 0.1

    def __len__(self) -> int:
        first, second, third = self._lanes
        return len(first.line) + len(second.line) + len(third.line)

    def pressed(self, priority: int) -> bool:
        """Whether more calls of this priority come than can be served."""
        return self._lanes[priority].pressed(self._now(), self.longest)

    def bound(self, limit: int, priority: int) -> int:
        """All but the critical ones leave free what critical ones have lately needed, within the share."""
        if priority == CRITICAL:
            return limit
        if any(self.pressed(higher) for higher in range(priority)):
            return 0
        self._turn()
        needed = max(self._peak, self._peak_before)
        kept = min(int(limit * self.share), needed + 1) if needed else 0
        return limit - max(0, kept - self._inside)

    def ahead(self, priority: int) -> bool:
        """Whether one of this priority or a higher one waits."""
        return any(lane.line for lane in self._lanes[: priority + 1])

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

    def patience(self, longest: float, priority: int) -> float:
        """Hardly any under pressure, none under that of a higher priority."""
        if any(self.pressed(higher) for higher in range(priority)):
            return 0.0
        return self.target if self.pressed(priority) else longest

    def came(self, priority: int) -> None:
        """Counts for when the pressure is over."""
        self._lanes[priority].came += 1

    def went(self, priority: int) -> None:
        """Counts for when it is not."""
        self._lanes[priority].went += 1

    def put(self, ticket: Ticket) -> None:
        """Wait in the lane of its priority."""
        lane = self._lanes[ticket.priority]
        if not lane.line:
            lane.emptied = ticket.since
        lane.line[ticket] = None

    def drop(self, ticket: Ticket) -> None:
        """Leave it."""
        self._lanes[ticket.priority].line.pop(ticket, None)

    def pop(self, inside: int, limit: int) -> Ticket | None:
        """The highest priority first; in its lane the oldest, under pressure the newest."""
        for priority, lane in enumerate(self._lanes):
            if lane.line and inside < self.bound(limit, priority):
                return lane.line.popitem(last=self.pressed(priority))[0]
        return None

    def gives_way(self, newcomer: Ticket) -> Ticket:
        """The oldest of the lowest priority that waits, if that is lower than the newcomer's or as low."""
        for priority in (BATCH, DEFAULT, CRITICAL):
            if priority < newcomer.priority:
                break
            if self._lanes[priority].line:
                return next(iter(self._lanes[priority].line))
        return newcomer
