"""`serve --workers 2`: one port, one page, one ledger; a worker that dies takes only its own calls with it."""

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from tests.chaos.calls import Call, Load, ask, cuts
from tests.chaos.houses import chat, furnish
from tests.journeys.running import House, eventually, records

from triplegate.samples.start import start_samples


class Node(House):
    """A house of two workers."""

    def __init__(self, directory: Path, redis: str = "", **environment: str):
        shared = {"TRIPLEGATE_REDIS_URL": redis} if redis else {}
        super().__init__(directory, "serve", "--workers", "2", **shared, **environment)

    def workers(self) -> list[int]:
        """Their process ids, oldest first; the first one to be started leads."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children]

    def listening(self) -> int:
        """Sockets that take connections of clients."""
        wanted = f":{self.port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(wanted) and row[3] == "0A" for row in rows)

    def whole(self) -> bool:
        return self.listening() == 2

    def leader(self) -> int:
        """The worker that has the control port."""
        wanted = f":{self.admin_port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        [inode] = [row[9] for row in rows if row[1].endswith(wanted) and row[3] == "0A"]
        return next(pid for pid in self.workers() if f"socket:[{inode}]" in sockets(pid))


def sockets(pid: int) -> set[str]:
    links = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.add(str(link.readlink()))
        except OSError:
            continue
    return links


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    with start_samples(journal=tmp_path_factory.mktemp("samples") / "journal.jsonl") as running:
        yield running


@pytest.fixture(scope="module")
def node(samples, tmp_path_factory, redis_url):
    folder = tmp_path_factory.mktemp("node")
    furnish(folder, samples, settings="drain: {grace: 2s}", limit=15)
    with Node(folder, redis_url.removesuffix("/0") + "/3") as running:
        assert running.whole(), "ready is said when all listen"
        yield running


async def many(node: Node, count: int, path: str, **more) -> Counter:
    """As many connections, of which each worker gets some."""
    answers = await asyncio.gather(*(ask(node.port, path, **more) for _ in range(count)))
    return Counter(answer.status for answer in answers)


def answered(node: Node) -> float:
    return sum(value for name, value in node.metrics().items() if name.startswith("triplegate_requests_total"))


async def test_two_workers_share_the_port_and_the_page_shows_the_sum(node):
    assert len(node.workers()) == 2
    assert node.lines.count("ready") == 1
    key = await asyncio.to_thread(node.key)
    before = await asyncio.to_thread(answered, node)
    assert await many(node, 60, "/orders/ord_1001", key=key) == {200: 60}
    await asyncio.to_thread(eventually, lambda: answered(node) == before + 60, 3.0)
    tail = (await asyncio.to_thread(node.admin, "GET", "/exchanges", params={"most": 60})).json()
    assert len({entry["id"] for entry in tail}) == 60
    assert {entry["consumer"] for entry in tail} == {"ci"}
    status = (await asyncio.to_thread(node.admin, "GET", "/status")).json()
    assert status["degraded"] == []


async def test_a_new_key_opens_and_a_revoked_one_closes_every_worker_at_once(node):
    answer = await asyncio.to_thread(
        node.admin, "POST", "/keys", json={"org": "acme", "team": "web", "consumer": "ci", "name": "brief"}
    )
    key, identity = answer.json()["key"], answer.json()["key_id"]
    assert await many(node, 30, "/orders/ord_1001", key=key) == {200: 30}
    assert (await asyncio.to_thread(node.admin, "DELETE", f"/keys/{identity}")).status_code in (200, 204)
    assert await many(node, 30, "/orders/ord_1001", key=key) == {401: 30}


async def test_the_report_has_what_every_worker_booked_a_moment_ago(node):
    key = await asyncio.to_thread(node.key)
    before = (await asyncio.to_thread(node.usage, "route")).get(("orders",), {"requests": 0})["requests"]
    assert await many(node, 40, "/orders/ord_1002", key=key) == {200: 40}
    after = (await asyncio.to_thread(node.usage, "route"))[("orders",)]["requests"]
    assert after - before == 40


async def test_a_limit_is_one_limit_for_all_workers(node):
    key = await asyncio.to_thread(node.key)
    assert await many(node, 40, "/health", key=key) == {200: 15, 429: 25}


async def test_a_reload_is_in_force_everywhere_when_it_is_answered(node):
    path = node.directory / "triplegate.yaml"
    text = path.read_text()
    assert await many(node, 20, "/public/echo") == {404: 20}
    path.write_text(text.replace("path: /public/health", "path: /public"))
    done = await asyncio.to_thread(node.admin, "POST", "/config/reload")
    assert done.status_code == 200
    assert await many(node, 20, "/public/echo") == {200: 20}
    path.write_text(text)
    os.kill(node.process.pid, signal.SIGHUP)
    async with asyncio.timeout(10):
        while await many(node, 20, "/public/echo") != {404: 20}:
            await asyncio.sleep(0.05)


async def test_a_killed_worker_costs_its_own_calls_and_nothing_after_a_second(node):
    key = await asyncio.to_thread(node.key)
    leader = node.leader()
    [follower] = [pid for pid in node.workers() if pid != leader]
    before = await asyncio.to_thread(answered, node)
    load = Load(10, lambda _: Call(node.port, "/orders/ord_1001", key=key), pause=0.01)
    async with load:
        await load.made(50)
        killed = time.monotonic()
        os.kill(follower, signal.SIGKILL)
        await asyncio.to_thread(eventually, lambda: follower not in node.workers() and node.whole(), 10.0)
        await load.made(50)
    assert [what for at, what in load.failures if not killed - 0.5 < at < killed + 1] == []
    assert set(load.seen) <= {200, "dropped", "incomplete"}, load.seen
    assert sum(load.seen.values()) - load.seen[200] <= 10
    assert node.leader() == leader
    # what it had counted stays counted, up to its last report, and its successor is seen
    lost = len(load.failures) + 60
    await asyncio.to_thread(eventually, lambda: answered(node) >= before + load.seen[200] - lost, 3.0)
    await asyncio.to_thread(eventually, lambda: not node.admin("GET", "/status").json()["degraded"], 5.0)
    ids = await asyncio.to_thread(booked, node, key)
    assert len(ids) == len(set(ids))


def booked(node: Node, key: str) -> list[str]:
    node.usage("route")
    eventually(lambda: len(list((node.directory / ".triplegate" / "spool").glob("*.lock"))) == 2, 10.0)
    return [row["exchange"] for row in records(node.directory, "kind in ('final', 'unknown')")]


async def test_a_killed_leader_has_a_successor_and_the_others_serve_meanwhile(node):
    key = await asyncio.to_thread(node.key)
    leader = node.leader()
    async with Load(5, lambda _: Call(node.port, "/orders/ord_1001", key=key), pause=0.01) as load:
        await load.made(20)
        killed = time.monotonic()
        os.kill(leader, signal.SIGKILL)
        await asyncio.to_thread(eventually, lambda: leader not in node.workers() and node.whole(), 10.0)
        await load.made(20)
    assert [what for at, what in load.failures if not killed - 0.5 < at < killed + 1] == []
    assert sum(load.seen.values()) - load.seen[200] <= 5
    assert node.leader() != leader
    await asyncio.to_thread(eventually, lambda: not node.admin("GET", "/status").json()["degraded"], 5.0)
    fresh = await asyncio.to_thread(node.key)
    assert await many(node, 20, "/orders/ord_1001", key=fresh) == {200: 20}


async def test_a_worker_that_starts_while_the_files_are_broken_serves_what_the_others_do(node):
    key = await asyncio.to_thread(node.key)
    path = node.directory / "triplegate.yaml"
    text = path.read_text()
    leader = node.leader()
    [follower] = [pid for pid in node.workers() if pid != leader]
    path.write_text(text + "routes: {broken: [\n")
    try:
        os.kill(follower, signal.SIGKILL)
        await asyncio.to_thread(eventually, lambda: follower not in node.workers() and node.whole(), 10.0)
        assert await many(node, 20, "/orders/ord_1001", key=key) == {200: 20}
    finally:
        path.write_text(text)


def refused(directory: Path, **environment: str) -> tuple[int, str]:
    """Start something that must not start: its status and what it said."""
    node = Node(directory, **environment)
    try:
        with pytest.raises(AssertionError, match="it ended"):
            node.start()
        status = node.process.wait(10)
    finally:
        node.stop()  # one that started after all
    return status, "\n".join(node.lines)


def test_workers_that_each_count_alone_are_refused_unless_that_is_wanted(samples, tmp_path):
    furnish(tmp_path, samples)
    status, said = refused(tmp_path)
    assert status == 1
    assert "several workers or nodes need shared state (redis), or allow_local_limits: true" in said
    assert "Traceback" not in said


def test_a_port_in_use_is_told_once_before_anything_starts(samples, tmp_path, node):
    furnish(tmp_path, samples, settings="allow_local_limits: true")
    status, said = refused(tmp_path, TRIPLEGATE_PORT=str(node.port))
    assert status == 1
    assert said.count(f"port {node.port} on 127.0.0.1 is in use") == 1
    assert not (tmp_path / ".triplegate" / "spool").exists()


@pytest.mark.long  # the store is given its ten seconds
def test_what_a_worker_cannot_reach_is_told_once_and_ends_the_start(samples, tmp_path):
    furnish(tmp_path, samples, settings="allow_local_limits: true")
    (tmp_path / ".triplegate").mkdir()
    (tmp_path / ".triplegate" / "triplegate.db").write_bytes(b"this is no database at all" * 100)
    status, said = refused(tmp_path)
    assert status == 1
    assert said.count("not a database") == 1, said
    assert "ready" not in said


# the last two end the node that the others used ---------------------------------------------------------------
async def test_a_stop_drains_every_worker(node):
    key = await asyncio.to_thread(node.key)
    ending = [Call(node.port, "/orders/stream?interval=0.1&count=8", key=key) for _ in range(20)]
    endless = chat({"tokens": 10_000, "pace": 0.1}, stream=True)
    told = [Call(node.port, "/v1/chat/completions", key=key, body=endless) for _ in range(20)]
    async with cuts([*ending, *told]) as calls:
        for call in calls:
            await call.begin()
            await call.until(lambda raw: b"data:" in raw)
        begun = time.monotonic()
        stopping = asyncio.create_task(asyncio.to_thread(node.stop))
        await asyncio.gather(*(call.finish() for call in calls))
        assert await stopping == 0
        assert time.monotonic() - begun < 6
    assert all(call.complete for call in calls)
    assert all('"code":"draining"' in call.text for call in told)
    rows = Counter(row["exchange"] for row in records(node.directory))
    assert {rows[call.id] for call in calls} == {1}
    assert not (node.directory / ".triplegate" / "running.json").exists()
    said = "\n".join(iter(node._told.get, None))
    assert "Traceback" not in said, said
    assert "Exception" not in said, said


async def test_workers_whose_supervisor_was_killed_end_by_themselves(node):
    await asyncio.to_thread(node.start)
    pids = node.workers()
    node.process.kill()
    node.process.wait(5)
    try:
        await asyncio.to_thread(eventually, lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 8.0)
        with pytest.raises(httpx.ConnectError):
            httpx.get(node.url, trust_env=False)
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
