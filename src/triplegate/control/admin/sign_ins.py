"""Sign-ins of the pages: kept here, named by a cookie, over after 30 idle minutes or 12 hours (S-4)."""

import hashlib
import hmac
import secrets
from collections import OrderedDict

import msgspec

from triplegate.core.clock import Clock

IDLE = 30 * 60.0
ABSOLUTE = 12 * 3600.0
_KEPT = 1_000


class SignIn(msgspec.Struct):
    """One sign-in: which token opened it, and when. Monotonic seconds."""

    token_id: str
    csrf: str
    opened: float
    seen: float


class SignIns:
    """Only a digest of the cookie is kept. Bounded: the oldest give way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, SignIn] = OrderedDict()

    def open(self, token_id: str) -> str:
        """A new sign-in; the cookie's value, fresh each time."""
        cookie = secrets.token_urlsafe(32)
        now = self._clock.now()
        self._kept[_digest(cookie)] = SignIn(token_id, secrets.token_urlsafe(24), now, now)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return cookie

    def find(self, cookie: str, *, touch: bool = True) -> SignIn | None:
        """The living sign-in of a cookie; `touch` sets its idle time back. None when it is over or unknown."""
        digest = _digest(cookie)
        found, now = self._kept.get(digest), self._clock.now()
        if found is None:
            return None
        if now - found.opened >= ABSOLUTE or now - found.seen >= IDLE:
            del self._kept[digest]
            return None
        if touch:
            found.seen = now
        return found

    def has(self, csrf: str) -> bool:
        """Whether the sign-in with that csrf value is still open."""
        return any(same(found.csrf, csrf) for found in self._kept.values())

    def end(self, cookie: str) -> None:
        """Sign out."""
        self._kept.pop(_digest(cookie), None)

    def end_all(self, token_id: str) -> None:
        """End every sign-in that a token opened."""
        for digest in [digest for digest, found in self._kept.items() if found.token_id == token_id]:
            del self._kept[digest]


def same(left: str, right: str) -> bool:
    """Equality in constant time, for any text."""
    return hmac.compare_digest(left.encode(), right.encode())


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
