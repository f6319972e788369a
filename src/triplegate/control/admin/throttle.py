"""Slow down who guesses: after five attempts a minute each further one waits twice as long (S-9)."""

import ipaddress
from collections import OrderedDict

from triplegate.core.clock import Clock

_FREE = 5
_FORGET = 900.0
"""Seconds without an attempt after which an address starts anew, and the longest wait."""
_FIRST_WAIT = 12.0
_KEPT = 10_000


class Throttle:
    """Counts attempts by address (IPv6: by /64); success clears. Bounded: the longest unseen are forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, tuple[int, float, float]] = OrderedDict()

    def charge(self, address: str) -> float:
        """Count one attempt; 0 when it may be evaluated, else the seconds to wait (and it was not counted)."""
        now, key = self._clock.now(), _network(address)
        attempts, free_at, last = self._seen.get(key, (0, 0.0, now))
        if now < free_at:
            return free_at - now
        if now - last > _FORGET:
            attempts = 0
        attempts += 1
        wait = min(_FORGET, _FIRST_WAIT * 2 ** min(attempts - _FREE, 10)) if attempts >= _FREE else 0.0
        self._seen[key] = (attempts, now + wait, now)
        self._seen.move_to_end(key)
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        return 0.0

    def clear(self, address: str) -> None:
        """The address proved itself."""
        self._seen.pop(_network(address), None)


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
