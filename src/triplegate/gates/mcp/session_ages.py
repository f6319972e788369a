"""How long sessions last: those of clients here, told once by the worker that opened each, and ours at servers."""

from collections import OrderedDict

from triplegate.core.meter_names import SESSIONS
from triplegate.core.meters import Histogram

IDLE = 1800.0
"""Seconds a session lives after its last use."""
MOST = 100_000
"""Sessions of clients that are timed; of more the one unused longest is let go as if it had ended."""


class _Life:
    __slots__ = ("begun", "used", "version")

    def __init__(self, version: str, now: float) -> None:
        self.version = version
        self.begun = self.used = now


class SessionAges:
    """The sessions of one worker. Times in seconds of one clock, whichever that is."""

    __slots__ = ("_living", "client", "server")

    def __init__(self) -> None:
        self.server, self.client = Histogram(*SESSIONS["server"]), Histogram(*SESSIONS["client"])
        self._living: OrderedDict[str, _Life] = OrderedDict()

    def begin(self, identity: str, version: str, now: float) -> None:
        """A client has opened one here."""
        self._living[identity] = _Life(version, now)
        if len(self._living) > MOST:
            self._over(self._living.popitem(last=False)[1], "evicted", None)

    def use(self, identity: str, now: float) -> None:
        """It is used; others may be over by now."""
        life = self._living.get(identity)
        if life is not None:
            life.used = now
            self._living.move_to_end(identity)
        self.expire(now)

    def end(self, identity: str, now: float, error: str = "") -> None:
        """It has ended, here or on another node; one that was opened elsewhere is told there."""
        life = self._living.pop(identity, None)
        if life is not None:
            self._over(life, error, now)

    def expire(self, now: float) -> None:
        """Sessions that nobody uses any more are over since their last use."""
        while self._living:
            identity, life = next(iter(self._living.items()))
            if life.used + IDLE >= now:
                return
            del self._living[identity]
            self._over(life, "timeout", None)

    def _over(self, life: _Life, error: str, now: float | None) -> None:
        ended = life.used if now is None else now
        self.server.record((life.version, error), max(0.0, ended - life.begun))
