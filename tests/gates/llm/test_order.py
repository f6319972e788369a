"""In which order one call tries, and what it is told when nothing can be tried."""

import pytest
from tests.gates.llm.places import facts, model, place

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.gates.llm.cooldown import Pace
from triplegate.gates.llm.order import Order

PACE = Pace(5.0, 60.0)


def ordered(*models, clock=None, larger=(), lenient=()):
    return Order(facts(clock=clock), models, larger, lenient)


def picked(order, times, **classes):
    """Names and roles of the first picks; `classes`: how attempts at a name end."""
    exchange = order.facts.exchange
    found = []
    for _ in range(times):
        target, role = order.pick(exchange.attempts)
        exchange.attempt(target, role).error_class = classes.get(target.name, "transient")
        found.append((target.name, role))
    return found


def test_deployments_come_first_then_fallbacks_then_the_last_again():
    names = picked(ordered(model(place("a"), place("b")), model(place("c"))), 4)
    assert sorted(name for name, _ in names[:2]) == ["a", "b"]
    assert [role for _, role in names] == ["first", "fallback", "fallback", "retry"]
    assert names[2:] == [("c", "fallback"), ("c", "retry")]


def test_a_deployment_without_its_credential_is_passed_over():
    assert picked(ordered(model(place("a", missing="no key"), place("b"))), 2) == [("b", "first"), ("b", "retry")]
    assert picked(ordered(model(place("a", missing="no key"))), 1) == [("a", "first")]  # it says why


def test_a_group_that_said_no_is_left_out_until_its_time_has_come():
    clock = SetClock()
    a, b, c = place("a", group="g"), place("b", group="g"), place("c")
    a.health.group.refused(clock.now(), PACE, 7.0, "429")
    b.target.wiring.health.group = a.health.group  # as kit.state has it
    shared = model(a, b, c)
    assert {picked(ordered(shared, clock=clock), 1)[0][0] for _ in range(6)} == {"c"}
    clock.advance(7.0)
    assert {picked(ordered(shared, clock=clock), 1)[0][0] for _ in range(6)} == {"a", "b", "c"}


def test_all_left_alone_is_a_429_with_the_soonest_wait():
    clock = SetClock()
    a, b = place("a"), place("b")
    a.health.group.refused(clock.now(), PACE, 30.0, "429")
    b.health.group.refused(clock.now(), PACE, 12.0, "429")
    with pytest.raises(Refusal) as caught:
        ordered(model(a), model(b), clock=clock).pick([])
    assert (caught.value.code, caught.value.status, caught.value.retry_after) == ("upstream_rate_limited", 429, 12.0)
    assert "a: its quota group is left alone for 30 s: 429" in caught.value.reason


def test_no_credential_left_is_a_502_that_names_none():
    clock = SetClock()
    a, b = place("a"), place("b", missing="no key")
    a.health.key.refused(clock.now(), PACE, None, "status 401")
    with pytest.raises(Refusal) as caught:
        ordered(model(a, b), clock=clock).pick([])
    assert (caught.value.code, caught.value.status) == ("upstream_credentials_exhausted", 502)
    assert "key" not in caught.value.detail


def test_a_request_that_is_too_large_goes_on_only_to_larger_models():
    small, other = place("small", window=8), place("other", window=8)
    large, silent = place("large", window=100), place("silent")
    order = ordered(model(small, other), model(silent), model(large))
    assert picked(order, 3, small="context_window", other="context_window", large="context_window")[-1][0] == "large"
    order = ordered(model(small), model(silent), model(large), larger=[model(other), model(silent)])
    assert picked(order, 2, small="context_window") == [("small", "first"), ("silent", "fallback")]
    order = ordered(model(silent), model(large))
    assert picked(order, 2, silent="context_window")[-1] == ("silent", "retry")  # larger than what nobody knows?


def test_what_a_policy_forbids_goes_on_only_where_that_is_written():
    order = ordered(model(place("a"), place("b")), model(place("c")))
    first = picked(order, 1, a="content_policy", b="content_policy")[0][0]
    assert picked(order, 1)[0] == (first, "retry")
    order = ordered(model(place("a")), model(place("c")), lenient=[model(place("d"))])
    assert picked(order, 3, a="content_policy", d="content_policy") == [
        ("a", "first"),
        ("d", "fallback"),
        ("d", "retry"),
    ]
