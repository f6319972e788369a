"""Refuse calls that would spend more than a budget of money or tokens."""

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar, Literal

from triplegate.config.documents_budgets import BudgetTerms, FiscalStart
from triplegate.core.admission import Claim
from triplegate.core.allowance import Allowance, Holder
from triplegate.core.catalog import Target
from triplegate.core.exchange import Exchange
from triplegate.core.policy import Policy, Stage


class Budget(BudgetTerms, Policy):
    """Let `money` (US dollars) or `tokens` be spent in a window; what a call may cost is set aside first."""

    use: Literal["budget"] = "budget"
    stage: ClassVar = Stage.ADMIT
    by: Holder = "team"
    """Who has the budget; callers without a key count by consumer."""
    fiscal_start: FiscalStart = 1
    """Month with which the year begins: quarters and years are counted from it."""

    @cached_property
    def allowance_here(self) -> Allowance:
        """The budget as it is counted in this place; a refused caller is told its name, or the tag."""
        return self.allowance(self.label, self.name or self.use, self.by, self.fiscal_start)

    def claims(self, exchange: Exchange, target: Target | None) -> Iterable[Claim]:
        """What the call, or an attempt, may cost."""
        return self.allowance_here.claims(exchange, target)
