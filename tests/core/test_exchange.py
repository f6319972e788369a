"""An exchange ends once, whoever ends it."""

from tests.builders import make_exchange

from triplegate.core.catalog import Target


def test_close_is_idempotent_and_the_first_outcome_counts():
    exchange = make_exchange()
    exchange.close("ok")
    exchange.close("failed")
    assert exchange.outcome == "ok"
    assert len(exchange.house.spool.records) == 1


def test_callbacks_run_once_with_the_exchange():
    seen = []
    exchange = make_exchange()
    exchange.on_close(seen.append)
    exchange.close("gone")
    exchange.close("gone")
    assert seen == [exchange]


def test_attempts_are_numbered_and_listed():
    exchange = make_exchange()
    target = Target("service", "s")
    first, second = exchange.attempt(target), exchange.attempt(target, "retry")
    assert [(a.n, a.role) for a in exchange.attempts] == [(1, "first"), (2, "retry")]
    assert first is exchange.attempts[0]
    assert second.target is target


def test_three_levels_of_calls_within_calls_are_allowed():
    exchange = make_exchange()
    assert exchange.depth_allowed
    exchange.depth = 3
    assert not exchange.depth_allowed
