"""One MCP server that is dead, hangs, floods or lies: the others go on, memory stays bounded, callers hear in time."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from tests.gates.mcp.messages import bearer, initialize, legacy, modern
from tests.journeys.running import House, free_port, write
from tests.servers.mcp_double import Double, event, said, stream, tool

from triplegate.samples.http import Answer, Cut

CONFIGURATION = """
servers:
  good: {{url: "{good}"}}
  bad: {{url: "{bad}", timeout: 1s}}
  worse: {{url: "{worse}", timeout: 1s}}
  dead: {{url: "http://127.0.0.1:{closed}/mcp", timeout: 1s}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
BOUND = 60 * 1024 * 1024
"""What one misbehaving server may cost, in bytes of memory."""


class Place:
    """A gateway, a good server and two that misbehave (one of each era)."""

    def __init__(self, house: House, good: Double, bad: Double, worse: Double):
        self.house, self.good, self.bad, self.worse = house, good, bad, worse
        self.url, self.headers = f"{house.url}/mcp", bearer(house.key())

    def memory(self) -> int:
        assert self.house.process is not None
        pages = Path(f"/proc/{self.house.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("misbehaving")
    with Double(tool("echo")) as good, Double(tool("echo")) as bad, Double(tool("echo"), era="legacy") as worse:
        addresses = {"good": good.url, "bad": bad.url, "worse": worse.url, "closed": free_port()}
        write(folder, CONFIGURATION.format(**addresses))
        with House(folder) as house:
            yield Place(house, good, bad, worse)


@pytest.fixture(autouse=True)
def behave_again(place):
    yield
    place.bad.behave.clear()
    place.worse.behave.clear()


def call(server: str, **more) -> dict:
    return modern("tools/call", {"name": f"{server}__echo", "arguments": {}}, **more)


async def hang(_message):
    await asyncio.sleep(30)
    return said("too late")


async def endless():
    while True:
        yield event(
            {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 9000}}
        )
        await asyncio.sleep(0)


async def one_endless_event():
    yield b"data: "
    while True:
        yield b"x" * 65536
        await asyncio.sleep(0)


async def endless_json():
    yield b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"'
    while True:
        yield b"x" * 65536
        await asyncio.sleep(0)


async def broken_off():
    yield b'{"jsonrpc":"2.0","id":'
    raise Cut


def html(_message):
    return Answer(b"<html>Welcome!</html>", content_type="text/html")


LIES = {
    "html": html,
    "not json": lambda _: Answer(b"{nonsense", content_type="application/json"),
    "nothing": lambda _: Answer(b"", content_type="application/json"),
    "an error page": lambda _: Answer(b"oops", 500, "text/plain"),
    "unauthorized": lambda _: Answer(b"", 401, headers=[("www-authenticate", "Bearer")]),
    "a list": lambda _: Answer(b"[]", content_type="application/json"),
    "a number": lambda _: Answer(b"7", content_type="application/json"),
    "another call's": lambda _: Answer.json({"jsonrpc": "2.0", "id": "other", "result": said("stolen")}),
    "no result at all": lambda message: Answer.json({"jsonrpc": "2.0", "id": message["id"]}),
    "cut in the middle": lambda _: Answer(broken_off(), content_type="application/json"),
    "a hang": hang,
}


@pytest.mark.parametrize("server", ["bad", "worse"])
async def test_a_lie_is_an_error_of_that_call_in_time_and_others_go_on(place, server):
    double = getattr(place, server)
    async with httpx.AsyncClient(headers=place.headers, timeout=15) as http:
        for lie, behaviour in LIES.items():
            double.behave.clear()
            assert "result" in (await http.post(place.url, **call(server))).json(), f"before {lie}"
            double.behave["echo"] = behaviour
            begun = time.monotonic()
            bad, *rest = await asyncio.gather(
                http.post(place.url, **call(server, identity="mine")),
                *[http.post(place.url, **call("good", identity=number)) for number in range(5)],
            )
            assert time.monotonic() - begun < 10, lie
            assert "stolen" not in bad.text
            assert bad.json()["error"]["code"] < 0, lie
            assert (bad.json()["id"], bad.status_code >= 400) == ("mine", True), lie
            for number, good in enumerate(rest):
                assert (good.json()["id"], good.json()["result"]["content"][0]["text"]) == (number, "echo was called")


FLOODS = {
    "notifications": lambda _: stream(endless()),
    "one event": lambda _: stream(one_endless_event()),
    "one body": lambda _: Answer(endless_json(), content_type="application/json"),
}


@pytest.mark.long
@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_that_nobody_reads_costs_bounded_memory(place, flood):
    place.bad.behave["echo"] = FLOODS[flood]
    async with httpx.AsyncClient(headers=place.headers, timeout=15) as http:
        assert "result" in (await http.post(place.url, **call("good"))).json()
        before = place.memory()
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(_hold(place, http))
            for number in range(20):
                good = await http.post(place.url, **call("good", identity=number))
                assert good.json()["result"]["content"][0]["text"] == "echo was called"
                await asyncio.sleep(0.05)
        assert place.memory() - before < BOUND


async def _hold(place: Place, http: httpx.AsyncClient) -> None:
    """A client that asks and does not read, for a second."""
    async with http.stream("POST", place.url, **call("bad")):
        await asyncio.sleep(1)


async def test_lists_hold_what_the_others_have(place):
    many = [tool(f"t{number}", "x" * 3000) for number in range(20_000)]
    lists = {
        "hangs": hang,
        "floods": lambda _: Answer(endless_json(), content_type="application/json"),
        "lies": lambda _: {"tools": [{"name": 7}, "x", None, {"inputSchema": {}}, tool("fine")]},
        "html": html,
        "too much": lambda _: {"tools": many, "ttlMs": 0, "cacheScope": "public"},
        "round in circles": lambda _: {"tools": [], "nextCursor": "again", "ttlMs": 0, "cacheScope": "public"},
    }
    before = place.memory()
    async with httpx.AsyncClient(headers=place.headers, timeout=20) as http:
        for name, behaviour in lists.items():
            place.bad.behave["tools/list"] = place.worse.behave["tools/list"] = behaviour
            begun = time.monotonic()
            listed = (await http.post(place.url, **modern("tools/list"))).json()["result"]
            assert time.monotonic() - begun < 12, name
            assert "good__echo" in [one["name"] for one in listed["tools"]], name
            assert "result" in (await http.post(place.url, **call("good"))).json()
    assert place.memory() - before < 2 * BOUND


async def test_a_session_lives_on_when_a_server_forgets_it_or_dies(place):
    """An upstream session that has ended is opened again; a call that may have been carried out is never repeated."""
    async with httpx.AsyncClient(headers=place.headers, timeout=15) as http:
        session = await initialize(http, place.url)
        params = {"name": "worse__echo", "arguments": {}}
        assert "result" in (await http.post(place.url, **legacy("tools/call", params, session=session))).json()
        gone = [True]

        def forgotten(message):
            if gone:
                gone.clear()
                return Answer.json(
                    {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32001, "message": "?"}}, 404
                )
            return said("here again")

        place.worse.behave["echo"] = forgotten
        before = len(place.worse.calls())
        again = await http.post(place.url, **legacy("tools/call", params, session=session))
        assert again.json()["result"]["content"][0]["text"] == "here again"
        assert len(place.worse.calls()) == before + 2  # 404: not carried out, so it may be asked again

        place.worse.behave["echo"] = lambda _: Answer(broken_off(), content_type="application/json")
        before = len(place.worse.calls())
        assert "error" in (await http.post(place.url, **legacy("tools/call", params, session=session))).json()
        assert len(place.worse.calls()) == before + 1
        for other in ("good", "worse"):
            place.worse.behave.clear()
            params = {"name": f"{other}__echo", "arguments": {}}
            assert "result" in (await http.post(place.url, **legacy("tools/call", params, session=session))).json()
