"""Prices as written: per million tokens, per call and per counted thing, with what changes them."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fnmatch import translate
from math import inf
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, model_validator

from triplegate.config.documents_base import Document
from triplegate.config.types import Dollars, DollarsOfCall, Name, Worded
from triplegate.core.money import Price, Rules, Timed, from_dollars

_CLASSES = (
    *("input", "output", "cache_read", "cache_write_5m", "cache_write_1h"),
    *("audio_in", "image_in", "reasoning", "audio_out"),
)
_HOURS = r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d"

Hours = Annotated[str, Worded(_HOURS, "hours of the day in UTC: 00:30-16:30", longest=11)]
"""From one time of the day to another, in UTC: 00:30-16:30; may run over midnight."""
Pattern = Annotated[str, Worded(r"[\x21-\x7e]+", "visible characters without spaces", longest=256)]
"""A name, or one with * for any characters, ? for one and [0-9] for one of these; letters in either case."""


class Amounts(Document):
    """US dollars per million tokens, per call and per unit; in a variation only what differs need be written."""

    call: DollarsOfCall = Decimal(0)
    """US dollars a call, beside the tokens."""
    input: Dollars = Decimal(0)
    """Input tokens."""
    output: Dollars = Decimal(0)
    """Output tokens."""
    cache_read: Dollars | None = None
    """Input read from the vendor's prompt cache; else like input."""
    cache_write_5m: Dollars | None = None
    """Input written to a prompt cache of 5 minutes; else like input."""
    cache_write_1h: Dollars | None = None
    """Input written to a prompt cache of 1 hour; else like cache_write_5m."""
    audio_in: Dollars | None = None
    """Audio input; else like input."""
    image_in: Dollars | None = None
    """Image input; else like input."""
    reasoning: Dollars | None = None
    """Reasoning tokens; else like output."""
    audio_out: Dollars | None = None
    """Audio output; else like output."""
    units: dict[Name, DollarsOfCall] = Field(default_factory=dict, max_length=32)
    """US dollars for one of a counted thing, by its name in the record's `tool_units`: web_searches, search_units …"""

    def written(self) -> dict[str, Any]:
        """What was written here, by field; the rest is as it is without this variation."""
        fields = ("call", *_CLASSES, "units")
        return {name: getattr(self, name) for name in fields if name in self.model_fields_set}


class Above(Amounts):
    """Prices of calls with a long input."""

    tokens: Annotated[int, Field(ge=1)]
    """Calls with more input tokens than this, cached ones included, cost these prices for all of their tokens."""


class Service(Amounts):
    """Prices of a service tier or of batch calls."""

    above: Annotated[tuple[Above, ...], Field(max_length=8)] | None = None
    """Prices by length of input; null = those of the standard tier."""


class Times(Service):
    """Prices for a time: from a date, until a date, at some hours of the day; of several the first that holds."""

    since: date | None = None
    """First day (UTC)."""
    until: date | None = None
    """First day on which it no longer holds (UTC)."""
    hours: Hours | None = None
    """Hours of each day in UTC."""
    service: dict[Name, Service] = Field(default_factory=dict, max_length=16)
    """Prices by service tier that differ at that time."""

    @model_validator(mode="after")
    def _some_time(self) -> "Times":
        if self.since is None and self.until is None and self.hours is None:
            raise ValueError("say since, until or hours: else it always holds")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since is not before until")
        return self


class Rates(Amounts):
    """Prices of a model; a class that is absent costs like its parent class."""

    above: Annotated[tuple[Above, ...], Field(max_length=8)] = ()
    """Prices by length of input."""
    service: dict[Name, Service] = Field(default_factory=dict, max_length=16)
    """Prices by the service tier that the provider says it used (flex, priority …), and `batch`."""
    times: Annotated[tuple[Times, ...], Field(max_length=32)] = ()
    """Prices from a date on, or at some hours."""

    @property
    def priced(self) -> bool:
        """Whether any price was written; else it is not known what calls cost."""
        return bool(self.model_fields_set & {"call", "units", "times", *_CLASSES})

    def price(self, version: str = "") -> Price:
        """The same in the ledger's units: per call, per million tokens and per million of each counter."""
        base = self.written()
        price = _price(version, base, self.above, self.service)
        if not self.times:
            return price
        rules = price.rules or Rules()
        times = tuple(self._timed(one, f"{version}+{_label(one)}", base) for one in self.times)
        return msgspec.structs.replace(price, rules=msgspec.structs.replace(rules, times=times))

    def _timed(self, one: Times, version: str, base: Mapping[str, Any]) -> Timed:
        above = self.above if one.above is None else one.above
        price = _price(version, _over(base, one), above, {**self.service, **one.service})
        return Timed(price, _moment(one.since, -inf), _moment(one.until, inf), _seconds(one.hours))

    def version(self, name: str, table: str | None) -> str:
        """What records call these prices: `name`, the table they are from, and a mark that changes with them."""
        plain = self.model_dump(mode="json", include={"call", "units", "above", "service", "times", *_CLASSES})
        mark = hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()[:8]
        return f"{name}@{table or 'own'}#{mark}"


class ChargeDefault(Document):
    """Calls of unknown price cost these prices."""

    charge_default: Rates
    """The prices; reports show such calls by their price version `default`."""


UnknownPrice = Literal["flag", "block"] | ChargeDefault
"""flag: costs 0 and is shown; block: is not called; {charge_default: …}: costs these prices."""


class VendorModelDocument(Rates):
    """A vendor's model: its prices and what it can hold."""

    also: Annotated[tuple[Pattern, ...], Field(max_length=64)] = ()
    """Other names of it at the vendor, dated ones say; with * for any characters."""
    context: Annotated[int, Field(ge=1)] | None = None
    """Most tokens of input and output together: a request that one model cannot hold goes on only to larger ones."""
    max_output: Annotated[int, Field(ge=1)] | None = None
    """Most tokens of one answer; told to readers, nothing is refused by it."""


def listed(models: Mapping[str, VendorModelDocument], name: str) -> VendorModelDocument | None:
    """The entry for the vendor's model `name`: by its own name, then by another one, then by a pattern, in order."""
    found = models.get(name)
    if found is not None:
        return found
    lower = name.lower()
    for key, document in models.items():
        if lower == key.lower() or any(lower == other.lower() for other in document.also):
            return document
    for document in models.values():
        for other in document.also:
            if ("*" in other or "?" in other or "[" in other) and re.match(translate(other.lower()), lower):
                return document
    return None


def _over(base: Mapping[str, Any], variation: Amounts) -> dict[str, Any]:
    """`base` with what the variation writes; counted things are added, not replaced."""
    return {**base, **variation.written(), "units": {**base.get("units", {}), **variation.units}}


def _price(version: str, amounts: Mapping[str, Any], above: tuple[Above, ...], service: Mapping[str, Service]) -> Price:
    served = {
        tier: _price(f"{version}+{tier}", _over(amounts, one), above if one.above is None else one.above, {})
        for tier, one in service.items()
    }
    longer = tuple(
        (one.tokens, _plain(f"{version}+above-{one.tokens}", _over(amounts, one), None))
        for one in sorted(above, key=lambda one: -one.tokens)
    )
    return _plain(version, amounts, Rules(service=served, above=longer) if served or longer else None)


def _plain(version: str, amounts: Mapping[str, Any], rules: Rules | None) -> Price:
    units = {name: from_dollars(amount * 1_000_000) for name, amount in amounts.get("units", {}).items()}
    flat = {
        name: from_dollars(amounts[name])
        for name in ("call", *_CLASSES)
        if name in amounts and amounts[name] is not None
    }
    return Price(version=version, per_unit=units or None, rules=rules, **flat)


def _label(one: Times) -> str:
    said = [f"since-{one.since}" if one.since else "", f"until-{one.until}" if one.until else "", one.hours or ""]
    return "+".join(part for part in said if part)


def _moment(day: date | None, otherwise: float) -> float:
    return otherwise if day is None else datetime.combine(day, time(), UTC).timestamp()


def _seconds(hours: str | None) -> tuple[int, int] | None:
    if hours is None:
        return None
    first, last = (int(part[:2]) * 3600 + int(part[3:]) * 60 for part in hours.split("-"))
    return first, last
