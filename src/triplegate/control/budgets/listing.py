"""Budgets as they are shown: how much there is, was spent and is held, when it is new, and what was granted."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from triplegate.config.budgets import Budgeted
from triplegate.control.budgets.reading import Bucket
from triplegate.core.admission import Balance, Claim
from triplegate.core.allowance import Allowance, window_text
from triplegate.core.calendar import Calendar, counted_since
from triplegate.core.money import plain, to_dollars
from triplegate.core.raises import Raise, Raised


class RaiseView(msgspec.Struct, frozen=True):
    """More of a budget for a time."""

    amount: str
    until: datetime
    reason: str
    actor: str


class BudgetView(msgspec.Struct, frozen=True):
    """A budget of one holder. Amounts are US dollars, exact, or tokens, as text."""

    id: str
    budget: str
    """Where it stands: `team:acme/web`, or the name of a policy."""
    holder: str
    """Who spends of it."""
    by: str
    org: str
    team: str
    unit: str
    """USD or tokens."""
    window: str
    begin: datetime
    """What was spent since then counts."""
    end: datetime | None
    """When it is new; null where it rolls."""
    mode: str
    limit: str
    """As it was written."""
    raised: list[RaiseView]
    spent: str
    held: str
    """Set aside for calls under way."""
    remaining: str
    soft: list[float]
    """Shares of it whose crossing is told."""
    crossed: float | None
    """The highest of them that is crossed."""


class BudgetHouse(Protocol):
    """Shows budgets and raises them."""

    async def listed(self) -> list[BudgetView]:
        """All budgets as they stand. Raises Refusal overloaded."""
        ...

    async def by_day(self, bucket_id: str) -> Mapping[int, Decimal]:
        """What was spent of one of them on each day (its first second) of its window: US dollars, or tokens.

        Raises LookupError, DatabaseUnavailable.
        """
        ...

    async def grant(self, bucket_id: str, amount: Decimal, until: float, reason: str, actor: str) -> BudgetView:
        """Let more be spent of one of them until then. Raises LookupError, DatabaseUnavailable, Refusal overloaded."""
        ...


class NoBudgets:
    """A house without any."""

    async def listed(self) -> list[BudgetView]:
        """None."""
        return []

    async def by_day(self, bucket_id: str) -> Mapping[int, Decimal]:
        """There is none."""
        raise LookupError(bucket_id)

    async def grant(self, bucket_id: str, amount: Decimal, until: float, reason: str, actor: str) -> BudgetView:
        """There is none."""
        raise LookupError(bucket_id)


class Place(msgspec.Struct, frozen=True):
    """A budget's bucket, and to whom it belongs."""

    allowance: Allowance
    holder: str
    org: str = ""
    team: str = ""

    @property
    def bucket(self) -> str:
        """Its name."""
        return self.allowance.bucket(self.holder)

    @property
    def claim(self) -> Claim:
        """As counters are asked."""
        return Claim(self.bucket, self.allowance.limit)


def places(
    budgets: Mapping[str, Budgeted], spent: Iterable[Bucket], teams_of_keys: Mapping[str, tuple[str, str]]
) -> list[Place]:
    """Every bucket that is known: of whoever has a budget of its own, and of whoever has spent of a common one."""
    found: dict[str, Place] = {}
    for budget in budgets.values():
        holder = _own(budget)
        if holder:
            place = place_of(budget.allowance, holder, teams_of_keys)
            found[place.bucket] = place
    for bucket in spent:
        place = place_of(bucket.budget.allowance, bucket.holder, teams_of_keys)
        if bucket.budget.allowance.label in budgets:
            found.setdefault(place.bucket, place)
    return list(found.values())


def _own(budget: Budgeted) -> str:
    """The holder of a budget that has one only; empty for one that many have."""
    by, (place, *others) = budget.allowance.by, budget.places
    names = {"org": ("org",), "team": ("org", "team"), "consumer": ("org", "team", "consumer"), "key": ("key",)}.get(by)
    if others or names is None or not all(name in place for name in names):
        return ""
    return "/".join(place[name] for name in names)


def place_of(allowance: Allowance, holder: str, teams_of_keys: Mapping[str, tuple[str, str]]) -> Place:
    """The bucket of a holder, with its org and team as far as they are known."""
    if allowance.by == "key" and "/" not in holder:
        return Place(allowance, holder, *teams_of_keys.get(holder, ("", "")))
    if allowance.by in ("org", "team", "consumer", "key"):
        org, team, *_ = (*holder.split("/"), "", "")
        return Place(allowance, holder, org, team)
    return Place(allowance, holder)


def view(place: Place, balance: Balance, raised: Sequence[Raise], wall: float) -> BudgetView:
    """The budget as it stands at `wall`."""
    allowance = place.allowance
    limit, window = allowance.limit, allowance.limit.window
    more = sum(one.amount for one in raised)
    quota = limit.quota + more
    crossed = [share for share in allowance.soft if balance.spent >= share * quota]
    return BudgetView(
        budget_id(place.bucket),
        allowance.label,
        place.holder,
        allowance.by,
        place.org,
        place.team,
        "USD" if limit.dimension == "money" else "tokens",
        window_text(window),
        datetime.fromtimestamp(counted_since(window, wall), UTC),
        datetime.fromtimestamp(window.at(wall)[2], UTC) if isinstance(window, Calendar) else None,
        allowance.mode,
        shown(allowance, limit.quota),
        [
            RaiseView(shown(allowance, one.amount), datetime.fromtimestamp(one.until, UTC), one.reason, one.actor)
            for one in raised
        ],
        shown(allowance, balance.spent),
        shown(allowance, balance.held),
        shown(allowance, max(0, quota - balance.spent - balance.held)),
        list(allowance.soft),
        max(crossed, default=None),
    )


def shown(allowance: Allowance, units: int) -> str:
    """An amount of it: US dollars, or tokens."""
    if allowance.limit.dimension != "money":
        return str(units)
    return plain(to_dollars(units))


def budget_id(bucket: str) -> str:
    """A short name for a bucket, fit for a path."""
    return hashlib.sha256(bucket.encode()).hexdigest()[:16]


async def views(found: Sequence[Place], admission: Raised, wall: float) -> list[BudgetView]:
    """All of them, in the order of their names. Raises Refusal overloaded."""
    ordered = sorted(found, key=lambda one: one.bucket)
    balances = await admission.balances(tuple([one.claim for one in ordered]))
    return [
        view(place, balance, admission.of(place.bucket), wall) for place, balance in zip(ordered, balances, strict=True)
    ]
