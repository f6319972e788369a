"""Remembered answers: how well they do, and forgetting them."""

from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import PermissionDeniedException
from litestar.params import JSONBody
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from triplegate.control.admin.access import EVERYONE, OWNERS, Caller
from triplegate.control.parts import Parts
from triplegate.control.remembered import NamespaceView


class Purge(BaseModel):
    """What is to be forgotten: one of them, or nothing for all; `before` may stand beside `team`."""

    model_config = ConfigDict(extra="forbid")
    team: Annotated[str, Field(max_length=200)] = ""
    """org/team."""
    model: Annotated[str, Field(max_length=200)] = ""
    tag: Annotated[str, Field(max_length=200)] = ""
    before: AwareDatetime | None = None
    """Only what was answered before this moment."""


class Purged(BaseModel):
    """What came of it."""

    forgotten: int
    """Answers; 0 where a moment was named, because they are passed over from now on."""


@get("/cache", role=EVERYONE, tenant="own", summary="Namespaces of semantic caches")
async def list_namespaces(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> list[NamespaceView]:
    """Hits, audited errors with their interval, savings and vetoes of the caller's teams."""
    return seen_namespaces(caller, parts)


def seen_namespaces(caller: Caller, parts: Parts) -> list[NamespaceView]:
    """Those of the caller's own org and team."""
    return [one for one in parts.view.answers() if caller.sees(one.org, one.team)]


@post("/cache/purge", role=OWNERS, tenant="own", status_code=200, summary="Forget remembered answers")
async def purge_answers(
    caller: NamedDependency[Caller], data: JSONBody[Purge], parts: NamedDependency[Parts]
) -> Purged:
    """Forget answers by team, model, tag or age, on every node. Whoever is bound to a team forgets that team's only.

    Raises PermissionDeniedException, Refusal overloaded where a shared store is away.
    """
    org, _, team = data.team.partition("/")
    if caller.bound and (not data.team or not caller.sees(org, team)):
        raise PermissionDeniedException("Only answers of your own team: name it.")
    before = None if data.before is None else data.before.timestamp()
    return Purged(forgotten=await parts.view.purge_answers(data.team, data.model, data.tag, before))
