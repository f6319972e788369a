"""Clients that know nothing of us, in front of servers that know nothing of us: the same answers as without us.

Python: `mcp` in its three modes, FastMCP in two. TypeScript: the v1 line, the v2 client in three modes, the inspector.
"""

import asyncio
import json
import os
import subprocess
import venv

import httpx
import pytest
from tests.conformance.places import everything, fixture
from tests.gates.mcp.messages import bearer, modern, official
from tests.journeys.real_servers import ALL, direct, normal, places_of, written
from tests.journeys.running import House, eventually, write
from tests.journeys.test_llm_clients import CLIENTS, installed
from tests.servers.npm_packages import FOLDER, installed_or_skip, package

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
PYTHON = ("fastmcp==4.2.3", "mcp-server-time==2026.10.19", "mcp-server-git==2026.10.19")
ENDLESS = {"duration": 60, "steps": 600}
INSPECTOR = "inspector"


@pytest.fixture(scope="module")
def node():
    return installed_or_skip()


@pytest.fixture(scope="module")
def python(pytestconfig):
    """The interpreter of an environment with FastMCP and the reference servers, kept in pytest's cache."""
    folder = pytestconfig.cache.mkdir("mcp-python")
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        venv.create(folder, with_pip=True)
    quiet = ("-q", "--disable-pip-version-check")
    installed(folder, PYTHON, str(interpreter), "-I", "-m", "pip", "install", *quiet)
    return interpreter


@pytest.fixture(scope="module")
def servers(tmp_path_factory, node, python):
    """All real servers, as a client without a gateway would start or reach them."""
    folder = tmp_path_factory.mktemp("real")
    with fixture() as first, everything() as second:
        yield places_of(folder, node, python, {"fixture": first, "everything": second})


@pytest.fixture(scope="module")
def house(tmp_path_factory, servers):
    directory = tmp_path_factory.mktemp("house")
    write(directory, written(servers))
    with House(directory) as running:
        eventually(lambda: all_listed(running, servers), within=60, every=1)  # a server that starts slowly is left out
        yield running


def all_listed(house: House, servers) -> bool:
    answer = httpx.post(f"{house.url}/mcp", timeout=30, **modern("tools/list", headers=bearer(house.key())))
    names = [one["name"] for one in answer.json()["result"]["tools"]]
    return all(any(name.startswith(f"{server}__") for name in names) for server in servers)


@pytest.fixture(scope="module")
def expected(servers):
    """What each server lists and answers without us."""
    return {name: asyncio.run(direct(place, ALL[name])) for name, place in servers.items()}


def plan(house: House, servers) -> dict:
    """What every client is asked to do."""
    calls = [
        {"id": f"{name}/{number}", "tool": f"{name}__{tool}", "arguments": arguments}
        for name in servers
        for number, (tool, arguments) in enumerate(ALL[name])
    ]
    slow = "everything__trigger-long-running-operation"
    return {
        "url": f"{house.url}/mcp",
        "headers": {"Authorization": f"Bearer {house.key()}"},
        "calls": calls,
        "stream": {"tool": slow, "arguments": {"duration": 0.6, "steps": 3}},
        "cancel": {"tool": slow, "arguments": ENDLESS},
    }


def same(told: dict, expected: dict) -> None:
    """What came through the gateway is what the servers said."""
    for name, (tools, answers) in expected.items():
        assert {f"{name}__{tool}" for tool in tools} <= set(told["tools"]), name
        for number, answer in enumerate(answers):
            assert normal(told["answers"][f"{name}/{number}"]) == answer, f"{name} {ALL[name][number]}"
    assert told["progress"] == [1, 2, 3]
    assert told["cancelled"] is True


def ran(command: list, asked: dict) -> dict:
    done = subprocess.run(
        [str(part) for part in command], input=json.dumps(asked), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("kind", ["sdk", "legacy", "auto", "modern"])
def test_the_typescript_clients(kind, house, servers, expected, node):
    script = FOLDER / "mcp_client.mjs"
    script.write_text((CLIENTS / "mcp_client.mjs").read_text())
    same(ran([node, script, kind], plan(house, servers)), expected)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_fastmcp(mode, house, servers, expected, python):
    same(ran([python, "-I", CLIENTS / "mcp_fastmcp.py", mode], plan(house, servers)), expected)


@pytest.mark.parametrize("mode", ["auto", "2026-07-28", "legacy"])
async def test_the_official_python_client(mode, house, servers, expected):
    asked = plan(house, servers)
    told = {"tools": [], "answers": {}, "progress": [], "cancelled": True}
    async with official(f"{house.url}/mcp", house.key(), mode) as client:
        told["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        for call in asked["calls"]:
            told["answers"][call["id"]] = await _answer(client, call)

        async def step(done, total, message):
            told["progress"].append(done)

        await client.call_tool(asked["stream"]["tool"], asked["stream"]["arguments"], progress_callback=step)
    same(told, expected)


async def _answer(client, call):
    from mcp.shared.exceptions import MCPError

    try:
        answer = await client.call_tool(call["tool"], call["arguments"])
    except MCPError as error:
        return {"code": error.error.code}
    content = [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in answer.content]
    return {"content": content, "error": bool(answer.is_error)}


@pytest.mark.parametrize("era", ["legacy", "auto", "modern"])
def test_the_inspector(era, house, servers, expected, node, tmp_path):
    def inspect(*more):
        script = package(INSPECTOR, "clients/launcher/build/index.js")
        line = [node, script, "--cli", f"{house.url}/mcp", "--transport", "http", "--protocol-era", era, *more]
        line += ["--header", f"Authorization: Bearer {house.key()}", "--format", "json", "-q"]
        home = {"HOME": str(tmp_path), "PATH": os.environ.get("PATH", "")}
        done = subprocess.run([str(part) for part in line], env=home, capture_output=True, text=True, timeout=60)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    listed = inspect("--method", "tools/list")
    names = {tool["name"] for tool in listed.get("result", listed)["tools"]}
    for name, (tools, _) in expected.items():
        assert {f"{name}__{tool}" for tool in tools} <= names
    said = inspect("--method", "tools/call", "--tool-name", "everything__echo", "--tool-arg", "message=hey")
    assert said.get("result", said)["content"][0]["text"] == "Echo: hey"
