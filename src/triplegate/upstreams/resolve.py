"""Addresses by name: remembered, asked for again off the way of calls, kept while nobody answers (F-27)."""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from triplegate.core.errors import Refusal
from triplegate.core.ports import Supervisor
from triplegate.upstreams.lookups import Address, Answer, Key, Lookups, again

_MOST_ADDRESSES = 8
"""Addresses tried for one connection."""
_MOST_KNOWN = 64
"""Addresses kept for one name."""
_MOST_NAMES = 1024
_AGAIN = 5.0
"""Seconds until a name that has addresses is asked for again after nobody answered."""
_IN_VAIN = 2.0
"""Seconds that a name without addresses is not asked for again."""
_AT_ONCE = 2
"""Names asked for again at once: a name server that hangs must not take every thread."""


V = TypeVar("V")
Load = Callable[[str], int]
"""How many connections there are to an address."""


class Known:
    """What a name led to last."""

    __slots__ = ("addresses", "doubted", "turn", "until")

    def __init__(self, addresses: tuple[Address, ...], until: float) -> None:
        self.addresses, self.until = addresses, until
        self.turn = -1
        self.doubted: set[Address] = set()
        """Did not answer when another one did, since the name was asked for."""

    def next(self, load: Load | None) -> tuple[Address, ...]:
        """The order for one more connection: of the preferred family the least loaded first, equals in turn."""
        self.turn += 1
        found = interleave(self.addresses, self.turn, load)
        return tuple(sorted(found, key=self.doubted.__contains__)) if self.doubted else found


class Resolver:
    """One for a process. Without a supervisor a name is asked for again by the call that finds it too old."""

    __slots__ = ("_asking", "_failed", "_known", "_lookups", "_now", "_supervisor", "_ttl")

    def __init__(
        self,
        ttl: float = 30.0,
        now: Callable[[], float] = time.monotonic,
        supervisor: Supervisor | None = None,
        lookups: Lookups | None = None,
    ) -> None:
        self._known: dict[Key, Known] = {}
        self._failed: dict[Key, tuple[float, OSError]] = {}
        """Names that never had an address: until when not to ask again, and why."""
        self._ttl, self._now, self._supervisor = ttl, now, supervisor
        self._asking = asyncio.Semaphore(_AT_ONCE)
        self._lookups = Lookups() if lookups is None else lookups
        self._lookups.told = self._told

    async def addresses(self, host: str, port: int, load: Load | None = None) -> tuple[Address, ...]:
        """Addresses in the order to try, families in turn. Raises OSError when there are none and never were."""
        bare = literal(host, port)
        if bare is not None:
            return (bare,)
        known = self._known.get((host, port))
        if known is None:
            known = await self._first(host, port)
        elif known.until <= self._now():
            known.until = self._now() + self._ttl  # whoever comes meanwhile need not ask too
            if self._supervisor is None:
                await self.renew(host, port)
            else:
                self._renew_later(self._supervisor, host, port)
        return known.next(load)

    async def _first(self, host: str, port: int) -> Known:
        """All calls that need a new name wait for one look-up; after it failed they are told so for a while."""
        failed = self._failed.get((host, port))
        if failed is not None and self._now() < failed[0]:
            raise again(failed[1])
        found = await self._lookups.addresses(host, port)
        return self._known.get((host, port)) or self._keep((host, port), found)

    def _told(self, key: Key, answer: Answer) -> None:
        known = self._known.get(key)
        if not isinstance(answer, OSError):
            self._failed.pop(key, None)
            self._keep(key, answer)
        elif known is not None:
            known.until = self._now() + min(_AGAIN, self._ttl)
        else:
            _make_room(self._failed)
            self._failed[key] = (self._now() + min(_IN_VAIN, self._ttl), answer)

    def _renew_later(self, supervisor: Supervisor, host: str, port: int) -> None:
        try:
            supervisor.spawn(self._renew(host, port), f"name {host}")
        except Refusal:  # no room for a task: the last addresses serve on
            return

    async def _renew(self, host: str, port: int) -> None:
        await self.renew(host, port)

    async def renew(self, host: str, port: int) -> frozenset[str]:
        """Ask again for a name that was asked for before: its addresses now; empty when nobody can tell."""
        known = self._known.get((host, port))
        if known is None:
            return frozenset()
        try:
            async with self._asking:
                fresh = await self._lookups.addresses(host, port)
        except OSError:
            known.until = self._now() + min(_AGAIN, self._ttl)
            return frozenset()
        return frozenset(str(address.sockaddr[0]) for address in fresh)

    def doubt(self, host: str, port: int, addresses: Iterable[Address]) -> None:
        """These did not answer when another one did: they come last until the name is asked for again."""
        known = self._known.get((host, port))
        if known is not None:
            known.doubted.update(addresses)

    def spread(self, host: str, port: int) -> int:
        """How many addresses of the preferred family calls are spread over."""
        known = self._known.get((host, port))
        if known is None:
            return 1
        return sum(1 for address in known.addresses if address.family == known.addresses[0].family)

    def _keep(self, key: Key, addresses: tuple[Address, ...]) -> Known:
        until, known = self._now() + self._ttl, self._known.get(key)
        if known is None:
            _make_room(self._known)
            known = self._known[key] = Known((), until)
        known.addresses, known.until = addresses[:_MOST_KNOWN], until
        known.doubted.clear()
        return known


def _make_room(names: dict[Key, V]) -> None:
    if len(names) >= _MOST_NAMES:
        del names[next(iter(names))]


def literal(host: str, port: int) -> Address | None:
    """The address that a host already is; None for a name."""
    if not (host[-1:].isdigit() or ":" in host):
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.version == 4:
        return Address(socket.AF_INET, (str(address), port))
    return Address(socket.AF_INET6, (str(address), port, 0, 0))


def interleave(addresses: Iterable[Address], turn: int = 0, load: Load | None = None) -> tuple[Address, ...]:
    """Families in turn, the resolver's first one first and begun at `turn`; a bounded number (RFC 8305 §4)."""
    every = list(addresses)
    first = every[0].family
    ours = [address for address in every if address.family == first]
    others = [address for address in every if address.family != first]
    start = turn % len(ours)
    ours = ours[start:] + ours[:start]
    if load is not None and len(ours) > 1:
        ours.sort(key=lambda address: load(str(address.sockaddr[0])))
    mixed: list[Address] = []
    while ours or others:
        for queue in (ours, others):
            if queue:
                mixed.append(queue.pop(0))
    return tuple(mixed[:_MOST_ADDRESSES])
