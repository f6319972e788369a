"""One address of a service: where it is, what it is worth, how it does, and who is using it."""

from collections.abc import Callable
from itertools import count

import msgspec

from triplegate.core.exchange import Exchange
from triplegate.upstreams.origin import Origin
from triplegate.upstreams.pool import Pool


class Standing:
    """What is known of an endpoint; counters only, kept by `kit.state` under service and address."""

    __slots__ = (
        "active",
        "began",
        "calls",
        "checked",
        "ejected",
        "ejected_until",
        "ejections",
        "failed",
        "ill",
        "in_a_row",
        "measured",
        "recent",
        "seconds",
        "since",
        "streak",
        "well",
        "why",
    )

    def __init__(self, since: float = 0.0) -> None:
        self.active = 0
        """Attempts under way there."""
        self.calls = self.failed = 0
        """Attempts sent there so far, and those that failed."""
        self.in_a_row = 0
        """Failures since the last success."""
        self.recent = [0, 0, 0, 0]
        """Calls and failures of this window, then those of the one before."""
        self.began = 0.0
        """When this window began."""
        self.ejected_until = 0.0
        """Monotonic seconds until which it is left alone; 0: it is not."""
        self.ejections = 0
        """In a row."""
        self.ejected = 0
        """How often it was left alone so far."""
        self.since = since
        """When it came, or came back; 0: it has been here from the start."""
        self.seconds = self.measured = 0.0
        """Time to first byte as of monotonic `measured`; 0: not yet."""
        self.why = ""
        """What was wrong when a call last failed."""
        self.well: bool | None = None
        """What the questions about its health have come to; None: it was not asked yet."""
        self.streak = 0
        """Answers in a row that say otherwise."""
        self.checked = 0.0
        """When it was last asked; monotonic seconds."""
        self.ill = ""
        """What was wrong with the last answer; empty when nothing was."""


class Roster:
    """What a service's endpoints share; kept by `kit.state` under the service's name."""

    __slots__ = ("active", "changes", "known", "turn")

    def __init__(self) -> None:
        self.active = 0
        """Attempts under way at all of them."""
        self.changes = 0
        """Grows when an endpoint becomes usable or ceases to be: whoever laid out the usable ones looks again."""
        self.turn: Callable[[], int] = count().__next__
        self.known = False
        """There has been a snapshot with this service: what comes now is new."""


class Endpoint(msgspec.Struct, frozen=True, eq=False):
    """One address of a service as one snapshot has it."""

    name: str
    """Its URL as written."""
    origin: Origin
    pool: Pool
    base: bytes
    """Path before the request's own; empty for most."""
    standing: Standing
    weight: int = 1
    backup: bool = False


class Use:
    """One attempt's use of an endpoint: it counts there until it ends, which it does exactly once."""

    __slots__ = ("_open", "_roster", "blameless", "endpoint")

    def __init__(self, endpoint: Endpoint, roster: Roster) -> None:
        self.endpoint = endpoint
        self._roster = roster
        self._open = True
        self.blameless = False
        """Its failure says nothing about the endpoint: no connection was free."""
        roster.active += 1
        endpoint.standing.active += 1
        endpoint.standing.calls += 1

    def end(self) -> None:
        """The attempt is over, however it went; idempotent."""
        if self._open:
            self._open = False
            self._roster.active -= 1
            self.endpoint.standing.active -= 1

    def closed(self, _: Exchange) -> None:
        """The exchange is over."""
        self.end()
