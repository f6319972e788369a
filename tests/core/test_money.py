"""Money is whole units of 10⁻¹⁰ dollar; every rounding is half-even and happens once."""

from decimal import ROUND_HALF_EVEN, Decimal

from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.money import (
    MOST_A_CALL,
    Price,
    Rules,
    Timed,
    divide_half_even,
    dollars_text,
    from_dollars,
    plain,
    read_counters,
    to_dollars,
)

counts = st.tuples(*[st.integers(0, 10**7)] * 9)
rates = st.integers(0, 10**13)


def test_dollars_and_units_are_exact_both_ways():
    assert from_dollars("0.15") == 1_500_000_000
    assert to_dollars(1_500_000_000) == Decimal("0.15")
    assert from_dollars(Decimal("0.00000000005")) == 0
    assert from_dollars(Decimal("0.00000000015")) == 2


@given(st.integers(-(10**25), 10**25) | st.sampled_from([0, 1, -1, 10**10, 10**9, 25 * 10**10]))
def test_an_amount_is_written_as_a_decimal_is(units):
    assert dollars_text(units) == f"{to_dollars(units):f}"


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
    assert 0 <= cost <= min(MOST_A_CALL, divide_half_even(sum(tokens) * max(input_rate, output_rate), 10**6))
    assert price.cost(tuple(a + b for a, b in zip(tokens, more, strict=True))) >= cost


@given(counts, st.sets(st.integers(0, 8)), rates, rates, rates)
def test_every_class_is_charged_at_its_own_rate(tokens, used, input_rate, output_rate, other_rate):
    tokens = tuple([count if place in used else 0 for place, count in enumerate(tokens)])
    price = Price(call=5, input=input_rate, output=output_rate, cache_write_1h=other_rate, audio_out=other_rate)
    exact = sum([count * rate for count, rate in zip(tokens, price.rates(), strict=True)])
    assert price.flat(tokens) == min(MOST_A_CALL, 5 + divide_half_even(exact, 10**6))


# prices that differ by call ----------------------------------------------------------------------------------
M = 1_000_000
LONG = Price(version="long", input=4 * M, output=8 * M)
PRIORITY = Price(
    version="priority", input=6 * M, output=6 * M, rules=Rules(above=((100, Price("longest", input=9 * M)),))
)
NIGHT = Price(version="night", input=M // 2)
PRICE = Price(
    version="day",
    call=7,
    input=M,
    output=2 * M,
    per_unit={"web_search": 3 * M, "page": M},
    rules=Rules(
        times=(Timed(NIGHT, hours=(23 * 3600, 3600)), Timed(Price("new", input=5 * M), since=1e9, until=2e9)),
        service={"priority": PRIORITY, "flex": Price("flex", rules=None)},
        above=((500, LONG), (100, Price("longer", input=3 * M))),
    ),
)
NOON = 12 * 3600.0


def of(price, uncached=0, cached=0, **more):
    return price.applied((uncached, cached, 0, 0, 0, 0, 50, 0, 0), **{"at": NOON, **more}).version


def test_a_long_input_costs_more_for_all_of_its_tokens():
    assert [of(PRICE, size) for size in (100, 101, 500, 501)] == ["day", "longer", "longer", "long"]
    assert of(PRICE, 60, 60) == "longer"  # cached ones count
    tokens = (501, 0, 0, 0, 0, 0, 2, 0, 0)
    assert PRICE.cost(tokens, at=NOON) == 501 * 4 + 2 * 8


def test_a_tier_that_is_not_listed_costs_the_standard_price():
    assert [of(PRICE, 1, tier=tier) for tier in ("", "default", "priority", "flex")] == [
        "day",
        "day",
        "priority",
        "flex",
    ]
    assert of(PRICE, 101, tier="priority") == "longest"


def test_hours_may_run_over_midnight_and_dates_do_not_include_their_end():
    assert [of(PRICE, 1, at=hour * 3600.0) for hour in (22.9, 23, 24, 24.99, 25)] == [
        "day",
        "night",
        "night",
        "night",
        "day",
    ]
    noon = 999_993_600.0 + NOON + 86_400
    assert [of(PRICE, 1, at=at) for at in (999_993_600.0 + NOON - 86_400, noon, 2_000_000_000.0 + NOON)] == [
        "day",
        "new",
        "day",
    ]
    assert Timed(NIGHT, hours=(3600, 7200)).holds(3600)
    assert not Timed(NIGHT, hours=(3600, 7200)).holds(7200)


def test_counted_things_are_paid_by_the_piece():
    none = (0,) * 9
    assert PRICE.cost(none, '{"web_search": 2, "page": 1, "unknown": 9}', at=NOON) == 7 + 6 + 1
    assert PRICE.cost(none, at=NOON) == Price(call=7).cost(none, '{"web_search": 2}') == 7
    assert read_counters('{"seconds": 1.2, "less": -4, "none": 0}') == {"seconds": 2}
    assert read_counters("[1]") == read_counters("nonsense") == {}


def test_what_applied_gave_is_not_looked_up_again():
    only = Price("base", input=M, rules=Rules(times=(Timed(Price("past", input=9 * M), until=100.0),)))
    assert only.applied((1, *(0,) * 8), at=NOON).flat((1, *(0,) * 8)) == 1
    assert only.cost((1, *(0,) * 8), at=50.0) == 9


@st.composite
def prices(draw):
    """A price whose longer inputs cost at least as much, with rules of every kind."""
    low, high = sorted((draw(rates), draw(rates)))
    plain = {"output": draw(rates), "cache_read": draw(st.none() | rates), "call": draw(st.integers(0, 10**9))}
    units = {"web_search": draw(rates)}
    longer = Price(input=high, **{**plain, "output": plain["output"] * 2, "cache_read": None}, per_unit=units)
    plain["cache_read"] = None if plain["cache_read"] is None else min(plain["cache_read"], high)
    rules = Rules(above=((draw(st.integers(1, 10**7)), longer),))
    served = Price(input=low // 2, **plain, rules=rules)
    timed = Timed(Price(input=low, **plain, rules=rules), hours=(0, draw(st.integers(0, 86_400))))
    return Price(input=low, **plain, per_unit=units, rules=Rules((timed,), {"flex": served}, rules.above))


def everywhere(price):
    """The price and all that its rules lead to."""
    rules = price.rules or Rules()
    below = [*(one.price for one in rules.times), *rules.service.values(), *(longer for _, longer in rules.above)]
    return [price, *(found for one in below for found in everywhere(one))]


@given(prices(), counts, counts, st.integers(0, 1000), st.sampled_from(["", "flex"]), st.integers(0, 2 * 10**9))
def test_no_rule_makes_a_call_cost_more_than_its_highest_rate_or_less_for_more(price, tokens, more, searches, tier, at):
    counters = f'{{"web_search":{searches}}}' if searches else ""
    cost = price.cost(tokens, counters, tier, at)
    every = everywhere(price)
    highest = max(max(one.rates()) for one in every)
    units = searches * max((one.per_unit or {}).get("web_search", 0) for one in every)
    assert 0 <= cost <= max(one.call for one in every) + divide_half_even(sum(tokens) * highest + units, M)
    assert price.cost(tuple(a + b for a, b in zip(tokens, more, strict=True)), counters, tier, at) >= cost


def test_a_price_costs_something_when_any_of_its_rates_does():
    assert not Price(version="free").costs
    assert all(
        one.costs for one in (Price(call=1), Price(output=1), Price(cache_read=1), Price(per_unit={"images": 1}))
    )


def test_an_exact_amount_is_written_without_exponent_and_trailing_zeros():
    assert [plain(Decimal(one)) for one in ("0E-10", "1E+3", "2.50", "-0.0000000001")] == [
        "0",
        "1000",
        "2.5",
        "-0.0000000001",
    ]


@given(st.integers(0, 10**7), st.integers(0, 10**7), rates, rates, st.booleans())
def test_plain_text_costs_what_its_tokens_cost(read, written, input_rate, output_rate, dearer_above):
    longer = Rules(above=((1000, Price(input=input_rate * 2, output=output_rate)),)) if dearer_above else None
    price = Price(call=7, input=input_rate, output=output_rate, rules=longer)
    assert price.plain(read, written) == price.cost((read, 0, 0, 0, 0, 0, written, 0, 0))
