"""Servers inside the gateway: what they answer to which message."""

import json

import pytest
from tests.builders import make_exchange, make_kit

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.inside import InsideTransport
from triplegate.upstreams.supervisor import TaskSupervisor
from triplegate.wire.openapi_request import Asked


class Own(InsideTransport):
    """One tool that says what it was given."""

    async def _call(self, exchange, name, arguments):
        if name != "own":
            raise Refusal("rpc_invalid_params", "There is no such tool.")
        return b'{"content":[],"given":%b}' % arguments


def make():
    own = Own("own", None, make_kit(supervisor=TaskSupervisor()))
    own.offer({"own": b'{"name":"own"}'})
    return own


async def say(method, params=None, *, exchange=None, identity=5, verb="POST"):
    own = make()
    body = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    text = json.dumps(body if identity is None else {**body, "id": identity}).encode()
    reply = await own.send(verb, [], text, own.dispatch(), None, exchange, "")
    content = b"".join([piece async for piece in reply.frames])
    return reply.status, json.loads(content) if content else None


async def test_it_is_a_server_of_the_newest_era_with_tools_only():
    status, told = await say("server/discover")
    assert (status, told["result"]["capabilities"]) == (200, {"tools": {}})
    assert (await say("tools/list"))[1]["result"]["tools"] == [{"name": "own"}]
    assert Own.known_era == "modern"


async def test_a_call_is_made_for_somebody_and_its_arguments_come_as_they_are():
    params = {"name": "own", "arguments": {"a": 1.0}}
    status, told = await say("tools/call", params, exchange=make_exchange())
    assert (status, told["id"], told["result"]["given"]) == (200, 5, {"a": 1.0})
    assert (await say("tools/call", params))[0] == 404  # nobody's


async def test_what_it_does_not_know_is_answered_as_the_era_wants_it():
    status, told = await say("tools/call", {"name": "other"}, exchange=make_exchange())
    assert (status, told["error"]["code"]) == (400, -32602)
    assert (await say("prompts/list"))[0] == 404
    assert (await say("notifications/cancelled", identity=None))[0] == 202
    assert (await say("tools/list", verb="GET"))[0] == 405


async def test_without_a_way_back_into_the_gateway_calls_are_refused():
    with pytest.raises(Refusal, match="overloaded"):
        await make().reenter(make_exchange(), Asked("GET", "/", b"", [], b""), 100)
