"""Orgs, teams and consumers, as the configuration names them."""

import msgspec
from litestar import get
from litestar.di import NamedDependency

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.parts import Parts
from triplegate.control.view import TeamView


class OrgView(msgspec.Struct):
    """An org and its teams."""

    org: str
    teams: list[str]


class ConsumerView(msgspec.Struct):
    """A person, app or agent that calls."""

    org: str
    team: str
    consumer: str


def _seen(caller: Caller, parts: Parts) -> list[TeamView]:
    return [one for one in parts.view.teams() if caller.sees(one.org, one.team)]


@get("/orgs", role=EVERYONE, tenant="own", summary="List orgs")
async def list_orgs(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> list[OrgView]:
    """Orgs with the teams that the caller sees."""
    orgs: dict[str, list[str]] = {}
    for one in _seen(caller, parts):
        orgs.setdefault(one.org, []).append(one.team)
    return [OrgView(org, teams) for org, teams in orgs.items()]


@get("/teams", role=EVERYONE, tenant="own", summary="List teams")
async def list_teams(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> list[TeamView]:
    """Teams that the caller sees, with plan and consumers."""
    return _seen(caller, parts)


@get("/consumers", role=EVERYONE, tenant="own", summary="List consumers")
async def list_consumers(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> list[ConsumerView]:
    """Consumers of the teams that the caller sees."""
    return [ConsumerView(one.org, one.team, name) for one in _seen(caller, parts) for name in one.consumers]
