"""Hundreds of streams that their clients cut: nothing stays open, and each is booked exactly once."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest
from tests.chaos.calls import Call, cuts
from tests.chaos.houses import chat, furnish
from tests.journeys.running import House, eventually, journal, records, write
from tests.journeys.websocket_upstream import Service
from websockets.asyncio.client import connect

from triplegate.samples.start import start_samples


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams")
    with start_samples(journal=folder / "journal.jsonl") as samples:
        furnish(folder, samples)
        with House(folder) as running:
            yield running


def used(house: House) -> int:
    """Connections to upstreams that carry a call now."""
    return int(sum(value for name, value in house.metrics().items() if 'triplegate_state="used"' in name))


async def open_streams(house: House, key: str, count: int) -> list[Call]:
    """Half of them server-sent events of a service, half answers of a model; all with something of their body."""
    endless = "/orders/stream?interval=0.05&count=0"
    words = chat({"tokens": 10_000, "pace": 0.05}, stream=True)
    calls = [Call(house.port, endless, key=key) for _ in range(count // 2)]
    calls += [Call(house.port, "/v1/chat/completions", key=key, body=words) for _ in range(count - count // 2)]

    async def started(call: Call) -> None:
        await call.begin()
        await call.until(lambda raw: raw.count(b"data:") >= 2)

    for at in range(0, count, 50):
        await asyncio.gather(*map(started, calls[at : at + 50]))
    return calls


async def cut_at_random(calls: list[Call], over: float, seed: int) -> None:
    chance = random.Random(seed)
    for call in chance.sample(calls, len(calls)):
        call.cut()
        await asyncio.sleep(chance.uniform(0, 2 * over / len(calls)))


async def check(house: House, count: int, seed: int) -> None:
    key = await asyncio.to_thread(house.key)
    async with cuts(await open_streams(house, key, count)) as calls:
        assert {call.status for call in calls} == {200}
        assert await asyncio.to_thread(used, house) == count
        await cut_at_random(calls, 1.0, seed)
        await asyncio.to_thread(eventually, lambda: used(house) == 0, 1.0)
    await asyncio.to_thread(house.usage, "route")  # drains the spool
    ids = {call.id for call in calls}
    assert len(ids) == count
    rows = [row for row in records(house.directory) if row["exchange"] in ids]
    assert len(rows) == count
    assert Counter(row["outcome"] for row in rows) == {"gone": count}
    assert {row["kind"] for row in rows} == {"final"}
    ends = Counter(line["event"] for line in journal(house.directory / "journal.jsonl") if line["id"] in ids)
    assert ends == {"request": count, "gone": count}


async def test_two_hundred_cut_streams_leave_no_connection_and_one_record_each(house):
    await check(house, 200, 1)


async def test_tokens_of_a_cut_answer_are_counted_up_to_the_cut(house):
    key = await asyncio.to_thread(house.key)
    script = {"tokens": 100, "latch": "counted"}
    async with cuts([Call(house.port, "/v1/chat/completions", key=key, body=chat(script, stream=True))]) as [call]:
        await call.begin()
        await call.until(lambda raw: b"tok" in raw)
    await asyncio.to_thread(eventually, lambda: used(house) == 0, 1.0)
    await asyncio.to_thread(house.usage, "route")
    [row] = [row for row in records(house.directory) if row["exchange"] == call.id]
    assert row["outcome"] == "gone"
    assert 1 <= row["output_text"] <= 2


@pytest.mark.long
async def test_a_thousand_cut_streams_leave_no_connection_and_one_record_each(house):
    for seed in range(5):
        await check(house, 200, seed)


SOCKETS = """
services: {{chat: {{endpoints: ["http://127.0.0.1:{port}"], websocket: true}}}}
routes: {{chat: {{service: chat, match: {{path: /}}, records: each, owner: web, policies: [{{use: key_auth}}]}}}}
orgs: {{acme: {{teams: {{web: {{consumers: {{ci: {{}}}}}}}}}}}}
"""


@pytest.fixture(scope="module")
def service():
    service = Service()
    yield service
    service.close()


@pytest.fixture(scope="module", params=["granian", "loop"])
def sockets(request, tmp_path_factory, service):
    folder = tmp_path_factory.mktemp("sockets")
    write(folder, SOCKETS.format(port=service.port))
    with House(folder, TRIPLEGATE_TRANSPORT=request.param) as running:
        running.left = {"gone", "ok"} if request.param == "granian" else {"gone"}  # docs/deviations.md
        yield running


def files(house: House) -> int:
    """Descriptors that the gateway has open, those of its clients and upstreams among them."""
    return len(list(Path(f"/proc/{house.process.pid}/fd").iterdir()))


def under_way(house: House) -> int:
    """Exchanges, each the task of its own that carries it."""
    return int(sum(value for name, value in house.metrics().items() if name.startswith("http_server_active_requests{")))


async def cut_sockets(house: House, service: Service, key: str, count: int, seed: int) -> None:
    """Open them, let each say something, cut them all without a word: half of them while an echo is under way."""
    chance = random.Random(seed)
    headers = {"authorization": f"Bearer {key}"}
    known = {row["exchange"] for row in records(house.directory)}
    before, asked = len(service.closed), f"ws://127.0.0.1:{house.port}/echo/{seed}"

    async def talk(number: int):
        client = await connect(asked, additional_headers=headers, compression=None, open_timeout=20)
        await client.send("hello")
        assert await client.recv() == "hello"
        if number % 2:
            await client.send(b"x" * 50_000)
        return client

    clients = []
    for at in range(0, count, 50):
        clients += await asyncio.gather(*map(talk, range(at, min(at + 50, count))))
    assert await asyncio.to_thread(used, house) == await asyncio.to_thread(under_way, house) == count
    for client in chance.sample(clients, count):
        client.transport.abort()
        await asyncio.sleep(chance.uniform(0, 0.5 / count))
    await asyncio.to_thread(eventually, lambda: service.open == 0 and len(service.closed) - before == count)
    await asyncio.to_thread(eventually, lambda: used(house) == 0 and under_way(house) == 0)
    await asyncio.to_thread(house.usage, "route")  # drains the spool
    rows = [row for row in records(house.directory) if row["exchange"] not in known]
    assert len(rows) == len({row["exchange"] for row in rows}) == count
    assert Counter((row["kind"], row["status"]) for row in rows) == {("final", 101): count}
    assert {row["outcome"] for row in rows} <= house.left


async def check_sockets(house: House, service: Service, count: int, rounds: int) -> None:
    key = await asyncio.to_thread(house.key)
    await cut_sockets(house, service, key, 2, -1)  # whatever is opened at the first call stays open
    before = await asyncio.to_thread(files, house)
    for seed in range(rounds):
        await cut_sockets(house, service, key, count, seed)
    await asyncio.to_thread(eventually, lambda: files(house) <= before + 5)


async def test_fifty_cut_websockets_leave_nothing_behind_and_one_record_each(sockets, service):
    await check_sockets(sockets, service, 50, 1)


@pytest.mark.long
@pytest.mark.timeout(120)
async def test_a_thousand_cut_websockets_leave_nothing_behind_and_one_record_each(sockets, service):
    await check_sockets(sockets, service, 200, 5)
