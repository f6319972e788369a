"""A FOCUS 1.2 export: one row a period, team, key, provider, model and meter; costs sum to the ledger's, exactly."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Literal

import msgspec

from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.control.reports.chargeback import House, Question
from triplegate.control.reports.columns import Cell, Sheet, moment
from triplegate.control.reports.focus_columns import COLUMNS, VERSION
from triplegate.control.reports.focus_meters import Metered, exact, metered, rates_by_code
from triplegate.control.reports.period import DAY, Period
from triplegate.control.reports.spending import Ask, Known, Spent
from triplegate.core.calendar import Calendar
from triplegate.core.money import BYTES, UNITS_PER_DOLLAR, Price

Grain = Literal["day", "hour"]
BY = ("org", "team", "consumer", "key", "gate", "route", "provider", "target", "price_version")
MOST = 100_000
"""Groups of calls in one export, each of a few rows: it is put together in memory."""
_MONTH = Calendar("month")
_SERVICES = {
    "llm": ("AI and Machine Learning", "Generative AI"),
    "mcp": ("AI and Machine Learning", "Other (AI and Machine Learning)"),
    "api": ("Integration", "API Management"),
}
_ADJUSTMENTS = {
    "rounding": "Rounding of single calls",
    "unpriced": "Calls whose price nobody knows",
    "correction": "Cost that follows from no price",
}
_RESOURCES = {"llm": "Deployment", "mcp": "MCP Server", "api": "Service"}


Counters = Callable[
    [Sequence[str], Sequence[str], float, float, Mapping[str, str]],
    Awaitable[Mapping[tuple[str, ...], Mapping[str, int]]],
]
"""(things, dimensions, since, until, where) → by the values of these, how many of each."""


Prices = Callable[[Collection[str]], Awaitable[Mapping[str, Known]]]
"""Price versions → what they were, as far as the ledger knows them."""


class TooMany(ValueError):
    """More rows than one export may have."""


class Ledger(msgspec.Struct, frozen=True):
    """What an export asks."""

    ask: Ask
    prices: Prices
    counted: Counters


async def focus(question: Question, house: House, ledger: Ledger, grain: Grain) -> Sheet:
    """The rows of a period by day or hour. Raises DatabaseUnavailable, TooMany."""
    period, by = question.period, (grain, *BY)
    groups = await ledger.ask(by, period.begin, period.end, question.where)
    if len(groups) > MOST:
        raise TooMany(f"more than {MOST} groups of calls: ask for a shorter period, or by day")
    versions = {group.labels["price_version"] for group in groups}
    known = dict(await ledger.prices(versions))
    for version in versions - known.keys():  # names of models that clients made up stand in no list
        found = house.price(version)
        if found is not None:
            known[version] = found
    counted: Mapping[tuple[str, ...], Mapping[str, int]] = {}
    things = sorted({name for one in known.values() for name in one.price.per_unit or () if name != BYTES})
    if things:
        counted = await ledger.counted(things, by, period.begin, period.end, question.where)
    return await asyncio.to_thread(_sheet, period, house, groups, known, counted, grain)


def _sheet(
    period: Period,
    house: House,
    groups: Sequence[Spent],
    known: Mapping[str, Known],
    counted: Mapping[tuple[str, ...], Mapping[str, int]],
    grain: Grain,
) -> Sheet:
    with localcontext(prec=80):  # no sum of prices times quantities is ever cut
        rows = list(_rows(period, house, groups, known, counted, grain))
    notes = {"period": period.name, "focus_version": VERSION, "grain": grain, "currency": "USD"}
    return Sheet("focus", COLUMNS, rows, notes)


def _rows(
    period: Period,
    house: House,
    groups: Sequence[Spent],
    known: Mapping[str, Known],
    counted: Mapping[tuple[str, ...], Mapping[str, int]],
    grain: Grain,
) -> Iterator[tuple[Cell, ...]]:
    tags = {team: house.tags(team) for team in {(group.labels["org"], group.labels["team"]) for group in groups}}
    for group in groups:
        labels = group.labels
        found = known.get(labels["price_version"])
        counters = counted.get(tuple(labels.values()), {})
        listed = None if found is None else house.listed(found)
        writer = _Group(labels, found, listed, house.document, tags[labels["org"], labels["team"]])
        same = {**writer.on_every_row(), **_times(int(float(labels[grain])), period, grain)}
        for row in writer.rows(group.sums, metered(group.sums, None if found is None else found.price, counters)):
            cells = {**same, **row}
            yield tuple(cells.get(column.name) for column in COLUMNS)


def _times(begin: int, period: Period, grain: Grain) -> dict[str, Cell]:
    _, first, last = _MONTH.at(begin)
    length = DAY if grain == "day" else 3_600
    return {
        "ChargePeriodStart": moment(max(begin, period.begin)),
        "ChargePeriodEnd": moment(min(begin + length, period.end)),
        "BillingPeriodStart": moment(first),
        "BillingPeriodEnd": moment(last),
    }


class _Group:
    """Rows of the calls of one key at one model and price in one period."""

    def __init__(
        self,
        labels: Mapping[str, str],
        known: Known | None,
        listed: Price | None,
        document: ChargebackDocument,
        tags: Mapping[str, str],
    ) -> None:
        self.labels, self.known, self.document, self.tags = labels, known, document, tags
        self.listed = {} if listed is None else rates_by_code(listed)
        """List prices by meter, where they are not those that were charged."""

    def on_every_row(self) -> dict[str, Cell]:
        """What all rows say."""
        labels, operator = self.labels, self.document.operator
        org, team, gate = labels["org"], labels["team"], labels["gate"]
        category, subcategory = _SERVICES.get(gate, ("Other", "Other (Other)"))
        publisher = labels["provider"] if gate == "llm" else ""
        served = labels["provider"] if gate == "llm" else labels["target"] or labels["route"]
        return {
            "BillingAccountId": org or operator,
            "BillingAccountName": org or operator,
            "BillingAccountType": "Organization",
            "BillingCurrency": "USD",
            "ChargeFrequency": "Usage-Based",
            "InvoiceIssuerName": operator,
            "PricingCurrency": "USD",
            "ProviderName": operator,
            "PublisherName": publisher or operator,
            "ResourceId": labels["target"] or None,
            "ResourceName": labels["target"] or None,
            "ResourceType": _RESOURCES.get(gate) if labels["target"] else None,
            "ServiceCategory": category,
            "ServiceName": served or gate,
            "ServiceSubcategory": subcategory,
            "SubAccountId": f"{org}/{team}" if team else None,
            "SubAccountName": team or None,
            "SubAccountType": "Team" if team else None,
            "Tags": _json({**self.tags, **_some(app=labels["consumer"], key=labels["key"])}),
            "x_Consumer": labels["consumer"] or None,
            "x_Gate": gate,
            "x_KeyId": labels["key"] or None,
            "x_PriceVersion": labels["price_version"] or None,
            "x_Route": labels["route"] or None,
        }

    def rows(self, sums: Mapping[str, int], parts: Sequence[Metered]) -> Iterator[dict[str, Cell]]:
        """A row a meter, and one for what is left; the first has what the cache saved."""
        cost = Decimal(sums.get("cost", 0)) / UNITS_PER_DOLLAR
        left = cost - sum((part.cost for part in parts), start=Decimal(0))
        told = sum(part.tokens for part in parts)
        tokens = sums.get("tokens_in", 0) + sums.get("tokens_out", 0) - told
        found = [self._usage(part) for part in parts]
        saved = sums.get("saved", 0)
        if left or tokens or (saved and not found):
            found.append(self._adjustment(left, tokens, self._kind(sums, left)))
        for number, row in enumerate(found):
            row["x_CacheSavings"] = Decimal(saved if number == 0 else 0) / UNITS_PER_DOLLAR
        yield from found

    def _usage(self, part: Metered) -> dict[str, Cell]:
        labels = self.labels
        sku = f"{self.known.provider or labels['gate']}/{self.known.model}" if self.known is not None else ""
        sku = sku or f"{labels['provider'] or labels['gate']}/{labels['target'] or labels['route'] or 'none'}"
        version = labels["price_version"] or "none"
        return {
            **_costs(part.cost, part.price),
            **_list(part, self.listed.get(part.code, part.price)),
            "ChargeCategory": "Usage",
            "ChargeDescription": f"{part.meter} of {labels['route'] or labels['gate']}",
            "ConsumedQuantity": Decimal(part.consumed),
            "ConsumedUnit": part.unit,
            "PricingCategory": "Standard",
            "PricingQuantity": part.quantity,
            "PricingUnit": part.pricing_unit,
            "SkuId": sku,
            "SkuMeter": part.meter,
            "SkuPriceId": f"{version}/{part.code}",
            "x_Requests": part.requests,
            "x_TokenClass": part.code if part.tokens else None,
            "x_Tokens": part.tokens,
        }

    def _kind(self, sums: Mapping[str, int], left: Decimal) -> str:
        """Each call's cost was rounded once: half a unit of money at most is no more than that."""
        if self.known is None:
            return "unpriced"
        most = Decimal(max(1, sums.get("requests", 0) + sums.get("attempts", 0))) / UNITS_PER_DOLLAR / 2
        return "rounding" if abs(left) <= most else "correction"

    def _adjustment(self, left: Decimal, tokens: int, kind: str) -> dict[str, Cell]:
        return {
            **_costs(left, None),
            "ChargeCategory": "Adjustment",
            "ChargeDescription": _ADJUSTMENTS[kind],
            "x_Adjustment": kind,
            "x_Requests": 0,
            "x_Tokens": tokens,
        }


def _list(part: Metered, price: Decimal) -> dict[str, Cell]:
    return {
        "ListCost": part.cost if price == part.price else exact(price, part.quantity),
        "ListUnitPrice": price,
        "PricingCurrencyListUnitPrice": price,
    }


def _costs(cost: Decimal, price: Decimal | None) -> dict[str, Cell]:
    """All four costs are the ledger's, until the list's price is known to be another one."""
    return {
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), cost),
        **dict.fromkeys(("ContractedUnitPrice", "ListUnitPrice"), price),
        "PricingCurrencyEffectiveCost": cost,
        **dict.fromkeys(("PricingCurrencyContractedUnitPrice", "PricingCurrencyListUnitPrice"), price),
    }


def _some(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _json(values: Mapping[str, str]) -> str:
    return msgspec.json.encode(values, order="sorted").decode()
