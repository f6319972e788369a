"""The rules reach the gates, and a breaker opens, spares the upstream, probes and closes again."""

import asyncio

import pytest
from pydantic import ValidationError
from tests.gates.built import built
from tests.hostile.scripted import Upstream

from triplegate.core.policy import BreakerRules, Dispatch
from triplegate.policies.breaker import Breaker


def test_the_rules_are_written_into_the_dispatch():
    dispatch = Dispatch()
    Breaker(failures=3, open_for="2s", longest="9s", permits=2).tune(dispatch)
    assert dispatch.breaker == BreakerRules(failures=3, open_for=2.0, longest=9.0, permits=2)


def test_without_a_word_five_failures_in_a_row_open_it():
    dispatch = Dispatch()
    Breaker().tune(dispatch)
    assert dispatch.breaker == BreakerRules(failures=5)


def test_shares_replace_failures_in_a_row_unless_both_are_said():
    dispatch = Dispatch()
    Breaker(rate=0.5, window="20s", volume=50).tune(dispatch)
    assert dispatch.breaker == BreakerRules(failures=None, rate=0.5, window=20.0, volume=50)
    Breaker(slow="2s", slow_rate=0.8, failures=9).tune(dispatch)
    assert dispatch.breaker == BreakerRules(failures=9, slow=2.0, slow_rate=0.8)


@pytest.mark.parametrize(
    "fields",
    [
        {"failures": 0},
        {"open_for": "0s"},
        {"mode": "observe"},
        {"rate": 0},
        {"slow_rate": 1.5},
        {"volume": 0},
        {"permits": 0},
        {"open_for": "2m", "longest": "1m"},
    ],
)
def test_a_breaker_that_never_decides_cannot_be_written(fields):
    with pytest.raises(ValidationError):
        Breaker(**fields)


async def test_nodes_tell_one_another(tmp_path, state):
    async def answers(talk):
        while True:
            head = await talk.head()
            status = b"500 Oops" if b"/r/bad" in head else b"200 OK"
            await talk.say(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    rules = "{use: breaker, failures: 1, open_for: 60s, shared: true}"
    async with Upstream(answers) as upstream:
        text = f"""
services: {{s: {{endpoints: ["{upstream.url}"], policies: [{rules}]}}}}
routes: {{r: {{service: s, match: {{path: /r}}, policies: [{{use: key_auth}}]}}}}
"""
        async with (
            built(tmp_path, text, broadcast=state.broadcast) as here,
            built(tmp_path, text, broadcast=state.others_broadcast()) as there,
        ):
            for node in (here, there):
                assert (await node.serve("GET", "/r/good"))[1].status == 200
                await asyncio.sleep(0)  # the listener's task begins
                await node.kit.broadcast.publish("breakers", b"")  # it is subscribed by then
            assert (await here.serve("GET", "/r/bad"))[1].status == 500
            async with asyncio.timeout(10):
                while (await there.serve("GET", "/r/good"))[1].status != 503:
                    await asyncio.sleep(0.02)
            for node in (here, there):
                await node.kit.supervisor.close()
