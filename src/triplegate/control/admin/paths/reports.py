"""Reports for finance: who pays how much of a period, as JSON or as a file."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import FromQuery, QueryParameter

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.admin.problems import problem
from triplegate.control.parts import Parts
from triplegate.control.reports.chargeback import House, Question, chargeback, check_by
from triplegate.control.reports.focus import Grain, Ledger, TooMany, focus
from triplegate.control.reports.period import Period, asked_period
from triplegate.control.reports.rendering import Form, Rendered, exported, rendered
from triplegate.control.reports.sheets import Missing

_SAID = "A month 2026-11, quarter 2026-Q4, year 2026, week 2026-W47 or day 2026-11-24; the running month when not said."
_FORMAT = "json, csv, parquet or xlsx; or focus, which says nothing of budgets and shared cost."
_BY = "What to sum by; repeat it, or separate by commas. tag:NAME is one of the team's tags."


@get("/reports/chargeback", role=EVERYONE, tenant="own", summary="Chargeback report")
async def chargeback_report(  # noqa: PLR0913, PLR0917 - as many as may be asked
    caller: NamedDependency[Caller],
    parts: NamedDependency[Parts],
    by: Annotated[list[str] | None, QueryParameter(description=_BY)] = None,
    period: Annotated[str | None, QueryParameter(description=_SAID)] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    form: Annotated[Form | Literal["focus"], QueryParameter(name="format", description=_FORMAT)] = "json",
    grain: Annotated[Grain, QueryParameter(description="Of focus: rows by day or by hour.")] = "day",
    file: Annotated[Literal["csv", "parquet"], QueryParameter(description="Of focus: the file's format.")] = "csv",
) -> Response[Any]:
    """Requests, tokens, cost, shared cost, budget, the period before and a forecast, by team or what `by` says.

    A caller of one team sees its own calls and its part of shared cost. `format=focus` is a FOCUS 1.2 export.
    """
    house, now = parts.view.house(), parts.clock.wall()
    asked = Question(_period(period, since, until, house, now), _by(by), held_to(caller))
    try:
        if form == "focus":
            made = await _focus(asked, house, parts, grain, file)
        else:
            made = await asyncio.to_thread(rendered, await chargeback(asked, house, parts.books.spending, now), form)
    except Missing as error:
        return problem(501, str(error), title="Not available here")
    disposition = f'attachment; filename="{made.name}"'
    return Response(made.content, media_type=made.media_type, headers={"content-disposition": disposition})


async def _focus(
    asked: Question, house: House, parts: Parts, grain: Grain, file: Literal["csv", "parquet"]
) -> Rendered:
    books = parts.books
    try:
        sheet = await focus(asked, house, Ledger(books.spending, books.priced, books.counted), grain)
    except TooMany as error:
        raise _wrong("period", str(error)) from None
    return await asyncio.to_thread(exported, sheet, file)


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
