"""Limits and who uses them now."""

from litestar import get
from litestar.di import NamedDependency

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.parts import Parts
from triplegate.control.view import LimitView


@get("/limits", role=EVERYONE, tenant="own", summary="Limits and their use")
async def limits(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> list[LimitView]:
    """Every limit in force, with the subjects that have used some of it: all, or those of the caller's teams."""
    return await seen_limits(caller, parts)


async def seen_limits(caller: Caller, parts: Parts) -> list[LimitView]:
    """A bound caller sees its own use of limits, and no limit that only others use."""
    found = await parts.view.limits(await parts.keys.list())
    if not caller.bound:
        return list(found)
    return [one for one in found if one.org and caller.sees(one.org, one.team)]
