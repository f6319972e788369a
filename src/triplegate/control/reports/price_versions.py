"""Every price of a configuration under the name that records give it, so that a later day can say what it was."""

from collections.abc import Iterable, Mapping
from math import isinf
from pathlib import Path

from pydantic import ValidationError

from triplegate.config.documents import Documents
from triplegate.config.documents_prices import Rates
from triplegate.config.faults import Findings, Position
from triplegate.config.merge import read_file
from triplegate.config.validate import note_errors
from triplegate.core.money import Price
from triplegate.gates.llm.building import concrete, labelled, named
from triplegate.gates.llm.pricing import UNKNOWN, price_of
from triplegate.gates.llm.stars import Pattern
from triplegate.stores.sql.prices import PriceVersion
from triplegate.stores.sql.rerating import Asked

Times = tuple[float | None, float | None]
"""Since and until, Unix seconds."""


def price_versions(documents: Documents) -> list[PriceVersion]:
    """One for each version, the variations of a price (by tier, length of input, time) among them."""
    found: dict[str, PriceVersion] = {}
    for name, document in documents.models.items():
        documents_of = [document]
        if "*" in name:
            pattern = Pattern(name)
            documents_of = [named(pattern, one, documents) for one in concrete(pattern, documents)]
        for written in [written for one in documents_of for _, written in labelled(one.deployments)]:
            price, _ = price_of(written, documents.providers[written.provider], documents.llm.unknown_price)
            for one in _flat("llm", written.provider, written.model, price):
                found.setdefault(one.version, one)
    found |= {one.version: one for one in _of_calls(documents)}
    return list(found.values())


def _of_calls(documents: Documents) -> Iterable[PriceVersion]:
    for name, route in documents.routes.items():
        if route.price is not None:
            price = route.price.price(name)
            yield PriceVersion(price.version, "api", "", name, price)
    for name, server in documents.servers.items():
        if server.price is not None:
            for called, price in ((name, server.price.price(name)), *server.price.prices(name)):
                yield PriceVersion(price.version, "mcp", "", called if called == name else f"{name}/{called}", price)


def _flat(gate: str, provider: str, model: str, price: Price, times: Times = (None, None)) -> Iterable[PriceVersion]:
    if price is UNKNOWN:
        return
    yield PriceVersion(price.version, gate, provider, model, price, *times)
    rules = price.rules
    if rules is None:
        return
    for other in (*rules.service.values(), *[one for _, one in rules.above]):
        yield from _flat(gate, provider, model, other, times)
    for timed in rules.times:
        since, until = (None if isinf(moment) else moment for moment in (timed.since, timed.until))
        yield from _flat(gate, provider, model, timed.price, (since, until))


class NewPrices:
    """Prices to charge a period again by: those of a configuration, or of a file by provider/model."""

    def __init__(self, documents: Documents, listed: Mapping[str, Rates] | None) -> None:
        self._documents, self._listed = documents, listed
        self._found: dict[Asked, Price | None] = {}

    def of(self, asked: Asked) -> Price | None:
        """The price of an attempt; None where nobody knows one, or the file says nothing of it."""
        if asked not in self._found:
            price = self._written(asked) if self._listed is None else self._in_file(asked)
            self._found[asked] = None if price is UNKNOWN else price
        return self._found[asked]

    def versions(self) -> list[PriceVersion]:
        """All prices that were found, under their names."""
        found: dict[str, PriceVersion] = {}
        for asked, price in self._found.items():
            for one in _flat("llm", asked.provider, _vendors(asked), price or UNKNOWN):
                found[one.version] = one
        return list(found.values())

    def _written(self, asked: Asked) -> Price | None:
        """By the model that was asked for and the deployment that was tried; that may be one of another model."""
        models = self._documents.models
        first = [asked.route] if asked.route in models else []
        for name in (*first, *models):
            for label, written in labelled(models[name].deployments):
                if label == asked.target and written.provider == asked.provider and "*" not in written.model:
                    return price_of(written, self._documents.providers[written.provider], "flag")[0]
        provider = self._documents.providers.get(asked.provider)
        rates = provider.listed(_vendors(asked)) if provider is not None else None
        if provider is None or rates is None or not rates.priced:
            return None
        return rates.price(rates.version(f"{asked.provider}/{_vendors(asked)}", provider.prices))

    def _in_file(self, asked: Asked) -> Price | None:
        name = f"{asked.provider}/{_vendors(asked)}"
        rates = (self._listed or {}).get(name)
        return None if rates is None else rates.price(rates.version(name, "file"))


def _vendors(asked: Asked) -> str:
    """The vendor's name of the model: the charged price says it, else the deployment's usual name does."""
    named_by = asked.version.partition("@")[0] if "/" in asked.version else asked.target.partition("#")[0]
    provider, _, model = named_by.partition("/")
    return model if provider == asked.provider else ""


def read_prices(file: Path) -> dict[str, Rates]:
    """The prices of a YAML or JSON file: provider/model → as in a provider's `models`. Raises ConfigError."""
    findings = Findings()
    found: dict[str, Rates] = {}
    for root in read_file(file, file.name, findings):
        for name, node in root.value.items() if isinstance(root.value, dict) else ():
            try:
                found[name] = Rates.model_validate(node.plain())
            except ValidationError as error:
                note_errors(error, Rates, node, findings)
    if not found:
        findings.fault(Position(file.name, 1, 1), "no prices: write provider/model: {input: …, output: …}")
    findings.raise_faults()
    return found
