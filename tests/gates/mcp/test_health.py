"""A server that fails is left alone by its breaker, and nobody else is; what it merely answers does not open it."""

import asyncio
from types import SimpleNamespace

import pytest
from tests.builders import make_kit
from tests.gates.mcp.conftest import TEAMS
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.gates.mcp.moody import Moody
from tests.gates.mcp.test_gate import servers
from tests.gates.mcp.test_streaming import eventually

from triplegate.config.documents_mcp_ends import ServerHealth
from triplegate.core.errors import Refusal
from triplegate.core.policy import BreakerRules
from triplegate.gates.mcp.health import Health
from triplegate.upstreams.breaker import Breaker
from triplegate.upstreams.supervisor import TaskSupervisor

CALL = {"name": "files__t", "arguments": {}}
BREAKER = ", policies: [{use: breaker, failures: 2, open_for: 60s, permits: 1}]"


async def call(http, gate, name="files__t"):
    return await http.post(f"{gate.url}/mcp", **modern("tools/call", {"name": name, "arguments": {}}))


async def fails(http, gate):
    """A call that fails at its server, in whatever form the client hears of it."""
    answer = await call(http, gate)
    data = answer.text.partition("data: ")[2] or answer.text
    assert "upstream_" in data, answer.text
    assert "upstream_open" not in data


def breaker_of(gate):
    return dict(gate.gateway.kit.states.named(Breaker))["server:s0"]


@pytest.fixture
async def two(house, serve, sample, http):
    """A moody server behind a breaker, and one that is always well."""
    moody = Moody()
    both = (await serve(moody), await sample())
    gate = await house(servers(*both, s0=BREAKER))
    http.headers.update(bearer(gate.key()))
    gate.moody = moody
    gate.reload_with = lambda extra: gate.reload(TEAMS + servers(*both, s0=extra))
    assert "result" in (await call(http, gate)).json()
    yield gate
    moody.go.set()


@pytest.mark.parametrize("mode", ["dies", "fails", "lies", "garbage", "cuts", "hangs"])
async def test_failures_in_a_row_open_it_and_other_servers_go_on(two, http, mode):
    two.moody.mode, two.moody.of = mode, {"tools/call"}
    if mode == "hangs":
        two.reload_with(BREAKER + ", timeouts: {first_byte: 100ms}")
    for _ in range(2):
        await fails(http, two)
    await eventually(lambda: breaker_of(two).until, 20)
    asked = len(two.moody.asked)
    refused = await call(http, two)
    assert (refused.status_code, refused.json()["error"]["data"]["refusal"]) == (503, "upstream_open")
    assert 0 < refused.json()["error"]["data"]["retryAfter"] <= 60
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert len(two.moody.asked) == asked
    other = await http.post(
        f"{two.url}/mcp", **modern("tools/call", {"name": "more1__echo", "arguments": {"text": "a"}})
    )
    assert other.json()["result"]["content"][0]["text"] == "a"
    (server, _) = two.gateway.snapshot.gates["mcp"].servers.values()
    assert server.verdict.state == "open"
    assert server.verdict.since > 0
    assert server.health.known.error


@pytest.mark.parametrize("mode", ["error", "tool_error"])
@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_an_answer_is_no_failure_even_if_it_is_an_error(house, serve, http, mode, era):
    moody = Moody(era)
    gate = await house(servers(await serve(moody), s0=BREAKER))
    http.headers.update(bearer(gate.key()))
    session = await initialize(http, f"{gate.url}/mcp")
    moody.mode, moody.of = mode, {"tools/call"}
    for _ in range(4):
        said = (await http.post(f"{gate.url}/mcp", **legacy("tools/call", CALL, session=session))).json()
        assert said.get("error", {}).get("code") == -32603 if mode == "error" else said["result"]["isError"]
    assert moody.count("tools/call") == 4
    assert breaker_of(gate).state(gate.gateway.kit.clock.now()) == "closed"


async def test_a_few_probes_decide_and_lists_are_stale_meanwhile(two, http):
    moody = two.moody
    moody.mode, moody.of = "dies", {"tools/call"}
    for _ in range(2):
        await fails(http, two)
    (server, _) = two.gateway.snapshot.gates["mcp"].servers.values()
    server.state.listings["tool"].fresh_until, listed = 0.0, moody.count("tools/list")
    result = (await http.post(f"{two.url}/mcp", **modern("tools/list"))).json()["result"]
    assert "files__t" in [tool["name"] for tool in result["tools"]]
    assert result["_meta"]["triplegate.dev/unavailable"] == ["s0"]
    assert moody.count("tools/list") == listed
    breaker_of(two).until = two.gateway.kit.clock.now() - 0.001  # its time is over
    moody.mode = "hangs"
    asked = moody.count("tools/call")
    probe = asyncio.get_running_loop().create_task(call(http, two))
    await eventually(lambda: moody.count("tools/call") == asked + 1, 20)
    assert (await call(http, two)).status_code == 503
    assert server.verdict.state == "half-open"
    moody.go.set()
    assert "result" in (await probe).json()
    assert server.verdict.state == "up"
    assert "result" in (await call(http, two)).json()


async def test_an_open_one_stays_open_over_reloads_and_is_nobodys_once_its_policy_is_gone(two, http):
    two.moody.mode, two.moody.of = "fails", {"tools/call"}
    for _ in range(2):
        await fails(http, two)
    for _ in range(20):
        two.reload_with(BREAKER)
    assert (await call(http, two)).status_code == 503
    (server, _) = two.gateway.snapshot.gates["mcp"].servers.values()
    assert server.verdict.state == "open"
    two.reload_with("")
    (server, _) = two.gateway.snapshot.gates["mcp"].servers.values()
    assert server.verdict.state != "open"
    await fails(http, two)


def health(rules=None):
    return Health("s", "s|place", rules, make_kit(supervisor=TaskSupervisor()))


def attempt(kind):
    numbers = SimpleNamespace(dispatched=0.5, upstream_head=0.0, ended=0.0)
    return SimpleNamespace(error_class=kind, numbers=numbers)


@pytest.mark.parametrize("kind", ["overload", "credential", "rate", "client", "open", "rpc_error"])
def test_what_is_our_own_doing_says_nothing_of_the_server(kind):
    made = health()
    for _ in range(9):
        made.note(BreakerRules(failures=1), attempt(kind))
    made.guard(BreakerRules(failures=1), serving=False)
    assert made.verdict.state == "unknown"
    made.note(BreakerRules(failures=1), attempt("stall"))
    assert made.verdict.state == "open"


def test_the_first_answer_decides_alone_and_later_ones_in_a_row():
    made = health(ServerHealth(healthy=2, unhealthy=2))
    assert not made.mark("status 500")
    assert made.barred
    assert (made.verdict.state, made.verdict.reason) == ("down", "status 500")
    assert not made.mark("")
    assert not made.mark("status 500")  # the row begins anew
    assert not made.mark("")
    assert made.mark("")
    assert made.verdict.state == "up"
    assert not made.mark("status 500")
    assert not made.barred
    made.mark("status 500")
    with pytest.raises(Refusal, match="upstream_open") as refused:
        made.check(None)
    assert refused.value.retry_after == 15.0
    assert "status 500" not in refused.value.detail


def test_what_went_wrong_is_kept_short_on_one_line_and_with_nothing_hidden():
    made = health()
    made.failed(Refusal("upstream_busy", "x", reason="not the server's"))
    assert made.known.error == ""
    made.failed(Refusal("upstream_reset", "x", reason="a\n\x1b[31mb\u200b " + "c" * 900))
    assert made.known.error.startswith("a ⟨U+001B⟩[31mb⟨U+200B⟩ ccc")
    assert len(made.known.error) <= 301
