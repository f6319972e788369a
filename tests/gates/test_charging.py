"""What was moved and counted is charged when a call ends, in one rounding with the call itself."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from triplegate.core.exchange import Numbers
from triplegate.core.money import Price
from triplegate.core.usage import Usage
from triplegate.gates.charging import charge_at_end

PRICE = Price("v", call=100, per_unit={"bytes": 1_000_000, "rows": 7_000_000})


def ended(price: Price, units: dict[str, int], moved: tuple[int, int] = (20, 30)) -> Any:
    callbacks: list[Any] = []
    exchange: Any = SimpleNamespace(numbers=Numbers(), usage=Usage(), on_close=callbacks.append)
    charge_at_end(exchange, price, units)
    exchange.numbers.bytes_in, exchange.numbers.bytes_out = moved
    for callback in callbacks:
        callback(exchange)
    return exchange


def test_bytes_and_units_are_charged_beside_the_call_and_kept_for_rerating() -> None:
    exchange = ended(PRICE, {"rows": 3, "weather": 9})
    assert exchange.numbers.own_cost == exchange.numbers.list_cost == 100 + 50 + 21
    assert json.loads(exchange.usage.tool_units) == {"bytes": 50, "rows": 3}
    assert PRICE.cost((0,) * 9, exchange.usage.tool_units) == exchange.numbers.own_cost


@pytest.mark.parametrize(("rate", "cost"), [(1, 100), (10_000, 100), (10_001, 101), (30_000, 102)])
def test_it_is_rounded_once(rate: int, cost: int) -> None:
    assert ended(Price("v", call=100, per_unit={"bytes": rate}), {}).numbers.own_cost == cost


def test_only_what_has_a_price_is_counted() -> None:
    exchange = ended(Price("v", call=5, per_unit={"rows": 1}), {"weather": 9})
    assert (exchange.numbers.own_cost, exchange.usage.tool_units) == (5, "")
