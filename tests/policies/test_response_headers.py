"""Answer fields are edited on their way to the client."""

import pytest
from pydantic import ValidationError
from tests.gates.built import always, answer, built
from tests.hostile.scripted import Upstream

from triplegate.policies.response_headers import ResponseHeaders

ANSWER = answer(b"ok", b"X-Set: 1", b"X-Set: 2", b"X-Add: 1", b"X-Gone: 1", b"X-Kept: 1")


def text(url, identity="identity: none, owner: web, "):
    policies = "{use: response_headers, set: {X-Set: a}, add: {X-Add: b}, remove: [X-Gone, server]}"
    return f"""services: {{s: {{endpoints: ["{url}"]}}}}
routes: {{r: {{service: s, match: {{path: /r}}, {identity}policies: [{{use: key_auth}}, {policies}]}}}}
"""


async def test_fields_are_set_added_and_removed(tmp_path):
    async with Upstream(always(ANSWER)) as upstream, built(tmp_path, text(upstream.url)) as made:
        _, wire = await made.serve("GET", "/r")
    fields = [(name, value) for name, value in wire.headers if name.startswith(b"x-") or name == b"server"]
    ours = (b"x-request-id", b"x-triplegate-overhead-ms")
    kept = [line for line in fields if line[0] not in ours]
    assert kept == [(b"x-add", b"1"), (b"x-kept", b"1"), (b"x-set", b"a"), (b"x-add", b"b")]


async def test_the_gateways_own_refusals_stay_as_they_are(tmp_path):
    async with built(tmp_path, text("http://127.0.0.1:1", "")) as made:
        _, wire = await made.serve("GET", "/r", key=False)
    assert (wire.status, wire.field(b"x-set"), wire.field(b"server")) == (401, None, b"triplegate")


def test_it_cannot_merely_observe():
    with pytest.raises(ValidationError, match="enforce"):
        ResponseHeaders.model_validate({"set": {"x-a": "1"}, "mode": "observe"})
