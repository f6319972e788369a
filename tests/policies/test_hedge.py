"""The rules reach the attempts, and a slow endpoint no longer makes a call slow."""

import asyncio

import pytest
from pydantic import ValidationError
from tests.gates.built import always, built
from tests.hostile.scripted import Upstream

from triplegate.core.policy import Dispatch, HedgeRules
from triplegate.policies.hedge import Hedge

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_the_rules_are_written_into_the_dispatch():
    dispatch = Dispatch()
    assert dispatch.hedge is None
    Hedge(after="50ms", least="1ms", budget=0.1).tune(dispatch)
    assert dispatch.hedge == HedgeRules(after=0.05, least=0.001, budget=0.1)


@pytest.mark.parametrize("fields", [{"budget": 0}, {"budget": 0.9}, {"after": "0s"}, {"mode": "observe"}])
def test_hedges_without_bounds_cannot_be_written(fields):
    with pytest.raises(ValidationError):
        Hedge(**fields)


async def test_a_slow_endpoint_is_passed_by_and_its_connection_is_closed(tmp_path):
    async def silent(talk):
        await talk.head()
        await talk.read_to_end()

    async with Upstream(silent) as slow, Upstream(always(OK)) as fast:
        hedge = "policies: [{use: hedge, after: 20ms, budget: 0.5}]"
        written = f"""
services: {{s: {{endpoints: ["{slow.url}", "{fast.url}"], {hedge}}}}}
routes: {{r: {{service: s, match: {{path: /r}}, records: each, policies: [{{use: key_auth}}]}}}}
"""
        async with built(tmp_path, written) as made:
            for method in ("GET", "GET", "DELETE", "GET"):
                _, wire = await asyncio.wait_for(made.serve(method, "/r"), 5)
                assert (wire.status, wire.content) == (200, b"ok")
            await slow.until_idle()
            assert slow.talks
            attempts = [[(one.role, one.adopted) for one in record.attempts] for record in made.records]
            assert [("first", False), ("hedge", True)] in attempts, "both are on record"
