"""What calls cost by the configuration in force: every deployment of every model, priced routes, priced servers."""

from collections.abc import Iterable
from decimal import Decimal

from triplegate.config.documents import Documents
from triplegate.config.documents_prices import call_price
from triplegate.control.view import PriceState, PriceView
from triplegate.core.money import Price, to_dollars
from triplegate.core.usage import CLASSES
from triplegate.gates.llm.building import labelled
from triplegate.gates.llm.pricing import UNKNOWN, price_of


def price_views(documents: Documents) -> Iterable[PriceView]:
    """All prices, models first; a pattern of names has those of its vendor's list and is told as one."""
    for name, model in documents.models.items():
        origin = documents.origin("models", name)
        for label, written in labelled(model.deployments):
            provider = documents.providers[written.provider]
            price, blocked = price_of(written, provider, documents.llm.unknown_price)
            yield _view("llm", (name, label, written.provider, written.model), price, _state(price, blocked), origin)
    for name, route in documents.routes.items():
        if route.price is not None:
            yield _plain("api", name, route.price, documents.origin("routes", name))
    for name, server in documents.servers.items():
        if server.price is not None:
            yield _plain("mcp", name, server.price, documents.origin("servers", name))


def _state(price: Price, blocked: str) -> PriceState:
    if blocked:
        return "blocked"
    if price is UNKNOWN:
        return "unknown"
    return "default" if price.version.startswith("default@") else "known"


def _view(gate: str, names: tuple[str, str, str, str], price: Price, state: PriceState, origin: str) -> PriceView:
    rates = (
        {name: _amount(rate) for name, rate in zip(CLASSES, price.rates(), strict=True)} if any(price.rates()) else {}
    )
    units = {name: _amount(rate, 1_000_000) for name, rate in (price.per_unit or {}).items()}
    return PriceView(
        gate, *names, price.version, state, _amount(price.call), rates, units, tuple(_varies(price)), origin
    )


def _plain(gate: str, name: str, price: Decimal, origin: str) -> PriceView:
    return PriceView(
        gate, name, name, "", "", call_price(gate, name, price).version, "known", _told(price), origin=origin
    )


def _varies(price: Price) -> Iterable[str]:
    rules = price.rules
    if rules is None:
        return
    for tier in rules.service:
        yield f"service tier {tier}"
    for tokens, _ in rules.above:
        yield f"more than {tokens:,} tokens of input"
    for one in rules.times:
        yield one.price.version.rpartition("+")[2]


def _amount(units: int, per: int = 1) -> str:
    return _told(to_dollars(units) / per)


def _told(amount: Decimal) -> str:
    return format(amount.normalize() if amount else Decimal(0), "f")
