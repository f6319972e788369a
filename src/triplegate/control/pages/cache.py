"""What the caches of models' answers do, and how right they are."""

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.admin.paths.cache import seen_namespaces
from triplegate.control.parts import Parts


@get("/cache", role=EVERYONE, tenant="own", include_in_schema=False)
async def show_cache(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> Template:
    """The page."""
    context = {
        "namespaces": seen_namespaces(caller, parts),
        "as_of": parts.clock.wall(),
        "caller": caller,
        "here": "/cache",
    }
    return Template("cache.html", context=context)
