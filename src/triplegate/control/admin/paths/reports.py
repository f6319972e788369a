"""Reports for finance: who pays how much of a period, as JSON or as a file."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import FromQuery, QueryParameter

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.admin.problems import problem
from triplegate.control.parts import Parts
from triplegate.control.reports.chargeback import House, Question, chargeback, check_by
from triplegate.control.reports.period import Period, asked_period
from triplegate.control.reports.rendering import Form, rendered
from triplegate.control.reports.sheets import Missing

_SAID = "A month 2026-11, quarter 2026-Q4, year 2026, week 2026-W47 or day 2026-11-24; the running month when not said."
_BY = "What to sum by; repeat it, or separate by commas. tag:NAME is one of the team's tags."


@get("/reports/chargeback", role=EVERYONE, tenant="own", summary="Chargeback report")
async def chargeback_report(
    caller: NamedDependency[Caller],
    parts: NamedDependency[Parts],
    by: Annotated[list[str] | None, QueryParameter(description=_BY)] = None,
    period: Annotated[str | None, QueryParameter(description=_SAID)] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    form: Annotated[Form, QueryParameter(name="format", description="json, csv, parquet or xlsx.")] = "json",
) -> Response[Any]:
    """Requests, tokens, cost, shared cost, budget, the period before and a forecast, by team or what `by` says.

    A caller of one team sees its own calls and its part of shared cost.
    """
    house, now = parts.view.house(), parts.clock.wall()
    asked = Question(_period(period, since, until, house, now), _by(by), held_to(caller))
    report = await chargeback(asked, house, parts.books.spending, now)
    try:
        file = await asyncio.to_thread(rendered, report, form)
    except Missing as error:
        return problem(501, str(error), title="Not available here")
    disposition = f'attachment; filename="{file.name}"'
    return Response(file.content, media_type=file.media_type, headers={"content-disposition": disposition})


def held_to(caller: Caller) -> dict[str, str]:
    """What rows a caller sees: of its own org and team."""
    return {name: value for name, value in (("org", caller.org), ("team", caller.team)) if value}


def _by(by: list[str] | None) -> tuple[str, ...]:
    try:
        return check_by(name.strip() for one in by or ["org,team"] for name in one.split(","))
    except ValueError as error:
        raise _wrong("by", str(error)) from None


def _period(text: str | None, since: datetime | None, until: datetime | None, house: House, now: float) -> Period:
    try:
        return asked_period(text, _unix(since), _unix(until), now, house.document.fiscal_start)
    except ValueError as error:
        raise _wrong("period" if since is None else "since", str(error)) from None


def _unix(moment: datetime | None) -> float | None:
    """Unix seconds; a time without zone is UTC, whatever the machine's zone is."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _wrong(key: str, message: str) -> ValidationException:
    return ValidationException(message, extra=[{"key": key, "message": message}])
