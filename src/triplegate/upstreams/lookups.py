"""Look-ups of names: one a name whoever asks, few at once, each in a thread that nobody waits for at the end (F-27)."""

import asyncio
import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec


class Address(msgspec.Struct, frozen=True, gc=False):
    """One place to connect to."""

    family: int
    sockaddr: tuple[Any, ...]


Key = tuple[str, int]
"""A name and a port."""
Answer = tuple[Address, ...] | OSError
Ask = Callable[..., Sequence[tuple[Any, Any, Any, Any, Any]]]
"""As `socket.getaddrinfo`."""

_AT_ONCE = 16
"""Threads: names whose servers hang must not soon keep the others waiting."""
_MOST = 1024
"""Names asked for or in line."""
_LONGEST = 10.0
"""Seconds until nobody waits for an answer any more."""


class Flight(msgspec.Struct, eq=False):
    """A name that is asked for at the moment."""

    answer: asyncio.Future[Answer]
    begun: float


class Lookups:
    """Not by the loop's `getaddrinfo`: it has few threads, lets one name fill them, and waits for them at the end."""

    __slots__ = ("_ask", "_flights", "_line", "_threads", "told")

    def __init__(self, ask: Ask = socket.getaddrinfo) -> None:
        self._ask = ask
        self._flights: dict[Key, Flight] = {}
        self._line: deque[Key] = deque()
        self._threads = 0
        self.told: Callable[[Key, Answer], None] | None = None
        """Hears every answer, also one that nobody waits for any more."""

    async def addresses(self, host: str, port: int) -> tuple[Address, ...]:
        """One or more, as the system's resolver has them. Raises OSError, also where nobody answers in 10 s."""
        flight = self._flights.get((host, port)) or self._begin((host, port))
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(flight.begun + _LONGEST):
                answer = await asyncio.shield(flight.answer)
        except TimeoutError:
            raise OSError(f"nobody answers for the name {host} since {loop.time() - flight.begun:.0f} s") from None
        if isinstance(answer, OSError):
            raise again(answer)
        return answer

    def _begin(self, key: Key) -> Flight:
        if len(self._flights) >= _MOST:
            raise OSError("too many names are being looked up")
        loop = asyncio.get_running_loop()
        flight = self._flights[key] = Flight(loop.create_future(), loop.time())
        self._line.append(key)
        self._next()
        return flight

    def _next(self) -> None:
        while self._line and self._threads < _AT_ONCE:
            self._threads += 1
            self._start(self._line.popleft())

    def _start(self, key: Key) -> None:
        loop = asyncio.get_running_loop()
        try:
            threading.Thread(target=self._run, args=(loop, key), name=f"name {key[0]}", daemon=True).start()
        except RuntimeError as error:  # the system has no thread left
            loop.call_soon(self._landed, key, OSError(str(error)))

    def _run(self, loop: asyncio.AbstractEventLoop, key: Key) -> None:
        answer = _answer(self._ask, key)
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._landed, key, answer)

    def _landed(self, key: Key, answer: Answer) -> None:
        self._threads -= 1
        flight = self._flights.pop(key)
        if self.told is not None:
            self.told(key, answer)
        flight.answer.set_result(answer)
        self._next()


def again(error: OSError) -> OSError:
    """The same error for one more call: one object raised many times would grow."""
    return type(error)(*error.args)


def _answer(ask: Ask, key: Key) -> Answer:
    try:
        rows = ask(*key, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except (ValueError, OverflowError) as error:
        return OSError(f"{key[0]!r} is not a host name: {error}")
    found = tuple(dict.fromkeys(Address(row[0], tuple(row[4])) for row in rows))
    return found or OSError("no addresses")
