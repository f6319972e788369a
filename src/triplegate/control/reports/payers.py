"""Who pays, as the configuration says it: teams, what finance calls them, and what they may spend in a period."""

from collections.abc import Mapping

from triplegate.config.documents import Documents, OrgDocument
from triplegate.config.documents_budgets import Budgets
from triplegate.control.reports.allocation import Team, amount_over
from triplegate.control.reports.chargeback import House
from triplegate.control.reports.period import Period
from triplegate.control.reports.prices import known_price, list_price
from triplegate.core.calendar import Calendar, Rolling
from triplegate.core.money import from_dollars

_PAYERS = frozenset({"org", "team", "consumer"})


def house_of(documents: Documents) -> House:
    """What reports know beside the ledger."""
    teams = tuple((org, team) for org, document in documents.orgs.items() for team in document.teams)

    def budget(labels: Mapping[str, str], period: Period) -> int | None:
        return _budget(documents.orgs, teams, labels, period)

    return House(
        documents.chargeback,
        teams,
        budget,
        lambda version: known_price(documents, version),
        lambda known: list_price(documents, known),
    )


def _budget(
    orgs: Mapping[str, OrgDocument], teams: tuple[Team, ...], labels: Mapping[str, str], period: Period
) -> int | None:
    """The tightest budget in money of the one that the labels name; None where they name more or less than one."""
    if not labels.keys() <= _PAYERS or ("consumer" in labels and "team" not in labels):
        return None
    named = [one for one in teams if one[1] == labels.get("team") and labels.get("org", one[0]) == one[0]]
    if "team" not in labels:
        org = orgs.get(labels.get("org", ""))
        return None if org is None else in_period(org.budget, org.fiscal_start, period)
    if len(named) != 1:
        return None
    org = orgs[named[0][0]]
    team = org.teams[named[0][1]]
    if "consumer" not in labels:
        return in_period(team.budget, org.fiscal_start, period)
    consumer = team.consumers.get(labels["consumer"])
    return None if consumer is None else in_period(consumer.budget, org.fiscal_start, period)


def in_period(budgets: Budgets, fiscal_start: int, period: Period) -> int | None:
    """Units that the tightest of these budgets allows in a period: of its windows, by time where they lie in it partly.

    Budgets of tokens say nothing of money.
    """
    found = []
    for terms in budgets:
        if terms.money is None:
            continue
        units, window = from_dollars(terms.money), terms.window(fiscal_start)
        if isinstance(window, Calendar):
            found.append(amount_over(units, window, period))
        elif isinstance(window, Rolling):
            found.append(units * (period.end - period.begin) // int(window.length))
    return min(found, default=None)
