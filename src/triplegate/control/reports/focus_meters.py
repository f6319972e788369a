"""What a group of calls consumed, meter by meter, with the price of each; what rounding left is one part more."""

from collections.abc import Iterator, Mapping
from decimal import Context, Decimal

import msgspec

from triplegate.core.money import BYTES, UNITS_PER_DOLLAR, Price
from triplegate.core.usage import CLASSES

MILLION = 1_000_000
_WIDE = Context(prec=80)
METERS = dict(
    zip(
        CLASSES,
        (
            *("Input", "Cached Input", "Cache Write 5m", "Cache Write 1h", "Audio Input", "Image Input"),
            *("Output", "Reasoning", "Audio Output"),
        ),
        strict=True,
    )
)


class Metered(msgspec.Struct, frozen=True):
    """So much of one thing at one price; money in US dollars, exact: `price` times `quantity` is `cost`."""

    code: str
    """What its price is told apart by: input_uncached, requests, web_search …"""
    meter: str
    consumed: int
    unit: str
    quantity: Decimal
    """In the unit of the price."""
    pricing_unit: str
    price: Decimal
    tokens: int = 0
    requests: int = 0

    @property
    def cost(self) -> Decimal:
        """Exact, however many digits."""
        return exact(self.price, self.quantity)


def exact(price: Decimal, quantity: Decimal) -> Decimal:
    """The product, however many digits it has."""
    return _WIDE.multiply(price, quantity)


def metered(sums: Mapping[str, int], price: Price | None, counters: Mapping[str, int]) -> list[Metered]:
    """What is priced, in a fixed order: tokens by class, counted things, calls. Without a price: only that calls were.

    `counters` are whole numbers of the things that a price may count, by name.
    """
    found = [] if price is None else [*_tokens(sums, price), *_counted(sums, price, counters)]
    return [*found, *_calls(sums, price, sum((one.cost for one in found), start=Decimal(0)))]


def rates_by_code(price: Price) -> dict[str, Decimal]:
    """US dollars per pricing unit of each meter, by its code."""
    rates = dict(zip(CLASSES, price.rates(), strict=True)) | {"requests": price.call}
    found = {code: Decimal(rate) / UNITS_PER_DOLLAR for code, rate in rates.items()}
    for name, rate in (price.per_unit or {}).items():
        found[name] = Decimal(rate) / UNITS_PER_DOLLAR / (1 if name == BYTES else MILLION)
    return found


def _tokens(sums: Mapping[str, int], price: Price) -> Iterator[Metered]:
    for name, rate in zip(CLASSES, price.rates(), strict=True):
        count = sums.get(name, 0)
        if count > 0:
            dollars = Decimal(rate) / UNITS_PER_DOLLAR
            yield Metered(name, METERS[name], count, "Tokens", _millions(count), "1M Tokens", dollars, tokens=count)


def _counted(sums: Mapping[str, int], price: Price, counters: Mapping[str, int]) -> Iterator[Metered]:
    known = {**counters, BYTES: sums.get("bytes_in", 0) + sums.get("bytes_out", 0)}
    for name, rate in (price.per_unit or {}).items():
        count = known.get(name, 0)
        if count <= 0:
            continue
        if name == BYTES:
            yield Metered(name, "Data", count, "Bytes", _millions(count), "MB", Decimal(rate) / UNITS_PER_DOLLAR)
        else:
            said = name.replace("_", " ").title()
            one = Decimal(rate) / MILLION / UNITS_PER_DOLLAR
            yield Metered(name, said, count, said, Decimal(count), said, one)


def _calls(sums: Mapping[str, int], price: Price | None, rest: Decimal) -> Iterator[Metered]:
    """Calls that had a price, as many as what is left of the cost pays for, and those that had none."""
    requests = sums.get("requests", 0)
    charged = 0
    if price is not None and price.call:
        most = max(requests, sums.get("attempts", 0))
        left = Decimal(sums.get("cost", 0)) - rest * UNITS_PER_DOLLAR
        charged = min(most, max(0, round(left / price.call)))
        if charged:
            dollars = Decimal(price.call) / UNITS_PER_DOLLAR
            told = min(charged, requests)
            yield Metered(
                "requests", "Requests", charged, "Requests", Decimal(charged), "Requests", dollars, requests=told
            )
    free = requests - charged
    if free > 0:
        yield Metered("free", "Requests", free, "Requests", Decimal(free), "Requests", Decimal(0), requests=free)


def _millions(count: int) -> Decimal:
    return Decimal(count).scaleb(-6)
