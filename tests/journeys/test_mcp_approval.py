"""A person stands between the model and a marked tool: the official client's own user, and an admin over the API."""

import asyncio
import contextlib

import httpx
import pytest
from tests.gates.mcp.messages import bearer, modern
from tests.journeys.running import House, write

from triplegate.samples.start import start_samples

pytestmark = [pytest.mark.long, pytest.mark.timeout(90)]

CONFIGURATION = """
mcp: {{pins: {{mode: enforce, first: trust}}}}
servers:
  files:
    url: "http://127.0.0.1:{port}/mcp"
    price: 0.002
    approval: [{{tools: [echo]}}, {{tools: [add], by: admin}}]
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
ECHO = ("files__echo", {"text": "hello"})


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("approval")
    with contextlib.ExitStack() as stack:
        samples = start_samples()
        stack.callback(samples.stop)
        write(folder, CONFIGURATION.format(port=samples.ports["mcp"]))
        yield stack.enter_context(House(folder))


@contextlib.asynccontextmanager
async def client_of(house, mode, action, **content):
    """The official client, whose user always answers the same."""
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client
    from mcp.types import ElicitResult

    async def answer(_, asked):
        answer.asked.append(asked.message)
        return ElicitResult(action=action, content=content or None)

    answer.asked = []
    async with create_mcp_http_client(bearer(house.key())) as http:
        transport = streamable_http_client(f"{house.url}/mcp", http_client=http)
        async with Client(transport, mode=mode, read_timeout_seconds=20, elicitation_callback=answer) as client:
            client.asked = answer.asked
            yield client


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_the_user_of_the_official_client_is_asked(house, mode):
    from mcp.shared.exceptions import MCPError

    async with client_of(house, mode, "accept", approve=True) as client:
        told = await client.call_tool(*ECHO)
        assert told.content[0].text == "hello"
        [message] = client.asked
        assert "files__echo" in message
        assert '"hello"' in message
    async with client_of(house, mode, "decline") as client:
        with pytest.raises(MCPError, match="declined"):
            await client.call_tool(*ECHO)
    rows = [row for row in house.admin("GET", "/mcp/approvals").json() if row["ask"] == "caller"]
    assert [row["state"] for row in rows[:2]] == ["declined", "approved"]
    assert all(row["arguments"] == "" for row in rows)


async def test_an_admin_approves_a_call_that_waits(house):
    sent = modern("tools/call", {"name": "files__add", "arguments": {"a": 1, "b": 2}}, headers=bearer(house.key()))
    waiting = asyncio.ensure_future(asyncio.to_thread(httpx.post, f"{house.url}/mcp", timeout=30, **sent))

    def waits():
        rows = house.admin("GET", "/mcp/approvals").json()
        return [row for row in rows if row["state"] == "waiting"]

    async with asyncio.timeout(20):
        while not (rows := await asyncio.to_thread(waits)):
            await asyncio.sleep(0.05)
    assert rows[0]["arguments"].replace(" ", "") == '{"a":1,"b":2}'
    answer = await asyncio.to_thread(house.admin, "POST", f"/mcp/approvals/{rows[0]['id']}", json={"approve": True})
    assert answer.status_code == 200
    assert '"sum":3' in (await waiting).text.replace(" ", "")
