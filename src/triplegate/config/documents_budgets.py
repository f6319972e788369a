"""Budgets as written: money or tokens, in a window of the calendar or a rolling one."""

from typing import Annotated, Any, Literal, TypeGuard

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, TypeAdapter, model_validator

from triplegate.config.documents_base import as_list
from triplegate.config.types import Dollars
from triplegate.core.admission import Limit
from triplegate.core.allowance import SOFT, Allowance, Holder
from triplegate.core.calendar import Calendar, Rolling, Unit, Window
from triplegate.core.demand import Reservation
from triplegate.core.duration import Duration
from triplegate.core.money import from_dollars

FiscalStart = Annotated[int, Field(ge=1, le=12)]
Share = Annotated[float, Field(gt=0, le=10)]


class BudgetTerms(BaseModel):
    """What may be spent in which window, and what becomes of a call that would spend more."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    money: Annotated[Dollars, Field(gt=0)] | None = None
    """US dollars."""
    tokens: PositiveInt | None = None
    """Tokens in and out, instead of money."""
    per: Unit | None = None
    """Window of the calendar, in UTC; weeks begin on Monday."""
    rolling: Annotated[Duration, Field(ge=60, le=366 * 86_400)] | None = None
    """The last so long instead; it is counted in 30 slices that leave one by one."""
    mode: Literal["enforce", "observe"] = "enforce"
    """observe: count, tell and alert, but let the call pass."""
    soft: Annotated[tuple[Share, ...], Field(max_length=10)] = SOFT
    """Shares of it whose crossing is told, once in each window."""
    reservation: Reservation = "typical"
    """What is set aside for output: `typical`, what such calls mostly write, or `strict`, all that they may write."""
    last_request: bool = False
    """While anything is left a call may pass, though it may cost more than that."""
    hard_cutoff: bool = False
    """Answers that are still being written end when it is spent; else they are finished, and the next call is
    refused."""

    @model_validator(mode="after")
    def _one_of_each(self) -> "BudgetTerms":
        if (self.money is None) == (self.tokens is None):
            raise ValueError("a budget is either money or tokens")
        if (self.per is None) == (self.rolling is None):
            raise ValueError("a budget has either per (day, week, month, quarter, year) or rolling")
        if list(self.soft) != sorted(set(self.soft)):
            raise ValueError("soft: shares grow from one to the next")
        return self

    def window(self, fiscal_start: int) -> Window:
        """The window, where years begin with that month."""
        if self.rolling is not None:
            return Rolling(self.rolling)
        assert self.per is not None
        return Calendar(self.per, fiscal_start if self.per in ("quarter", "year") else 1)

    def allowance(self, label: str, name: str, by: Holder, fiscal_start: int = 1) -> Allowance:
        """The budget as it is counted; `name` is what a refused caller is told."""
        if self.money is not None:
            limit = Limit(name, "budget", "money", from_dollars(self.money), self.window(fiscal_start))
        else:
            limit = Limit(name, "budget", "total", self.tokens or 0, self.window(fiscal_start))
        return Allowance(label, limit, by, self.mode, self.reservation, self.last_request, self.soft, self.hard_cutoff)


def _budgets(value: Any) -> Any:
    return as_list(value)


class PlacedTerms(BudgetTerms):
    """A budget where policies stand: it says itself whose it is."""

    by: Holder = "team"
    """Who has the budget; callers without a key count by consumer."""
    fiscal_start: FiscalStart = 1
    """Month with which the year begins: quarters and years are counted from it."""


def is_budget(policy: object) -> TypeGuard[PlacedTerms]:
    """Whether a policy is a budget."""
    return isinstance(policy, PlacedTerms)


Budgets = Annotated[
    tuple[BudgetTerms, ...],
    BeforeValidator(_budgets, json_schema_input_type=BudgetTerms | tuple[BudgetTerms, ...]),
    Field(max_length=16),
]
"""One budget, or a list of them: all hold."""


_written: TypeAdapter[tuple[BudgetTerms, ...]] = TypeAdapter(Budgets)


def budget_text(budgets: Budgets) -> str:
    """Budgets of a key as they are kept: in JSON, what is as usual left out."""
    return _written.dump_json(budgets, exclude_defaults=True).decode() if budgets else ""


def budgets_of_text(text: str) -> Budgets:
    """The budgets behind `budget_text`."""
    return _written.validate_json(text) if text else ()


def key_allowances(key_id: str, text: str, fiscal_start: int) -> tuple[Allowance, ...]:
    """The budgets of a key as they are counted."""
    return allowances(budgets_of_text(text), f"key:{key_id}", "key", fiscal_start) if text else ()


def allowances(written: Budgets, owner: str, by: Holder, fiscal_start: int) -> tuple[Allowance, ...]:
    """The budgets of `owner` (`team:acme/web`) as they are counted; each has a label of its own."""
    found = []
    for number, terms in enumerate(written, 1):
        label = owner if number == 1 else f"{owner}#{number}"
        found.append(terms.allowance(label, label, by, fiscal_start))
    return tuple(found)
