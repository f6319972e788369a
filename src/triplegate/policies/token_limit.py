"""Refuse model calls that would use more tokens than an allowance: set aside before, counted exactly after."""

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import PositiveInt, model_validator

from triplegate.core.admission import Claim, Limit
from triplegate.core.catalog import Target
from triplegate.core.demand import Counted
from triplegate.core.duration import Duration
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage
from triplegate.core.subject import subject_of

_DIMENSIONS: tuple[Literal["requests", "input", "output", "total"], ...] = ("requests", "input", "output", "total")


class TokenLimit(Policy):
    """Allow so many `requests`, `input`, `output` or `total` tokens per `window`; each that is written has a bucket.

    What a call will use is estimated and set aside before it is sent. When it ends, what the provider counted is
    charged instead: unused tokens flow back, and more than was set aside makes later calls wait.
    """

    use: Literal["token_limit"] = "token_limit"
    stage: ClassVar = Stage.ADMIT
    gates: ClassVar = frozenset({"llm"})
    requests: PositiveInt | None = None
    """Calls in one window."""
    input: PositiveInt | None = None
    """Tokens that models read in one window, cached or not."""
    output: PositiveInt | None = None
    """Tokens that models write in one window, reasoning included."""
    total: PositiveInt | None = None
    """Both together."""
    window: Duration = 60.0
    """Window length."""
    burst: PositiveInt | None = None
    """What may come at once, where one dimension is written; the whole window's by default."""
    by: Literal["key", "consumer", "team", "org", "plan", "route", "model", "deployment", "address"] = "consumer"
    """Who has the allowance; `deployment` counts each attempt, all others each call."""
    reservation: Literal["typical", "strict"] = "typical"
    """Output set aside: what such calls mostly write, or all that the call allows."""
    oversize: Literal["admit", "refuse"] = "admit"
    """A call larger than the whole allowance: alone, when nothing else is set aside, or never (400)."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        written = [name for name in _DIMENSIONS if getattr(self, name) is not None]
        if not written:
            raise ValueError("a token_limit limits something: say requests, input, output or total")
        if self.burst is not None and len(written) > 1:
            raise ValueError(f"burst is of one dimension, not of {', '.join(written)}: write a token_limit for each")
        return self

    @cached_property
    def limits(self) -> tuple[tuple[Counted | None, str, Limit], ...]:
        """What each counts (None: calls), with the end of its bucket's name and its limit as the store reads it."""
        name = self.name or self.use
        found = [(one, quota) for one in _DIMENSIONS if (quota := getattr(self, one)) is not None]
        return tuple(
            (
                None if dimension == "requests" else dimension,
                f"|{dimension}",
                Limit(
                    name if len(found) == 1 else f"{name}-{dimension}",
                    "rate",
                    dimension,
                    quota,
                    self.window,
                    self.burst or 0,
                ),
            )
            for dimension, quota in found
        )

    @property
    def each_attempt(self) -> bool:
        """A deployment's tokens are those of the calls that are sent to it."""
        return self.by == "deployment"

    def buckets(self, subject: str) -> Iterable[Claim]:
        """One for each dimension that is written."""
        return [Claim(f"{self.label}|{subject}{end}", limit, 1, self.mode) for _, end, limit in self.limits]

    def claims(self, exchange: Exchange, target: Target | None) -> Iterable[Claim]:
        """What the call will use, of each bucket. Raises Refusal larger_than_limit."""
        subject = f"{self.label}|{subject_of(exchange, self.by, target)}"
        mode, demand, claims = self.mode, exchange.demand, []
        for counted, end, limit in self.limits:
            amount = 1
            if counted is not None:
                amount = 0 if demand is None else demand.tokens(counted, self.reservation)
                if amount > (limit.burst or limit.quota) and self.oversize == "refuse":
                    self._refuse(exchange, limit, amount)
            if amount:
                claims.append(Claim(subject + end, limit, amount, mode))
        return claims

    def _refuse(self, exchange: Exchange, limit: Limit, amount: int) -> None:
        if self.mode == "observe":
            exchange.decisions.append((self.label, "would refuse", "larger_than_limit"))
            return
        raise Refusal(
            "larger_than_limit",
            f"The call wants about {amount} tokens, more than the limit '{limit.name}' allows at once.",
            policy=self.label,
        )
