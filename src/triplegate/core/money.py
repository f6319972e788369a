"""Money as whole numbers: one unit is 10⁻¹⁰ US dollar, so that sums stay exact."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from math import ceil, inf

import msgspec

from triplegate.core.usage import plain_tokens

UNITS_PER_DOLLAR = 10_000_000_000
_PER = 1_000_000  # prices are quoted per million tokens
_DAY = 86_400
MOST_A_CALL = 10_000 * UNITS_PER_DOLLAR
"""Units that one call costs at most: the sum of an hour, 64 bits wide, holds 92,000 of the dearest."""
_INPUT = _TEXT = 6
"""The first classes are what the model read; the next one is the text that it wrote."""
BYTES = "bytes"
"""The counter of bytes in and out: its price per million is that of a megabyte."""
_counters = msgspec.json.Decoder(dict[str, float]).decode


def from_dollars(amount: Decimal | str | int) -> int:
    """Units of `amount` US dollars, rounded half-even."""
    return int((Decimal(amount) * UNITS_PER_DOLLAR).to_integral_value(ROUND_HALF_EVEN))


def to_dollars(units: int) -> Decimal:
    """The exact dollar amount of `units`."""
    return Decimal(units) / UNITS_PER_DOLLAR


def dollars_text(units: int) -> str:
    """The exact dollar amount of `units` in plain digits, at a tenth of what a Decimal costs."""
    whole, rest = divmod(abs(units), UNITS_PER_DOLLAR)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{rest:010}".rstrip("0") if rest else f"{sign}{whole}"


def plain(amount: Decimal) -> str:
    """An exact amount without exponent and trailing zeros."""
    text = format(amount or Decimal(0), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def divide_half_even(numerator: int, denominator: int) -> int:
    """`numerator / denominator` rounded half-even; `denominator` > 0."""
    quotient, rest = divmod(numerator, denominator)
    double = 2 * rest
    if double > denominator or (double == denominator and quotient & 1):
        return quotient + 1
    return quotient


class Price(msgspec.Struct, frozen=True, gc=False):
    """What a target costs: units per call, per million tokens of each class, and per million of each counter.

    A class without a rate of its own falls back in a fixed order: cache_write_1h → cache_write_5m → input;
    cache_read → input; audio_in, image_in → input; reasoning, audio_out → output. A counter without one is free.
    """

    version: str = ""
    call: int = 0
    input: int = 0
    output: int = 0
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    audio_in: int | None = None
    image_in: int | None = None
    reasoning: int | None = None
    audio_out: int | None = None
    per_unit: Mapping[str, int] | None = None
    """By name of a counter of `Usage.tool_units`."""
    rules: "Rules | None" = None
    """Other prices for some calls; None for most models, which then cost nothing to look at."""

    @property
    def costs(self) -> bool:
        """Whether anything at all is paid for."""
        return bool(self.call or self.per_unit or self.rules is not None or any(self.rates()))

    def rates(self) -> tuple[int, ...]:
        """Units per million tokens in the order of `usage.CLASSES`."""
        write_5m = self.input if self.cache_write_5m is None else self.cache_write_5m
        return (
            self.input,
            self.input if self.cache_read is None else self.cache_read,
            write_5m,
            write_5m if self.cache_write_1h is None else self.cache_write_1h,
            self.input if self.audio_in is None else self.audio_in,
            self.input if self.image_in is None else self.image_in,
            self.output,
            self.output if self.reasoning is None else self.reasoning,
            self.output if self.audio_out is None else self.audio_out,
        )

    def applied(self, tokens: tuple[int, ...], tier: str = "", at: float = 0.0) -> "Price":
        """The price in force for one call: by its moment, then its service tier, then the length of its input."""
        return self if self.rules is None else self.rules.applied(self, sum(tokens[:_INPUT]), tier, at)

    def cost(self, tokens: tuple[int, ...], counters: str = "", tier: str = "", at: float = 0.0) -> int:
        """Units for one call that used `tokens` (order of `usage.CLASSES`), rounded once, half-even.

        `counters` is `Usage.tool_units`, `tier` the service tier that the provider says it used, `at` Unix seconds.
        """
        if self.rules is not None:
            return self.applied(tokens, tier, at).flat(tokens, counters)
        return self.flat(tokens, counters)

    def plain(self, read: int, written: int) -> int:
        """Units for one call of plain input and plain text only, as most are."""
        if self.rules is not None:
            return self.cost(plain_tokens(read, written))
        units = self.call + divide_half_even(read * self.input + written * self.output, _PER)
        return min(MOST_A_CALL, units)

    def flat(self, tokens: tuple[int, ...], counters: str = "") -> int:
        """Units at these rates, whatever `rules` say: for a price that `applied` gave."""
        if any(tokens[1:_TEXT]) or any(tokens[_TEXT + 1 :]):
            total = sum([count * rate for count, rate in zip(tokens, self.rates(), strict=True)])
        else:
            total = tokens[0] * self.input + tokens[_TEXT] * self.output
        if counters and self.per_unit:
            counted = read_counters(counters)
            total += sum([counted[name] * rate for name, rate in self.per_unit.items() if name in counted])
        return min(MOST_A_CALL, self.call + divide_half_even(total, _PER))


class Timed(msgspec.Struct, frozen=True):
    """A price that holds from one moment to another, or at some hours of each day (UTC)."""

    price: Price
    since: float = -inf
    """Unix seconds."""
    until: float = inf
    """Unix seconds, not included."""
    hours: tuple[int, int] | None = None
    """Seconds of the day, the second not included; may run over midnight."""

    def holds(self, at: float) -> bool:
        """Whether it is in force at `at`, Unix seconds."""
        if not self.since <= at < self.until:
            return False
        if self.hours is None:
            return True
        first, last = self.hours
        now = at % _DAY
        return first <= now < last if first <= last else now >= first or now < last


class Rules(msgspec.Struct, frozen=True):
    """Which other price holds for which calls."""

    times: tuple[Timed, ...] = ()
    """The first that holds is taken."""
    service: Mapping[str, Price] = {}
    """By service tier; one that is not listed costs the standard price."""
    above: tuple[tuple[int, Price], ...] = ()
    """(input tokens, price of all tokens of a call with more of them), the longest first."""

    def applied(self, price: Price, length: int, tier: str, at: float) -> Price:
        """The price of a call with `length` input tokens; each step may lead to a price with rules of its own."""
        for timed in self.times:
            if timed.holds(at):
                return (
                    timed.price
                    if timed.price.rules is None
                    else timed.price.rules.applied(timed.price, length, tier, at)
                )
        served = self.service.get(tier)
        if served is not None:
            return served if served.rules is None else served.rules.applied(served, length, "", at)
        for start, longer in self.above:
            if length > start:
                return longer
        return price


def read_counters(counters: str) -> dict[str, int]:
    """Whole numbers of a `Usage.tool_units`, a part of one counted as one; what cannot be read counts as nothing."""
    try:
        return {name: ceil(count) for name, count in _counters(counters).items() if 0 < count < 2**53}
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}
