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
    """Makes ids that never repeat and never run backwards, even when the wall clock does."""

    __slots__ = ("_clock", "_last", "_millisecond")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._millisecond = 0
        self._last = 0

    def make(self) -> str:
        """The next id: 48 bits of Unix milliseconds, 80 random bits; within a millisecond the last one plus one."""
        millisecond = int(self._clock.wall() * 1000)
        if millisecond > self._millisecond:
            self._millisecond = millisecond
            self._last = millisecond << 80 | secrets.randbits(79)
        else:
            self._last += 1
        return encode(self._last)
