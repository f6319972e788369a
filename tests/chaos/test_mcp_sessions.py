"""Two thousand open sessions, each with a session at a server and a stream of its own: what one of them costs."""

import asyncio
from pathlib import Path

import httpx
import pytest
from tests.gates.mcp.messages import bearer, legacy
from tests.journeys.running import House, write
from tests.servers.mcp_double import Double, tool

SESSIONS = 2_000
CONSUMERS = 25
"""A caller may have a hundred."""
EACH = 60 * 1024
"""Bytes of the gateway's memory for one open session (performance goals)."""


def memory(house: House) -> int:
    assert house.process is not None
    return int(Path(f"/proc/{house.process.pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("streams", [False, True], ids=["sessions", "sessions with streams"])
def test_an_open_session_is_small(tmp_path, streams):
    with Double(tool("t"), era="legacy") as double:
        orgs = ", ".join(f"c{number}: {{}}" for number in range(CONSUMERS))
        consumers = f"orgs: {{acme: {{teams: {{web: {{consumers: {{{orgs}}}}}}}}}}}\n"
        write(tmp_path, f'servers: {{s: {{url: "{double.url}"}}}}\n{consumers}')
        with House(tmp_path) as house:
            each = asyncio.run(_opened(house, streams))
    assert each < EACH, f"{each} bytes"
    print(f"{each / 1024:.1f} KB a session")


async def _opened(house: House, streams: bool) -> float:
    keys = [house.key(consumer=f"c{number}") for number in range(CONSUMERS)]
    url = f"{house.url}/mcp"
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http:
        for _ in range(3):
            await _session(http, url, keys[0])  # whatever is made once is made
        before = memory(house)
        held = []
        for start in range(0, SESSIONS, 50):
            keyed = [keys[number % len(keys)] for number in range(start, start + 50)]
            opened = await asyncio.gather(*[_session(http, url, key) for key in keyed])
            if streams:
                held += await asyncio.gather(*[_stream(http, url, *one) for one in zip(keyed, opened, strict=True)])
        used = memory(house) - before
        await asyncio.gather(*[one.aclose() for one in held])
    return used / SESSIONS


async def _session(http: httpx.AsyncClient, url: str, key: str) -> str:
    """A session that has called a tool."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    request = legacy("initialize", hello, version=None)
    request["headers"] |= bearer(key)
    session = (await http.post(url, **request)).headers["mcp-session-id"]
    request = legacy("tools/call", {"name": "s__t", "arguments": {}}, session=session)
    request["headers"] |= bearer(key)
    assert "result" in (await http.post(url, **request)).json()
    return session


async def _stream(http: httpx.AsyncClient, url: str, key: str, session: str) -> httpx.Response:
    headers = {"accept": "text/event-stream", "mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}
    answer = await http.send(http.build_request("GET", url, headers=headers | bearer(key)), stream=True)
    assert answer.status_code == 200
    return answer
