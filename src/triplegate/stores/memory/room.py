"""A bounded number of calls inside at once, and a bounded queue before the door."""

import asyncio
from collections.abc import Callable

from triplegate.stores.memory.queues import Fifo, Ticket


class Room:
    """Counters and queue of one bound; keep it by `kit.state`. The bound itself is said at each entry."""

    __slots__ = ("_limit", "_now", "inside", "queue", "refused")

    def __init__(self, now: Callable[[], float], queue: Fifo) -> None:
        self._now, self.queue = now, queue
        self._limit = 1
        self.inside = 0
        self.refused = 0
        """Those who were turned away, or would have been."""

    def enter(self, limit: int, key: str, priority: int) -> bool:
        """Go in, if there is a place now; whoever went in calls `leave` exactly once."""
        self._limit = limit
        queue = self.queue
        queue.came(priority)
        if len(queue):
            self._fill()
        if self.inside >= queue.bound(limit, priority) or queue.ahead(priority):
            return False
        self.force(key, priority)
        return True

    def force(self, key: str, priority: int) -> None:
        """Go in, whether there is a place or not."""
        self.inside += 1
        self.queue.entered(key, priority)

    async def wait(self, key: str, priority: int, most: int, seconds: float) -> bool:
        """Wait for a place behind at most `most` others, for at most `seconds`; False: turned away."""
        seconds = min(seconds, self.queue.patience(seconds, priority))
        if most <= 0 or seconds <= 0:
            return self._turned_away(priority)
        loop = asyncio.get_running_loop()
        ticket = Ticket(loop.create_future(), self._now(), key, priority)
        if len(self.queue) >= most:
            loser = self.queue.gives_way(ticket)
            if loser is ticket:
                return self._turned_away(priority)
            self.queue.drop(loser)
            loser.refuse()
        self.queue.put(ticket)
        timer = loop.call_later(seconds, ticket.refuse)
        try:
            let_in = await ticket.future
        except asyncio.CancelledError:
            if ticket.granted:
                self.leave(key, priority)
            raise
        finally:
            timer.cancel()
            self.queue.drop(ticket)
        return let_in or self._turned_away(priority)

    def _turned_away(self, priority: int) -> bool:
        self.refused += 1
        self.queue.went(priority)
        return False

    def leave(self, key: str, priority: int) -> None:
        """Go out; whoever is next comes in."""
        self.inside -= 1
        self.queue.left(key, priority)
        if len(self.queue):
            self._fill()

    def _fill(self) -> None:
        while (ticket := self.queue.pop(self.inside, self._limit)) is not None:
            if not ticket.future.done():  # else it was cancelled or its time was over this very moment
                ticket.granted = True
                self.force(ticket.key, ticket.priority)
                ticket.future.set_result(True)


class Rooms:
    """A room for each subject. Of those that nobody is in a bounded number is kept, so that most calls find theirs."""

    __slots__ = ("_make", "_now", "_rooms", "_sweep_at")

    _KEPT = 1_024

    def __init__(self, now: Callable[[], float], make: Callable[[], Fifo]) -> None:
        self._now, self._make = now, make
        self._rooms: dict[str, Room] = {}
        self._sweep_at = self._KEPT

    def __len__(self) -> int:
        return len(self._rooms)

    def room(self, key: str) -> Room:
        """The subject's room."""
        found = self._rooms.get(key)
        if found is None:
            if len(self._rooms) >= self._sweep_at:
                self._sweep()
            found = self._rooms[key] = Room(self._now, self._make())
        return found

    def _sweep(self) -> None:
        self._rooms = {key: room for key, room in self._rooms.items() if room.inside}
        self._sweep_at = len(self._rooms) + self._KEPT

    def totals(self) -> tuple[int, int]:
        """Calls inside and calls waiting, over all subjects."""
        rooms = list(self._rooms.values())
        return sum(room.inside for room in rooms), sum(len(room.queue) for room in rooms)
