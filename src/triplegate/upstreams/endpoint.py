"""One address of a service: where it is, what it is worth, how it does, and who is using it."""

import msgspec

from triplegate.core.exchange import Exchange
from triplegate.upstreams.origin import Origin
from triplegate.upstreams.pool import Pool


class Standing:
    """What is known of an endpoint; counters only, kept by `kit.state` under service and address."""

    __slots__ = ("active", "calls")

    def __init__(self) -> None:
        self.active = 0
        """Attempts under way there."""
        self.calls = 0
        """Attempts sent there so far."""


class Endpoint(msgspec.Struct, frozen=True, eq=False):
    """One address of a service as one snapshot has it."""

    name: str
    """Its URL as written."""
    origin: Origin
    pool: Pool
    base: bytes
    """Path before the request's own; empty for most."""
    standing: Standing


class Use:
    """One attempt's use of an endpoint: it counts there until it ends, which it does exactly once."""

    __slots__ = ("_open", "endpoint")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._open = True
        endpoint.standing.active += 1
        endpoint.standing.calls += 1

    def end(self) -> None:
        """The attempt is over, however it went; idempotent."""
        if self._open:
            self._open = False
            self.endpoint.standing.active -= 1

    def closed(self, _: Exchange) -> None:
        """The exchange is over."""
        self.end()
