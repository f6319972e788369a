"""MCP servers behind the mcp gate, from the official client to the server and back, in processes of their own."""

import asyncio
import re
import socket
import sys
from ast import literal_eval

import httpx
import pytest
from tests.docs.reference import DOCS
from tests.gates.mcp.messages import bearer, initialize, legacy, modern, official
from tests.journeys.running import House, eventually, free_port, records, write
from tests.journeys.scripted_responses import Vendor
from tests.servers.redis import RedisServer

from triplegate.samples.start import start_samples

CONFIGURATION = """
servers:
  files: {{url: "http://127.0.0.1:{mcp}/mcp", price: 0.002, tools: {{deny: [secret_admin_tool]}}}}
  sdk: {{url: "http://127.0.0.1:{sdk}/mcp"}}
  old: {{url: "http://127.0.0.1:{old}/mcp"}}
  gone: {{url: "http://127.0.0.1:{closed}/mcp"}}
  orders: {{url: "http://127.0.0.1:{mcp}/mcp", price: 0.002}}
providers:
  scripted: {{base_url: "http://127.0.0.1:{llm}/v1", auth: null}}
  native: {{base_url: "http://127.0.0.1:{native}/v1", dialect: openai_responses, auth: null}}
models:
  smart: {{deployments: [{{provider: scripted, model: scripted-tools, price: {{input: 1, output: 2}}}}]}}
  native: {{deployments: [{{provider: native, model: any, price: {{input: 1, output: 2}}}}]}}
virtual_servers:
  dev: {{tools: ["files__*"], teams: [web]}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}, lab: {{consumers: {{ci: {{}}}}}}}}}}}}
{more}
"""

PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)

SDK = """
import sys
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

server = MCPServer("sdk")

@server.tool()
def shout(text: str) -> str:
    "Say it loud."
    return text.upper()

@server.tool()
async def steps(ctx: Context) -> str:
    "Tell the progress."
    for step in (1, 2, 3):
        await ctx.report_progress(step, 3)
    return "done"

app = server.streamable_http_app()

async def old(scope, receive, send):
    "The same, as a server that knows sessions only."
    if (b"mcp-protocol-version", b"2026-07-28") not in scope.get("headers", ()):
        return await app(scope, receive, send)
    await send({"type": "http.response.start", "status": 400, "headers": []})
    await send({"type": "http.response.body", "body": b"what?"})

chosen = old if sys.argv[2] == "old" else app
uvicorn.run(chosen, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
"""


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def upstreams(tmp_path_factory):
    """Ports of the sample server and of one written with the official SDK."""
    import subprocess

    script = write(tmp_path_factory.mktemp("sdk"), SDK, "sdk.py")
    ports = {"sdk": free_port(), "old": free_port()}
    processes = [
        subprocess.Popen([sys.executable, str(script), str(port), kind], start_new_session=True)
        for kind, port in ports.items()
    ]
    samples = start_samples()
    for port in ports.values():
        eventually(lambda port=port: listening(port))
    with Vendor() as vendor:
        yield {**samples.ports, "closed": free_port(), "native": vendor.port, **ports}
    samples.stop()
    for process in processes:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def house(tmp_path_factory, upstreams):
    directory = tmp_path_factory.mktemp("mcp")
    write(directory, CONFIGURATION.format(**upstreams, more=""))
    with House(directory) as running:
        yield running


@pytest.mark.parametrize("mode", ["auto", "2026-07-28", "legacy"])
async def test_the_official_client_uses_all_servers_as_one(house, mode):
    async with official(f"{house.url}/mcp", house.key(), mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"files__echo", "sdk__shout"} <= tools.keys()
        assert "files__secret_admin_tool" not in tools
        assert tools["sdk__shout"].description == "Say it loud."
        assert (await client.call_tool("files__add", {"a": 1, "b": 2})).structured_content == {"sum": 3}
        for server in ("sdk", "old"):
            shout = f"{server}__shout"
            assert (await client.call_tool(shout, {"text": "hey"})).structured_content == {"result": "HEY"}
            assert (await client.call_tool(shout, {})).is_error
            answers = await asyncio.gather(*[client.call_tool(shout, {"text": f"t{n}"}) for n in range(20)])
            assert [answer.content[0].text for answer in answers] == [f"T{n}" for n in range(20)]
            told = []

            async def progress(done, total, message, told=told):
                told.append(done)

            assert (await client.call_tool(f"{server}__steps", {}, progress_callback=progress)).content[
                0
            ].text == "done"
            assert told == [1, 2, 3]


def uses_tools(client, model, fits):
    """With a yes and without, whole and streamed: all that comes is as the client's own types say."""
    from openai.types.responses import Response

    asked = {"model": model, "input": "Where is it?", "tools": [{"type": "mcp", "server_label": "orders"}]}
    first = client.responses.create(**asked)
    Response.model_validate(first.to_dict())
    [request] = [item for item in first.output if item.type == "mcp_approval_request"]
    yes = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}
    events = list(client.responses.create(**asked | {"input": [yes]}, previous_response_id=first.id, stream=True))
    for event in events:
        fits.validate_python(event.to_dict())
    last = events[-1].response
    [call] = [item for item in last.output if item.type == "mcp_call"]
    assert (call.approval_request_id, call.status, call.name) == (request.id, "completed", "orders__get_order")
    assert last.output_text.startswith("The tool said: {")
    asked["tools"][0]["require_approval"] = "never"
    with client.responses.stream(**asked) as stream:  # the client puts it together from its events
        assert "response.mcp_call.completed" in [event.type for event in stream]
        assert stream.get_final_response().output_text.startswith("The tool said: {")


@pytest.mark.parametrize("model", ["smart", "native"])
def test_openais_client_has_servers_as_tools_of_any_model(house, model, monkeypatch, capsys):
    from openai import OpenAI
    from openai.types.responses import ResponseStreamEvent
    from pydantic import TypeAdapter

    [program] = PROGRAM.findall((DOCS / "mcp-responses.md").read_text())
    key, fits = house.key(), TypeAdapter(ResponseStreamEvent)
    for name, value in {"GATEWAY": house.url, "GATEWAY_KEY": key, "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    exec(compile(program.replace('"smart"', f'"{model}"'), "docs/mcp-responses.md", "exec"), {})  # noqa: S102
    first, _, text = capsys.readouterr().out.partition("\n")
    kinds, _, asked = first.rpartition(" ")
    assert asked == "1"
    assert [kind for kind in literal_eval(kinds) if kind != "reasoning"] == ["mcp_list_tools", "mcp_call", "message"]
    assert text.startswith("The tool said: {")
    with OpenAI(base_url=f"{house.url}/v1", api_key=key) as client:
        uses_tools(client, model, fits)
    house.usage("route")
    rows = records(house.directory)
    [whole, *_] = [row["exchange"] for row in rows if (row["route"], row["target"]) == ("llm/mcp_tools", model)]
    parts = [(row["gate"], row["route"], row["cost"] > 0) for row in rows if row["parent"] == whole]
    assert sorted(parts) == sorted([("mcp", "mcp", False), *[("llm", model, True)] * 2, ("mcp", "orders", True)])


async def test_a_virtual_server_is_a_smaller_world_and_only_for_its_teams(house):
    async with official(f"{house.url}/mcp/dev", house.key()) as client:
        assert all(tool.name.startswith("files__") for tool in (await client.list_tools()).tools)
    async with httpx.AsyncClient(headers=bearer(house.key("lab"))) as http:
        assert (await http.post(f"{house.url}/mcp/dev", **modern("tools/list"))).status_code == 404


async def test_a_call_whose_caller_may_no_longer_be_here_ends_with_an_error(house):
    key = house.key()
    call = {"name": "files__slow", "arguments": {"seconds": 100}}
    request = modern("tools/call", call, headers=bearer(key))
    async with httpx.AsyncClient(timeout=10) as http, http.stream("POST", f"{house.url}/mcp", **request) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        revoked = await asyncio.to_thread(house.admin, "DELETE", f"/keys/{key.split('_')[2]}")
        assert revoked.status_code < 300
        text = b"".join([piece async for piece in stream.aiter_raw()])
    assert b'"error":' in text
    assert b"The key is not valid." in text


async def test_each_call_has_a_row_with_its_price(house):
    async with httpx.AsyncClient(headers=bearer(house.key())) as http:
        call = {"name": "files__echo", "arguments": {"text": "a"}}
        request = modern("tools/call", call, headers={"x-request-id": "row-1"})
        answer = await http.post(f"{house.url}/mcp", **request)
        assert "result" in answer.json()
    before = house.usage("route")
    assert before["files",]["requests"] >= 1
    rows = records(house.directory, "route = 'files'")
    assert rows
    assert all(
        row["cost"] == 20_000_000 and row["target"].startswith("files__") and row["gate"] == "mcp" for row in rows
    )


def test_sessions_live_on_any_node(tmp_path, upstreams):
    """Two gateways share Redis: a session opened at one is served by the other, and by a third after a kill."""
    redis = RedisServer("redis").start()
    try:
        shared = f'state: {{redis: "{redis.url}"}}\nnodes: 2\nstore: {{url: "sqlite:///{tmp_path}/shared.db"}}\n'
        houses = []
        for name in ("a", "b"):
            directory = tmp_path / name
            directory.mkdir()
            write(directory, "pepper".ljust(64, "0"), "pepper")
            (directory / "pepper").chmod(0o600)
            text = CONFIGURATION.format(**upstreams, more=shared + f"pepper: file:{directory}/pepper\n")
            write(directory, text)
            houses.append(House(directory))
        with houses[0] as first, houses[1] as second:
            asyncio.run(_across(first, second))
    finally:
        redis.stop()


async def _across(first, second):
    key = first.key()
    call = {"name": "files__echo", "arguments": {"text": "a"}}
    async with httpx.AsyncClient(headers=bearer(key), timeout=10) as http:
        session = await initialize(http, f"{first.url}/mcp")

        async def known():
            answer = await http.post(f"{second.url}/mcp", **legacy("ping", session=session))
            return answer.status_code

        async with asyncio.timeout(10):
            while await known() == 401:  # the key reaches the other node within two seconds
                await asyncio.sleep(0.1)
        for house in (first, second, first, second):
            answer = await http.post(f"{house.url}/mcp", **legacy("tools/call", call, session=session))
            assert answer.json()["result"]["content"][0]["text"] == "a"
        first.kill()
        answer = await http.post(f"{second.url}/mcp", **legacy("tools/call", call, session=session))
        assert answer.json()["result"]["content"][0]["text"] == "a"
        assert (await http.delete(f"{second.url}/mcp", headers={"mcp-session-id": session})).status_code == 204
        assert (await http.post(f"{second.url}/mcp", **legacy("ping", session=session))).status_code == 404
