"""Prices of routes and tools as written: a call, a megabyte, a counted unit."""

import hashlib
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from pydantic import BeforeValidator, Field, model_validator

from triplegate.config.documents_base import Document
from triplegate.config.types import DollarsOfCall, HeaderName, Name, Worded
from triplegate.core.money import BYTES, Price, from_dollars

_MILLION = 1_000_000
PricedTool = Annotated[str, Worded(r"[A-Za-z0-9_.*-]+", "letters, digits, _ . - and *", longest=160)]
"""A tool's name at its server; * stands for any characters."""


class CallPrice(Document):
    """What a call costs; a number alone is the price of a call."""

    call: DollarsOfCall = Decimal(0)
    """US dollars a call."""
    mb: DollarsOfCall = Decimal(0)
    """US dollars a megabyte (10⁶ bytes) of bodies, in and out together."""


class RoutePrice(CallPrice):
    """What a call of a route costs; a number alone is the price of a call."""

    units: dict[Name, DollarsOfCall] = Field(default_factory=dict, max_length=32)
    """US dollars for one of a thing that the service counts, by name."""
    units_from: HeaderName | None = None
    """Field of the reply in which the service counts them: `rows=12, pages=1` (RFC 9651)."""

    @model_validator(mode="after")
    def _counted_somewhere(self) -> "RoutePrice":
        if bool(self.units) != (self.units_from is not None):
            raise ValueError("units and units_from come together")
        if BYTES in self.units:
            raise ValueError("bytes are priced by mb")
        return self

    def price(self, name: str) -> Price:
        """The same in the ledger's units; units are told by the million there."""
        counted = {unit: from_dollars(amount * _MILLION) for unit, amount in self.units.items()}
        if self.mb:
            counted[BYTES] = from_dollars(self.mb)
        return _price(self, f"api/{name}", self.call, counted)


class ToolPrice(CallPrice):
    """What a call of a server's tools costs; a number alone is the price of a call."""

    tools: dict[PricedTool, DollarsOfCall] = Field(default_factory=dict, max_length=256)
    """US dollars a call of these tools instead, by their names at the server; the first that fits."""

    def price(self, name: str) -> Price:
        """The same in the ledger's units, under a version that changes with it."""
        return _price(self, f"mcp/{name}", self.call, self._moved())

    def prices(self, name: str) -> tuple[tuple[str, Price], ...]:
        """Pattern and price of the tools that have one of their own."""
        return tuple(
            (pattern, _price(self, f"mcp/{name}/{pattern}", amount, self._moved()))
            for pattern, amount in self.tools.items()
        )

    def _moved(self) -> dict[str, int]:
        return {BYTES: from_dollars(self.mb)} if self.mb else {}


def _price(document: CallPrice, name: str, call: Decimal, counted: dict[str, int]) -> Price:
    plain = msgspec.json.encode(document.model_dump(mode="json"), order="sorted")
    version = f"{name}@own#{hashlib.sha256(plain).hexdigest()[:8]}"
    return Price(version=version, call=from_dollars(call), per_unit=counted or None)


def _short(value: Any) -> Any:
    return value if value is None or isinstance(value, (dict, Document)) else {"call": value}


PriceOfRoute = Annotated[RoutePrice, BeforeValidator(_short, json_schema_input_type=DollarsOfCall | RoutePrice)]
PriceOfTools = Annotated[ToolPrice, BeforeValidator(_short, json_schema_input_type=DollarsOfCall | ToolPrice)]
