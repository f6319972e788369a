"""Bounded streams that can be read again from a place, in this process."""

import asyncio
from collections import OrderedDict, deque

from triplegate.core.clock import Clock


class _Box:
    __slots__ = ("expires", "messages", "size", "waiting")

    def __init__(self) -> None:
        self.messages: deque[tuple[int, bytes]] = deque()
        self.size = 0
        self.expires = 0.0
        self.waiting: set[asyncio.Future[None]] = set()


class MemoryMailbox:
    """The Mailbox port. A box keeps its last messages; above a bound of the whole the box used longest ago goes."""

    __slots__ = ("_boxes", "_clock", "_last", "_max_boxes", "_max_bytes", "_max_messages", "_max_total", "_total")

    def __init__(
        self,
        clock: Clock,
        max_boxes: int = 10_000,
        max_messages: int = 1_000,
        max_bytes: int = 1024 * 1024,
        max_total: int = 64 * 1024 * 1024,
    ) -> None:
        self._clock = clock
        self._boxes: OrderedDict[str, _Box] = OrderedDict()
        self._max_boxes, self._max_messages, self._max_bytes = max_boxes, max_messages, max_bytes
        self._max_total = max_total
        self._total = 0
        """Bytes of all messages."""
        self._last = 0
        """Ids count over all boxes, so that a box made anew goes on where the old one ended."""

    def __len__(self) -> int:
        return len(self._boxes)

    async def append(self, box: str, message: bytes, ttl: float) -> str:
        """Keep a message; its id. Raises ValueError for one that is larger than a whole box."""
        if len(message) > self._max_bytes:
            raise ValueError(f"a message has at most {self._max_bytes} bytes")
        now = self._clock.now()
        kept = self._open(box, now)
        kept.expires = now + ttl
        self._last += 1
        kept.messages.append((self._last, message))
        self._grow(kept, len(message))
        while len(kept.messages) > self._max_messages or kept.size > self._max_bytes:
            self._grow(kept, -len(kept.messages.popleft()[1]))
        while self._total > self._max_total and len(self._boxes) > 1:
            self._forget(next(iter(self._boxes)))
        for waiter in kept.waiting:
            if not waiter.done():
                waiter.set_result(None)
        return f"0-{self._last}"

    async def read(self, box: str, after: str, wait: float) -> list[tuple[str, bytes]]:
        """Messages after id `after` (empty: from the start). Raises ValueError for an id that is none."""
        place = id_of(after)[1]
        found = self._after(box, place)
        if found or wait <= 0:
            return found
        kept = self._open(box, self._clock.now())
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        kept.waiting.add(waiter)
        try:
            async with asyncio.timeout(wait):
                await waiter
        except TimeoutError:
            pass  # what came in by another way is still read below
        finally:
            kept.waiting.discard(waiter)
        return self._after(box, place)

    def _after(self, box: str, place: int) -> list[tuple[str, bytes]]:
        kept = self._boxes.get(box)
        if kept is None or kept.expires <= self._clock.now():
            return []
        return [(f"0-{number}", message) for number, message in kept.messages if number > place]

    def _open(self, box: str, now: float) -> _Box:
        kept = self._boxes.get(box)
        if kept is None:
            self._make_room(now)
            kept = self._boxes[box] = _Box()
        elif kept.expires <= now:
            kept.messages.clear()
            self._grow(kept, -kept.size)
        self._boxes.move_to_end(box)
        return kept

    def _make_room(self, now: float) -> None:
        for _ in range(2):
            oldest = next(iter(self._boxes), None)
            if oldest is None or self._boxes[oldest].expires > now or self._boxes[oldest].waiting:
                break
            self._forget(oldest)
        while len(self._boxes) >= self._max_boxes:
            self._forget(next(iter(self._boxes)))

    def _grow(self, kept: _Box, by: int) -> None:
        kept.size += by
        self._total += by

    def _forget(self, box: str) -> None:
        self._total -= self._boxes.pop(box).size


def id_of(text: str) -> tuple[int, int]:
    """The two numbers of a message id; (0, 0) for the start. Raises ValueError."""
    if not text:
        return 0, 0
    left, dash, right = text.partition("-")
    if not dash or not (left.isascii() and left.isdigit() and right.isascii() and right.isdigit()):
        raise ValueError("not a message id")
    return int(left), int(right)
