"""Refuse calls that would spend more than a budget of money or tokens."""

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar, Literal

from triplegate.config.budgets import allowance_of
from triplegate.config.documents_budgets import PlacedTerms
from triplegate.core.admission import Claim
from triplegate.core.allowance import Allowance
from triplegate.core.catalog import Target
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage


class Budget(PlacedTerms, Policy):
    """Let `money` (US dollars) or `tokens` be spent in a window; what a call may cost is set aside first."""

    use: Literal["budget"] = "budget"
    stage: ClassVar = Stage.ADMIT

    @cached_property
    def allowance_here(self) -> Allowance:
        """The budget as it is counted in this place; a refused caller is told its name, or the tag."""
        return allowance_of(self)

    def strange_on(self, gate: str) -> str:
        """Models are the llm gate's."""
        if self.by == "model" and gate != "llm":
            return "by: model counts on llm only; say by: route"
        return super().strange_on(gate)

    def claims(self, exchange: Exchange, target: Target | None) -> Iterable[Claim]:
        """What the call, or an attempt, may cost."""
        return self.allowance_here.claims(exchange, target)
