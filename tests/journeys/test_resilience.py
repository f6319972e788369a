"""Bad upstreams behind a real gateway: what the client is told, how soon, and that nothing is left behind."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from tests.hostile.scripted import Upstream
from tests.journeys.running import House, eventually, free_port, write

CONFIGURATION = """
services:
  bad:
    endpoints: ["{bad}"]
    timeouts: {{connect: 1s, first_byte: 400ms, idle: 400ms, total: 5s}}
    policies: [{{use: retry, attempts: 1, backoff: {{base: 1ms, max: 5ms}}}}]
  down: {{endpoints: ["http://127.0.0.1:{closed}"], policies: [{{use: retry, backoff: {{base: 1ms, max: 5ms}}}}]}}
  failing: {{endpoints: ["{bad}"], policies: [{{use: breaker, rate: 0.5, volume: 4, window: 60s, open_for: 60s}}]}}
  half: {{endpoints: ["{bad}", "http://127.0.0.1:{closed}"], policies: [{{use: retry}}]}}
  sluggish:
    endpoints: ["{bad}"]
    timeouts: {{first_byte: 20s, total: 20s}}
    policies: [{{use: timeout, attempt: 300ms}}, {{use: retry, backoff: {{base: 1ms, max: 5ms}}}}]
  narrow: {{endpoints: ["{bad}"], policies: [{{use: bulkhead, at_once: 1, queue: 2, queue_timeout: 20s}}]}}
routes:
  bad: {{service: bad, match: {{path: /bad}}, identity: none, owner: web}}
  down: {{service: down, match: {{path: /down}}, identity: none, owner: web}}
  failing: {{service: failing, match: {{path: /failing}}, identity: none, owner: web}}
  half: {{service: half, match: {{path: /half}}, identity: none, owner: web}}
  sluggish: {{service: sluggish, match: {{path: /sluggish}}, identity: none, owner: web}}
  narrow: {{service: narrow, match: {{path: /narrow}}, identity: none, owner: web}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def misbehave(talk):
    """Whatever the path says."""
    while True:
        path = (await talk.head()).split(b" ")[1].rpartition(b"/")[2]
        if path == b"silent":
            await talk.read_to_end()
            return
        if path == b"reset":
            talk.reset()
            return
        if path == b"closes":
            return
        if path == b"garbage":
            await talk.say(b"\x16\x03\x01\x00 what is this\r\n\r\n")
            await talk.read_to_end()
            return
        if path == b"error":
            await talk.say(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
        elif path in (b"stalls", b"cut", b"resets_late"):
            await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour")
            if path == b"stalls":
                await talk.read_to_end()
            elif path == b"resets_late":
                talk.reset()
            return
        else:
            await talk.say(OK)


class Behind:
    """The gateway and the upstream, with a client between."""

    def __init__(self, house, upstream, client):
        self.house, self.upstream, self.client = house, upstream, client

    def asked(self, path):
        """How often the upstream was asked for it."""
        return sum(talk.received.count(path.encode() + b" HTTP/1.1") for talk in self.upstream.talks)

    def sockets(self):
        """Sockets that the gateway has open."""
        found = 0
        for link in Path(f"/proc/{self.house.process.pid}/fd").iterdir():
            try:
                found += str(link.readlink()).startswith("socket:")
            except OSError:
                continue
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One gateway for all of it; its upstream has an address that outlives each test's loop."""
    folder, port = tmp_path_factory.mktemp("resilience"), free_port()
    write(folder, CONFIGURATION.format(bad=f"http://127.0.0.1:{port}", closed=free_port()))
    with House(folder) as house:
        yield house, port


@pytest.fixture
async def behind(running):
    house, port = running
    async with Upstream(misbehave, port) as upstream, httpx.AsyncClient(base_url=house.url, timeout=15) as client:
        yield Behind(house, upstream, client)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/down/x", 502, "upstream-unreachable"),
        ("/bad/silent", 504, "upstream-timeout"),
        ("/bad/reset", 502, "upstream-reset"),
        ("/bad/closes", 502, "upstream-reset"),
        ("/bad/garbage", 502, "upstream-malformed"),
    ],
)
async def test_before_an_answer_began_the_client_is_told_what_was_wrong(behind, path, status, code):
    for method, tries in (("GET", 2), ("POST", 1)):
        before, began = behind.asked(path), time.monotonic()
        answer = await behind.client.request(method, path, content=b"x" if method == "POST" else None)
        assert answer.status_code == status
        assert answer.json()["type"].endswith(code)
        assert time.monotonic() - began < 5
        if path.startswith("/bad"):
            assert behind.asked(path) - before == tries, "what may not be repeated is sent once"


async def test_each_attempt_has_its_time_and_the_next_one_its_own(behind):
    began = time.monotonic()
    assert (await behind.client.get("/sluggish/silent")).status_code == 504
    assert behind.asked("/sluggish/silent") == 2
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("path", ["/bad/cut", "/bad/resets_late", "/bad/stalls"])
async def test_after_it_began_the_answer_is_visibly_cut(behind, path):
    began = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        await behind.client.get(path)
    assert time.monotonic() - began < 5
    assert behind.asked(path) == 1, "an answer that began is never begun again"


async def test_a_small_body_is_sent_again_where_the_method_allows(behind):
    before = behind.asked("/bad/reset")
    await behind.client.put("/bad/reset", content=b"x" * 60_000)
    assert behind.asked("/bad/reset") - before == 2
    await behind.client.put("/bad/reset", content=b"x" * 70_000)
    assert behind.asked("/bad/reset") - before == 3, "a larger one goes out as it comes, once"
    await behind.client.post("/bad/reset", content=b"x", headers={"idempotency-key": "k1"})
    assert behind.asked("/bad/reset") - before == 5, "its sender says that it may be repeated"


async def test_where_one_of_two_endpoints_is_down_nobody_notices(behind):
    statuses = [(await behind.client.get("/half/x")).status_code for _ in range(20)]
    assert statuses == [200] * 20


async def test_a_service_that_fails_often_enough_is_left_alone(behind):
    statuses = [(await behind.client.get(f"/failing/{path}")).status_code for path in ("x", "error") * 2]
    assert statuses == [200, 500, 200, 500]
    answer = await behind.client.get("/failing/x")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (503, "upstream-open")
    assert 50 < int(answer.headers["retry-after"]) <= 61


async def test_one_that_leaves_the_queue_leaves_no_gap(behind):
    inside = asyncio.ensure_future(behind.client.get("/narrow/silent", timeout=20))
    await behind.upstream.until(lambda: behind.asked("/narrow/silent") == 1)
    with pytest.raises(httpx.ReadTimeout):
        await behind.client.get("/narrow/x", timeout=0.3)  # gives up while it waits
    waiting = asyncio.ensure_future(behind.client.get("/narrow/x", timeout=20))
    inside.cancel()
    assert (await waiting).status_code == 200
    assert (await behind.client.get("/narrow/x")).status_code == 200


async def test_nothing_is_left_behind(behind):
    paths = ["silent", "reset", "closes", "garbage", "error", "stalls", "cut", "resets_late", "x"]
    origin = f"127.0.0.1:{behind.upstream.port}"
    for _ in range(2):
        calls = [behind.client.get(f"/bad/{path}") for path in paths * 5]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(one, httpx.RemoteProtocolError) for one in found) == 15

    def settled():
        metrics = behind.house.metrics()
        pool = {
            state: sum(value for name, value in metrics.items() if origin in name and f'state="{state}"' in name)
            for state in ("used", "idle", "waiting")
        }
        active = sum(value for name, value in metrics.items() if name.startswith("http_server_active_requests"))
        kept = behind.upstream.open  # only what can be used again is open
        return active == pool["used"] == pool["waiting"] == 0 and kept == pool["idle"]

    await asyncio.to_thread(eventually, settled)
    await behind.client.aclose()
    await asyncio.to_thread(eventually, lambda: behind.sockets() < 40)
