"""A share of one model's calls goes to another model."""

from tests.builders import make_exchange
from tests.gates.llm.places import facts, model, place

from triplegate.config.documents_routing import CanaryDocument
from triplegate.core.identity import Principal
from triplegate.gates.llm.canary import Canary
from triplegate.gates.llm.order import order_of


def consumer(number):
    return make_exchange(principal=Principal("o", "t", f"c{number}", "k", "", "key", team_ref="o/t"))


def canary(percent, by="consumer", name="m"):
    return Canary.of(name, CanaryDocument(model="new", percent=percent, by=by))


def test_a_consumer_stays_on_one_side_and_the_share_is_met():
    ten = canary(10)
    sides = [ten.takes(consumer(number)) for number in range(2000)]
    assert sides == [ten.takes(consumer(number)) for number in range(2000)]
    assert 140 < sum(sides) < 260
    more = [canary(30).takes(consumer(number)) for number in range(2000)]
    assert all(wider for narrow, wider in zip(sides, more, strict=True) if narrow)  # who is there stays there
    other = [canary(10, name="other").takes(consumer(number)) for number in range(2000)]
    assert sides != other
    assert Canary.of("m", None) is None


def test_each_call_may_be_drawn():
    one = consumer(1)
    drawn = []
    for number in range(1000):
        one.id = f"call-{number}"
        drawn.append(canary(50, "call").takes(one))
    assert 400 < sum(drawn) < 600


def test_the_canary_goes_first_and_the_models_own_come_after_it():
    call = facts()
    models = {"m": model(place("own"), canary=canary(100)), "new": model(place("new"))}
    order = order_of(call.exchange, call.call, models["m"], models)
    first, role = order.pick([])
    assert (first.name, role) == ("new", "first")
    attempt = call.exchange.attempt(first)
    attempt.error_class = "transient"
    assert order.pick([attempt])[0].name == "own"
    models["new"] = model(place("new"), teams=frozenset({"ops"}))
    assert order_of(call.exchange, call.call, models["m"], models).pick([])[0].name == "own"
    assert models["m"].others == ("new",)
