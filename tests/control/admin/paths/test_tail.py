"""The live tail on a real socket: as it happens, own teams only, over when the token is."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

from triplegate.control.admin.paths import tail
from triplegate.control.telemetry.finished import Finished
from triplegate.control.telemetry.tail import WATCHERS

Make = Callable[..., Finished]


async def events(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line[6:])


def reading(served: str, token: str, **headers: str) -> httpx.AsyncClient:
    headers["authorization"] = f"Bearer {token}"
    return httpx.AsyncClient(base_url=served, headers=headers, timeout=10, trust_env=False)


async def test_an_exchange_is_seen_while_the_answer_goes_on(stage: Any, served: str, make_finished: Make) -> None:
    stage.telemetry.tail.take([make_finished(exchange="before")])
    async with (
        reading(served, await stage.token("viewer")) as client,
        client.stream("GET", "/admin/v1/tail") as answer,
        asyncio.timeout(10),
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        seen = events(answer)
        assert (await anext(seen))["id"] == "before"
        stage.telemetry.tail.take([make_finished(exchange="now")])  # only after the first one came
        assert (await anext(seen))["id"] == "now"


async def test_it_goes_on_where_a_browser_left_off_and_starts_anew_after_a_restart(
    stage: Any, served: str, make_finished: Make
) -> None:
    stage.telemetry.tail.take([make_finished(exchange=f"x{number}") for number in range(5)])
    token = await stage.token("viewer")
    for last, first in (("3", "x3"), ("9000000", "x0"), ("nonsense", "x0")):
        async with (
            reading(served, token, **{"last-event-id": last}) as client,
            client.stream("GET", "/admin/v1/tail") as answer,
            asyncio.timeout(10),
        ):
            assert (await anext(events(answer)))["id"] == first


async def test_a_team_sees_its_own_exchanges_only(stage: Any, served: str, make_finished: Make) -> None:
    both = [make_finished(exchange="theirs", org="umbrella", team="books"), make_finished(exchange="mine")]
    token = await stage.token("viewer", org="acme", team="web")
    stage.telemetry.tail.take(both)
    async with (
        reading(served, token) as client,
        client.stream("GET", "/admin/v1/tail") as answer,
        asyncio.timeout(10),
    ):
        seen = events(answer)
        assert (await anext(seen))["id"] == "mine"
        stage.telemetry.tail.take(both)
        assert (await anext(seen))["id"] == "mine"
        assert [one["id"] for one in (await client.get("/admin/v1/exchanges")).json()] == ["mine", "mine"]


async def test_revoking_the_token_ends_the_tail_at_the_next_beat(stage: Any, served: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(tail, "BEAT", 0.05)
    token, record = await stage.parts.tokens.issue({"viewer"})
    async with (
        reading(served, token) as client,
        client.stream("GET", "/admin/v1/tail") as answer,
        asyncio.timeout(10),
    ):
        chunks = answer.aiter_bytes()
        while b"still here" not in await anext(chunks):
            pass
        await stage.store.tokens.revoke(record.token_id, stage.clock.wall())
        async for _ in chunks:
            pass  # it ends by itself


async def test_tails_are_bounded_and_given_back(stage: Any, served: str) -> None:
    token = await stage.token("viewer")
    views = [stage.telemetry.tail.watch(lambda _: True) for _ in range(WATCHERS)]
    for view in views:
        view.__enter__()
    async with reading(served, token) as client:
        assert (await client.get("/admin/v1/tail")).status_code == 503
        for view in views:
            view.__exit__(None, None, None)
        async with client.stream("GET", "/admin/v1/tail") as answer:
            assert answer.status_code == 200
        async with asyncio.timeout(5):  # the client left: the place is free again
            while stage.telemetry.tail._watchers:
                await asyncio.sleep(0.02)


async def test_closing_the_house_ends_live_tails(stage: Any, served: str) -> None:
    async with (
        reading(served, await stage.token("viewer")) as client,
        client.stream("GET", "/admin/v1/tail") as answer,
        asyncio.timeout(10),
    ):
        chunks = answer.aiter_bytes()
        await anext(chunks)
        stage.telemetry.tail.close()
        async for _ in chunks:
            pass


async def test_the_number_of_exchanges_asked_for_is_bounded(stage: Any, make_finished: Make) -> None:
    stage.telemetry.tail.take([make_finished()] * 50)
    async with stage.client(await stage.token("viewer")) as client:
        assert len((await client.get("/admin/v1/exchanges?most=7")).json()) == 7
        assert (await client.get("/admin/v1/exchanges?most=100000")).status_code == 422
