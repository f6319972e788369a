"""What was used and what it cost, from the ledger."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import FromQuery, QueryParameter

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.parts import Parts
from triplegate.control.view import UsageRow
from triplegate.core.money import plain

DAY = 86_400.0
By = Literal[
    "org",
    "team",
    "consumer",
    "key",
    "plan",
    "gate",
    "route",
    "model",
    "tool",
    "provider",
    "target",
    "outcome",
    "price_version",
    "cache",
    "hour",
    "day",
]
_COUNTS = ("requests", "refused", "failed", "tokens_in", "tokens_out")


class UsageReport(msgspec.Struct):
    """Rows of a period. Times in UTC; `as_of` is when the ledger was asked."""

    since: datetime
    until: datetime
    as_of: datetime
    by: list[str]
    rows: list[UsageRow]


async def report(caller: Caller, parts: Parts, by: Sequence[str], since: float, until: float) -> UsageReport:
    """The report for what the caller sees: asked by org and team as well, then summed up again without them."""
    asked = list(dict.fromkeys([*by, "org", "team"]))
    found = await parts.books.usage(asked, since, until)
    rows = _summed([row for row in found if caller.sees(*_owner(row))], by)
    begin, end, now = (datetime.fromtimestamp(moment, UTC) for moment in (since, until, parts.clock.wall()))
    return UsageReport(begin, end, now, list(by), rows)


def _owner(row: Any) -> tuple[str, str]:
    labels = row.labels
    return labels["org"], labels["team"]


def _summed(rows: Iterable[Any], by: Sequence[str]) -> list[UsageRow]:
    sums: dict[tuple[str, ...], tuple[list[int], Decimal]] = {}
    for row in rows:
        key = tuple(row.labels[name] for name in by)
        counts, cost = sums.get(key, ([0] * len(_COUNTS), Decimal(0)))
        added = [have + int(getattr(row, name)) for have, name in zip(counts, _COUNTS, strict=True)]
        sums[key] = (added, cost + Decimal(row.cost))
    return [
        UsageRow(dict(zip(by, key, strict=True)), **dict(zip(_COUNTS, counts, strict=True)), cost=plain(cost))
        for key, (counts, cost) in sorted(sums.items())
    ]


def _unix(moment: datetime) -> float:
    """Unix seconds; a time without zone is UTC, whatever the machine's zone is."""
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


@get("/usage", role=EVERYONE, tenant="own", summary="Usage report")
async def usage(
    caller: NamedDependency[Caller],
    parts: NamedDependency[Parts],
    by: Annotated[list[By] | None, QueryParameter(description="What to sum by; repeat for several.")] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
) -> UsageReport:
    """Requests, tokens and cost by team (or what `by` says), from `since` to `until`; without them the last day."""
    end = _unix(until) if until is not None else parts.clock.wall()
    begin = _unix(since) if since is not None else end - DAY
    if begin > end:
        raise ValidationException("since is after until", extra=[{"key": "since", "message": "is after until"}])
    return await report(caller, parts, by or ["org", "team"], begin, end)
