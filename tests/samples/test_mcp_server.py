"""The sample MCP server: the official client in all its modes, and the wire itself."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from triplegate.samples import mcp_server
from triplegate.samples.http import Server

TOOLS = ["echo", "add", "get_order", "slow", "fail", "big", "secret_admin_tool"]
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(mcp_server.handler()) as server:
        yield server


@pytest.fixture
async def raw(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as raw:
        yield raw


@pytest.mark.parametrize(
    ("mode", "version"), [("auto", "2026-07-28"), ("2026-07-28", "2026-07-28"), ("legacy", "2025-11-25")]
)
async def test_the_official_client_lists_and_calls_in_every_mode(server: Server, mode: str, version: str) -> None:
    async with Client(f"{server.url}/mcp", mode=mode, read_timeout_seconds=5) as client:
        assert client.protocol_version == version
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
        echoed = await client.call_tool("echo", {"text": "grüße"})
        assert (echoed.is_error, echoed.content[0].text) == (False, "grüße")  # type: ignore[union-attr]
        assert (await client.call_tool("add", {"a": 2, "b": 0.5})).structured_content == {"sum": 2.5}
        order = (await client.call_tool("get_order", {"id": "ord_1003"})).structured_content
        assert (order or {})["customer"] == "Alan Turing"
        assert (await client.call_tool("get_order", {"id": "none"})).is_error
        assert (await client.call_tool("fail", {})).is_error
        big = await client.call_tool("big", {"bytes": 500_000})
        assert big.content[0].text == "x" * 500_000  # type: ignore[union-attr]
        wrong = await client.call_tool("add", {"a": "2", "b": 1})
        assert (wrong.is_error, wrong.content[0].text) == (True, "add: 'a' must be number")  # type: ignore[union-attr]
        with pytest.raises(MCPError, match="unknown tool"):
            await client.call_tool("no_such_tool", {})


@pytest.mark.parametrize("mode", ["auto", "2026-07-28", "legacy"])
async def test_progress_travels_before_the_result(server: Server, mode: str) -> None:
    steps: list[tuple[float, float | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        steps.append((done, total))

    async with Client(f"{server.url}/mcp", mode=mode, read_timeout_seconds=5) as client:
        result = await client.call_tool("slow", {"seconds": 0.05}, progress_callback=progress)
    assert steps == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert result.content[0].text == "worked for 0.05 s"  # type: ignore[union-attr]


def modern(method: str, params: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
    """A request of 2026-07-28 as httpx takes it; `headers` (underscores for dashes) replace or add."""
    params = params or {}
    sent = {"mcp-protocol-version": "2026-07-28", "mcp-method": method}
    if "name" in params:
        sent["mcp-name"] = params["name"]
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {"_meta": META, **params}}
    return {"json": body, "headers": {name: value for name, value in sent.items() if value != "-"}}


CALL = {"name": "echo", "arguments": {"text": "hi"}}


async def test_a_modern_result_says_that_it_is_complete_and_who_made_it(raw: httpx.AsyncClient) -> None:
    told = (await raw.post("/mcp", **modern("server/discover"))).json()["result"]
    assert "2026-07-28" in told["supportedVersions"]
    assert told["capabilities"] == {"tools": {}}
    tools = (await raw.post("/mcp", **modern("tools/list"))).json()["result"]
    for result in (told, tools):
        assert (result["resultType"], result["ttlMs"], result["cacheScope"]) == ("complete", 60_000, "public")
        assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "triplegate-sample"
    reply = await raw.post("/mcp", **modern("tools/call", CALL))
    assert reply.json()["id"] == 7
    assert reply.json()["result"]["resultType"] == "complete"


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (modern("tools/call", CALL, mcp_method="tools/list"), 400, -32020),
        (modern("tools/call", CALL, mcp_method="-"), 400, -32020),
        (modern("tools/call", CALL, mcp_name="add"), 400, -32020),
        (modern("tools/call", CALL, mcp_name="=?base64?!!?="), 400, -32020),
        (modern("tools/call", CALL, mcp_protocol_version="2025-11-25"), 400, -32020),
        (modern("tools/list", {"_meta": {}}), 400, -32602),
        (modern("tools/list", {"_meta": META | {"io.modelcontextprotocol/protocolVersion": "2030-01-01"}},
                mcp_protocol_version="2030-01-01"), 400, -32022),
        (modern("initialize"), 404, -32601),
        (modern("ping"), 404, -32601),
        (modern("resources/list"), 404, -32601),
        (modern("tools/call", {"name": "none"}), 400, -32602),
        ({"content": b"{"}, 400, -32700),
        ({"json": []}, 400, -32600),
        ({"json": {"jsonrpc": "1.0", "method": "x"}}, 400, -32600),
    ],
)  # fmt: skip
async def test_the_validation_ladder(raw: httpx.AsyncClient, request_: dict[str, Any], status: int, code: int) -> None:
    reply = await raw.post("/mcp", **request_)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


async def test_a_routing_header_twice_is_refused(raw: httpx.AsyncClient) -> None:
    request = modern("tools/call", CALL)
    request["headers"] = [*request["headers"].items(), ("mcp-name", "echo")]
    assert (await raw.post("/mcp", **request)).json()["error"]["code"] == -32020


async def test_a_wrapped_name_is_unwrapped(raw: httpx.AsyncClient) -> None:
    assert (await raw.post("/mcp", **modern("tools/call", CALL, mcp_name="=?base64?ZWNobw==?="))).status_code == 200


async def test_an_unsupported_version_names_the_supported_ones(raw: httpx.AsyncClient) -> None:
    meta = {"_meta": META | {"io.modelcontextprotocol/protocolVersion": "2030-01-01"}}
    reply = await raw.post("/mcp", **modern("tools/list", meta, mcp_protocol_version="2030-01-01"))
    assert reply.json()["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2030-01-01"}


def legacy(method: str, params: dict[str, Any] | None = None, number: int | None = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params or {}} | ({} if number is None else {"id": number})


async def test_the_life_of_a_legacy_session(raw: httpx.AsyncClient) -> None:
    made = await raw.post("/mcp", json=legacy("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}}))
    assert made.json()["result"]["protocolVersion"] == "2025-06-18"
    session = {"mcp-session-id": made.headers["mcp-session-id"], "mcp-protocol-version": "2025-06-18"}
    assert len(session["mcp-session-id"]) >= 32
    note = await raw.post("/mcp", json=legacy("notifications/initialized", number=None), headers=session)
    assert (note.status_code, note.content) == (202, b"")
    assert (await raw.post("/mcp", json=legacy("ping"), headers=session)).json()["result"] == {}
    listed = (await raw.post("/mcp", json=legacy("tools/list"), headers=session)).json()["result"]
    assert listed.keys() == {"tools"}
    slow = legacy("tools/call", {"name": "slow", "arguments": {"seconds": 0}})
    assert (await raw.post("/mcp", json=slow, headers=session)).headers["content-type"] == "text/event-stream"
    unknown = await raw.post("/mcp", json=legacy("nothing"), headers=session)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (200, -32601)
    assert (await raw.get("/mcp", headers=session)).status_code == 405
    assert (await raw.delete("/mcp", headers=session)).status_code == 204
    for reply in (
        await raw.post("/mcp", json=legacy("ping"), headers=session),
        await raw.delete("/mcp", headers=session),
        await raw.post("/mcp", json=legacy("ping"), headers={"mcp-session-id": "unknown"}),
    ):
        assert reply.status_code == 404
    assert (await raw.post("/mcp", json=legacy("ping"))).status_code == 400


async def test_an_unknown_legacy_version_is_answered_with_the_newest(raw: httpx.AsyncClient) -> None:
    made = await raw.post("/mcp", json=legacy("initialize", {"protocolVersion": "2024-01-01"}))
    assert made.json()["result"]["protocolVersion"] == "2025-11-25"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"host": "localhost:1"}, 200),
        ({"origin": "http://localhost:3000"}, 200),
    ],
)
async def test_names_that_point_here_do_not_help_a_browser(
    raw: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    request = modern("tools/list")
    assert (await raw.post("/mcp", json=request["json"], headers=request["headers"] | headers)).status_code == status


async def test_closing_the_stream_cancels_a_modern_call(raw: httpx.AsyncClient) -> None:
    call = {"name": "slow", "arguments": {"seconds": 60, "latch": "m"}}
    async with raw.stream("POST", "/mcp", **modern("tools/call", call)) as reply:
        assert reply.status_code == 200
    assert (await raw.get("/control/latch/m?wait=5")).json()["outcome"] == "gone"
