"""A team's statement as a page that prints well."""

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import FromQuery
from litestar.response import Template

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.parts import Parts
from triplegate.control.reports.allocation import Team
from triplegate.control.reports.chargeback import House
from triplegate.control.reports.period import Period, asked_period
from triplegate.control.reports.statement import statement


@get("/statement", role=EVERYONE, tenant="own", include_in_schema=False)
async def show_statement(
    caller: NamedDependency[Caller],
    parts: NamedDependency[Parts],
    team: FromQuery[str | None] = None,
    period: FromQuery[str | None] = None,
) -> Template:
    """The statement of `team` (org/team), of this month where no period is said."""
    house, now = parts.view.house(), parts.clock.wall()
    seen = [one for one in house.teams if caller.sees(*one)]
    chosen, asked = _team(team, seen), _period(period, house, now)
    found = None
    if chosen is not None:
        try:
            found = await statement(chosen, asked, house, parts.books.spending, now)
        except Exception as error:
            if getattr(error, "remedy", None) is None:
                raise
    context = {"teams": seen, "chosen": chosen, "period": asked, "statement": found}
    return Template("statement.html", context={**context, "caller": caller, "here": "/statement"})


def _team(said: str | None, seen: list[Team]) -> Team | None:
    """The team that is meant; the only one there is where none is said. Others' teams do not exist."""
    if not said:
        return seen[0] if len(seen) == 1 else None
    for one in seen:
        if said in ("/".join(one), one[1]):
            return one
    raise NotFoundException("There is no such team.")


def _period(said: str | None, house: House, now: float) -> Period:
    try:
        return asked_period(said or None, None, None, now, house.document.fiscal_start)
    except ValueError as error:
        raise ValidationException(str(error), extra=[{"key": "period", "message": str(error)}]) from None
