"""A real server speaks up outside of a call: the official client in its session hears it and answers, through us."""

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.gates.mcp.messages import bearer
from tests.journeys.running import House, eventually, write
from tests.servers.spawn import free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
SERVER = Path(__file__).with_name("mcp_later.py")


@pytest.fixture(scope="module")
def server():
    """Where it is."""
    port = free_port()
    process = subprocess.Popen([sys.executable, str(SERVER), str(port)])

    def answers():
        try:
            return httpx.get(f"http://127.0.0.1:{port}/mcp", timeout=5)
        except httpx.HTTPError:
            return None

    try:
        eventually(answers, within=60)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("through", [False, True])
async def test_what_a_server_says_and_asks_later_reaches_the_user(server, tmp_path, through):
    """The same directly and through the gateway."""
    if not through:
        await used(server, "later", {})
        return
    people = "orgs: {acme: {teams: {web: {consumers: {ci: {}}}}}}"
    write(tmp_path, f"servers: {{far: {{url: '{server}'}}}}\n{people}\n")
    with House(tmp_path) as house:
        await used(f"{house.url}/mcp", "far__later", bearer(house.key()))


async def used(url, tool, headers):
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client
    from mcp.types import ElicitResult

    heard = asyncio.Queue()

    async def logged(message):
        await heard.put(message.data)

    async def asked(_, question):
        await heard.put(question.message)
        return ElicitResult(action="accept", content={"name": "Ann"})

    async with create_mcp_http_client(headers) as http:
        transport = streamable_http_client(url, http_client=http)
        asking = {"elicitation_callback": asked, "logging_callback": logged}
        async with Client(transport, mode="legacy", read_timeout_seconds=30, **asking) as client:
            assert (await client.call_tool(tool)).content[0].text == "soon"
            async with asyncio.timeout(30):
                assert [await heard.get(), await heard.get()] == ["said later", "Who?"]
            told = await client.call_tool(tool.replace("later", "answered"))
            assert told.content[0].text == "accept {'name': 'Ann'}"
