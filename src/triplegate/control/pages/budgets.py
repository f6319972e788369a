"""Budgets as they stand, one of them day by day, and a raise for a time."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException, PermissionDeniedException, ValidationException
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template

from triplegate.control.admin.access import EVERYONE, OWNERS, Caller
from triplegate.control.admin.paths.budgets import NewRaise, raised
from triplegate.control.admin.sign_ins import same
from triplegate.control.budgets.listing import BudgetView
from triplegate.control.parts import Parts
from triplegate.control.reports.explorer import DAY

_FORM = 4 << 10
Form = URLEncodedBody[dict[str, str]]


class Burnt(msgspec.Struct, frozen=True):
    """One day of a budget's window."""

    at: int
    """First second."""
    spent: Decimal
    left: Decimal | None
    """What was left at its end; None for days to come."""
    even: Decimal
    """What would be left if every day cost the same."""


@get("/budgets", role=EVERYONE, tenant="own", include_in_schema=False)
async def show_budgets(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> Template:
    """All that the caller sees, those that are nearest to their end first."""
    found = sorted(await _seen(caller, parts), key=lambda one: (_share(one), one.budget, one.holder), reverse=True)
    context = {"budgets": found, "as_of": parts.clock.wall(), "caller": caller, "here": "/budgets"}
    return Template("budgets.html", context=context)


@get("/budgets/{budget_id:str}", role=EVERYONE, tenant="own", include_in_schema=False)
async def show_budget(
    budget_id: FromPath[str], caller: NamedDependency[Caller], parts: NamedDependency[Parts]
) -> Template:
    """One budget: its days, its raises, and a form for owners to raise it."""
    return await _one(budget_id, caller, parts)


@post(
    "/budgets/{budget_id:str}",
    role=OWNERS,
    tenant="own",
    form=True,
    include_in_schema=False,
    status_code=200,
    request_max_body_size=_FORM,
)
async def raise_one(
    budget_id: FromPath[str],
    caller: NamedDependency[Caller],
    data: Form,
    parts: NamedDependency[Parts],
) -> Any:
    """Raise it as the form says."""
    if caller.method == "cookie" and not same(data.get("csrf", ""), caller.csrf):
        raise PermissionDeniedException("The form is not from this page.")
    try:
        until = datetime.fromisoformat(data.get("until", "")).replace(tzinfo=UTC)
        wanted = NewRaise(amount=Decimal(data.get("amount", "")), until=until, reason=data.get("reason", ""))
    except (ValueError, InvalidOperation):  # pydantic's error is a ValueError
        return await _one(budget_id, caller, parts, "Say how much, until which moment in UTC, and why.")
    try:
        await raised(caller, budget_id, wanted, parts)
    except ValidationException as error:
        return await _one(budget_id, caller, parts, error.detail)
    return Redirect(f"/budgets/{budget_id}", status_code=303)


async def _one(budget_id: str, caller: Caller, parts: Parts, trouble: str = "") -> Template:
    found = [one for one in await _seen(caller, parts) if one.id == budget_id]
    if not found:
        raise NotFoundException("There is no such budget.")
    budget, now = found[0], parts.clock.wall()
    context = {
        "budget": budget,
        "days": burnt(budget, dict(await parts.budgets.by_day(budget_id)), now),
        "may_raise": bool(caller.roles & OWNERS),
        "trouble": trouble,
        "as_of": now,
        "caller": caller,
        "here": "/budgets",
    }
    return Template("budget.html", context=context, status_code=422 if trouble else 200)


async def _seen(caller: Caller, parts: Parts) -> list[BudgetView]:
    return [one for one in await parts.budgets.listed() if caller.sees(one.org, one.team)]


def _share(budget: BudgetView) -> Decimal:
    whole = whole_of(budget)
    return Decimal(budget.spent) / whole if whole else Decimal(0)


def whole_of(budget: BudgetView) -> Decimal:
    """The budget with everything that it was raised by."""
    return Decimal(budget.limit) + sum((Decimal(one.amount) for one in budget.raised), start=Decimal(0))


def burnt(budget: BudgetView, spent: dict[int, Decimal], now: float) -> list[Burnt]:
    """Each day of the window, with what was left at its end; of a rolling window the days until now."""
    begin = int(budget.begin.timestamp()) // DAY * DAY
    end = int(budget.end.timestamp()) if budget.end is not None else int(now) // DAY * DAY + DAY
    days = list(range(begin, end, DAY))
    whole = left = whole_of(budget)
    found = []
    for number, day in enumerate(days, 1):
        cost = spent.get(day, Decimal(0))
        left -= cost
        even = whole - whole * number / len(days)
        found.append(Burnt(day, cost, left if day <= now else None, even))
    return found
