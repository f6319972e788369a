"""What calls cost now, and an alarm where nobody knows."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from triplegate.control.admin.access import EVERYONE, Caller
from triplegate.control.parts import Parts
from triplegate.core.usage import CLASSES

MONTH = 30 * 86_400


@get("/prices", role=EVERYONE, tenant="whole", include_in_schema=False)
async def show_prices(caller: NamedDependency[Caller], parts: NamedDependency[Parts]) -> Template:
    """The price table."""
    found = list(parts.view.prices())
    unknown = [one for one in found if one.state == "unknown"]
    context = {
        "prices": [(one, _extra(one.rates)) for one in found],
        "unknown": unknown,
        "free": await _free(parts) if found else None,
        "caller": caller,
        "here": "/prices",
    }
    return Template("prices.html", context=context)


async def _free(parts: Parts) -> dict[str, int] | None:
    """Calls of the last 30 days whose price was unknown, by model; None while the ledger cannot be asked."""
    now = parts.clock.wall()
    try:
        rows = await parts.books.usage(["model"], now - MONTH, now, {"price_version": "none"})
    except Exception as error:
        if getattr(error, "remedy", None) is None:
            raise
        return None
    return {row.labels["model"]: row.requests for row in rows if row.requests}


def _extra(rates: Any) -> list[tuple[str, str]]:
    """Classes that cost something else than their parents: text in or out."""
    if not rates:
        return []
    parents = {name: "output_text" if name in CLASSES[6:] else "input_uncached" for name in CLASSES}
    return [(name, rate) for name, rate in rates.items() if rate != rates[parents[name]]]
