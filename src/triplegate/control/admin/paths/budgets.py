"""Budgets: list them as they stand, raise one for a time."""

from decimal import Decimal
from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException, PermissionDeniedException, ValidationException
from litestar.params import FromPath, JSONBody
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from triplegate.control.admin.access import EVERYONE, OWNERS, Caller
from triplegate.control.budgets.listing import BudgetView
from triplegate.control.parts import Parts

LONGEST = 366 * 86_400.0
"""Seconds a raise may last: what is to be for ever is written in the configuration."""


class NewRaise(BaseModel):
    """How much more, until when, and why."""

    model_config = ConfigDict(extra="forbid")
    amount: Annotated[Decimal, Field(gt=0, le=1_000_000_000)]
    """US dollars, or tokens: as the budget is counted."""
    until: AwareDatetime
    """It is over by itself then."""
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    """Kept in the audit log."""


@get("/budgets", role=EVERYONE, tenant="own", summary="List budgets")
async def list_budgets(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> list[BudgetView]:
    """Budgets of the caller's teams as they stand now: of orgs, teams, consumers and keys, and those of policies."""
    return [one for one in await parts.budgets.listed() if caller.sees(one.org, one.team)]


@post("/budgets/{budget_id:str}/raise", role=OWNERS, tenant="own", summary="Raise a budget for a time")
async def raise_budget(
    caller: NamedDependency[Caller],
    budget_id: FromPath[str],
    data: JSONBody[NewRaise],
    parts: NamedDependency[Parts],
) -> BudgetView:
    """Let more be spent of a budget until a moment; in force on every node within 5 s, and noted in the audit log."""
    return await raised(caller, budget_id, data, parts)


async def raised(caller: Caller, budget_id: str, wanted: NewRaise, parts: Parts) -> BudgetView:
    """Raise it. Nobody raises what binds them: a team's budgets are raised by owners of its org or of the house.

    Raises NotFoundException, PermissionDeniedException, ValidationException, DatabaseUnavailable, Refusal overloaded.
    """
    found = [one for one in await parts.budgets.listed() if one.id == budget_id and caller.sees(one.org, one.team)]
    if not found:
        raise NotFoundException("No such budget.")
    if caller.team or (caller.org and not found[0].team):
        raise PermissionDeniedException("A budget is raised by an owner who is not bound by it.")
    until, now = wanted.until.timestamp(), parts.clock.wall()
    if not now < until <= now + LONGEST:
        raise ValidationException("until: a moment within the next 366 days.")
    if found[0].unit == "tokens" and wanted.amount != wanted.amount.to_integral_value():
        raise ValidationException("amount: a whole number of tokens.")
    return await parts.budgets.grant(budget_id, wanted.amount, until, wanted.reason, f"{caller.name} {caller.token_id}")
