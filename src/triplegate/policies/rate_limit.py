"""Refuse calls that come faster than an allowance."""

from collections.abc import Iterable
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import ClassVar, Literal

from pydantic import PositiveInt

from triplegate.core.admission import Claim, Limit
from triplegate.core.catalog import Target
from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage


class RateLimit(Policy):
    """Allow `requests` calls per `window` (GCRA; fields as in draft-ietf-httpapi-ratelimit-headers-11)."""

    use: Literal["rate_limit"] = "rate_limit"
    stage: ClassVar = Stage.ADMIT
    requests: PositiveInt
    """Calls allowed in one window."""
    window: Duration = 60.0
    """Window length."""
    burst: PositiveInt | None = None
    """Calls that may come at once; the whole window's by default."""
    by: Literal["key", "consumer", "team", "org", "route", "address"] = "consumer"
    """Who has the allowance; callers without a key count by consumer, address groups IPv6 by /64."""

    @cached_property
    def limit(self) -> Limit:
        """The limit as the store reads it; its name is the policy's own or the tag."""
        return Limit(self.name or self.use, "rate", "requests", self.requests, self.window, self.burst or 0)

    def claims(self, exchange: Exchange, target: Target | None) -> Iterable[Claim]:
        """One request of the subject's bucket."""
        return (Claim(f"{self.label}|{self._subject(exchange)}", self.limit, 1, self.mode),)

    def _subject(self, exchange: Exchange) -> str:
        principal = exchange.principal
        if self.by == "route":
            return exchange.route.name if exchange.route else ""
        if self.by == "address" or principal is None:
            return address_block(exchange.inbound.client)
        if self.by == "consumer" or (self.by == "key" and not principal.key_id):
            if principal.method == "none":  # anonymous callers are told apart by address
                return address_block(exchange.inbound.client)
            return f"{principal.team_ref}/{principal.consumer}"
        if self.by == "team":
            return principal.team_ref
        return principal.key_id if self.by == "key" else principal.org


def address_block(address: str) -> str:
    """The address itself, or its /64 for IPv6: one customer has that many (RL-7)."""
    if ":" not in address:
        return address
    try:
        return str(ip_network((ip_address(address.partition("%")[0]), 64), strict=False))
    except ValueError:
        return address
