"""Deployments for tests of routing: real places, health and strategies, and nothing that is called."""

import json

from tests.builders import ALICE, make_exchange, make_house, make_kit

from triplegate.core.catalog import Route, Target
from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.gates.llm.call import read_call
from triplegate.gates.llm.facts import Facts
from triplegate.gates.llm.health import Health
from triplegate.gates.llm.model import Model, tiers_of
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.strategy import ByWeight, Place
from triplegate.upstreams.balance import Balance


class Wiring:
    """What is asked of a deployment before it is called."""

    by_name = None

    def model_for(self, name):
        return "x"

    def __init__(self, health, missing="", window=0):
        self.health, self.missing, self.window = health, missing, window

    def unable(self):
        return Refusal("upstream_credentials", "no", reason=self.missing) if self.missing else None


def place(name, *, kit=None, weight=1, tier=0, group="", missing="", window=0, price=None, when=None):
    group = group or name
    health = Health(kit or make_kit(), f"key-of-{name}", "m", group, counted=True, watched=True)
    target = Target("deployment", name, group=group, price=price, wiring=Wiring(health, missing, window))
    return Place(target, weight, tier, when)


def model(*places, strategy=None, teams=None, guards=(), **more):
    route = Route("m", "llm", targets=tuple((one.target, one.weight) for one in places))
    wirings = tuple(one.target.wiring for one in places)
    return Model(route, places, tiers_of(places), strategy or ByWeight(Balance()), wirings, (), teams, guards, **more)


def facts(body=None, *, principal=ALICE, clock=None, headers=(), **more):
    """What is known of a chat call with these members."""
    house = make_house(clock or SetClock())
    body = body or json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}).encode()
    exchange = make_exchange(principal=principal, house=house, headers=list(headers))
    return Facts(exchange, read_call(CHAT, body))
