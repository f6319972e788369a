"""The price table in force."""

from litestar import get
from litestar.di import NamedDependency

from triplegate.control.admin.access import EVERYONE
from triplegate.control.parts import Parts
from triplegate.control.view import PriceView


@get("/prices", role=EVERYONE, tenant="whole", summary="Prices of models, routes and servers")
async def prices(parts: NamedDependency[Parts]) -> list[PriceView]:
    """What calls cost by the configuration in force, and where that is not known."""
    return list(parts.view.prices())
