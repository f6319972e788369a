"""Prices by the version that records give them, as far as the configuration in force still knows them."""

import re
from collections.abc import Iterator

import msgspec

from triplegate.config.documents import Documents
from triplegate.config.documents_llm import DeploymentDocument
from triplegate.config.documents_prices import ChargeDefault
from triplegate.control.reports.spending import Known
from triplegate.core.money import Price
from triplegate.gates.llm.pricing import price_of

_VERSION = re.compile(r"(.+)@([^@#]*)#[0-9a-f]{8}(?:\+.*)?", re.DOTALL)


def known_price(documents: Documents, version: str) -> Known | None:
    """What a version was, when a price of today still bears it: versions change with what they say."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return None
    for provider, model, price in _candidates(documents, found[1]):
        for one in variants(price):
            if one.version == version:
                return Known(provider, model, one)
    return None


def list_price(documents: Documents, known: Known) -> Price | None:
    """What the vendor's list says today of the model of a deployment that has a price of its own, for short calls."""
    provider = documents.providers.get(known.provider)
    rates = provider.listed(known.model) if provider is not None and "@own#" in known.price.version else None
    if rates is None or not rates.priced:
        return None
    return msgspec.structs.replace(rates.price(known.price.version), rules=None)


def variants(price: Price) -> Iterator[Price]:
    """The price and all that its rules may put in its place."""
    yield price
    if price.rules is None:
        return
    for timed in price.rules.times:
        yield from variants(timed.price)
    for served in price.rules.service.values():
        yield from variants(served)
    for _, longer in price.rules.above:
        yield from variants(longer)


def _candidates(documents: Documents, name: str) -> Iterator[tuple[str, str, Price]]:
    provider, _, model = name.partition("/")
    yield from _of_calls(documents, provider, model)
    written = documents.providers.get(provider)
    if written is not None:
        plain = DeploymentDocument(provider=provider, model=model)
        yield provider, model, price_of(plain, written, documents.llm.unknown_price)[0]
    for document in documents.models.values():
        for one in document.deployments:
            own = f"{one.provider}/{one.model}" == name or ("*" in one.model and one.provider == provider)
            if one.price is not None and own:
                named = one.model_copy(update={"model": model})
                yield provider, model, price_of(named, documents.providers[provider], "flag")[0]
    if name == "default":
        for said in (documents.llm.unknown_price, *(one.unknown_price for one in documents.providers.values())):
            if isinstance(said, ChargeDefault):
                rates = said.charge_default
                yield "", "", rates.price(rates.version(name, None))


def _of_calls(documents: Documents, gate: str, name: str) -> Iterator[tuple[str, str, Price]]:
    route = documents.routes.get(name) if gate == "api" else None
    if route is not None and route.price is not None:
        yield "", name, route.price.price(name)
    owner, slash, _ = name.partition("/")
    server = documents.servers.get(owner) if gate == "mcp" else None
    if server is not None and server.price is not None:
        if not slash:
            yield "", owner, server.price.price(owner)
        for pattern, price in server.price.prices(owner):
            yield "", f"{owner}/{pattern}", price
