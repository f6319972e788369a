"""Refuse calls while as many of the same caller, model or deployment are under way as may be."""

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar, Literal

from pydantic import PositiveInt

from triplegate.core.admission import Claim, Limit
from triplegate.core.catalog import Target
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage
from triplegate.core.subject import strange_by, subject_of


class ConcurrencyLimit(Policy):
    """At most `at_once` calls of one subject under way, counted over all workers and nodes that share their state.

    A place is taken with the call's other limits and given back at the end of its answer. Nobody waits: see
    `bulkhead` and `fair_share` for queues.
    """

    use: Literal["concurrency_limit"] = "concurrency_limit"
    stage: ClassVar = Stage.ADMIT
    at_once: PositiveInt
    """Calls under way at once."""
    by: Literal["key", "consumer", "team", "org", "plan", "route", "model", "deployment", "address"] = "consumer"
    """Who has that many; callers without a key count by consumer, anonymous ones by address."""

    @cached_property
    def limit(self) -> Limit:
        """The limit as the store reads it."""
        return Limit(self.name or self.use, "concurrent", "requests", self.at_once, 0.0)

    @property
    def each_attempt(self) -> bool:
        """A deployment's calls are those that are sent to it."""
        return self.by == "deployment"

    def strange_on(self, gate: str) -> str:
        """Models and deployments are the llm gate's."""
        return strange_by(self.by, gate) or super().strange_on(gate)

    def buckets(self, subject: str) -> Iterable[Claim]:
        """The subject's one bucket."""
        return (Claim(f"{self.label}|{subject}", self.limit, 1, self.mode),)

    def claims(self, exchange: Exchange, target: Target | None) -> Iterable[Claim]:
        """One place of the subject's."""
        return (Claim(f"{self.label}|{subject_of(exchange, self.by, target)}", self.limit, 1, self.mode),)
