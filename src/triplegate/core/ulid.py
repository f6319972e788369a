"""Exchange ids: 26 characters that sort by time (ULID), monotonic within a process."""

import secrets

from triplegate.core.clock import Clock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)


def encode(value: int) -> str:
    """Crockford base 32 of a 128-bit number, 26 characters."""
    pairs = _PAIRS
    return "".join([pairs[value >> shift & 1023] for shift in range(120, -1, -10)])


class Ulids:
    """Makes ids that never repeat and never run backwards, even when the wall clock does.

    48 bits of Unix milliseconds, 60 random bits of this process, and a 20-bit count that goes on while the millisecond
    lasts: one process's ids sort, and two processes' ids differ.
    """

    __slots__ = ("_clock", "_count", "_millisecond", "_own", "_stem")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._own = encode(secrets.randbits(60))[-12:]
        self._millisecond = -1
        self._count = 0
        self._stem = ""

    def make(self) -> str:
        """The next id, 26 characters."""
        millisecond = int(self._clock.wall() * 1000)
        count = self._count
        if millisecond > self._millisecond:
            self._begin(millisecond)
            count = 0
        elif count > 0xFFFFF:
            self._begin(self._millisecond + 1)
            count = 0
        self._count = count + 1
        return self._stem + _PAIRS[count >> 10] + _PAIRS[count & 1023]

    def _begin(self, millisecond: int) -> None:
        pairs = _PAIRS
        self._millisecond = millisecond
        self._stem = (
            pairs[millisecond >> 40 & 1023]
            + pairs[millisecond >> 30 & 1023]
            + pairs[millisecond >> 20 & 1023]
            + pairs[millisecond >> 10 & 1023]
            + pairs[millisecond & 1023]
            + self._own
        )
