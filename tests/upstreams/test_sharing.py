"""A breaker that opens in one process is open in the others, and closes there when it closes here."""

import asyncio

import msgspec
from tests.builders import make_kit

from triplegate.core.clock import SetClock
from triplegate.core.errors import Refusal
from triplegate.core.policy import BreakerRules
from triplegate.stores.memory.broadcast import MemoryBroadcast
from triplegate.upstreams.breaker import Breaker
from triplegate.upstreams.sharing import TOPIC, Sharing
from triplegate.upstreams.supervisor import TaskSupervisor

RULES = BreakerRules(failures=1, open_for=5.0, shared=True)


class Node:
    """One process's breaker of the service `a`."""

    def __init__(self, broadcast, clock, supervisor=None):
        self.clock = clock
        self.supervisor = supervisor or TaskSupervisor()
        self.kit = make_kit(clock=clock, broadcast=broadcast, supervisor=self.supervisor)
        self.breaker = Breaker()
        self.sharing = Sharing.kept(self.kit)
        self.sharing.join("service:a", self.breaker)

    def take(self, rules=RULES, *, failed):
        now = self.clock.now()
        self.breaker.take(now, now, rules, failed=failed)

    def state(self):
        return self.breaker.state(self.clock.now())


async def turn():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_opens_or_closes_here_does_so_there():
    clock, broadcast = SetClock(), MemoryBroadcast()
    here, there = Node(broadcast, clock), Node(broadcast, clock)
    await turn()
    here.take(failed=True)
    await turn()
    assert (here.state(), there.state()) == ("open", "open")
    clock.advance(5.1)
    assert there.breaker.allow(clock.now(), RULES)
    there.take(failed=False)
    await turn()
    assert (here.state(), there.state()) == ("closed", "closed")
    for node in (here, there):
        assert node.supervisor.running == 1, "one listener for all breakers of a process"
        await node.supervisor.close()


async def test_one_that_is_not_shared_keeps_it_to_itself():
    clock, broadcast = SetClock(), MemoryBroadcast()
    here, there = Node(broadcast, clock), Node(broadcast, clock)
    await turn()
    here.take(BreakerRules(failures=1), failed=True)
    await turn()
    assert (here.state(), there.state()) == ("open", "closed")
    for node in (here, there):
        await node.supervisor.close()


async def test_a_process_has_one_listener_and_hears_neither_itself_nor_nonsense():
    clock, broadcast = SetClock(), MemoryBroadcast()
    node = Node(broadcast, clock)
    assert Sharing.kept(node.kit) is node.sharing
    node.sharing.join("service:a", node.breaker)
    await turn()
    own = node.sharing._own
    for message in (b"\xff", b"[1]", b'["x","unknown",5]', msgspec.json.encode((own, "service:a", 5.0))):
        await broadcast.publish(TOPIC, message)
    await turn()
    assert node.state() == "closed"
    await broadcast.publish(TOPIC, msgspec.json.encode(("other", "service:a", 1e12)))
    await turn()
    assert node.breaker.until <= clock.now() + 3600, "nobody can close it down for good"
    assert node.supervisor.running == 1
    await node.supervisor.close()


async def test_a_store_that_is_away_costs_nothing_but_the_news():
    class Away(MemoryBroadcast):
        async def publish(self, topic, message):
            raise Refusal("overloaded")

    node = Node(Away(), SetClock())
    await turn()
    node.take(failed=True)
    await turn()
    assert node.state() == "open"
    assert (node.sharing.failed, node.supervisor.failures) == (1, 0)
    await node.supervisor.close()


async def test_without_room_for_a_task_it_is_tried_again():
    full = TaskSupervisor(limit=0)
    node = Node(MemoryBroadcast(), SetClock(), full)
    node.take(failed=True)
    assert node.sharing.failed == 2
    full._limit = 5
    node.sharing.join("service:a", node.breaker)
    assert full.running == 1
    await full.close()
