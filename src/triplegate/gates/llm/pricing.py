"""Which price a deployment has, and what becomes of calls when nobody knows it."""

from triplegate.config.documents_llm import DeploymentDocument, ProviderDocument
from triplegate.config.documents_prices import ChargeDefault, UnknownPrice
from triplegate.core.money import Price

UNKNOWN = Price(version="none")
"""Costs nothing, and is counted wherever it is used."""
_MOST = 1_000
"""Names whose prices are remembered at a deployment."""


def price_of(written: DeploymentDocument, provider: ProviderDocument, unknown: UnknownPrice) -> tuple[Price, str]:
    """The deployment's own price, else the vendor's for its model, else what is said of unknown ones.

    The second is why it may not be called; empty when it may. `unknown` is the gate's word, a provider's goes before.
    """
    name = f"{written.provider}/{written.model}"
    if written.price is not None:
        return written.price.price(written.price.version(name, None)), ""
    rates = provider.listed(written.model)
    if rates is not None and rates.priced:
        return rates.price(rates.version(name, provider.prices)), ""
    said = unknown if provider.unknown_price is None else provider.unknown_price
    if isinstance(said, ChargeDefault):
        default = said.charge_default
        return default.price(default.version("default", None)), ""
    return UNKNOWN, f"the price of {name} is unknown, and unknown_price is block" if said == "block" else ""


class ByName:
    """Prices of a deployment whose model is a pattern: each of the vendor's names has its own."""

    __slots__ = ("_found", "_provider", "_unknown", "_written")

    def __init__(self, written: DeploymentDocument, provider: ProviderDocument, unknown: UnknownPrice) -> None:
        self._written, self._provider, self._unknown = written, provider, unknown
        self._found: dict[str, Price] = {}

    def of(self, model: str) -> Price:
        """The price of the vendor's `model`; remembered, for clients say the same few names."""
        found = self._found.get(model)
        if found is None:
            if len(self._found) >= _MOST:
                self._found.clear()
            named = self._written.model_copy(update={"model": model})
            found = self._found[model] = price_of(named, self._provider, self._unknown)[0]
        return found
