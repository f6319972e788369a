"""What one worker shows and changes is the whole node's."""

import pytest

from triplegate.app.node import Crew, NodeKeys, NodeTelemetry
from triplegate.core.identity import KeyRecord
from triplegate.core.meters import Family, Meters


class Others(Crew):
    """Somebody else in the crew; keeps the orders."""

    def __init__(self):
        self.orders = []

    def families(self, own: list[Family]) -> list[Family]:
        return [*own, Family("theirs", "counter", "1", "", (), (), [((), [1])])]

    async def order(self, what: str, within: float = 2.0) -> bool:
        self.orders.append(what)
        return True


class Keys:
    def __init__(self):
        self.kept = {}

    async def create(self, record):
        self.kept[record.key_id] = record

    async def list(self, team=None):
        return list(self.kept.values())

    async def revoke(self, key_id, at):
        return self.kept.pop(key_id, None) is not None


async def test_a_worker_that_is_alone_leads_and_waits_for_nobody():
    crew = Crew()
    assert crew.leads
    assert await crew.order("keys")
    assert crew.families([]) == []
    assert crew.degraded() == []


async def test_keys_that_change_are_read_again_by_the_others_before_the_answer():
    crew, keys = Others(), Keys()
    node = NodeKeys(keys, crew)
    await node.create(KeyRecord("id", b"digest", "acme", "web", "ci"))
    assert crew.orders == ["keys"]
    assert [one.key_id for one in await node.list()] == ["id"]
    assert await node.revoke("id", 1.0)
    assert crew.orders == ["keys", "keys"]
    assert not await node.revoke("id", 1.0)


async def test_a_key_that_could_not_be_kept_is_told_to_nobody():
    class Broken(Keys):
        async def create(self, record):
            raise ValueError

    crew = Others()
    with pytest.raises(ValueError):
        await NodeKeys(Broken(), crew).create(KeyRecord("id", b"digest", "acme", "web", "ci"))
    assert crew.orders == []


def test_the_meters_of_the_leader_are_those_of_the_node():
    telemetry = NodeTelemetry(Meters())
    telemetry.crew = Others()
    assert telemetry.read()[-1].name == "theirs"
