"""Spans of MCP calls speak the conventions' words: of tools, prompts, resources, sessions, refusals and failures."""

from types import SimpleNamespace
from typing import Any

import pytest

from triplegate.control.telemetry.mcp import failed_inside, far_of, told_of
from triplegate.core.errors import Refusal
from triplegate.gates.mcp.call import Item, McpCall, OwnItem
from triplegate.gates.mcp.server import UpstreamSession
from triplegate.gates.mcp.session_log import session_name
from triplegate.gates.mcp.sessions import ClientSession
from triplegate.wire.jsonrpc import read

ENV = read(b'{"jsonrpc":"2.0","id":"r-1","method":"tools/call","params":{}}')


def call(kind: Any = "tool", name: str = "files__read", at: Any = None, **more: Any) -> McpCall:
    item = Item(kind, name, at or SimpleNamespace(name="files"), OwnItem(name, b"{}"), b"{}", b'"x"', b"x")  # type: ignore[arg-type]
    return McpCall("request", id=b'"r-1"', env=ENV, item=item, **more)


def exchange(asked: McpCall | None, refusal: Refusal | None = None, attempts: Any = ()) -> Any:
    return SimpleNamespace(call=asked, refusal=refusal, attempts=attempts)


def server(
    network: str = "tcp", place: str = "files|http://10.0.0.1:9003/mcp", era: str = "legacy", **sessions: Any
) -> Any:
    state = SimpleNamespace(era=era, sessions={f"s:{name}": one for name, one in sessions.items()})
    return SimpleNamespace(name="files", network=network, place=place, state=state)


def test_a_tool_call_of_2026_07_28() -> None:
    assert told_of(exchange(call())) == {
        "network.transport": "tcp",
        "jsonrpc.request.id": "r-1",
        "mcp.protocol.version": "2026-07-28",
        "gen_ai.operation.name": "execute_tool",
    }


def test_a_session_is_named_so_that_nobody_can_use_it() -> None:
    session: Any = SimpleNamespace(id="s" * 32, version="2025-11-25")
    told = told_of(exchange(call("prompt", "files__ask", era="legacy", session=session)))
    assert (told["mcp.protocol.version"], told["gen_ai.prompt.name"]) == ("2025-11-25", "files__ask")
    assert told["mcp.session.id"] == session_name("s" * 32)
    assert "ssss" not in str(told)


@pytest.mark.parametrize("kind", ["resource", "template"])
def test_a_resource_is_named_by_its_uri(kind: str) -> None:
    assert told_of(exchange(call(kind, "file:///a")))["mcp.resource.uri"] == "file:///a"


def test_a_refusal_tells_its_code_and_what_was_not_read_tells_nothing() -> None:
    refused = told_of(exchange(call(), Refusal("tool_not_found", "")))
    assert refused["rpc.response.status_code"] == "-32602"
    assert told_of(exchange(None)) == {}


def test_an_error_of_the_servers_tells_its_code() -> None:
    lost, won = SimpleNamespace(adopted=False, flow=-32000), SimpleNamespace(adopted=True, flow=-32603)
    assert told_of(exchange(call(), attempts=(lost, won)))["rpc.response.status_code"] == "-32603"
    assert "rpc.response.status_code" not in told_of(exchange(call(), attempts=(lost,)))


def test_the_way_to_a_server_has_words_of_its_own() -> None:
    modern = far_of(exchange(call(at=server(era="modern", place="files|https://tools.test/mcp"))))
    assert modern == {
        "network.transport": "tcp",
        "mcp.protocol.version": "2026-07-28",
        "mcp.session.id": "",
        "server.address": "tools.test",
        "server.port": 443,
    }
    client: Any = ClientSession("c1", "2025-11-25", b"", {})
    at = server(c1=UpstreamSession(b"up-1", "2025-06-18"))
    told = far_of(exchange(call(at=at, session=client)))
    assert (told["mcp.protocol.version"], told["mcp.session.id"]) == ("2025-06-18", session_name("up-1"))
    assert (told["server.address"], told["server.port"], told["jsonrpc.request.id"]) == ("10.0.0.1", 9003, "")
    piped = far_of(exchange(call(at=server("pipe", "files|command:ab"))))
    assert piped["network.transport"] == "pipe"
    assert "server.address" not in piped
    assert far_of(exchange(None)) == far_of(exchange(McpCall("request"))) == {}


def test_an_answer_may_say_that_it_failed(make_finished: Any, make_attempt: Any) -> None:
    failed = make_attempt(error_class="tool_error")
    assert failed_inside(make_finished(attempts=(failed,)).record) == "tool_error"
    assert failed_inside(make_finished(attempts=(make_attempt(error_class="timeout", adopted=False),)).record) == ""
