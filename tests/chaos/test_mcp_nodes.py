"""Two nodes on one Redis, killed in turn: a session goes on through the other, and no call is carried out twice."""

import threading
from pathlib import Path

import httpx
import pytest
from tests.gates.mcp.messages import bearer, legacy
from tests.journeys.running import House, eventually, write
from tests.servers.mcp_double import Double, said, tool
from tests.servers.redis import RedisServer

CONFIGURATION = """
servers:
  old: {{url: "{old}"}}
  new: {{url: "{new}"}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
state: {{redis: "{redis}"}}
nodes: 2
store: {{url: "sqlite:///{folder}/shared.db"}}
pepper: file:{folder}/pepper
"""


class Nodes:
    """Both nodes, their servers, and one session."""

    def __init__(self, folder: Path, old: Double, new: Double, redis: str):
        pepper = write(folder, "pepper".ljust(64, "0"), "pepper")
        pepper.chmod(0o600)
        self.doubles = {"old": old, "new": new}
        self.houses = []
        for name in ("a", "b"):
            text = CONFIGURATION.format(old=old.url, new=new.url, redis=redis, folder=folder)
            write(folder, text, f"{name}/triplegate.yaml")
            self.houses.append(House(folder / name))
        self.session = ""
        self.key = ""

    def post(self, node: int, method: str, params: dict | None = None, **more) -> httpx.Response:
        request = legacy(method, params, session=self.session, **more)
        request["headers"] |= bearer(self.key)
        return httpx.post(f"{self.houses[node].url}/mcp", timeout=20, **request)

    def call(self, node: int, server: str, mark: str) -> httpx.Response:
        return self.post(node, "tools/call", {"name": f"{server}__t", "arguments": {"mark": mark}})

    def seen(self, server: str, mark: str) -> int:
        return sum(one["params"]["arguments"].get("mark") == mark for one in self.doubles[server].calls("t"))


@pytest.fixture
def nodes(tmp_path):
    redis = RedisServer("redis").start()
    try:
        with Double(tool("t"), era="legacy") as old, Double(tool("t")) as new:
            made = Nodes(tmp_path, old, new, redis.url)
            with made.houses[0] as first, made.houses[1]:
                made.key = first.key()
                hello = {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {},
                    "clientInfo": {"name": "t", "version": "1"},
                }
                opened = made.post(0, "initialize", hello, version=None)
                made.session = opened.headers["mcp-session-id"]
                eventually(lambda: made.post(1, "ping").status_code == 200)  # the key reaches the other node
                yield made
    finally:
        redis.stop()


def interrupted(nodes: Nodes, node: int, server: str, mark: str) -> None:
    """A call is under way at `node` when that is killed: its client hears of an error, and its server of one call."""
    begun, release = threading.Event(), threading.Event()

    async def held(message):
        import asyncio

        begun.set()
        while not release.is_set():
            await asyncio.sleep(0.01)
        return said("too late")

    nodes.doubles[server].behave["tools/call t"] = held
    outcome: list[object] = []

    def client() -> None:
        try:
            outcome.append(nodes.call(node, server, mark))
        except httpx.TransportError as error:
            outcome.append(error)

    waiting = threading.Thread(target=client)
    waiting.start()
    try:
        assert begun.wait(10)
        nodes.houses[node].kill()
        waiting.join(20)
    finally:
        release.set()
        nodes.doubles[server].behave.clear()
    (heard,) = outcome
    assert isinstance(heard, httpx.TransportError) or "error" in heard.text
    assert nodes.seen(server, mark) == 1


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_session_goes_on_through_the_other_node_and_no_call_is_repeated(nodes):
    for turn in range(6):
        node, server = turn % 2, ("old", "new")[turn // 2 % 2]
        other = 1 - node
        for where in (node, other):
            assert "t was called" in nodes.call(where, server, f"before {turn} {where}").text
        interrupted(nodes, node, server, f"cut {turn}")
        for each in ("old", "new"):
            assert "t was called" in nodes.call(other, each, f"after {turn} {each}").text
            assert nodes.seen(each, f"after {turn} {each}") == 1
        assert nodes.seen(server, f"cut {turn}") == 1  # nobody took it up again
        nodes.houses[node].start()
        assert nodes.post(node, "ping").status_code == 200
    gone = httpx.delete(
        f"{nodes.houses[0].url}/mcp", headers={**bearer(nodes.key), "mcp-session-id": nodes.session}, timeout=10
    )
    assert gone.status_code == 204
    assert nodes.post(1, "ping").status_code == 404
