"""Refuse calls of MCP tools that come faster than an allowance."""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from triplegate.core.admission import Claim, Limit
from triplegate.core.catalog import Target
from triplegate.core.duration import Duration
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage
from triplegate.core.subject import subject_of


class ToolLimit(Policy):
    """Allow `calls` of tools per `window`; lists, pings and notifications do not count (`rate_limit` counts those)."""

    use: Literal["tool_limit"] = "tool_limit"
    stage: ClassVar = Stage.ADMIT
    gates: ClassVar = frozenset({"mcp"})
    calls: PositiveInt
    """Calls of tools in one window."""
    window: Duration = 60.0
    """Window length."""
    burst: PositiveInt | None = None
    """Calls that may come at once; the whole window's by default."""
    by: Literal["key", "consumer", "team", "org", "plan", "server", "tool", "address"] = "consumer"
    """Who has the allowance; `server` and `tool`: all callers of one together."""
    tools: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = ()
    """Tools it counts, by the names that clients use, `*` for any part (`files__*`); all by default."""
    each: bool = False
    """Every tool has an allowance of its own; else all that it counts share one."""

    @cached_property
    def limit(self) -> Limit:
        """The limit as the store reads it."""
        return Limit(self.name or self.use, "rate", "tools", self.calls, self.window, self.burst or 0)

    @cached_property
    def _counted(self) -> re.Pattern[str]:
        patterns = [re.escape(pattern).replace(r"\*", ".*") for pattern in self.tools or ("*",)]
        return re.compile("|".join(patterns), re.DOTALL)

    def buckets(self, subject: str) -> Iterable[Claim]:
        """The subject's one bucket."""
        return (Claim(f"{self.label}|{subject}", self.limit, 1, self.mode),)

    def claims(self, exchange: Exchange, target: Target | None) -> Iterable[Claim]:
        """One call of the subject's bucket; nothing for what calls no tool, or one that it does not count."""
        tool = exchange.tool
        if not tool or not self._counted.fullmatch(tool):
            return ()
        bucket = f"{self.label}|{self._subject(exchange, target)}"
        if self.each and self.by != "tool":
            bucket += f"|{tool}"
        return (Claim(bucket, self.limit, 1, self.mode),)

    def _subject(self, exchange: Exchange, target: Target | None) -> str:
        if self.by == "tool":
            return exchange.tool
        return subject_of(exchange, "route" if self.by == "server" else self.by, target)
