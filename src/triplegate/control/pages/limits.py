"""Limits, and who is how near to them."""

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.admin.paths.limits import seen_limits
from triplegate.control.parts import Parts


@get("/limits", role=EVERYONE, tenant="own", include_in_schema=False)
async def show_limits(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> Template:
    """The page."""
    found = await seen_limits(caller, parts)
    context = {"limits": found, "as_of": parts.clock.wall(), "caller": caller, "here": "/limits"}
    return Template("limits.html", context=context)
