"""What calls cost by the configuration in force: every deployment of every model, priced routes, priced servers."""

from collections.abc import Iterable
from typing import Literal

from triplegate.config.documents import Documents
from triplegate.control.view import PriceView
from triplegate.core.money import BYTES, Price, plain, to_dollars
from triplegate.core.usage import CLASSES
from triplegate.gates.llm.building import labelled
from triplegate.gates.llm.pricing import UNKNOWN, price_of

PriceState = Literal["known", "unknown", "blocked", "default"]


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
            yield _view("api", (name, name, "", ""), route.price.price(name), "known", documents.origin("routes", name))
    for name, server in documents.servers.items():
        if server.price is not None:
            origin = documents.origin("servers", name)
            yield _view("mcp", (name, name, "", ""), server.price.price(name), "known", origin)
            for pattern, price in server.price.prices(name):
                yield _view("mcp", (name, f"{name}/{pattern}", "", ""), price, "known", origin)


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
    counted = dict(price.per_unit or {})
    megabyte = counted.pop(BYTES, None)
    units = {name: _amount(rate, 1_000_000) for name, rate in counted.items()}
    if megabyte is not None:
        units["MB"] = _amount(megabyte)
    return PriceView(
        gate, *names, price.version, state, _amount(price.call), rates, units, tuple(_varies(price)), origin
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
    return plain(to_dollars(units) / per)
