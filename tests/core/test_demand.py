"""What a call will want: of its gate's estimate, else of its route's price for a call."""

import msgspec
from tests.builders import make_exchange

from triplegate.core.catalog import Route
from triplegate.core.demand import money_wanted, tokens_wanted
from triplegate.core.money import Price


class Fixed:
    """A gate's estimate."""

    def tokens(self, dimension, reservation):
        return {"input": 10, "output": 20, "total": 30}[dimension] * (2 if reservation == "strict" else 1)

    def money(self, target, reservation):
        return 7


def test_the_gate_s_estimate_is_asked():
    exchange = make_exchange()
    exchange.demand = Fixed()
    assert tokens_wanted(exchange, "total") == 30
    assert tokens_wanted(exchange, "output", "strict") == 40
    assert money_wanted(exchange, None) == 7


def test_without_one_a_call_wants_no_tokens_and_the_price_of_its_route():
    exchange = make_exchange()
    exchange.route = None
    assert (tokens_wanted(exchange, "input"), money_wanted(exchange, None)) == (0, 0)
    exchange.route = Route("r", "api", price=Price(call=5))
    assert money_wanted(exchange, None) == 5
    exchange.route = msgspec.structs.replace(exchange.route, price=None)
    assert money_wanted(exchange, None) == 0
    exchange.price = Price(call=9)
    assert money_wanted(exchange, None) == 9
