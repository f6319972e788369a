"""Money as whole numbers: one unit is 10⁻¹⁰ US dollar, so that sums stay exact."""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

UNITS_PER_DOLLAR = 10_000_000_000
_PER = 1_000_000  # prices are quoted per million tokens


def from_dollars(amount: Decimal | str | int) -> int:
    """Units of `amount` US dollars, rounded half-even."""
    return int((Decimal(amount) * UNITS_PER_DOLLAR).to_integral_value(ROUND_HALF_EVEN))


def to_dollars(units: int) -> Decimal:
    """The exact dollar amount of `units`."""
    return Decimal(units) / UNITS_PER_DOLLAR


def divide_half_even(numerator: int, denominator: int) -> int:
    """`numerator / denominator` rounded half-even; `denominator` > 0."""
    quotient, rest = divmod(numerator, denominator)
    double = 2 * rest
    if double > denominator or (double == denominator and quotient & 1):
        return quotient + 1
    return quotient


class Price(msgspec.Struct, frozen=True, gc=False):
    """What a target costs: units per call and per million tokens of each class.

    A class without a rate of its own falls back in a fixed order: cache_write_1h → cache_write_5m → input;
    cache_read → input; audio_in, image_in → input; reasoning, audio_out → output.
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

    def cost(self, tokens: tuple[int, ...]) -> int:
        """Units for one call that used `tokens` (order of `usage.CLASSES`), rounded once, half-even."""
        total = sum([count * rate for count, rate in zip(tokens, self.rates(), strict=True)])
        return self.call + divide_half_even(total, _PER)
