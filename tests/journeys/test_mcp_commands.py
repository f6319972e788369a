"""Commands behind the mcp gate: one process for all workers of a node, none left behind, none set by the admin API."""

import asyncio
import json

import httpx
import pytest
from tests.gates.mcp.messages import bearer, modern
from tests.journeys.running import House, eventually, write
from tests.upstreams.commands import argv, runs

COMMAND = json.dumps(list(argv("modern", "stubborn")))
CONFIGURATION = f"""
servers: {{one: {{command: {COMMAND}, isolation: shared}}}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""


async def pids(house: House, key: str, calls: int) -> set[int]:
    """The processes that answer, each call on a connection of its own."""

    async def one() -> int:
        async with httpx.AsyncClient(timeout=20) as client:
            request = modern("tools/call", {"name": "one__pid", "arguments": {}})
            request["headers"] |= bearer(key)
            answer = await client.post(f"{house.url}/mcp", **request)
            return int(answer.json()["result"]["content"][0]["text"])

    return set(await asyncio.gather(*(one() for _ in range(calls))))


@pytest.mark.long
@pytest.mark.timeout(60)
async def test_two_workers_use_one_process_and_leave_none_when_all_are_killed(tmp_path, redis_url):
    write(tmp_path, CONFIGURATION)
    shared = {"TRIPLEGATE_REDIS_URL": redis_url.removesuffix("/0") + "/5"}
    with House(tmp_path, "serve", "--workers", "2", **shared) as house:
        key = await asyncio.to_thread(house.key)
        [pid] = await pids(house, key, 30)
        assert runs(pid)
        await asyncio.to_thread(house.kill)
        await asyncio.to_thread(eventually, lambda: not runs(pid), 15.0)


@pytest.mark.long
@pytest.mark.timeout(60)
async def test_the_admin_api_starts_no_command_and_a_drain_ends_what_runs(tmp_path):
    write(tmp_path, CONFIGURATION)
    mark = tmp_path / "started"
    evil = {"servers": {"evil": {"command": ["/bin/sh", "-c", f"touch {mark}"]}}}
    with House(tmp_path, "serve") as house:
        key = await asyncio.to_thread(house.key)
        [pid] = await pids(house, key, 3)
        sent = {"documents": {"servers/evil.yaml": json.dumps(evil)}}
        answer = await asyncio.to_thread(house.admin, "POST", "/config/validate", json=sent)
        assert answer.status_code == 200
        for method, path in (("PUT", "/servers/evil"), ("POST", "/servers"), ("POST", "/config")):
            refused = await asyncio.to_thread(house.admin, method, path, json=evil)
            assert refused.status_code in (403, 404, 405, 409), refused.text
        async with httpx.AsyncClient(timeout=20) as client:
            request = modern("tools/list")
            listed = await client.post(
                f"{house.url}/mcp", json=request["json"], headers=request["headers"] | bearer(key)
            )
        assert {tool["name"].partition("__")[0] for tool in listed.json()["result"]["tools"]} == {"one"}
        assert not mark.exists()
        assert await asyncio.to_thread(house.stop) == 0
    assert not runs(pid)
