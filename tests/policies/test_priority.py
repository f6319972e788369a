"""A call's class is set by where it comes in, who calls, or what a trusted proxy says."""

import pytest
from pydantic import ValidationError
from tests.builders import make_exchange, make_kit

from triplegate.core.fold import fold
from triplegate.core.http import OneFrame, Reply
from triplegate.policies.priority import Priority


async def forward(exchange):
    return Reply(200, [], OneFrame())


async def classed(*policies, trusted=(), **inbound):
    exchange = make_exchange(**inbound)
    await fold(policies, forward, make_kit(trusted=trusted)).proceed(exchange)
    return exchange.priority


async def test_the_class_is_as_written_and_the_last_one_counts():
    assert await classed() == 1
    assert await classed(Priority(level="critical")) == 0
    assert await classed(Priority(level="critical"), Priority(level="batch")) == 2
    assert await classed(Priority(level="batch"), Priority()) == 1


async def test_it_may_be_for_some_consumers_only():
    assert await classed(Priority(level="critical", consumers=["alice"])) == 0
    assert await classed(Priority(level="critical", consumers=["bob"])) == 1


@pytest.mark.parametrize(
    ("value", "found"),
    [(b"u=0", 0), (b"u=1, i", 0), (b"u=3", 1), (b"i, u=5", 2), (b"u=7;x=1", 2), (b"u=9", 2), (b"u=", 2), (b"", 2)],
)
async def test_urgency_is_taken_from_a_trusted_proxy(value, found):
    policy = Priority(level="batch", urgency=True)
    assert await classed(policy, trusted={"192.0.2.7"}, headers=[(b"priority", value)]) == found


async def test_nobody_else_can_make_himself_more_important():
    policy = Priority(level="batch", urgency=True)
    assert await classed(policy, headers=[(b"priority", b"u=0")]) == 2
    assert await classed(Priority(level="batch"), trusted={"192.0.2.7"}, headers=[(b"priority", b"u=0")]) == 2


def test_it_decides_nothing_that_could_be_observed():
    with pytest.raises(ValidationError, match="enforce"):
        Priority.model_validate({"mode": "observe"})
