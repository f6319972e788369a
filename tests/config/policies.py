"""Policies for configuration tests: shaped like the built-in ones, which config may not import."""

from typing import ClassVar, Literal

from pydantic import PositiveInt

from triplegate.core.duration import Duration
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Dispatch, Policy, Registry, Stage


class KeyAuth(Policy):
    """Know the caller."""

    use: Literal["key_auth"] = "key_auth"
    stage: ClassVar = Stage.IDENTIFY

    def decide(self, exchange: Exchange) -> Refusal | None:
        return None


class RateLimit(Policy):
    """Slow the caller."""

    use: Literal["rate_limit"] = "rate_limit"
    stage: ClassVar = Stage.ADMIT
    requests: PositiveInt
    """Calls."""
    window: Duration = 60.0
    """Window."""
    burst: PositiveInt | None = None
    """Calls at once."""
    by: Literal["consumer", "team", "address"] = "consumer"
    """Who."""
    tags: frozenset[str] = frozenset()
    """A set, whose order must not count."""

    def decide(self, exchange: Exchange) -> Refusal | None:
        return None


class TokenLimit(Policy):
    """Slow the caller's models."""

    use: Literal["token_limit"] = "token_limit"
    stage: ClassVar = Stage.ADMIT
    gates: ClassVar = frozenset({"llm"})
    total: PositiveInt
    """Tokens."""
    window: Duration = 60.0
    """Window."""
    by: Literal["consumer", "team"] = "consumer"
    """Who."""

    def decide(self, exchange: Exchange) -> Refusal | None:
        return None


class OnlyLlm(Policy):
    """Something that only the llm gate knows."""

    use: Literal["only_llm"] = "only_llm"
    stage: ClassVar = Stage.SCREEN
    gates: ClassVar = frozenset({"llm"})

    def decide(self, exchange: Exchange) -> Refusal | None:
        return None


class Timeout(Policy):
    """How long it may take."""

    use: Literal["timeout"] = "timeout"
    stage: ClassVar = Stage.DISPATCH
    total: Duration = 5.0
    """Whole."""

    def tune(self, dispatch: Dispatch) -> None:
        dispatch.total = self.total


REGISTRY = Registry([KeyAuth, RateLimit, TokenLimit, OnlyLlm, Timeout])
