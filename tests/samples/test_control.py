"""Journal, last requests and latches: what tests steer and read samples by."""

import asyncio
import contextlib
from pathlib import Path

import httpx

from triplegate.samples import orders
from triplegate.samples.http import Server
from triplegate.samples.journal import Journal, read


async def test_the_journal_holds_the_start_and_the_end_of_every_request(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    journal = Journal(file)
    async with Server(orders.handler(journal=journal)) as server, httpx.AsyncClient(base_url=server.url) as client:
        await client.get("/orders/ord_1001", headers={"x-request-id": "A"})
        await client.get("/orders/none", headers={"x-request-id": "B"})
        async with client.stream("GET", "/orders/stream?latch=l", headers={"x-request-id": "C"}):
            assert [line["id"] for line in read(file) if line["event"] == "request"] == ["A", "B", "C"]
        assert (await client.get("/control/latch/l?wait=5")).json()["outcome"] == "gone"
    journal.close()
    assert [(line["id"], line["event"], line.get("status")) for line in read(file)] == [
        ("A", "request", None),
        ("A", "answered", 200),
        ("B", "request", None),
        ("B", "answered", 404),
        ("C", "request", None),
        ("C", "gone", 200),
    ]


async def test_a_client_that_leaves_before_the_head_is_in_the_journal_too(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    journal = Journal(file)
    async with (
        Server(orders.handler(journal=journal)) as server,
        httpx.AsyncClient(base_url=server.url, timeout=0.2) as client,
    ):
        with contextlib.suppress(httpx.ReadTimeout):
            await client.get("/slow?seconds=20")
        async with asyncio.timeout(5):
            while len(read(file)) < 2:
                await asyncio.sleep(0.01)
        assert [line["event"] for line in read(file)] == ["request", "gone"]
    journal.close()


def test_a_line_cut_short_by_a_kill_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.write_bytes(b'{"n":1}\n{"n":')
    assert read(file) == [{"n": 1}]
    assert read(tmp_path / "none") == []


async def test_the_last_requests_show_what_arrived() -> None:
    async with Server(orders.handler()) as server, httpx.AsyncClient(base_url=server.url) as client:
        for number in range(120):
            await client.get(f"/health?n={number}", headers={"x-mark": str(number)})
        seen = (await client.get("/control/requests")).json()
    assert len(seen) == 100
    assert seen[-1]["target"] == "/health?n=119"
    assert seen[-1]["outcome"] == "answered"
    assert ["x-mark", "119"] in seen[-1]["headers"]


async def test_a_latch_holds_the_second_event_until_it_is_released() -> None:
    async with Server(orders.handler()) as server, httpx.AsyncClient(base_url=server.url) as client:
        async with client.stream("GET", "/orders/stream?latch=l&interval=0&count=3") as reply:
            lines = reply.aiter_lines()
            while await anext(lines) != "id: 1":
                pass
            assert (await client.get("/control/latch/l")).json()["passed"] == 1
            assert (await client.post("/control/latch/l?release=2")).json()["permits"] >= 0
            assert "id: 3" in [line async for line in lines]
        state = (await client.get("/control/latch/l?wait=5")).json()
    assert state == {"passed": 3, "waiting": 0, "permits": 0, "outcome": "answered"}


async def test_wrong_controls_are_refused() -> None:
    async with Server(orders.handler()) as server, httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/control/other")).status_code == 404
        assert (await client.post("/control/latch/l?release=many")).status_code == 400
