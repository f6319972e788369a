"""The endpoints of a service together: who is usable, which of them a call goes to, and what its result means."""

from collections.abc import Collection, Sequence
from typing import Protocol

from triplegate.config.documents_api import ServiceDocument
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Attempt
from triplegate.upstreams import outlier
from triplegate.upstreams.balancing.latency import Latency, measure
from triplegate.upstreams.balancing.least_request import LeastRequest
from triplegate.upstreams.balancing.ring import Hashed, Ring
from triplegate.upstreams.balancing.round_robin import RoundRobin
from triplegate.upstreams.deadlines import NEVER
from triplegate.upstreams.endpoint import Endpoint, Roster

_BLAMED = frozenset({"transient", "overload", "stall", "malformed"})
_LEAST = 0.1
"""Share of its weight with which an endpoint starts slowly."""
_STEPS = 20
"""Steps in which it grows to its whole weight."""


class Choice(Protocol):
    """One algorithm over the endpoints that are usable now."""

    def pick(self, key: bytes | None, now: float) -> Endpoint:
        """The endpoint of the next call."""
        ...


class Group:
    """As one snapshot has it; what is known of the endpoints outlives it."""

    __slots__ = (
        "_choice",
        "_hashed",
        "_ring",
        "_seen",
        "_until",
        "_usable",
        "document",
        "endpoints",
        "name",
        "panicking",
        "roster",
    )

    def __init__(self, name: str, endpoints: Sequence[Endpoint], document: ServiceDocument, roster: Roster) -> None:
        self.name, self.endpoints, self.roster = name, tuple(endpoints), roster
        self.document = document
        self._ring = Ring(endpoints, document.hash.load) if document.hash is not None else None
        self._usable: tuple[Endpoint, ...] = ()
        self._choice: Choice | None = None
        self._hashed: Hashed | None = None
        self._seen, self._until = -1, NEVER
        self.panicking = False
        """Too few are well, so all are used."""

    # choosing ----------------------------------------------------------------------------------------------------
    def pick(self, now: float, key: bytes | None = None, tried: Collection[Endpoint] = ()) -> Endpoint:
        """The endpoint of the next attempt, one not `tried` where there is one. Raises Refusal upstream_open."""
        usable = self.usable(now)
        if len(usable) == 1:
            return usable[0]
        if self._choice is None:
            raise self._nobody(now)
        if key is not None and self._hashed is not None:
            return self._hashed.pick(key, tried) or self._hashed.pick(key) or usable[0]
        if tried:
            fresh = [endpoint for endpoint in usable if endpoint not in tried]
            if fresh:
                return LeastRequest(fresh, [self._weight(endpoint, now) for endpoint in fresh]).pick(key, now)
        return self._choice.pick(key, now)

    def usable(self, now: float) -> tuple[Endpoint, ...]:
        """Where calls go now."""
        if self._seen != self.roster.changes or now >= self._until:
            self._lay_out(now)
        return self._usable

    def _nobody(self, now: float) -> Refusal:
        until = min((one.standing.ejected_until for one in self.endpoints if one.standing.ejected_until), default=now)
        return Refusal(
            "upstream_open",
            f"No endpoint of '{self.name}' is well.",
            retry_after=max(until - now, 1.0),
        )

    def _lay_out(self, now: float) -> None:
        """Find who is usable, and make the choice among them; again when somebody changes or a time is over."""
        self._seen, self._until = self.roster.changes, NEVER
        for endpoint in self.endpoints:
            standing = endpoint.standing
            if standing.ejected_until and now >= standing.ejected_until:
                outlier.come_back(standing, now)
        usable = self._usable = self._candidates()
        weights = [self._weight(endpoint, now) for endpoint in usable]
        self._until = min((self._due(endpoint, now) for endpoint in self.endpoints), default=NEVER)
        self._choice = self._chosen(usable, weights) if usable else None
        self._hashed = Hashed(usable, self._ring, self.roster) if usable and self._ring is not None else None

    def _candidates(self) -> tuple[Endpoint, ...]:
        """Those that are well; with too few of them the backups too; with no backup either, all."""
        first = [one for one in self.endpoints if one.weight and not one.backup]
        well = [one for one in first if self.is_well(one)]
        few = len(well) * 100 < self.document.panic * len(first)
        self.panicking = False
        if well and not few:
            return tuple(well)
        spare = [one for one in self.endpoints if one.weight and one.backup and self.is_well(one)]
        if spare or not self.document.panic:
            return (*well, *spare)
        self.panicking = True
        return tuple(first)

    def is_well(self, endpoint: Endpoint) -> bool:
        """Whether calls should go there: not left alone, and not found ill while anybody asks."""
        standing = endpoint.standing
        return not standing.ejected_until and (self.document.health is None or standing.well is not False)

    def _chosen(self, usable: Sequence[Endpoint], weights: Sequence[float]) -> Choice:
        if self.document.balance == "least_request":
            return LeastRequest(usable, weights)
        if self.document.balance == "latency":
            return Latency(usable, weights)
        return RoundRobin(usable, weights, self.roster)

    def _weight(self, endpoint: Endpoint, now: float) -> float:
        """What it is worth now: less while it starts slowly."""
        slow, since = self.document.slow_start, endpoint.standing.since
        if slow is None or not since or now - since >= slow:
            return endpoint.weight
        return endpoint.weight * max(_LEAST, (now - since) / slow)

    def _due(self, endpoint: Endpoint, now: float) -> float:
        """When the layout must be looked at again on behalf of this endpoint."""
        standing, slow = endpoint.standing, self.document.slow_start
        if standing.ejected_until:
            return standing.ejected_until
        if slow is not None and standing.since and now - standing.since < slow:
            return now + slow / _STEPS
        return NEVER

    def state_of(self, endpoint: Endpoint, now: float) -> tuple[str, str]:
        """How an endpoint stands, in one word, and why: ejected, down, starting, up or unknown."""
        standing, slow = endpoint.standing, self.document.slow_start
        if standing.ejected_until > now:
            return "ejected", f"{standing.why}; back in {standing.ejected_until - now:.0f} s"
        if self.document.health is not None and standing.well is False:
            return "down", standing.ill
        if slow is not None and standing.since and now - standing.since < slow:
            return "starting", f"at {100 * self._weight(endpoint, now) / max(endpoint.weight, 1):.0f} %"
        known = standing.calls or standing.well
        return "up" if known else "unknown", standing.ill

    # learning ----------------------------------------------------------------------------------------------------
    def note(self, attempt: Attempt, now: float) -> None:
        """Take in how an attempt went; one that the caller ended, or that found no free connection, says nothing."""
        use, numbers = attempt.use, attempt.numbers
        failed = attempt.error_class in _BLAMED
        if use.blameless or not (failed or numbers.upstream_head):
            return
        endpoint: Endpoint = use.endpoint
        standing, rules = endpoint.standing, self.document.outlier
        seconds = (numbers.upstream_head or now) - numbers.dispatched
        if self.document.balance == "latency":
            measure(standing, seconds, now, failed=failed)
        why = f"status {numbers.status}" if numbers.upstream_head else attempt.error_class
        if rules is not None and rules.slow is not None and seconds > rules.slow and not failed:
            failed, why = True, f"first byte after {seconds:.3g} s"
        if failed:
            standing.failed += 1
            standing.why = why
        if rules is not None:
            self._judge(endpoint, now, failed=failed)

    def mark(self, endpoint: Endpoint, ill: str, now: float) -> None:
        """Take in an answer about its health: what was wrong, or nothing; the first one decides alone."""
        rules, standing = self.document.health, endpoint.standing
        assert rules is not None
        standing.checked, standing.ill = now, ill
        if standing.well is (not ill):
            standing.streak = 0
            return
        standing.streak += 1
        if standing.well is None or standing.streak >= (rules.unhealthy if ill else rules.healthy):
            if standing.well is not None and not ill:
                standing.since = now
            standing.well, standing.streak = not ill, 0
            self.roster.changes += 1

    def _judge(self, endpoint: Endpoint, now: float, *, failed: bool) -> None:
        standing, rules = endpoint.standing, self.document.outlier
        assert rules is not None
        why = outlier.judge(standing, rules, now, failed=failed)
        if not why or standing.ejected_until:
            return
        ejected = sum(1 for one in self.endpoints if one.standing.ejected_until)
        if outlier.may_eject(ejected, len(self.endpoints), rules):
            outlier.eject(standing, rules, now)
            standing.why = f"{why}; the last: {standing.why}"
            self.roster.changes += 1
