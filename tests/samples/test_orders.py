"""The sample orders service, over HTTP."""

import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest

from triplegate.samples import orders
from triplegate.samples.http import Server

DRAFT = {"customer": "Barbara Liskov", "items": [{"sku": "clu-manual", "quantity": 2, "price": 1950}]}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with Server(orders.handler()) as server, httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def test_an_order_is_made_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    made = await client.post("/orders", json=DRAFT)
    assert made.status_code == 201
    where, first_tag = made.headers["location"], made.headers["etag"]
    assert made.json() | {"created": ""} == DRAFT | {
        "id": where.removeprefix("/orders/"), "currency": "EUR", "status": "open", "total": 3900, "created": "",
    }  # fmt: skip
    assert (await client.get(where)).json() == made.json()
    assert (await client.get(where, headers={"if-none-match": first_tag})).status_code == 304
    changed = await client.put(where, json=DRAFT | {"status": "paid"}, headers={"if-match": first_tag})
    assert (changed.status_code, changed.json()["status"]) == (200, "paid")
    stale = await client.put(where, json=DRAFT, headers={"if-match": first_tag})
    assert (stale.status_code, stale.headers["etag"]) == (412, changed.headers["etag"])
    assert (await client.delete(where)).status_code == 204
    assert (await client.get(where)).status_code == 404


async def test_an_order_with_a_chosen_id_is_made_once(client: httpx.AsyncClient) -> None:
    assert (await client.post("/orders/mine", json=DRAFT)).status_code == 201
    again = await client.post("/orders/mine", json=DRAFT)
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"customer": "x"}', b'{"customer": 1, "items": []}', b'{"other": 1}'])
async def test_a_body_that_is_no_order_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    reply = await client.post("/orders", content=body)
    assert (reply.status_code, reply.json()["status"]) == (400, 400)


async def test_the_list_is_filtered_and_paged(client: httpx.AsyncClient) -> None:
    assert (await client.get("/orders")).json()["count"] == 5
    page = (await client.get("/orders?status=open&limit=1&offset=1")).json()
    assert page["count"] == 2
    assert [order["customer"] for order in page["orders"]] == ["Katherine Johnson"]


async def test_everything_is_also_below_public(client: httpx.AsyncClient) -> None:
    assert (await client.get("/public/orders")).json() == (await client.get("/orders")).json()
    assert (await client.get("/public")).json() == {"status": "ok"}


async def test_unknown_paths_and_methods(client: httpx.AsyncClient) -> None:
    assert (await client.get("/nothing")).status_code == 404
    wrong = await client.patch("/orders/ord_1001")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, POST, PUT, DELETE")


async def test_the_stream_is_server_sent_events_that_can_be_resumed(client: httpx.AsyncClient) -> None:
    reply = await client.get("/orders/stream?interval=0&count=2", headers={"last-event-id": "7"})
    assert reply.headers["content-type"] == "text/event-stream"
    first, *events = reply.text.removesuffix("\n\n").split("\n\n")
    assert first == "retry: 1000"
    assert [event.split("\n")[:2] for event in events] == [["id: 8", "event: order"], ["id: 9", "event: order"]]
    assert '"customer":' in events[0]


async def test_slow_waits_before_the_head_or_inside_the_body(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/slow?seconds=30", timeout=0.2)
    async with client.stream("GET", "/slow?seconds=30&where=body", timeout=0.3) as reply:
        assert reply.status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            await reply.aread()
    assert (await client.get("/slow?seconds=0&where=body")).json() == {"waited": 0}
    assert (await client.get("/slow?seconds=soon")).status_code == 400


async def test_errors_on_request(client: httpx.AsyncClient) -> None:
    reply = await client.get("/error?status=503&retry_after=7")
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "7")
    assert (await client.get("/error?status=200")).status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_echo_tells_what_arrived(client: httpx.AsyncClient, method: str) -> None:
    body = b"x" * 100_000
    told = (await client.request(method, "/echo?a=1&b=%20", content=body, headers=[("x-a", "1"), ("x-a", "2")])).json()
    assert (told["method"], told["target"], told["query"]) == (method, "/echo?a=1&b=%20", {"a": "1", "b": " "})
    assert [value for name, value in told["headers"] if name == "x-a"] == ["1", "2"]
    assert (told["bytes"], told["sha256"]) == (100_000, hashlib.sha256(body).hexdigest())


async def test_an_upload_is_counted_and_not_kept(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b"y" * 65_536

    told = (await client.post("/upload", content=pieces())).json()
    assert told == {"bytes": 300 * 65_536, "sha256": hashlib.sha256(b"y" * 65_536 * 300).hexdigest()}
