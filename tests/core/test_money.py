"""Money is whole units of 10⁻¹⁰ dollar; every rounding is half-even and happens once."""

from decimal import ROUND_HALF_EVEN, Decimal

from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.money import Price, divide_half_even, from_dollars, to_dollars

counts = st.tuples(*[st.integers(0, 10**7)] * 9)
rates = st.integers(0, 10**13)


def test_dollars_and_units_are_exact_both_ways():
    assert from_dollars("0.15") == 1_500_000_000
    assert to_dollars(1_500_000_000) == Decimal("0.15")
    assert from_dollars(Decimal("0.00000000005")) == 0
    assert from_dollars(Decimal("0.00000000015")) == 2


@given(st.integers(-(10**18), 10**18), st.integers(1, 10**9))
def test_division_rounds_half_to_even(numerator, denominator):
    exact = (Decimal(numerator) / Decimal(denominator)).quantize(Decimal(1), ROUND_HALF_EVEN)
    assert divide_half_even(numerator, denominator) == int(exact)


def test_a_million_tokens_cost_the_quoted_price():
    price = Price(input=from_dollars("2.50"), output=from_dollars(10), cache_read=from_dollars("1.25"))
    assert to_dollars(price.cost((1_000_000, 0, 0, 0, 0, 0, 0, 0, 0))) == Decimal("2.5")
    assert to_dollars(price.cost((0, 2_000_000, 0, 0, 0, 0, 500_000, 0, 0))) == Decimal("7.5")


def test_a_class_without_a_rate_falls_back_in_the_documented_order():
    price = Price(input=10, output=20)
    assert price.rates() == (10, 10, 10, 10, 10, 10, 20, 20, 20)
    assert Price(input=10, cache_write_5m=12).rates()[2:4] == (12, 12)


@given(counts, counts, rates, rates)
def test_cost_is_bounded_and_grows_with_every_class(tokens, more, input_rate, output_rate):
    price = Price(input=input_rate, output=output_rate)
    cost = price.cost(tokens)
    assert 0 <= cost <= divide_half_even(sum(tokens) * max(input_rate, output_rate), 10**6)
    assert price.cost(tuple(a + b for a, b in zip(tokens, more, strict=True))) >= cost
