"""Refuse calls of MCP tools that come faster, or cost more, than an allowance."""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from triplegate.config.types import Dollars
from triplegate.core.admission import Claim, Limit
from triplegate.core.catalog import Target
from triplegate.core.demand import money_wanted
from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange
from triplegate.core.money import from_dollars
from triplegate.core.policy import Policy, Stage
from triplegate.core.subject import subject_of


class ToolLimit(Policy):
    """Allow `calls` of tools, or what costs `money`, per `window`.

    Lists, pings and notifications do not count (`rate_limit` counts those).
    """

    use: Literal["tool_limit"] = "tool_limit"
    stage: ClassVar = Stage.ADMIT
    gates: ClassVar = frozenset({"mcp"})
    calls: PositiveInt | None = None
    """Calls of tools in one window."""
    money: Annotated[Dollars, Field(gt=0)] | None = None
    """Instead of it: US dollars that calls of tools may cost in one window, by the prices of their servers."""
    window: Duration = 60.0
    """Window length."""
    burst: PositiveInt | None = None
    """Calls that may come at once; the whole window's by default. Not with `money`."""
    by: Literal["key", "consumer", "team", "org", "plan", "server", "tool", "address"] = "consumer"
    """Who has the allowance; `server` and `tool`: all callers of one together."""
    tools: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = ()
    """Tools it counts, by the names that clients use, `*` for any part (`files__*`); all by default."""
    each: bool = False
    """Every tool has an allowance of its own; else all that it counts share one."""

    @model_validator(mode="after")
    def _one_measure(self) -> "ToolLimit":
        if (self.calls is None) == (self.money is None):
            raise ValueError("write calls or money")
        if self.money is not None and self.burst is not None:
            raise ValueError("burst is for calls")
        return self

    @cached_property
    def limit(self) -> Limit:
        """The limit as the store reads it."""
        name = self.name or self.use
        if self.money is not None:
            return Limit(name, "rate", "money", from_dollars(self.money), self.window)
        assert self.calls is not None
        return Limit(name, "rate", "tools", self.calls, self.window, self.burst or 0)

    @cached_property
    def _counted(self) -> re.Pattern[str]:
        patterns = [re.escape(pattern).replace(r"\*", ".*") for pattern in self.tools or ("*",)]
        return re.compile("|".join(patterns), re.DOTALL)

    def buckets(self, subject: str) -> Iterable[Claim]:
        """The subject's one bucket."""
        return (Claim(f"{self.label}|{subject}", self.limit, 1, self.mode),)

    def claims(self, exchange: Exchange, target: Target | None) -> Iterable[Claim]:
        """One call, or its price, of the subject's bucket; nothing for what calls no tool, or one it does not count."""
        tool = exchange.tool
        if not tool or not self._counted.fullmatch(tool):
            return ()
        bucket = f"{self.label}|{self._subject(exchange, target)}"
        if self.each and self.by != "tool":
            bucket += f"|{tool}"
        amount = 1 if self.money is None else money_wanted(exchange, target)
        return (Claim(bucket, self.limit, amount, self.mode),) if amount > 0 else ()

    def _subject(self, exchange: Exchange, target: Target | None) -> str:
        if self.by == "tool":
            return exchange.tool
        return subject_of(exchange, "route" if self.by == "server" else self.by, target)
