"""A noisy team waits for itself."""

import asyncio

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange, make_house, make_kit

from triplegate.core.clock import SystemClock
from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.core.identity import Principal
from triplegate.policies.fair_share import FairShare

HOUSE = make_house(SystemClock())


def person(org, team, name="ci"):
    return Principal(org, team, name, team_ref=f"{org}/{team}")


async def forward(exchange):
    return Reply(200, [], OneFrame(b"ok"))


class Crowd:
    """Calls through one step, in the order in which they were let in."""

    def __init__(self, **fields):
        self.step = FairShare(**fields).build(make_kit(clock=SystemClock()))
        self.inside, self.tasks, self.refused = [], [], []

    async def come(self, principal, times=1):
        for _ in range(times):
            self.tasks.append(asyncio.ensure_future(self._call(principal)))
        await self.turn()

    async def _call(self, principal):
        exchange = make_exchange(house=HOUSE, principal=principal)
        try:
            await self.step(exchange, forward)
        except Refusal as refusal:
            self.refused.append((principal, refusal.code))
        else:
            self.inside.append((principal, exchange))

    async def turn(self):
        for _ in range(5):
            await asyncio.sleep(0)

    async def leave(self):
        """The one that has been inside for longest ends; who came in for it."""
        _, exchange = self.inside.pop(0)
        before = len(self.inside)
        exchange.close("ok")
        await self.turn()
        return [principal for principal, _ in self.inside[before:]]

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


A, B = person("acme", "a"), person("acme", "b")


async def test_a_free_place_goes_to_the_team_that_has_fewer():
    async with Crowd(at_once=4) as crowd:
        await crowd.come(A, 10)
        assert len(crowd.inside) == 4
        await crowd.come(B, 2)
        assert await crowd.leave() == [B]
        assert await crowd.leave() == [B]


async def test_one_that_is_alone_has_everything():
    async with Crowd(at_once=5) as crowd:
        await crowd.come(A, 8)
        assert [principal for principal, _ in crowd.inside] == [A] * 5


async def test_a_full_queue_costs_the_one_with_most_waiting():
    async with Crowd(at_once=1, queue=4) as crowd:
        await crowd.come(A, 5)
        await crowd.come(B)
        assert crowd.refused == [(A, "concurrency_exceeded")]
        await crowd.come(A)
        assert crowd.refused == [(A, "concurrency_exceeded")] * 2
        assert await crowd.leave() in ([A], [B])


@pytest.mark.parametrize(
    ("by", "same", "other"),
    [
        ("team", person("acme", "a", "x"), person("acme", "b", "x")),
        ("consumer", person("acme", "a", "ci"), person("acme", "a", "x")),
        ("org", person("acme", "b"), person("other", "a")),
    ],
)
async def test_places_are_shared_among_teams_consumers_or_orgs(by, same, other):
    async with Crowd(at_once=2, by=by) as crowd:
        await crowd.come(A, 2)
        await crowd.come(same)
        await crowd.come(other)
        assert await crowd.leave() == [other]


async def test_nobody_waits_for_longer_than_is_said():
    async with Crowd(at_once=1, queue_timeout="20ms") as crowd:
        await crowd.come(A, 2)
        await asyncio.wait_for(crowd.tasks[1], 5)
        assert crowd.refused == [(A, "concurrency_exceeded")]


async def test_observing_refuses_nobody_and_says_so():
    async with Crowd(at_once=1, queue=1, mode="observe") as crowd:
        await crowd.come(A, 3)
        assert [exchange.decisions for _, exchange in crowd.inside][2] == [
            ("fair_share", "would refuse", "concurrency_exceeded")
        ]


@pytest.mark.parametrize("fields", [{}, {"at_once": 0}, {"at_once": 1, "queue": 0}])
def test_a_share_of_nothing_cannot_be_written(fields):
    with pytest.raises(ValidationError):
        FairShare(**fields)
