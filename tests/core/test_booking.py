"""A record says what happened, in whole microseconds and units."""

from tests.builders import make_exchange

from triplegate.core.booking import overhead_us, record_of, rest_of
from triplegate.core.catalog import Route, Target
from triplegate.core.errors import Refusal
from triplegate.core.money import Price


def test_the_record_carries_who_what_when_and_cost():
    exchange = make_exchange(route=Route("orders", "api", price=Price(call=5)))
    attempt = exchange.attempt(Target("service", "s"))
    attempt.cost, attempt.adopted, attempt.numbers.status, attempt.provider = 30, True, 200, "openai"
    attempt.price_version = "p1"
    exchange.target, exchange.outcome = "s", "ok"
    exchange.numbers.own_cost, exchange.numbers.status, exchange.numbers.bytes_out = 5, 200, 11
    started = exchange.started
    record = record_of(exchange, "final", "n1", started + 0.25, 1000.0)
    assert (record.org, record.team, record.consumer, record.key_id) == ("acme", "web", "alice", "key0000001")
    assert (record.duration_us, record.started) == (250_000, 999.75)
    assert (record.own_cost, record.cost, record.billed, record.each) == (5, 35, True, True)
    assert (record.route, record.target, record.status, record.bytes_out) == ("orders", "s", 200, 11)
    assert [(a.target, a.cost, a.adopted) for a in record.attempts] == [("s", 30, True)]
    assert (record.provider, record.attempts[0].price_version) == ("openai", "p1")


def test_unpriced_api_traffic_is_rolled_up_unless_the_route_says_otherwise():
    assert not record_of(make_exchange(), "final", "n", 0, 0).each
    each = make_exchange(route=Route("orders", "api", records="each"))
    assert record_of(each, "final", "n", 0, 0).each
    assert record_of(make_exchange(route=Route("gpt", "llm")), "final", "n", 0, 0).billed


def test_a_refusal_is_named():
    exchange = make_exchange()
    exchange.refusal, exchange.outcome = Refusal("forbidden"), "refused"
    assert record_of(exchange, "final", "n", 0, 0).refusal == "forbidden"


def test_overhead_is_our_own_time_to_the_head_without_the_upstreams():
    exchange = make_exchange()
    started = exchange.started
    assert overhead_us(exchange) == 0
    exchange.numbers.dispatched = started + 0.001
    exchange.numbers.upstream_head = started + 0.101
    exchange.numbers.first_byte = started + 0.1015
    assert abs(overhead_us(exchange) - 1500) <= 1


def test_what_is_left_is_a_row_of_its_own():
    exchange = make_exchange()
    exchange.numbers.bytes_out = 10
    booked = record_of(exchange, "interim", "n", exchange.started + 60, 1060.0)
    exchange.numbers.bytes_out, exchange.usage.output_text, exchange.usage.source = 25, 4, "partial"
    total = record_of(exchange, "final", "n", exchange.started + 90, 1090.0)
    left = rest_of(total, booked)
    assert (left.duration_us, left.bytes_out, sum(left.tokens), left.each) == (30_000_000, 15, 4, True)
    assert (left.kind, left.started, left.status) == (total.kind, total.started, total.status)
    assert total.bytes_out == 25


def test_a_call_of_a_tool_is_booked_on_the_tool():
    exchange = make_exchange(route=Route("files", "mcp"))
    exchange.attempt(Target("server", "files")).adopted = True
    exchange.target, exchange.tool = "files", "files__read"
    record = record_of(exchange, "final", "n1", exchange.started, 1000.0)
    assert (record.route, record.target, record.attempts[0].target) == ("files", "files__read", "files")
