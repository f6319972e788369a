"""What users of MCP gateways complain about elsewhere, tried here: sessions, slow lists, swallowed notifications."""

import asyncio
import json
import threading
import time

import httpx
import pytest
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.journeys.running import House, write
from tests.servers.mcp_double import Double, answer, event, said, stream, tool
from tests.servers.redis import RedisServer

from triplegate.samples.http import Answer

ORGS = "orgs: {acme: {teams: {web: {consumers: {ci: {}, other: {}}}}}}\n"


def written(*doubles: Double, more: str = "") -> str:
    lines = [f'  s{number}: {{url: "{double.url}"}}' for number, double in enumerate(doubles)]
    return "\n".join(["servers:", *lines, ORGS, more])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A gateway in front of three servers: two of today, one of sessions."""
    folder = tmp_path_factory.mktemp("pains")
    with Double(tool("t")) as first, Double(tool("t")) as second, Double(tool("t"), era="legacy") as third:
        write(folder, written(first, second, third))
        with House(folder) as house:
            yield house, (first, second, third)


@pytest.fixture
async def http(place):
    async with httpx.AsyncClient(headers=bearer(place[0].key()), timeout=20) as client:
        yield client


def call(server: int, **more) -> dict:
    return modern("tools/call", {"name": f"s{server}__t", "arguments": {}}, **more)


@pytest.mark.long
async def test_a_cold_list_takes_as_long_as_the_slowest_server_not_as_all(tmp_path):
    async def late(message):
        await asyncio.sleep(0.8)
        return {"tools": [tool("t")], "ttlMs": 60_000, "cacheScope": "public"}

    with Double() as first, Double() as second, Double() as third, Double() as fourth:
        doubles = (first, second, third, fourth)
        for double in doubles:
            double.behave["tools/list"] = late
        write(tmp_path, written(*doubles))
        with House(tmp_path) as house:
            async with httpx.AsyncClient(headers=bearer(house.key()), timeout=20) as http:
                begun = time.monotonic()
                listed = (await http.post(f"{house.url}/mcp", **modern("tools/list"))).json()["result"]["tools"]
                assert time.monotonic() - begun < 2.4  # one after the other it would be 3.2 s and more
                assert len(listed) == 4
                begun = time.monotonic()
                await http.post(f"{house.url}/mcp", **modern("tools/list"))
                assert time.monotonic() - begun < 0.7  # kept
        for double in doubles:
            assert sum(message["method"] == "tools/list" for _, message in double.seen) == 1


async def test_what_a_server_does_not_advertise_is_not_asked_of_it(place, http):
    house, doubles = place
    for double in doubles:
        for method in ("prompts/list", "resources/list", "resources/templates/list"):
            double.behave[method] = lambda _: asyncio.sleep(30)
    for method in ("prompts/list", "resources/list", "resources/templates/list"):
        begun = time.monotonic()
        assert "result" in (await http.post(f"{house.url}/mcp", **modern(method))).json()
        assert time.monotonic() - begun < 3
    for double in doubles:
        assert not any(message["method"] in ("prompts/list", "resources/list") for _, message in double.seen)
        double.behave.clear()


@pytest.mark.parametrize("server", [0, 2])
async def test_each_notification_passes_before_the_next_is_sent(place, http, server):
    house, doubles = place
    heard = [threading.Event() for _ in range(3)]

    async def steps(message):
        token = message["params"]["_meta"]["progressToken"]
        for number, seen in enumerate(heard):
            step = {"progressToken": token, "progress": number}
            yield event({"jsonrpc": "2.0", "method": "notifications/progress", "params": step})
            async with asyncio.timeout(10):
                while not seen.is_set():
                    await asyncio.sleep(0.01)
        result = {"resultType": "complete", **said("done")} if server == 0 else said("done")
        yield event(answer(message, result))

    doubles[server].behave["tools/call t"] = lambda message: stream(steps(message))
    asked = call(server)
    asked["json"]["params"]["_meta"] = {**asked["json"]["params"]["_meta"], "progressToken": "p"}
    told = []
    async with http.stream("POST", f"{house.url}/mcp", **asked) as streamed:
        async for line in streamed.aiter_lines():
            if line.startswith("data: "):
                told.append(json.loads(line[6:]))
                if "method" in told[-1]:
                    heard[told[-1]["params"]["progress"]].set()
    doubles[server].behave.clear()
    assert [message["params"]["progress"] for message in told[:-1]] == [0, 1, 2]
    assert told[-1]["result"]["content"][0]["text"] == "done"


async def test_a_result_is_the_bytes_that_the_server_sent(place, http):
    house, doubles = place
    odd = (
        b'{"resultType":"complete", "content" : [ {"type":"text","text":"\\u00e9\\/"} ],"structuredContent":{"b":1.0,'
        b'"a":[1E2,-0]},  "_meta":{"vendor/x":{"z":null}},"unknown":{"deep":[[[]]]}}'
    )
    doubles[0].behave["tools/call t"] = lambda message: Answer(
        b'{"jsonrpc":"2.0","id":%s,"result":%s}' % (json.dumps(message["id"]).encode(), odd),
        content_type="application/json",
    )
    answered = await http.post(f"{house.url}/mcp", **call(0, identity="odd"))
    doubles[0].behave.clear()
    assert odd[1:-1] in answered.content  # whatever the gateway adds stands before or behind it
    assert answered.json()["id"] == "odd"


async def test_a_hundred_clients_may_all_say_id_one(place, http):
    house, doubles = place

    async def own(message):
        await asyncio.sleep(0.01)
        return said(message["params"]["arguments"]["n"])

    doubles[2].behave["tools/call t"] = own
    asked = [modern("tools/call", {"name": "s2__t", "arguments": {"n": str(n)}}, identity=1) for n in range(100)]
    answers = await asyncio.gather(*[http.post(f"{house.url}/mcp", **one) for one in asked])
    doubles[2].behave.clear()
    assert [one.json()["result"]["content"][0]["text"] for one in answers] == [str(n) for n in range(100)]
    assert {one.json()["id"] for one in answers} == {1}


async def test_two_callers_never_share_a_session_at_a_server(place):
    house, doubles = place
    doubles[2].seen.clear()
    for consumer in ("ci", "other"):
        async with httpx.AsyncClient(headers=bearer(house.key(consumer=consumer)), timeout=20) as http:
            for _ in range(2):
                session = await initialize(http, f"{house.url}/mcp")
                params = {"name": "s2__t", "arguments": {}}
                await http.post(f"{house.url}/mcp", **legacy("tools/call", params, session=session))
    assert sum(message["method"] == "initialize" for _, message in doubles[2].seen) == 4


async def test_nobody_gets_in_unless_that_is_written_down(place):
    async with httpx.AsyncClient(timeout=10) as nobody:
        assert (await nobody.post(f"{place[0].url}/mcp", **modern("tools/list"))).status_code == 401
        for empty in ("", "Bearer", "Bearer null", "Basic dGc6"):
            request = modern("tools/list", headers={"authorization": empty})
            assert (await nobody.post(f"{place[0].url}/mcp", **request)).status_code == 401


@pytest.mark.long
def test_any_worker_serves_any_session(tmp_path):
    """Three workers, no affinity: fifteen sessions, each used over connections of its own, all answered."""
    redis = RedisServer("redis").start()
    try:
        with Double(tool("t"), era="legacy") as double:
            shared = f'state: {{redis: "{redis.url}"}}\nworkers: 3\n'
            write(tmp_path, written(double, more=shared))
            with House(tmp_path) as house:
                key = house.key()
                for _ in range(15):
                    with httpx.Client(headers=bearer(key), timeout=20) as http:
                        params = {"protocolVersion": "2025-11-25", "capabilities": {}}
                        params["clientInfo"] = {"name": "t", "version": "1"}
                        opened = http.post(f"{house.url}/mcp", **legacy("initialize", params, version=None))
                        session = opened.headers["mcp-session-id"]
                    for _ in range(6):
                        request = legacy("tools/call", {"name": "s0__t", "arguments": {}}, session=session)
                        request["headers"] |= bearer(key)
                        assert "result" in httpx.post(f"{house.url}/mcp", timeout=20, **request).json()
                initialized = sum(message["method"] == "initialize" for _, message in double.seen)
                assert initialized < 15 * 3  # an upstream session is shared by the workers, too
    finally:
        redis.stop()
