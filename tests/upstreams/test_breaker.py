"""A breaker opens after failures in a row, probes one at a time, and stays open over a reload."""

from tests.builders import make_kit

from triplegate.upstreams.breaker import Breaker

RULES = (3, 5.0, 12.0)


def broken(breaker, now, rules=RULES):
    for _ in range(rules[0]):
        breaker.failed(now, rules)
    return breaker


def test_only_failures_in_a_row_open_it():
    breaker = Breaker()
    for _ in range(10):
        breaker.failed(1.0, RULES)
        breaker.failed(1.0, RULES)
        breaker.succeeded()
    assert breaker.allow(1.0, RULES)
    broken(breaker, 1.0)
    assert breaker.state(1.0) == "open"
    assert not breaker.allow(5.9, RULES)


def test_one_probe_at_a_time_and_a_good_one_closes():
    breaker = broken(Breaker(), 1.0)
    assert breaker.state(6.0) == "half-open"
    assert breaker.allow(6.0, RULES)
    assert not breaker.allow(6.0, RULES)
    breaker.succeeded()
    assert breaker.state(6.0) == "closed"
    assert breaker.allow(6.0, RULES)


def test_a_failed_probe_opens_it_for_longer_up_to_a_bound():
    breaker = broken(Breaker(), 0.0)
    assert breaker.until == 5.0
    now = 5.0
    for length in (10.0, 12.0, 12.0):
        assert breaker.allow(now, RULES)
        breaker.failed(now, RULES)
        assert breaker.until == now + length
        now = breaker.until


def test_a_probe_that_never_came_back_is_replaced():
    breaker = broken(Breaker(), 0.0)
    assert breaker.allow(5.0, RULES)
    assert not breaker.allow(9.9, RULES)
    assert breaker.allow(10.0, RULES)


def test_stragglers_do_not_keep_it_open():
    breaker = broken(Breaker(), 0.0)
    for _ in range(10):
        breaker.failed(1.0, RULES)
    assert breaker.until == 5.0


def test_it_outlives_a_reload_and_new_rules_hold_at_once():
    kit = make_kit()
    broken(kit.state(Breaker, "service:a", Breaker), 0.0)
    again = kit.state(Breaker, "service:a", Breaker)
    assert not again.allow(1.0, (100, 5.0, 60.0))
    assert again.state(1.0) == "open"
