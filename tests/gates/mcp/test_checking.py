"""Servers that are asked whether they are well: calls are refused while they are not, lists are fresh once they are."""

import asyncio

import pytest
from tests.gates.mcp.messages import bearer, modern
from tests.gates.mcp.methods.test_listening import listening
from tests.gates.mcp.moody import Moody
from tests.gates.mcp.test_gate import servers
from tests.gates.mcp.test_health import call

from triplegate.gates.mcp.checking import OWNER, checks, ill

ASKED = ", health: {interval: 30s, timeout: 10s, unhealthy: 2}"


@pytest.fixture
def watched(house, serve, http):
    """A gateway before one server whose health is asked, and the chore that asks."""

    async def start(moody, extra=ASKED):
        gate = await house(servers(await serve(moody), s0=extra))
        http.headers.update(bearer(gate.key()))
        tools = gate.gateway.snapshot.gates["mcp"]
        (chore,) = checks(tools.servers.values(), tools.catalog)
        gate.ask = chore.work
        (gate.server,) = tools.servers.values()
        assert chore.every == 30.0
        return gate

    return start


async def names(http, gate):
    result = (await http.post(f"{gate.url}/mcp", **modern("tools/list"))).json()["result"]
    return [tool["name"] for tool in result["tools"]], result["_meta"].get("triplegate.dev/unavailable", [])


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_server_that_is_down_is_left_alone_and_comes_back_with_a_fresh_list(watched, http, era):
    moody = Moody(era)
    gate = await watched(moody)
    await gate.ask()
    assert gate.server.verdict.state == "up"
    assert await names(http, gate) == (["files__t"], [])
    assert "result" in (await call(http, gate)).json()
    moody.mode = "fails"
    await gate.ask()
    assert gate.server.verdict.state == "up"  # one bad answer is none
    await gate.ask()
    verdict = gate.server.verdict
    assert (verdict.state, verdict.reason) == ("down", "status 500")
    assert verdict.since > 0
    asked = len(moody.asked)
    refused = await call(http, gate)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    assert refused.json()["error"]["data"]["refusal"] == "upstream_open"
    gate.server.state.listings["tool"].fresh_until = 0.0
    assert await names(http, gate) == (["files__t"], ["s0"])
    assert len(moody.asked) == asked
    moody.mode, moody.offered["tools"] = "well", b'{"name":"t"},{"name":"u"}'
    async with listening(http, gate, toolsListChanged=True) as events:
        await events.next()
        await gate.ask()
        assert (await events.next())["method"] == "notifications/tools/list_changed"
    assert await names(http, gate) == (["files__t", "files__u"], [])
    assert "result" in (await call(http, gate)).json()
    assert gate.server.health.known.error == "status 500"


async def test_it_has_a_session_of_its_own_that_is_opened_again_when_it_has_ended(watched):
    class Forgetful(Moody):
        async def __call__(self, request):
            answer = await super().__call__(request)
            method, _, headers = self.asked[-1]
            if method == "initialize":
                answer.headers.append(("mcp-session-id", f"up-{self.count('initialize')}"))
            if method == "ping" and headers["mcp-session-id"] == self.ended:
                answer.status, answer.body = 404, b"gone"
            return answer

    moody = Forgetful("legacy")
    moody.ended = ""
    gate = await watched(moody)
    await gate.ask()
    session = gate.server.state.sessions[OWNER].id.decode()
    moody.ended = session
    await gate.ask()
    assert gate.server.verdict.state == "up"
    assert gate.server.state.sessions[OWNER].id.decode() != session
    assert moody.count("ping") == 3


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize(
    ("mode", "said"),
    [("fails", "status 500"), ("dies", "http://"), ("lies", "no answer"), ("garbage", "no answer"), ("error", "")],
)
async def test_what_is_wrong_is_said(watched, era, mode, said):
    moody = Moody(era)
    gate = await watched(moody)
    assert await ill(gate.server) == ""
    moody.mode = mode
    found = await ill(gate.server)
    if mode == "error":  # it is there, and says so; a status of 500 is another matter
        assert found == ("status 500" if era == "modern" else "")
    else:
        assert said in found


async def test_one_that_hangs_is_down_within_its_time(watched):
    moody = Moody()
    gate = await watched(moody, ", health: {interval: 30s, timeout: 200ms}")
    gate.server.state.era = "modern"  # a stranger would have more time
    moody.mode = "hangs"
    async with asyncio.timeout(20):
        await gate.ask()
    assert gate.server.verdict.state == "down"
    moody.go.set()


async def test_a_secret_that_is_not_there_is_named(watched):
    gate = await watched(Moody(), ASKED + ", auth: {bearer: 'env:NOT_THERE'}")
    assert await ill(gate.server) == "nothing at env:NOT_THERE"


async def test_a_server_that_became_another_one_is_met_anew(watched, http):
    moody = Moody("modern")
    gate = await watched(moody)
    assert await ill(gate.server) == ""
    moody.era = "legacy"
    await ill(gate.server)
    assert await ill(gate.server) == ""
    assert gate.server.state.era == "legacy"
    assert (await names(http, gate))[0] == ["files__t"]
